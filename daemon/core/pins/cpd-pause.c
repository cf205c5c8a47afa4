/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pause of a pin, as a value. It is bounded at both ends, so that a clock that is set back does
 * not make it longer: before its beginning, there is no pause. */

#include "config.h"

#include "daemon/core/pins/cpd-pause.h"

/* `by`: (nullable): program and uid */
CpdPause *
cpd_pause_new (gint64 since, gint64 until, const char *reason, const char *by)
{
  CpdPause *pause = g_atomic_rc_box_new0 (CpdPause);

  pause->since = since;
  pause->until = until;
  pause->reason = g_strdup (reason);
  pause->by = g_strdup (by);
  return pause;
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

/* `a`, `b`: (nullable): NULL: no pause */
gboolean
cpd_pause_same_time (const CpdPause *a, const CpdPause *b)
{
  if (a == NULL || b == NULL)
    return a == b;
  return a->since == b->since && a->until == b->until;
}
