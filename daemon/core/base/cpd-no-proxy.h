/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* One rule that names hosts for which no proxy is used. */
typedef struct _CpdNoProxy CpdNoProxy;

CpdNoProxy *cpd_no_proxy_new (const char *text);
void cpd_no_proxy_free (CpdNoProxy *rule);

gboolean cpd_no_proxy_matches (const CpdNoProxy *rule, const char *name, guint16 port);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdNoProxy, cpd_no_proxy_free)

G_END_DECLS
