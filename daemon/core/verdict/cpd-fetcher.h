/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-budget.h"
#include "daemon/core/verdict/cpd-channel-status.h"
#include "daemon/core/verdict/cpd-inspection.h"
#include "daemon/core/verdict/cpd-order.h"
#include "daemon/core/verdict/cpd-response.h"
#include "daemon/core/verdict/cpd-tunnel-order.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define CPD_TYPE_FETCHER (cpd_fetcher_get_type ())

/* An interface: something that carries out orders. bus/ uses it, transport/ implements it. */
G_DECLARE_INTERFACE (CpdFetcher, cpd_fetcher, CPD, FETCHER, GObject)

struct _CpdFetcherInterface
{
  GTypeInterface parent;

  void (*fetch_async) (CpdFetcher *fetcher, CpdOrder *order, gint64 started_us, CpdBudget *bodies,
                       GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
  CpdResponse *(*fetch_finish) (CpdFetcher *fetcher, GAsyncResult *result, CpdVerdict **verdict,
                                GError **error);

  void (*tunnel_async) (CpdFetcher *fetcher, CpdTunnelOrder *order, gint64 started_us,
                        GCancellable *cancellable, GAsyncReadyCallback callback,
                        gpointer user_data);
  GVariant *(*tunnel_finish) (CpdFetcher *fetcher, GAsyncResult *result, CpdVerdict **verdict,
                              GError **error);

  void (*inspect_async) (CpdFetcher *fetcher, CpdInspectOrder *order, gint64 started_us,
                         GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data);
  CpdInspection *(*inspect_finish) (CpdFetcher *fetcher, GAsyncResult *result, GError **error);

  GPtrArray *(*list_channels) (CpdFetcher *fetcher, CpdOwner owner);
};

void cpd_fetcher_tell_worked (CpdFetcher *fetcher, CpdOwner owner, gint64 took_us);

void cpd_fetcher_fetch_async (CpdFetcher *fetcher, CpdOrder *order, gint64 started_us,
                              CpdBudget *bodies, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);
CpdResponse *cpd_fetcher_fetch_finish (CpdFetcher *fetcher, GAsyncResult *result,
                                       CpdVerdict **verdict, GError **error);

void cpd_fetcher_tunnel_async (CpdFetcher *fetcher, CpdTunnelOrder *order, gint64 started_us,
                               GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);
GVariant *cpd_fetcher_tunnel_finish (CpdFetcher *fetcher, GAsyncResult *result,
                                     CpdVerdict **verdict, GError **error);

void cpd_fetcher_inspect_async (CpdFetcher *fetcher, CpdInspectOrder *order, gint64 started_us,
                                GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data);
CpdInspection *
cpd_fetcher_inspect_finish (CpdFetcher *fetcher, GAsyncResult *result, GError **error);

GPtrArray *cpd_fetcher_list_channels (CpdFetcher *fetcher, CpdOwner owner);

G_END_DECLS
