/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/transport/cpd-tunnel.h"

G_BEGIN_DECLS

/* The tunnels of all callers, until they end. */
typedef struct _CpdTunnels CpdTunnels;

CpdTunnels *cpd_tunnels_new (void);
void cpd_tunnels_free (CpdTunnels *tunnels);

CpdTunnel *cpd_tunnels_add (CpdTunnels *tunnels, const CpdTunnelSettings *settings);
void cpd_tunnels_reconsider (CpdTunnels *tunnels, CpdOwner owner, CpdHost *pattern);
void cpd_tunnels_check_network (CpdTunnels *tunnels);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdTunnels, cpd_tunnels_free)

G_END_DECLS
