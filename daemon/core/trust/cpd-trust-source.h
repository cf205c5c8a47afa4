/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/trust/cpd-anchors.h"

G_BEGIN_DECLS

/* Where the anchors of the machine are read from. An immutable, reference-counted value. */
typedef struct _CpdTrustSource CpdTrustSource;

CpdTrustSource *cpd_trust_source_new (const char *location, const char *const *local_dirs);
CpdTrustSource *cpd_trust_source_ref (CpdTrustSource *source);
void cpd_trust_source_unref (CpdTrustSource *source);

const char *cpd_trust_source_get_location (CpdTrustSource *source);
const char *cpd_trust_source_get_file (CpdTrustSource *source);
CpdAnchors *cpd_trust_source_load (CpdTrustSource *source, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdTrustSource, cpd_trust_source_unref)

G_END_DECLS
