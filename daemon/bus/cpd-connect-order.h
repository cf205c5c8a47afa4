/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/verdict/cpd-tunnel-order.h"

G_BEGIN_DECLS

/* What OpenConnection's options say of the call itself. */
typedef struct
{
  char *token; /* NULL: none */
  gboolean tells_cause;
} CpdConnectExtras;

CpdTunnelOrder *cpd_connect_order_parse (GVariant *arguments, int descriptor, CpdOwner owner,
                                         CpdConnectExtras *extras, GError **error);

G_END_DECLS
