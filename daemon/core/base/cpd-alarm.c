/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A timer: one source for the life of its owner, instead of a new timeout for each use. It can be
 * set from any thread; of several times, the earliest counts. */

#include "config.h"

#include "daemon/core/base/cpd-alarm.h"

/* It is its source. */
struct _CpdAlarm
{
  GSource parent;
  GMutex lock; /* over its time, which GLib does not guard where it is read */
  CpdAlarmFunc func;
  gpointer user_data;
};

/* It is off before the function is called, which may set it again. */
static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  CpdAlarm *alarm = (CpdAlarm *)source;

  g_mutex_lock (&alarm->lock);
  g_source_set_ready_time (source, -1);
  g_mutex_unlock (&alarm->lock);
  alarm->func (alarm->user_data);
  return G_SOURCE_CONTINUE;
}

static void
finalize (GSource *source)
{
  g_mutex_clear (&((CpdAlarm *)source)->lock);
}

static GSourceFuncs source_funcs = { .dispatch = dispatch, .finalize = finalize };

/* `name`: for debugging. Returns: (transfer full): an alarm that is off */
CpdAlarm *
cpd_alarm_new (const char *name, CpdAlarmFunc func, gpointer user_data)
{
  GSource *source = g_source_new (&source_funcs, sizeof (CpdAlarm));
  CpdAlarm *alarm = (CpdAlarm *)source;

  g_mutex_init (&alarm->lock);
  alarm->func = func;
  alarm->user_data = user_data;
  g_source_set_name (source, name);
  g_source_attach (source, NULL);
  return alarm;
}

void
cpd_alarm_free (CpdAlarm *alarm)
{
  g_source_destroy (&alarm->parent);
  g_source_unref (&alarm->parent);
}

/* Calls the function at `time_us` (monotonic; 0: at once), or earlier if it is already set to an
 * earlier time. */
void
cpd_alarm_set (CpdAlarm *alarm, gint64 time_us)
{
  gint64 set;

  g_mutex_lock (&alarm->lock);
  set = g_source_get_ready_time (&alarm->parent);
  if (set < 0 || time_us < set)
    g_source_set_ready_time (&alarm->parent, time_us);
  g_mutex_unlock (&alarm->lock);
}
