/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Limits and turns. Each uid has so many requests running and so many waiting; where the whole
 * service is at its limit, those that wait are served one uid after the other, so that nobody's
 * flood makes others wait for more than their turn. */

#include "config.h"

#include "daemon/bus/cpd-fairness.h"

#include "client-lib/certpin-error.h"

/* What one uid has. It goes when there is nothing left. */
typedef struct
{
  guint32 uid;
  guint64 turns; /* that were not left */
  guint64 running;
  GQueue waiting; /* of CpdTurn */
  CpdBudget *bodies;
} User;

struct _CpdTurn
{
  CpdFairness *fairness;
  User *user;
  gboolean running;
  CpdTurnFunc start;
  gpointer user_data;
};

struct _CpdFairness
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

CpdFairness *
cpd_fairness_new (const CpdConfig *config)
{
  CpdFairness *fairness = cpd_fairness_new_without_bodies (
      config->running_per_uid, config->waiting_per_uid, config->running);

  fairness->body_bytes = config->body_bytes_per_uid;
  return fairness;
}

/* Of turns that hold no bodies. */
CpdFairness *
cpd_fairness_new_without_bodies (guint64 running_per_uid, guint64 waiting_per_uid, guint64 running)
{
  CpdFairness *fairness = g_new0 (CpdFairness, 1);

  fairness->running_per_uid = running_per_uid;
  fairness->waiting_per_uid = waiting_per_uid;
  fairness->running_max = running;
  fairness->users = g_hash_table_new_full (g_direct_hash, g_direct_equal, NULL, user_free);
  fairness->round = g_queue_new ();
  return fairness;
}

/* However many other uids have all turns between them, and keep them for long, each has one. */
void
cpd_fairness_leave_one_to_each (CpdFairness *fairness)
{
  fairness->floor = TRUE;
}

void
cpd_fairness_free (CpdFairness *fairness)
{
  if (fairness == NULL)
    return;
  g_hash_table_unref (fairness->users);
  g_queue_free (fairness->round);
  g_free (fairness);
}

static User *
get_user (CpdFairness *fairness, guint32 uid)
{
  User *user = g_hash_table_lookup (fairness->users, GUINT_TO_POINTER (uid));

  if (user != NULL)
    return user;
  user = g_new0 (User, 1);
  user->uid = uid;
  user->bodies = cpd_budget_new (fairness->body_bytes);
  g_hash_table_insert (fairness->users, GUINT_TO_POINTER (uid), user);
  return user;
}

static gboolean
may_run (CpdFairness *fairness, User *user)
{
  return user->running < fairness->running_per_uid
         && (fairness->running < fairness->running_max || (fairness->floor && user->running == 0));
}

static void
run (CpdTurn *turn)
{
  turn->running = TRUE;
  turn->user->running++;
  turn->fairness->running++;
  turn->start (turn->user_data);
}

/* Serves the round until nobody in it may run. */
static void
serve (CpdFairness *fairness)
{
  unsigned int passed_over = 0;

  while (passed_over < fairness->round->length)
    {
      User *user = g_queue_pop_head (fairness->round);
      gboolean served = may_run (fairness, user);
      CpdTurn *turn = served ? g_queue_pop_head (&user->waiting) : NULL;

      if (!g_queue_is_empty (&user->waiting))
        g_queue_push_tail (fairness->round, user);
      passed_over = served ? 0 : passed_over + 1;
      if (turn != NULL)
        run (turn);
    }
}

/* `start`: called when it is the turn's time.
 * Returns: (transfer full): a turn that is yet to be entered, and to be left when the request is
 * over */
CpdTurn *
cpd_turn_new (CpdFairness *fairness, guint32 uid, CpdTurnFunc start, gpointer user_data)
{
  CpdTurn *turn = g_new0 (CpdTurn, 1);

  turn->fairness = fairness;
  turn->user = get_user (fairness, uid);
  turn->user->turns++;
  turn->start = start;
  turn->user_data = user_data;
  return turn;
}

/* Waits for its time, which may come before this returns.
 * Errors: CERTPIN_ERROR_LIMIT_EXCEEDED. */
gboolean
cpd_turn_enter (CpdTurn *turn, GError **error)
{
  CpdFairness *fairness = turn->fairness;
  User *user = turn->user;

  if (!may_run (fairness, user) && user->waiting.length >= fairness->waiting_per_uid)
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED,
                   "uid %u has %" G_GUINT64_FORMAT
                   " requests running and %u waiting already; let some "
                   "finish first",
                   user->uid, user->running, user->waiting.length);
      return FALSE;
    }
  if (g_queue_is_empty (&user->waiting))
    g_queue_push_tail (fairness->round, user);
  g_queue_push_tail (&user->waiting, turn);
  serve (fairness);
  return TRUE;
}

/* Lets others run, but stays: what it holds of bodies still counts. */
void
cpd_turn_rest (CpdTurn *turn)
{
  if (!turn->running)
    return;
  turn->running = FALSE;
  turn->user->running--;
  turn->fairness->running--;
  serve (turn->fairness);
}

/* Gives the place up, whether it runs, waits, rests or was never entered. */
void
cpd_turn_leave (CpdTurn *turn)
{
  CpdFairness *fairness = turn->fairness;
  User *user = turn->user;

  if (turn->running)
    {
      user->running--;
      fairness->running--;
    }
  else if (g_queue_remove (&user->waiting, turn) && g_queue_is_empty (&user->waiting))
    g_queue_remove (fairness->round, user);
  g_free (turn);
  if (--user->turns == 0)
    g_hash_table_remove (fairness->users, GUINT_TO_POINTER (user->uid));
  serve (fairness);
}

/* Returns: how many turns of this one's uid are running */
guint64
cpd_turn_count_running (const CpdTurn *turn)
{
  return turn->user->running;
}

/* Returns: (transfer none): what the turn's uid may hold of bodies */
CpdBudget *
cpd_turn_get_bodies (CpdTurn *turn)
{
  return turn->user->bodies;
}
