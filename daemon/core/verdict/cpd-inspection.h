/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/verdict/cpd-verdict.h"

G_BEGIN_DECLS

/* What a caller wants to see: the chain that one server presents. Its maker fills it in; then it
 * never changes. Reference-counted. */
typedef struct
{
  CpdHost *target; /* the host and port, pinned or not */
  CpdOwner owner;
  char *proxy; /* a proxy's URL or “direct”; NULL: what the host usually takes */
  guint32 timeout_ms;
  gboolean is_for_app; /* an app looks: it must not learn what its user has pinned */
  CpdPin *supposed;    /* judged by this pin, too, in place of that of its layer; NULL: none */
} CpdInspectOrder;

/* What was seen. The connection is closed, and nothing was sent over it. */
typedef struct
{
  CpdPeer *peer;             /* the server, with what it presented: at least one certificate */
  CpdValidation *validation; /* of that, by the system's anchors */
  CpdVerdict *verdict;       /* whether a request would be sent to it */
  GError *failure;           /* why the handshake did not end, as a request fails; NULL: it did */
  const char *tls_version, *tls_cipher; /* (static) the latter is NULL if none was chosen */
  char *proxy;                          /* its URL; NULL: none */
  guint64 queue_us, resolve_us, connect_us, tls_us, total_us; /* what it took */
} CpdInspection;

CpdInspectOrder *cpd_inspect_order_new (void);
CpdInspectOrder *cpd_inspect_order_ref (CpdInspectOrder *order);
void cpd_inspect_order_unref (CpdInspectOrder *order);

void cpd_inspection_free (CpdInspection *inspection);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdInspectOrder, cpd_inspect_order_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdInspection, cpd_inspection_free)

G_END_DECLS
