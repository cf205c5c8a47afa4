/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define CPD_PROXY_DIRECT "direct"

/* One HTTP proxy. A reference-counted value that never changes once its configuration is read. */
typedef struct
{
  char *text; /* its URL in canonical form, without credentials */
  char *name; /* a canonical host name or address */
  guint16 port;
  gboolean is_secure;  /* it is spoken to over TLS */
  char *authorization; /* the value of Proxy-Authorization, which is secret; NULL: none */
} CpdProxy;

CpdProxy *cpd_proxy_new (const char *url, GError **error);
CpdProxy *cpd_proxy_ref (CpdProxy *proxy);
void cpd_proxy_unref (CpdProxy *proxy);

const char *cpd_proxy_get_text (const CpdProxy *proxy);
char *cpd_proxy_dup_canonical_name (const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdProxy, cpd_proxy_unref)

G_END_DECLS
