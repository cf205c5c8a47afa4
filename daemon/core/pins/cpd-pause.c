/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pause of a pin, as a value. A clock that is set back does not make it longer: before its
 * beginning, there is no pause; and within the boot of the machine in which it began, the time that
 * has passed counts as well. */

#include "config.h"

#include "daemon/core/pins/cpd-pause.h"

/* `by`: (nullable): program and uid. `began`: (nullable): the same time as `since`; NULL: not
 * known */
CpdPause *
cpd_pause_new (gint64 since, gint64 until, const char *reason, const char *by,
               const CpdUptime *began)
{
  CpdPause *pause = g_atomic_rc_box_new0 (CpdPause);

  pause->since = since;
  pause->until = until;
  pause->reason = g_strdup (reason);
  pause->by = g_strdup (by);
  if (began != NULL)
    pause->began = *began;
  return pause;
}

/* What counts is when a pause first began. If the clock was set back since then, that is earlier by
 * the clock of today. `wanted`: as it would be if it began now
 * Returns: (transfer full): `wanted`, with that beginning */
CpdPause *
cpd_pause_set_again (const CpdPause *pause, const CpdPause *wanted)
{
  gint64 now = wanted->since, since = pause->since;
  CpdUptime began = wanted->began;

  if (cpd_uptime_same_boot (&pause->began, &wanted->began))
    {
      began.us = pause->began.us;
      since = MIN (since, now - (wanted->began.us - began.us) / G_USEC_PER_SEC);
    }
  else
    began.us -= (now - since) * G_USEC_PER_SEC;
  return cpd_pause_new (since, wanted->until, wanted->reason, wanted->by, &began);
}

CpdPause *
cpd_pause_ref (CpdPause *pause)
{
  return g_atomic_rc_box_acquire (pause);
}

static void
pause_clear (gpointer data)
{
  CpdPause *pause = data;

  g_free (pause->reason);
  g_free (pause->by);
}

void
cpd_pause_unref (CpdPause *pause)
{
  if (pause != NULL)
    g_atomic_rc_box_release_full (pause, pause_clear);
}

/* Whether it ends after it began, and within the time allowed. */
gboolean
cpd_pause_is_bounded (const CpdPause *pause)
{
  return pause->since >= 0 && pause->until > pause->since
         && pause->until - pause->since <= CPD_PAUSE_MAX_S;
}

/* `now`: Unix seconds */
gboolean
cpd_pause_holds (const CpdPause *pause, gint64 now)
{
  return cpd_pause_is_bounded (pause) && now >= pause->since && now < pause->until;
}

/* Returns: how much time is left, by the clock or by the time that has passed, whichever is less;
 * 0 or less: it is over */
gint64
cpd_pause_left_us (const CpdPause *pause, gint64 now_us, const CpdUptime *uptime)
{
  gint64 left_us;

  if (!cpd_pause_holds (pause, now_us / G_USEC_PER_SEC))
    return 0;
  left_us = pause->until * G_USEC_PER_SEC - now_us;
  if (cpd_uptime_same_boot (&pause->began, uptime))
    left_us = MIN (left_us,
                   (pause->until - pause->since) * G_USEC_PER_SEC - (uptime->us - pause->began.us));
  return left_us;
}

/* `a`, `b`: (nullable): NULL: no pause */
gboolean
cpd_pause_same_time (const CpdPause *a, const CpdPause *b)
{
  if (a == NULL || b == NULL)
    return a == b;
  return a->since == b->since && a->until == b->until;
}
