/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-pin-table.h"
#include "daemon/core/trust/cpd-trust-source.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* The administrator's files: pin files, and the system's trust anchors. */
typedef struct _CpdSources CpdSources;

/* What was read of them. */
typedef struct
{
  CpdPinTable *files;
  CpdAnchors *anchors; /* NULL: nothing is trusted */
  GPtrArray *problems; /* of CpdFault: why hosts are blocked, or anchors are not trusted */
} CpdFound;

CpdSources *cpd_sources_new (CpdTrustSource *trust, const char *const *pins_dirs);
void cpd_sources_unref (CpdSources *sources);

CpdTrustSource *cpd_sources_get_trust (CpdSources *sources);
const char *const *cpd_sources_get_pins_dirs (CpdSources *sources);

CpdFound *cpd_sources_read (CpdSources *sources);
void cpd_sources_read_async (CpdSources *sources, GAsyncReadyCallback callback, gpointer user_data);
CpdFound *cpd_sources_read_finish (GAsyncResult *result);
void cpd_found_free (CpdFound *found);
void cpd_found_free_in_thread (CpdFound *found);
void cpd_sources_trim (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdFound, cpd_found_free)

G_END_DECLS
