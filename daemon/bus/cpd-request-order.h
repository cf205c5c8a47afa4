/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-options.h"
#include "daemon/core/base/cpd-config.h"
#include "daemon/core/verdict/cpd-order.h"

G_BEGIN_DECLS

/* What SecureRequest's options say of the call itself. */
typedef struct
{
  char *token; /* NULL: none */
  gboolean tells_cause;
  gint32 body_handle; /* of the descriptor of the body; -1: none */
  guint64 body_length;
} CpdRequestExtras;

#define CPD_REQUEST_TIMEOUT_MS      30000
#define CPD_REQUEST_TIMEOUT_MAX_MS  600000
#define CPD_REQUEST_TOKEN_MAX_BYTES 64
#define CPD_REQUEST_PROXY_MAX_BYTES 512

/* The options of everything that makes a connection. */
#define CPD_REQUEST_OPTIONS(timeout_ms, keys, token, tells_cause)                                  \
  { "timeout-ms", "u", timeout_ms, 1, CPD_REQUEST_TIMEOUT_MAX_MS },                                \
      { "require-keys", "as", keys, 1, 64 }, { "error-cause", "b", tells_cause },                  \
  {                                                                                                \
    "handle-token", "s", token, 1, CPD_REQUEST_TOKEN_MAX_BYTES                                     \
  }

guint64 cpd_request_order_get_auto_bytes (const CpdConfig *config);
gboolean cpd_request_order_check_token (const char *token, GError **error);
gboolean cpd_request_order_take_keys (GPtrArray **keys, GVariant *array, GError **error);
CpdOrder *cpd_request_order_parse (GVariant *arguments, CpdOwner owner, const CpdConfig *config,
                                   CpdRequestExtras *extras, GError **error);

G_END_DECLS
