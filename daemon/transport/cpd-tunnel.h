/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-address-rules.h"
#include "daemon/core/base/cpd-proxy.h"
#include "daemon/core/pins/cpd-store.h"
#include "daemon/core/verdict/cpd-fetcher.h"
#include "daemon/transport/cpd-edges.h"
#include "daemon/transport/cpd-gate.h"
#include "daemon/transport/cpd-reading.h"
#include "daemon/transport/cpd-workers.h"

G_BEGIN_DECLS

#define CPD_TYPE_TUNNEL (cpd_tunnel_get_type ())

/* One tunnel, from its order to its end. Emits
 *   opened (GVariant *): once, unless it ends before: with what is known of the connection;
 *   ended (): once. */
G_DECLARE_FINAL_TYPE (CpdTunnel, cpd_tunnel, CPD, TUNNEL, GObject)

typedef struct
{
  CpdStore *store;
  CpdWorkers *workers;
  CpdGate *gate; /* that of the uid */
  CpdReading *reading;
  CpdEdges *edges;
  CpdAddressRules *rules;
  CpdTunnelOrder *order;
  CpdProxy *proxy;   /* NULL: none */
  gint64 started_us; /* monotonic: when it was authorised */
} CpdTunnelSettings;

CpdTunnel *cpd_tunnel_new (const CpdTunnelSettings *settings);
void cpd_tunnel_start (CpdTunnel *tunnel);
void cpd_tunnel_cancel (CpdTunnel *tunnel);

CpdOwner cpd_tunnel_get_owner (CpdTunnel *tunnel);
CpdHost *cpd_tunnel_get_target (CpdTunnel *tunnel);

void cpd_tunnel_reconsider (CpdTunnel *tunnel);
void cpd_tunnel_check_network (CpdTunnel *tunnel);

const GError *cpd_tunnel_get_error (CpdTunnel *tunnel);
CpdVerdict *cpd_tunnel_get_verdict (CpdTunnel *tunnel);

G_END_DECLS
