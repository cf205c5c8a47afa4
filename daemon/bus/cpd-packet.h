/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-marshal.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* One message to a caller, until it has left. */
typedef struct _CpdPacket CpdPacket;

CpdPacket *cpd_packet_new (GDBusMessage *message);
CpdPacket *cpd_packet_new_reply (GDBusMessage *call, const char *types, int descriptor);
void cpd_packet_free (CpdPacket *packet);

CpdMarshal *cpd_packet_get_body (CpdPacket *packet);
const char *cpd_packet_get_receiver (CpdPacket *packet);
gboolean cpd_packet_has_descriptor (CpdPacket *packet);
gsize cpd_packet_get_size (const CpdPacket *packet);

gboolean cpd_packet_prepare (CpdPacket *packet, guint32 serial, GError **error);
gboolean cpd_packet_send (CpdPacket *packet, int socket, gboolean wait);
gboolean cpd_packet_is_begun (const CpdPacket *packet);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdPacket, cpd_packet_free)

G_END_DECLS
