/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-budget.h"
#include "daemon/core/verdict/cpd-order.h"
#include "daemon/core/verdict/cpd-response.h"
#include "daemon/core/verdict/cpd-tunnel-order.h"
#include "daemon/core/verdict/cpd-verdict.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define CPD_TYPE_FETCHER (cpd_fetcher_get_type ())

/* An interface: something that carries out orders. bus/ uses it, transport/ implements it. */
G_DECLARE_INTERFACE (CpdFetcher, cpd_fetcher, CPD, FETCHER, GObject)

/* A tunnel that is open. */
typedef struct
{
  int descriptor;      /* (transfer full): the caller's end */
  GVariant *info;      /* (transfer none): a{sv}: what is known of the connection */
  CpdVerdict *verdict; /* (transfer none): on its server */
} CpdOpening;

/* How a tunnel ended. */
typedef struct
{
  guint64 sent, received; /* bytes: to the server, and to the caller */
  CpdVerdict *verdict;    /* (transfer full) (nullable): the last one */
} CpdTunnelEnd;

typedef void (*CpdOpenedFunc) (const CpdOpening *opening, gpointer user_data);

struct _CpdFetcherInterface
{
  GTypeInterface parent;

  void (*fetch_async) (CpdFetcher *fetcher, CpdOrder *order, gint64 started_us, CpdBudget *bodies,
                       GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
  CpdResponse *(*fetch_finish) (CpdFetcher *fetcher, GAsyncResult *result, CpdVerdict **verdict,
                                    GError **error);

  void (*tunnel_async) (CpdFetcher *fetcher, CpdTunnelOrder *order, gint64 started_us,
                        CpdOpenedFunc opened, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*tunnel_finish) (CpdFetcher *fetcher, GAsyncResult *result, CpdTunnelEnd *end,
                             GError **error);
};

void cpd_fetcher_fetch_async (CpdFetcher *fetcher, CpdOrder *order, gint64 started_us,
                              CpdBudget *bodies, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);
CpdResponse *cpd_fetcher_fetch_finish (CpdFetcher *fetcher, GAsyncResult *result,
                                           CpdVerdict **verdict, GError **error);

void cpd_fetcher_tunnel_async (CpdFetcher *fetcher, CpdTunnelOrder *order, gint64 started_us,
                               CpdOpenedFunc opened, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
gboolean cpd_fetcher_tunnel_finish (CpdFetcher *fetcher, GAsyncResult *result, CpdTunnelEnd *end,
                                    GError **error);

G_END_DECLS
