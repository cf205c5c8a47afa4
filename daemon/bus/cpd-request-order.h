/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-config.h"
#include "daemon/core/verdict/cpd-order.h"

G_BEGIN_DECLS

/* What SecureRequest's options say of the call itself. */
typedef struct
{
  char *token;        /* NULL: none */
  gint32 body_handle; /* of the descriptor of the body; -1: none */
  guint64 body_length;
} CpdRequestExtras;

CpdOrder *cpd_request_order_parse (GVariant *arguments, guint32 uid, const CpdConfig *config,
                                   CpdRequestExtras *extras, GError **error);

G_END_DECLS
