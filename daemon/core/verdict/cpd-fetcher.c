/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The port between those who ask and those who carry bytes: neither sees the other. */

#include "config.h"

#include "daemon/core/verdict/cpd-fetcher.h"

G_DEFINE_INTERFACE (CpdFetcher, cpd_fetcher, G_TYPE_OBJECT)

static void
cpd_fetcher_default_init (CpdFetcherInterface *iface)
{
}

/* `order` is copied. */
void
cpd_fetcher_fetch_async (CpdFetcher *fetcher, const CpdOrder *order, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  CPD_FETCHER_GET_IFACE (fetcher)->fetch_async (fetcher, order, cancellable, callback, user_data);
}

/* `verdict`: (out) (transfer full) (nullable): of the connection that answered; or the refusal,
 * where the error is one. It is set whether or not there is a response.
 * Errors: CERTPIN_ERROR alone.
 * Returns: (transfer full): the response, or NULL with `error` set */
CertpinResponse *
cpd_fetcher_fetch_finish (CpdFetcher *fetcher, GAsyncResult *result, CpdVerdict **verdict,
                          GError **error)
{
  return CPD_FETCHER_GET_IFACE (fetcher)->fetch_finish (fetcher, result, verdict, error);
}

CpdOrder *
cpd_order_copy (const CpdOrder *order)
{
  CpdOrder *copy = g_memdup2 (order, sizeof *order);

  copy->request = certpin_request_ref (order->request);
  copy->require_keys = order->require_keys != NULL ? g_ptr_array_ref (order->require_keys) : NULL;
  copy->bodies = cpd_budget_ref (order->bodies);
  return copy;
}

void
cpd_order_free (CpdOrder *order)
{
  if (order == NULL)
    return;
  certpin_request_unref (order->request);
  g_clear_pointer (&order->require_keys, g_ptr_array_unref);
  cpd_budget_unref (order->bodies);
  g_free (order);
}
