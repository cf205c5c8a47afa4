/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-packet.h"

G_BEGIN_DECLS

CpdPacket *test_packet_new (const char *types, int descriptor);
GDBusMessage *test_packet_read (CpdPacket *packet);

G_END_DECLS
