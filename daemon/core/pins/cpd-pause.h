/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-uptime.h"

G_BEGIN_DECLS

/* No pause lasts longer, however often it is set again. */
#define CPD_PAUSE_MAX_S 86400

/* The time in which a pin only reports. A reference-counted value that is only read. */
typedef struct
{
  gint64 since;    /* Unix seconds: when it began */
  gint64 until;    /* likewise: when it is over */
  char *reason;    /* plain text */
  char *by;        /* program and uid; NULL: not known */
  CpdUptime began; /* likewise when it began; its boot can be unknown */
} CpdPause;

CpdPause *cpd_pause_new (gint64 since, gint64 until, const char *reason, const char *by,
                         const CpdUptime *began);
CpdPause *cpd_pause_set_again (const CpdPause *pause, const CpdPause *wanted);
CpdPause *cpd_pause_ref (CpdPause *pause);
void cpd_pause_unref (CpdPause *pause);

gboolean cpd_pause_is_bounded (const CpdPause *pause);
gboolean cpd_pause_holds (const CpdPause *pause, gint64 now);
gint64 cpd_pause_left_us (const CpdPause *pause, gint64 now_us, const CpdUptime *uptime);
gboolean cpd_pause_same_time (const CpdPause *a, const CpdPause *b);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdPause, cpd_pause_unref)

G_END_DECLS
