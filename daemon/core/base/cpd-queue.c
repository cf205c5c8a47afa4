/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Limits and turns of requests. Each uid has limits on running and on waiting requests. If the
 * whole service is at its limit, waiting requests are served in turn by uid, so that one user's
 * flood delays others by no more than a turn. Of what a uid may have, a sandboxed app gets a part,
 * and all apps together do not get the whole; the apps and the user's own programs take turns. */

#include "config.h"

#include "daemon/core/base/cpd-queue.h"

#include "daemon/core/base/cpd-refuse.h"

/* How many requests there are. */
typedef struct
{
  guint64 running, waiting;
} Count;

/* The requests of one uid. Freed when there are none left. */
typedef struct
{
  guint32 uid;
  GHashTable *parties; /* CpdOwner → Party: those that have places */
  Count all, of_apps;
  GQueue waiting;  /* of CpdPlace */
  guint64 started; /* so far */
  CpdBudget *bodies, *bodies_of_apps;
} User;

/* Those of a user's own programs, or of one app. */
typedef struct
{
  User *user;
  CpdOwner owner;
  guint64 places; /* that were not left */
  Count count;
  guint64 turn; /* how many of the user's had started when one of these did last; 0: none did */
  CpdBudget *bodies;
} Party;

struct _CpdPlace
{
  CpdQueue *queue;
  Party *party;
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

  g_hash_table_unref (user->parties);
  cpd_budget_unref (user->bodies_of_apps);
  cpd_budget_unref (user->bodies);
  g_free (user);
}

static void
party_free (gpointer data)
{
  Party *party = data;

  cpd_budget_unref (party->bodies);
  g_free (party);
}

/* Of a limit, what one app may have, and what all of a user's may: at least one. */
static guint64
share_of_app (guint64 limit)
{
  return limit > 1 ? limit / 2 : limit;
}

static guint64
share_of_apps (guint64 limit)
{
  return limit > 1 ? limit - MAX (limit / 4, 1) : limit;
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
  user->parties = cpd_owner_table_new (party_free);
  user->bodies = cpd_budget_new (queue->body_bytes);
  user->bodies_of_apps = cpd_budget_new_within (user->bodies, share_of_apps (queue->body_bytes));
  g_hash_table_insert (queue->users, GUINT_TO_POINTER (uid), user);
  return user;
}

static Party *
get_party (CpdQueue *queue, CpdOwner owner)
{
  User *user = get_user (queue, cpd_owner_get_uid (owner));
  Party *party = cpd_owner_table_get (user->parties, owner);

  if (party != NULL)
    return party;
  party = g_new0 (Party, 1);
  party->user = user;
  party->owner = owner;
  party->bodies
      = cpd_owner_is_app (owner)
            ? cpd_budget_new_within (user->bodies_of_apps, share_of_app (queue->body_bytes))
            : cpd_budget_ref (user->bodies);
  cpd_owner_table_set (user->parties, owner, party);
  return party;
}

/* Of all that may be limited together. `running`, `waiting`: what is added, or taken away */
static void
count (CpdPlace *place, int running, int waiting)
{
  Party *party = place->party;
  Count *const counts[] = { &party->count, &party->user->all, &party->user->of_apps };

  for (size_t i = 0; i < (cpd_owner_is_app (party->owner) ? 3 : 2); i++)
    {
      counts[i]->running += (guint64)(gint64)running;
      counts[i]->waiting += (guint64)(gint64)waiting;
    }
}

/* As far as its own limits go. */
static gboolean
has_share (const Party *party, guint64 limit)
{
  return !cpd_owner_is_app (party->owner)
         || (party->count.running < share_of_app (limit)
             && party->user->of_apps.running < share_of_apps (limit));
}

static gboolean
may_run (CpdQueue *queue, const Party *party)
{
  const User *user = party->user;

  return user->all.running < queue->running_per_uid && has_share (party, queue->running_per_uid)
         && (queue->running < queue->running_max || (queue->floor && user->all.running == 0));
}

static gboolean
may_wait (CpdQueue *queue, const Party *party)
{
  guint64 most = queue->waiting_per_uid;

  return party->user->all.waiting < most
         && (!cpd_owner_is_app (party->owner)
             || (party->count.waiting < share_of_app (most)
                 && party->user->of_apps.waiting < share_of_apps (most)));
}

