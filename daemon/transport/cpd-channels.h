/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-config.h"
#include "daemon/transport/cpd-channel.h"
#include "daemon/transport/cpd-inspect.h"
#include "daemon/transport/cpd-tunnel.h"

G_BEGIN_DECLS

#define CPD_TYPE_CHANNELS (cpd_channels_get_type ())

/* The channels of all callers. */
G_DECLARE_FINAL_TYPE (CpdChannels, cpd_channels, CPD, CHANNELS, GObject)

CpdChannels *cpd_channels_new (CpdStore *store, const CpdConfig *config, CpdWorkers *workers);

void cpd_channels_leave_networks (CpdChannels *channels);

CpdChannel *
cpd_channels_get (CpdChannels *channels, CpdOwner owner, CpdHost *target, CpdProxy *proxy);
GPtrArray *cpd_channels_list (CpdChannels *channels, CpdOwner owner);
CpdTunnel *cpd_channels_open_tunnel (CpdChannels *channels, CpdTunnelOrder *order, CpdProxy *proxy,
                                     gint64 started_us);
void cpd_channels_inspect_async (CpdChannels *channels, CpdInspectOrder *order, CpdProxy *proxy,
                                 gint64 started_us, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);

G_END_DECLS
