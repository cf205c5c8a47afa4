/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client-lib/certpin-request.h"
#include "daemon/core/pins/cpd-host.h"

G_BEGIN_DECLS

/* One request of a caller: what, where, for whom, and within which limits. Its maker fills it in;
 * then it never changes. Reference-counted. */
typedef struct
{
  CertpinRequest *request;
  CpdHost *target; /* the host and port that its URL names */
  guint32 uid;
  char *proxy;             /* a proxy's URL or “direct”; NULL: what the host usually takes */
  GPtrArray *require_keys; /* of CertpinKey: keys that must also pass; NULL: none */
  guint32 timeout_ms;
  guint64 max_body_bytes;
  unsigned int max_redirects;
} CpdOrder;

CpdOrder *cpd_order_new (void);
CpdOrder *cpd_order_ref (CpdOrder *order);
void cpd_order_unref (CpdOrder *order);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdOrder, cpd_order_unref)

G_END_DECLS
