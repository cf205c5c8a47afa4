/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-pin-table.h"
#include "daemon/core/trust/cpd-trust-source.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* The administrator's files: pin files, and the system's trust anchors. */
typedef struct _CpdSources CpdSources;

CpdSources *cpd_sources_new (CpdTrustSource *trust, const char *const *pins_dirs);
void cpd_sources_unref (CpdSources *sources);

CpdTrustSource *cpd_sources_get_trust (CpdSources *sources);
const char *const *cpd_sources_get_pins_dirs (CpdSources *sources);

CpdPinTable *cpd_sources_get_files (CpdSources *sources);
CpdAnchors *cpd_sources_get_anchors (CpdSources *sources);
GPtrArray *cpd_sources_get_problems (CpdSources *sources);

void cpd_sources_load (CpdSources *sources);
void
cpd_sources_reload_async (CpdSources *sources, GAsyncReadyCallback callback, gpointer user_data);
gboolean cpd_sources_reload_finish (CpdSources *sources, GAsyncResult *result, GError **error);
void cpd_sources_trim (void);

G_END_DECLS
