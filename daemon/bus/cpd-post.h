/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-alarm.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* Messages on their way to the bus. */
typedef struct _CpdPost CpdPost;

CpdPost *cpd_post_new (int socket, GMutex *sending);
void cpd_post_free (CpdPost *post);

void cpd_post_follow (CpdPost *post, CpdAlarm *alarm);
void cpd_post_send (CpdPost *post, GDBusMessage *message);
unsigned int cpd_post_count_sent (CpdPost *post);
void cpd_post_flush (CpdPost *post, gint64 deadline_us);

G_END_DECLS
