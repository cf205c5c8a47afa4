/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The interface between bus/, which asks, and transport/, which sends: neither includes the
 * other. */

#include "config.h"

#include "daemon/core/verdict/cpd-fetcher.h"

G_DEFINE_INTERFACE (CpdFetcher, cpd_fetcher, G_TYPE_OBJECT)

static void
cpd_fetcher_default_init (CpdFetcherInterface *iface)
{
  /* A thread has worked: for this CpdOwner (t), for so many µs of processor time (x). */
  g_signal_new ("worked", CPD_TYPE_FETCHER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                G_TYPE_UINT64, G_TYPE_INT64);
}

/* Tells that a thread has worked for a user, or an app. */
void
cpd_fetcher_tell_worked (CpdFetcher *fetcher, CpdOwner owner, gint64 took_us)
{
  g_signal_emit_by_name (fetcher, "worked", owner, took_us);
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

/* Opens a tunnel. From then on, its transfer tells how far it has come and how it ended, and can
 * stop it. `started_us`: monotonic: when it was authorised; its timeout starts then. */
void
cpd_fetcher_tunnel_async (CpdFetcher *fetcher, CpdTunnelOrder *order, gint64 started_us,
                          GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  CPD_FETCHER_GET_IFACE (fetcher)->tunnel_async (fetcher, order, started_us, cancellable, callback,
                                                 user_data);
}

/* `verdict`: (out) (transfer full) (nullable): on its server, or the refusal if the error is one.
 * It is set with or without an error.
 * Errors: CERTPIN_ERROR alone.
 * Returns: (transfer full): a{sv}: what is known of the connection, or NULL with `error` set */
GVariant *
cpd_fetcher_tunnel_finish (CpdFetcher *fetcher, GAsyncResult *result, CpdVerdict **verdict,
                           GError **error)
{
  return CPD_FETCHER_GET_IFACE (fetcher)->tunnel_finish (fetcher, result, verdict, error);
}

/* The server is shown nothing but a handshake. `started_us`: monotonic: when it was authorised; its
 * timeout starts then. */
void
cpd_fetcher_inspect_async (CpdFetcher *fetcher, CpdInspectOrder *order, gint64 started_us,
                           GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  CPD_FETCHER_GET_IFACE (fetcher)->inspect_async (fetcher, order, started_us, cancellable, callback,
                                                  user_data);
}

/* Errors: CERTPIN_ERROR alone. A chain that is not accepted is none.
 * Returns: (transfer full): what the server presented; NULL with `error` set */
CpdInspection *
cpd_fetcher_inspect_finish (CpdFetcher *fetcher, GAsyncResult *result, GError **error)
{
  return CPD_FETCHER_GET_IFACE (fetcher)->inspect_finish (fetcher, result, error);
}

/* Returns: (transfer full): of CpdChannelStatus: the warm channels of one owner, in the order of
 * their numbers */
GPtrArray *
cpd_fetcher_list_channels (CpdFetcher *fetcher, CpdOwner owner)
{
  return CPD_FETCHER_GET_IFACE (fetcher)->list_channels (fetcher, owner);
}
