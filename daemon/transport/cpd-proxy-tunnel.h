/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-proxy.h"
#include "daemon/core/pins/cpd-store.h"
#include "daemon/transport/cpd-tls.h"
#include "daemon/transport/cpd-workers.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* A way through a proxy that is being opened. */
typedef struct _CpdProxyTunnel CpdProxyTunnel;

/* `tls`: (transfer full) (nullable): a session with the host whose handshake is to begin; NULL with
 * `error`: (transfer full): CERTPIN_ERROR. */
typedef void (*CpdProxyTunnelFunc) (CpdTls *tls, GError *error, GTask *task);

/* Through what, where to, for whom, and who waits for it. */
typedef struct
{
  CpdProxy *proxy;
  CpdHost *target;
  const char *const *protocols; /* that the host is offered; NULL: none */
  gboolean host_may_speak;      /* before it is sent anything */
  guint32 uid;
  CpdStore *store;
  CpdWorkers *workers;
  CpdProxyTunnelFunc done;
  GTask *task; /* is kept until no thread works for the tunnel any more */
} CpdProxyTunnelSettings;

CpdProxyTunnel *cpd_proxy_tunnel_open (int socket, const CpdProxyTunnelSettings *settings);
void cpd_proxy_tunnel_stop (CpdProxyTunnel *tunnel);

GError *cpd_proxy_tunnel_map_error (const GError *reason, const CpdProxy *proxy);

G_END_DECLS
