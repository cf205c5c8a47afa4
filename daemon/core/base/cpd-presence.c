/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Decides how long a user pauses after it used a shared resource: only if other users are active.
 * Use while nobody else was active costs nothing, even when another user then becomes active. */

#include "config.h"

#include "daemon/core/base/cpd-presence.h"

/* A user is active if it wanted something within this time. */
#define THERE_US G_USEC_PER_SEC

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

/* Whether nobody but that uid is there. */
gboolean
cpd_presence_is_alone (const CpdPresence *presence, guint32 uid, gint64 now_us)
{
  return presence->last_uid == uid && cpd_presence_is_of_one (presence, now_us);
}

/* `n_waiting`: how many uids wait now, including those in a pause. `rests_until`: of one of them.
 * Returns: when that uid may continue: at once, if nobody else is active */
gint64
cpd_presence_may_go_at (const CpdPresence *presence, unsigned int n_waiting, gint64 rests_until,
                        gint64 now_us)
{
  return n_waiting <= 1 && cpd_presence_is_of_one (presence, now_us) ? 0 : rests_until;
}

/* After a use for which `pause_us` is due. `rests_until`: the end of the uid's pause so far, or
 * now.
 * Returns: the end of its pause */
gint64
cpd_presence_rest (const CpdPresence *presence, gint64 rests_until, gint64 now_us, gint64 pause_us)
{
  gint64 from_us
      = cpd_presence_is_of_one (presence, now_us) ? MIN (rests_until, now_us) : rests_until;

  return MIN (from_us + pause_us, now_us + CPD_PRESENCE_PAUSE_MAX_US);
}
