/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether one user has something to itself, and how long it rests after it took of what all share:
 * several times as long, but only where others are there. What it took while nobody else was there
 * it took of nobody, and the first one who comes does not make it pay for that. */

#include "config.h"

#include "daemon/core/base/cpd-presence.h"

/* Whoever wanted something within this time is there. */
#define THERE_US G_USEC_PER_SEC

/* So many times as long as it took, but not for ever. */
#define REST        9
#define REST_MAX_US G_USEC_PER_SEC

/* That a uid wants something. */
void
cpd_presence_note (CpdPresence *presence, guint32 uid, gint64 now_us)
{
  if (uid != presence->last_uid)
    presence->another_us = presence->last_us;
  presence->last_uid = uid;
  presence->last_us = now_us;
}

/* Whether only the last one is there. */
gboolean
cpd_presence_is_of_one (const CpdPresence *presence, gint64 now_us)
{
  return now_us - presence->another_us > THERE_US;
}

/* `n_waiting`: how many uids wait now, those that rest included. `rests_until`: of one of them.
 * Returns: from when on it may go: at once, whatever it took, where nobody else is there */
gint64
cpd_presence_may_go_at (const CpdPresence *presence, unsigned int n_waiting, gint64 rests_until,
                        gint64 now_us)
{
  return n_waiting <= 1 && cpd_presence_is_of_one (presence, now_us) ? 0 : rests_until;
}

/* After the last one took `took_us` of processor time. `rests_until`: what was due before, or now.
 * Returns: until when it rests */
gint64
cpd_presence_rest (const CpdPresence *presence, gint64 rests_until, gint64 now_us, gint64 took_us)
{
  gint64 from_us
      = cpd_presence_is_of_one (presence, now_us) ? MIN (rests_until, now_us) : rests_until;

  return MIN (from_us + REST * took_us, now_us + REST_MAX_US);
}
