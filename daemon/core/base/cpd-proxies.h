/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-proxy.h"

G_BEGIN_DECLS

/* The proxies that may be used, and which hosts take the usual one. Filled while the configuration
 * is read, and never changed after that. Reference-counted. */
typedef struct _CpdProxies CpdProxies;

CpdProxies *cpd_proxies_new (void);
CpdProxies *cpd_proxies_ref (CpdProxies *proxies);
void cpd_proxies_unref (CpdProxies *proxies);

gboolean cpd_proxies_add (CpdProxies *proxies, const char *text, GError **error);
gboolean cpd_proxies_add_exception (CpdProxies *proxies, const char *text, GError **error);
CpdProxy *cpd_proxies_find (CpdProxies *proxies, const char *url);

char *cpd_proxies_check_choice (CpdProxies *proxies, const char *text, GError **error);
CpdProxy *
cpd_proxies_choose (CpdProxies *proxies, const char *wanted, const char *name, guint16 port);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdProxies, cpd_proxies_unref)

G_END_DECLS