static void
run (CpdPlace *place)
{
  Party *party = place->party;

  place->running = TRUE;
  count (place, 1, -1);
  party->turn = ++party->user->started;
  place->queue->running++;
  place->start (place->user_data);
}

/* Of those of one party, the first that came; of several parties, of the one whose last start was
 * the longest ago.
 * Returns: (transfer none) (nullable): what may run now */
static GList *
find_next (CpdQueue *queue, User *user)
{
  GList *next = NULL;

  for (GList *link = user->waiting.head; link != NULL; link = link->next)
    {
      const Party *party = ((CpdPlace *)link->data)->party;

      if ((next == NULL || party->turn < ((CpdPlace *)next->data)->party->turn)
          && may_run (queue, party))
        next = link;
      if (next != NULL && g_hash_table_size (user->parties) == 1)
        break;
    }
  return next;
}

/* Serves the round until nobody in it may run. */
static void
serve (CpdQueue *queue)
{
  unsigned int passed_over = 0;

  while (passed_over < queue->round->length)
    {
      User *user = g_queue_pop_head (queue->round);
      GList *next = find_next (queue, user);
      CpdPlace *place = next != NULL ? next->data : NULL;

      if (next != NULL)
        g_queue_delete_link (&user->waiting, next);
      if (!g_queue_is_empty (&user->waiting))
        g_queue_push_tail (queue->round, user);
      passed_over = place != NULL ? 0 : passed_over + 1;
      if (place != NULL)
        run (place);
    }
}

/* `owner`: whose it is: a user, or an app. `start`: called in its turn.
 * Returns: (transfer full): a place, to be entered, and to be left when the request has ended */
CpdPlace *
cpd_place_new (CpdQueue *queue, CpdOwner owner, CpdPlaceFunc start, gpointer user_data)
{
  CpdPlace *place = g_new0 (CpdPlace, 1);

  place->queue = queue;
  place->party = get_party (queue, owner);
  place->party->places++;
  place->start = start;
  place->user_data = user_data;
  return place;
}

/* Returns: of an app, its own; of a user's own programs, with those of the apps, which count */
static const Count *
get_count (const CpdPlace *place)
{
  const Party *party = place->party;

  return cpd_owner_is_app (party->owner) ? &party->count : &party->user->all;
}

/* Waits for its turn, which may come before this returns.
 * Errors: CERTPIN_ERROR_LIMIT_EXCEEDED. */
gboolean
cpd_place_enter (CpdPlace *place, GError **error)
{
  CpdQueue *queue = place->queue;
  User *user = place->party->user;
  const Count *own = get_count (place);

  if (!may_run (queue, place->party) && !may_wait (queue, place->party))
    return cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED,
                       "you have %" G_GUINT64_FORMAT " requests running and %" G_GUINT64_FORMAT
                       " waiting already; let some finish first",
                       own->running, own->waiting);
  if (g_queue_is_empty (&user->waiting))
    g_queue_push_tail (queue->round, user);
  g_queue_push_tail (&user->waiting, place);
  count (place, 0, 1);
  serve (queue);
  return TRUE;
}

/* It neither runs any more nor waits. */
static void
step_back (CpdPlace *place)
{
  CpdQueue *queue = place->queue;
  User *user = place->party->user;

  if (place->running)
    {
      place->running = FALSE;
      count (place, -1, 0);
      queue->running--;
    }
  else if (g_queue_remove (&user->waiting, place))
    {
      count (place, 0, -1);
      if (g_queue_is_empty (&user->waiting))
        g_queue_remove (queue->round, user);
    }
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
  Party *party = place->party;
  User *user = party->user;

  step_back (place);
  g_free (place);
  if (--party->places == 0)
    g_hash_table_remove (user->parties, &party->owner);
  if (g_hash_table_size (user->parties) == 0)
    g_hash_table_remove (queue->users, GUINT_TO_POINTER (user->uid));
  serve (queue);
}

/* Returns: the number of running places of the same uid, or app */
guint64
cpd_place_count_running (const CpdPlace *place)
{
  return get_count (place)->running;
}

/* Returns: (transfer none): the budget for bodies of the uid, or of the app */
CpdBudget *
cpd_place_get_bodies (CpdPlace *place)
{
  return place->party->bodies;
}
