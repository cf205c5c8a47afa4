/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-baton.h"
#include "daemon/bus/cpd-packet.h"
#include "daemon/core/base/cpd-alarm.h"

G_BEGIN_DECLS

/* Messages on their way to the bus. */
typedef struct _CpdPost CpdPost;

CpdPost *cpd_post_new (int socket, CpdBaton *sending);
void cpd_post_free (CpdPost *post);

void cpd_post_follow (CpdPost *post, CpdAlarm *alarm);
gboolean cpd_post_send_now (CpdPost *post, CpdPacket *packet);
void cpd_post_send (CpdPost *post, CpdPacket *packet);
unsigned int cpd_post_count_sent (CpdPost *post);
void cpd_post_flush (CpdPost *post, gint64 deadline_us);

G_END_DECLS
