/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-proxy.h"
#include "daemon/core/pins/cpd-store.h"
#include "daemon/core/verdict/cpd-peer.h"
#include "daemon/transport/cpd-tls.h"
#include "daemon/transport/cpd-workers.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* A way through a proxy that is being opened. */
typedef struct _CpdProxyTunnel CpdProxyTunnel;

/* What came of it. */
typedef struct
{
  CpdTls *tls;   /* (transfer full): with the host, whose handshake is to begin; NULL: it failed */
  CpdPeer *peer; /* the proxy, if it is spoken to over TLS */
  GError *error; /* (transfer full): CERTPIN_ERROR; NULL: none */
} CpdProxyTunnelOutcome;

typedef void (*CpdProxyTunnelFunc) (const CpdProxyTunnelOutcome *outcome, GTask *task);

/* Through what, where to, for whom, and who waits for it. */
typedef struct
{
  CpdProxy *proxy;
  CpdHost *target;
  const char *const *protocols; /* that the host is offered; NULL: none */
  gboolean host_may_speak;      /* before it is sent anything */
  CpdOwner owner;
  CpdStore *store;
  CpdWorkers *workers;
  CpdProxyTunnelFunc done;
  GTask *task; /* is kept until no thread works for the tunnel any more */
} CpdProxyTunnelSettings;

CpdProxyTunnel *cpd_proxy_tunnel_open (int socket, const CpdProxyTunnelSettings *settings);
void cpd_proxy_tunnel_stop (CpdProxyTunnel *tunnel);

GError *cpd_proxy_tunnel_new_distrust_error (const CpdProxy *proxy, const char *distrust);
GError *cpd_proxy_tunnel_map_error (const GError *reason, const CpdProxy *proxy);

G_END_DECLS
