/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client-lib/certpin-request.h"
#include "daemon/core/base/cpd-config.h"
#include "daemon/core/pins/cpd-host.h"

G_BEGIN_DECLS

/* What a SecureRequest asks for, before it is known who asks. */
typedef struct
{
  CertpinRequest *request;
  GPtrArray *require_keys; /* of CertpinKey */
  char *token;             /* NULL: none */
  guint32 timeout_ms;
  guint64 max_body_bytes;
  guint32 max_redirects;
} CpdRequestOrder;

/* The arguments of the method; they belong to the message. */
typedef struct
{
  const char *method;
  const char *url;
  GVariant *headers;
  GVariant *body;
  GVariant *options;
} CpdRequestArguments;

CpdRequestOrder *cpd_request_order_new (const CpdRequestArguments *arguments,
                                        const CpdConfig *config, GError **error);
void cpd_request_order_free (CpdRequestOrder *order);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdRequestOrder, cpd_request_order_free)

G_END_DECLS
