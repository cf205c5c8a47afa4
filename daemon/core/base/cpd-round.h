/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-presence.h"

G_BEGIN_DECLS

/* How many times as long as what it took of others a user rests, at most: it has a tenth. */
#define CPD_ROUND_REST_MAX 9

/* What of one uid wants turns, and rests, together. */
typedef struct
{
  GQueue waiting;     /* what it wants turns for, the next one first */
  gint64 rests_until; /* monotonic µs: it lets others go first */
  gint64 rests_from;  /* when it first had to, after it went last; 0: it did not */
  unsigned int calls; /* that are not answered yet, where that is counted */
} CpdRoundLine;

/* One uid that takes turns. */
typedef struct
{
  guint32 uid;
  CpdRoundLine own, apps; /* of the user's programs; of its apps, where they are told apart */
  gboolean app_next;      /* if both may go */
  unsigned int refs;      /* for whoever points to it: it stays while there are any */
  guint64 bytes;          /* what is held for it, where that is counted */
} CpdRoundUser;

/* All uids that take turns. */
typedef struct
{
  GHashTable *users; /* uid → CpdRoundUser */
  GQueue queue;      /* of CpdRoundUser: those with something that waits, the next one first */
  CpdPresence presence;
} CpdRound;

void cpd_round_init (CpdRound *round);
void cpd_round_clear (CpdRound *round, GDestroyNotify free_item);

CpdRoundUser *cpd_round_get_user (CpdRound *round, guint32 uid, gint64 now_us);
void cpd_round_add (CpdRound *round, CpdRoundUser *user, gpointer item);
void cpd_round_add_of_app (CpdRound *round, CpdRoundUser *user, gpointer item);
gboolean cpd_round_remove (CpdRound *round, CpdRoundUser *user, gpointer item);

gint64 cpd_round_may_go_at (const CpdRound *round, gint64 now_us);
gpointer cpd_round_take (CpdRound *round, gint64 now_us, CpdRoundUser **user);
void cpd_round_rest (CpdRound *round, CpdRoundLine *line, gint64 rests_until, gint64 now_us,
                     gint64 pause_us);

G_END_DECLS
