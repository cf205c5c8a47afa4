/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Limits and turns. Each uid has so many requests running and so many waiting; where the whole
 * service is at its limit, those that wait are served one uid after the other, so that nobody's
 * flood makes others wait for more than their turn. */

#include "config.h"

#include "daemon/core/base/cpd-queue.h"

#include "client-lib/certpin-error.h"

/* What one uid has. It goes when there is nothing left. */
typedef struct
{
  guint32 uid;
  guint64 places; /* that were not left */
  guint64 running;
  GQueue waiting; /* of CpdPlace */
  CpdBudget *bodies;
} User;

struct _CpdPlace
{
  CpdQueue *queue;
  User *user;
  gboolean running;
  CpdPlaceFunc start;
  gpointer user_data;
};

struct _CpdQueue
{
  guint64 running_per_uid, waiting_per_uid, running_max, body_bytes;
  guint64 running;
  gboolean floor;    /* a uid that has none running may always start one */
  GHashTable *users; /* uid → User */
  GQueue *round;     /* of User: those with something waiting, the next to be served first */
};

static void
user_free (gpointer data)
{
  User *user = data;

  cpd_budget_unref (user->bodies);
  g_free (user);
}

CpdQueue *
cpd_queue_new (const CpdConfig *config)
{
  CpdQueue *queue = cpd_queue_new_without_bodies (config->running_per_uid, config->waiting_per_uid,
                                                  config->running);

  queue->body_bytes = config->body_bytes_per_uid;
  return queue;
}

/* Of places that hold no bodies. */
CpdQueue *
cpd_queue_new_without_bodies (guint64 running_per_uid, guint64 waiting_per_uid, guint64 running)
{
  CpdQueue *queue = g_new0 (CpdQueue, 1);

  queue->running_per_uid = running_per_uid;
  queue->waiting_per_uid = waiting_per_uid;
  queue->running_max = running;
  queue->users = g_hash_table_new_full (g_direct_hash, g_direct_equal, NULL, user_free);
  queue->round = g_queue_new ();
  return queue;
}

/* However many other uids have all places between them, and keep them for long, each has one. */
void
cpd_queue_leave_one_to_each (CpdQueue *queue)
{
  queue->floor = TRUE;
}

void
cpd_queue_free (CpdQueue *queue)
{
  if (queue == NULL)
    return;
  g_hash_table_unref (queue->users);
  g_queue_free (queue->round);
  g_free (queue);
}

static User *
get_user (CpdQueue *queue, guint32 uid)
{
  User *user = g_hash_table_lookup (queue->users, GUINT_TO_POINTER (uid));

  if (user != NULL)
    return user;
  user = g_new0 (User, 1);
  user->uid = uid;
  user->bodies = cpd_budget_new (queue->body_bytes);
  g_hash_table_insert (queue->users, GUINT_TO_POINTER (uid), user);
  return user;
}

static gboolean
may_run (CpdQueue *queue, User *user)
{
  return user->running < queue->running_per_uid
         && (queue->running < queue->running_max || (queue->floor && user->running == 0));
}

static void
run (CpdPlace *place)
{
  place->running = TRUE;
  place->user->running++;
  place->queue->running++;
  place->start (place->user_data);
}

/* Serves the round until nobody in it may run. */
static void
serve (CpdQueue *queue)
{
  unsigned int passed_over = 0;

  while (passed_over < queue->round->length)
    {
      User *user = g_queue_pop_head (queue->round);
      gboolean served = may_run (queue, user);
      CpdPlace *place = served ? g_queue_pop_head (&user->waiting) : NULL;

      if (!g_queue_is_empty (&user->waiting))
        g_queue_push_tail (queue->round, user);
      passed_over = served ? 0 : passed_over + 1;
      if (place != NULL)
        run (place);
    }
}

/* `start`: called when it is the turn's time.
 * Returns: (transfer full): a place that is yet to be entered, and to be left when the request is
 * over */
CpdPlace *
cpd_place_new (CpdQueue *queue, guint32 uid, CpdPlaceFunc start, gpointer user_data)
{
  CpdPlace *place = g_new0 (CpdPlace, 1);

  place->queue = queue;
  place->user = get_user (queue, uid);
  place->user->places++;
  place->start = start;
  place->user_data = user_data;
  return place;
}

/* Waits for its time, which may come before this returns.
 * Errors: CERTPIN_ERROR_LIMIT_EXCEEDED. */
gboolean
cpd_place_enter (CpdPlace *place, GError **error)
{
  CpdQueue *queue = place->queue;
  User *user = place->user;

  if (!may_run (queue, user) && user->waiting.length >= queue->waiting_per_uid)
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED,
                   "you have %" G_GUINT64_FORMAT
                   " requests running and %u waiting already; let some "
                   "finish first",
                   user->running, user->waiting.length);
      return FALSE;
    }
  if (g_queue_is_empty (&user->waiting))
    g_queue_push_tail (queue->round, user);
  g_queue_push_tail (&user->waiting, place);
  serve (queue);
  return TRUE;
}

/* Lets others run, but stays: what it holds of bodies still counts. */
void
cpd_place_rest (CpdPlace *place)
{
  if (!place->running)
    return;
  place->running = FALSE;
  place->user->running--;
  place->queue->running--;
  serve (place->queue);
}

/* Gives the place up, whether it runs, waits, rests or was never entered. */
void
cpd_place_leave (CpdPlace *place)
{
  CpdQueue *queue = place->queue;
  User *user = place->user;

  if (place->running)
    {
      user->running--;
      queue->running--;
    }
  else if (g_queue_remove (&user->waiting, place) && g_queue_is_empty (&user->waiting))
    g_queue_remove (queue->round, user);
  g_free (place);
  if (--user->places == 0)
    g_hash_table_remove (queue->users, GUINT_TO_POINTER (user->uid));
  serve (queue);
}

/* Returns: how many places of this one's uid are running */
guint64
cpd_place_count_running (const CpdPlace *place)
{
  return place->user->running;
}

/* Returns: (transfer none): what the place's uid may hold of bodies */
CpdBudget *
cpd_place_get_bodies (CpdPlace *place)
{
  return place->user->bodies;
}
