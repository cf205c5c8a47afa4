/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-proxies.h"

G_BEGIN_DECLS

gboolean cpd_proxy_credentials_load (CpdProxies *proxies, const char *path, GPtrArray *problems,
                                     GError **error);

G_END_DECLS
