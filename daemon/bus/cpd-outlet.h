/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-post.h"

G_BEGIN_DECLS

/* Sends messages to callers, in turn by uid. */
typedef struct _CpdOutlet CpdOutlet;

/* This many bytes for `receiver` have left the process. */
typedef void (*CpdOutletSent) (const char *receiver, guint64 bytes, gpointer user_data);

CpdOutlet *cpd_outlet_new (CpdPost *post, CpdOutletSent sent, gpointer user_data);
void cpd_outlet_free (CpdOutlet *outlet);

void cpd_outlet_send (CpdOutlet *outlet, guint32 uid, CpdPacket *packet, guint64 bytes);

G_END_DECLS
