/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Users that take turns: whatever one of them wants waits in its own queue, and the uids go round,
 * each with one item at a time. So do the own programs and the apps of a uid, where they are told
 * apart. Whoever took much may have to rest, which cpd-presence decides. Knows nothing of threads:
 * whoever shares a round locks it. */

#include "config.h"

#include "daemon/core/base/cpd-round.h"

void
cpd_round_init (CpdRound *round)
{
  round->users = g_hash_table_new_full (g_direct_hash, g_direct_equal, NULL, g_free);
}

static void
clear (GQueue *items, GDestroyNotify free_item)
{
  if (free_item != NULL)
    g_queue_clear_full (items, free_item);
  else
    g_queue_clear (items);
}

/* `free_item`: for what still waits; NULL: it belongs to others */
void
cpd_round_clear (CpdRound *round, GDestroyNotify free_item)
{
  for (GList *link = round->queue.head; link != NULL; link = link->next)
    {
      CpdRoundUser *user = link->data;

      clear (&user->own.waiting, free_item);
      clear (&user->apps.waiting, free_item);
    }
  g_queue_clear (&round->queue);
  g_hash_table_unref (round->users);
}

static gboolean
waits (const CpdRoundUser *user)
{
  return user->own.waiting.length > 0 || user->apps.waiting.length > 0;
}

/* A user that still rests is kept: otherwise one that comes anew for each item would never rest. */
static gboolean
is_over (gpointer key, gpointer value, gpointer user_data)
{
  const CpdRoundUser *user = value;
  const gint64 *now_us = user_data;

  return user->refs == 0 && !waits (user)
         && MAX (user->own.rests_until, user->apps.rests_until) <= *now_us;
}

/* Returns: (transfer none): the user, until another one is asked for */
CpdRoundUser *
cpd_round_get_user (CpdRound *round, guint32 uid, gint64 now_us)
{
  CpdRoundUser *user = g_hash_table_lookup (round->users, GUINT_TO_POINTER (uid));

  if (user != NULL)
    return user;
  g_hash_table_foreach_remove (round->users, is_over, &now_us);
  user = g_new0 (CpdRoundUser, 1);
  user->uid = uid;
  g_hash_table_insert (round->users, GUINT_TO_POINTER (uid), user);
  return user;
}

static void
add_to (CpdRound *round, CpdRoundUser *user, CpdRoundLine *line, gpointer item)
{
  if (!waits (user))
    g_queue_push_tail (&round->queue, user);
  g_queue_push_tail (&line->waiting, item);
}

/* Puts it behind what the user wants already. */
void
cpd_round_add (CpdRound *round, CpdRoundUser *user, gpointer item)
{
  add_to (round, user, &user->own, item);
}

/* Puts it behind what the user's apps want already. */
void
cpd_round_add_of_app (CpdRound *round, CpdRoundUser *user, gpointer item)
{
  add_to (round, user, &user->apps, item);
}

/* Returns: whether it was waiting */
gboolean
cpd_round_remove (CpdRound *round, CpdRoundUser *user, gpointer item)
{
  if (!g_queue_remove (&user->own.waiting, item) && !g_queue_remove (&user->apps.waiting, item))
    return FALSE;
  if (!waits (user))
    g_queue_remove (&round->queue, user);
  return TRUE;
}

static gint64
line_may_go_at (const CpdRound *round, const CpdRoundLine *line, gint64 now_us)
{
  if (line->waiting.length == 0)
    return G_MAXINT64;
  return cpd_presence_may_go_at (&round->presence, round->queue.length, line->rests_until, now_us);
}

static gint64
user_may_go_at (const CpdRound *round, const CpdRoundUser *user, gint64 now_us)
{
  return MIN (line_may_go_at (round, &user->own, now_us),
              line_may_go_at (round, &user->apps, now_us));
}

/* Returns: when the first of all users may go; G_MAXINT64: nobody waits */
gint64
cpd_round_may_go_at (const CpdRound *round, gint64 now_us)
{
  gint64 first_us = G_MAXINT64;

  for (const GList *link = round->queue.head; link != NULL; link = link->next)
    first_us = MIN (first_us, user_may_go_at (round, link->data, now_us));
  return first_us;
}

/* At least one of its lines may go. */
static gpointer
take_of (const CpdRound *round, CpdRoundUser *user, gint64 now_us)
{
  gboolean own_may = line_may_go_at (round, &user->own, now_us) <= now_us;
  gboolean app_may = line_may_go_at (round, &user->apps, now_us) <= now_us;
  gboolean of_app = app_may && (user->app_next || !own_may);
  CpdRoundLine *line = of_app ? &user->apps : &user->own;

  user->app_next = !of_app;
  line->rests_from = 0;
  return g_queue_pop_head (&line->waiting);
}

/* Takes the next item of the next user that does not rest, who then goes to the end of the round.
 * `user`: (out) (transfer none): whose it is.
 * Returns: (transfer full) (nullable) */
gpointer
cpd_round_take (CpdRound *round, gint64 now_us, CpdRoundUser **user)
{
  GList *link = round->queue.head;
  gpointer item;

  while (link != NULL && user_may_go_at (round, link->data, now_us) > now_us)
    link = link->next;
  if (link == NULL)
    return NULL;
  *user = link->data;
  g_queue_delete_link (&round->queue, link);
  item = take_of (round, *user, now_us);
  if (waits (*user))
    g_queue_push_tail (&round->queue, *user);
  cpd_presence_note (&round->presence, (*user)->uid, now_us);
  return item;
}

/* After it took so much that `pause_us` is due. `rests_until`: what was due before. However often
 * that happens, it goes again within the longest pause. */
void
cpd_round_rest (CpdRound *round, CpdRoundLine *line, gint64 rests_until, gint64 now_us,
                gint64 pause_us)
{
  if (line->rests_from == 0)
    line->rests_from = now_us;
  line->rests_until = MIN (cpd_presence_rest (&round->presence, rests_until, now_us, pause_us),
                           line->rests_from + CPD_PRESENCE_PAUSE_MAX_US);
}
