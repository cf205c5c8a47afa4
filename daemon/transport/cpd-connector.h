/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-apart.h"
#include "daemon/core/base/cpd-proxy.h"
#include "daemon/core/verdict/cpd-inspection.h"
#include "daemon/core/verdict/cpd-tunnel-order.h"
#include "daemon/transport/cpd-connection.h"
#include "daemon/transport/cpd-gate.h"
#include "daemon/transport/cpd-judge.h"
#include "daemon/transport/cpd-validation.h"

G_BEGIN_DECLS

/* Where to, for whom, and who judges. */
typedef struct
{
  CpdHost *target;
  CpdProxy *proxy;              /* NULL: none */
  const char *const *protocols; /* that the server is offered; NULL: none */
  int starttls;                 /* a socket that is connected already, without proxy; -1: none */
  CpdApart apart;               /* for its thread */
  CpdStarttls protocol;         /* that is spoken before TLS, without such a socket */
  CpdOwner owner;
  CpdStore *store;
  CpdWorkers *workers;
  CpdGate *gate;
  CpdAddressRules *rules;
  CpdInspectOrder *look; /* only what the server presents is wanted; NULL: a connection is */
} CpdConnectorSettings;

void cpd_connector_connect_async (const CpdConnectorSettings *settings, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);
CpdConnection *
cpd_connector_connect_finish (GAsyncResult *result, CpdVerdict **refusal, GError **error);

void cpd_connector_inspect_async (const CpdConnectorSettings *settings, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);
CpdInspection *cpd_connector_inspect_finish (GAsyncResult *result, GError **error);

G_END_DECLS
