/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Calls a function on the main context at a given time. */
typedef struct _CpdAlarm CpdAlarm;

typedef void (*CpdAlarmFunc) (gpointer user_data);

CpdAlarm *cpd_alarm_new (const char *name, CpdAlarmFunc func, gpointer user_data);
void cpd_alarm_free (CpdAlarm *alarm);

void cpd_alarm_set (CpdAlarm *alarm, gint64 time_us);

G_END_DECLS
