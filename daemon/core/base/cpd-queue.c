/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Limits and turns of requests. Each uid has limits on running and on waiting requests. If the
 * whole service is at its limit, waiting requests are served in turn by uid, so that one user's
 * flood delays others by no more than a turn. */

#include "config.h"

#include "daemon/core/base/cpd-queue.h"

#include "daemon/core/base/cpd-refuse.h"

/* The requests of one uid. Freed when there are none left. */
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
  GQueue *round;     /* of User: those with waiting requests, the next one first */
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

/* Even if other uids have taken all places for long, each uid has one. */
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

/* `start`: called in its turn.
 * Returns: (transfer full): a place, to be entered, and to be left when the request has ended */
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

/* Waits for its turn, which may come before this returns.
 * Errors: CERTPIN_ERROR_LIMIT_EXCEEDED. */
gboolean
cpd_place_enter (CpdPlace *place, GError **error)
{
  CpdQueue *queue = place->queue;
  User *user = place->user;

  if (!may_run (queue, user) && user->waiting.length >= queue->waiting_per_uid)
    return cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED,
                       "you have %" G_GUINT64_FORMAT
                       " requests running and %u waiting already; let some "
                       "finish first",
                       user->running, user->waiting.length);
  if (g_queue_is_empty (&user->waiting))
    g_queue_push_tail (queue->round, user);
  g_queue_push_tail (&user->waiting, place);
  serve (queue);
  return TRUE;
}

/* It neither runs any more nor waits. */
static void
step_back (CpdPlace *place)
{
  CpdQueue *queue = place->queue;
  User *user = place->user;

  if (place->running)
    {
      place->running = FALSE;
      user->running--;
      queue->running--;
    }
  else if (g_queue_remove (&user->waiting, place) && g_queue_is_empty (&user->waiting))
    g_queue_remove (queue->round, user);
}

/* It will not be started any more, and others may be, but it keeps the place: its bodies still
 * count. */
void
cpd_place_rest (CpdPlace *place)
{
  step_back (place);
  serve (place->queue);
}

/* Releases the place, in whatever state it is. */
void
cpd_place_leave (CpdPlace *place)
{
  CpdQueue *queue = place->queue;
  User *user = place->user;

  step_back (place);
  g_free (place);
  if (--user->places == 0)
    g_hash_table_remove (queue->users, GUINT_TO_POINTER (user->uid));
  serve (queue);
}

/* Returns: the number of running places of the same uid */
guint64
cpd_place_count_running (const CpdPlace *place)
{
  return place->user->running;
}

/* Returns: (transfer none): the uid's budget for bodies */
CpdBudget *
cpd_place_get_bodies (CpdPlace *place)
{
  return place->user->bodies;
}
