/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client-lib/certpin-request.h"
#include "daemon/core/pins/cpd-host.h"
#include "daemon/core/verdict/cpd-transfer.h"
#include "daemon/core/verdict/cpd-upload.h"

G_BEGIN_DECLS

/* When the body of an answer comes by a descriptor. */
typedef enum
{
  CPD_STREAM_NEVER,
  CPD_STREAM_AUTO, /* if it is large */
  CPD_STREAM_ALWAYS,
} CpdStreamWish;

/* One request of a caller: what, where, for whom, and within which limits. Its maker fills it in;
 * then it never changes. Reference-counted. */
typedef struct
{
  CertpinRequest *request;
  CpdHost *target; /* the host and port that its URL names */
  CpdOwner owner;
  char *proxy;             /* a proxy's URL or “direct”; NULL: what the host usually takes */
  GPtrArray *require_keys; /* of CertpinKey: keys that must also pass; NULL: none */
  guint32 timeout_ms;
  guint32 stream_timeout_ms; /* for all of it, if its body comes by a descriptor; 0: none */
  CpdStreamWish stream;
  CpdUpload *upload;     /* the body of the request; NULL: the request has it, if there is one */
  CpdTransfer *transfer; /* NULL: no body goes through a descriptor */
  guint64 max_body_bytes;
  guint64 max_inline_bytes; /* of the body in memory */
  guint64 auto_bytes;       /* a larger body is large */
  unsigned int max_redirects;
} CpdOrder;

CpdOrder *cpd_order_new (void);
CpdOrder *cpd_order_ref (CpdOrder *order);
void cpd_order_unref (CpdOrder *order);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdOrder, cpd_order_unref)

G_END_DECLS
