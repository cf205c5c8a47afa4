/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client-lib/certpin-request.h"
#include "client-lib/certpin-response.h"
#include "daemon/core/base/cpd-budget.h"
#include "daemon/core/verdict/cpd-verdict.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* One request that a caller makes: what, for whom, and within which bounds. */
typedef struct
{
  CertpinRequest *request;
  guint32 uid;
  GPtrArray *require_keys; /* of CertpinKey: keys that must also pass; NULL: none */
  gint64 started_us;       /* monotonic: when it was authorised */
  gint64 deadline_us;      /* monotonic: it ends then at the latest */
  guint64 max_body_bytes;
  CpdBudget *bodies; /* what the uid may hold of bodies, in bytes */
  unsigned int max_redirects;
} CpdOrder;

#define CPD_TYPE_FETCHER (cpd_fetcher_get_type ())

/* A port: whatever can carry out an order. bus/ asks through it, transport/ answers. */
G_DECLARE_INTERFACE (CpdFetcher, cpd_fetcher, CPD, FETCHER, GObject)

struct _CpdFetcherInterface
{
  GTypeInterface parent;

  void (*fetch_async) (CpdFetcher *fetcher, const CpdOrder *order, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer user_data);
  CertpinResponse *(*fetch_finish) (CpdFetcher *fetcher, GAsyncResult *result, CpdVerdict **verdict,
                                    GError **error);
};

void cpd_fetcher_fetch_async (CpdFetcher *fetcher, const CpdOrder *order, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);
CertpinResponse *cpd_fetcher_fetch_finish (CpdFetcher *fetcher, GAsyncResult *result,
                                           CpdVerdict **verdict, GError **error);

CpdOrder *cpd_order_copy (const CpdOrder *order);
void cpd_order_free (CpdOrder *order);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdOrder, cpd_order_free)

G_END_DECLS
