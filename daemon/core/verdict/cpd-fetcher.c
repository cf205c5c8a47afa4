/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The interface between bus/, which asks, and transport/, which sends: neither includes the
 * other. */

#include "config.h"

#include "daemon/core/verdict/cpd-fetcher.h"

G_DEFINE_INTERFACE (CpdFetcher, cpd_fetcher, G_TYPE_OBJECT)

static void
cpd_fetcher_default_init (CpdFetcherInterface *iface)
{
}

/* `started_us`: monotonic: when it was authorised; its timeout starts then. `bodies`: the budget of
 * its uid for bodies, in bytes. */
void
cpd_fetcher_fetch_async (CpdFetcher *fetcher, CpdOrder *order, gint64 started_us, CpdBudget *bodies,
                         GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  CPD_FETCHER_GET_IFACE (fetcher)->fetch_async (fetcher, order, started_us, bodies, cancellable,
                                                callback, user_data);
}

/* `verdict`: (out) (transfer full) (nullable): of the connection that answered, or the refusal if
 * the error is one. It is set with or without a response.
 * Errors: CERTPIN_ERROR alone.
 * Returns: (transfer full): the response, or NULL with `error` set */
CpdResponse *
cpd_fetcher_fetch_finish (CpdFetcher *fetcher, GAsyncResult *result, CpdVerdict **verdict,
                          GError **error)
{
  return CPD_FETCHER_GET_IFACE (fetcher)->fetch_finish (fetcher, result, verdict, error);
}

/* One call lasts as long as the tunnel. `started_us`: monotonic: when it was authorised.
 * `opened`: called once, before the end, unless it is not opened. `cancellable`: ends it at any
 * time. */
void
cpd_fetcher_tunnel_async (CpdFetcher *fetcher, CpdTunnelOrder *order, gint64 started_us,
                          CpdOpenedFunc opened, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  CPD_FETCHER_GET_IFACE (fetcher)->tunnel_async (fetcher, order, started_us, opened, cancellable,
                                                 callback, user_data);
}

/* `end`: (out): set with or without an error. Its verdict is a refusal if the error is one.
 * Errors: CERTPIN_ERROR alone.
 * Returns: whether both directions ended in order */
gboolean
cpd_fetcher_tunnel_finish (CpdFetcher *fetcher, GAsyncResult *result, CpdTunnelEnd *end,
                           GError **error)
{
  return CPD_FETCHER_GET_IFACE (fetcher)->tunnel_finish (fetcher, result, end, error);
}
