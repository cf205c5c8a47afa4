/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/trust/cpd-certificate.h"

G_BEGIN_DECLS

/* A set of certificates that are trusted as they are. An immutable, reference-counted value: a
 * reload makes a new one, so that two sets are the same if and only if their pointers are. */
typedef struct _CpdAnchors CpdAnchors;

CpdAnchors *cpd_anchors_new_empty (void);
CpdAnchors *cpd_anchors_new (GPtrArray *ders, GError **error);
CpdAnchors *cpd_anchors_new_of_pin (GPtrArray *ders, GError **error);
CpdAnchors *cpd_anchors_new_of_machine (GPtrArray *ders, GPtrArray *local);
CpdAnchors *cpd_anchors_detach (CpdAnchors *anchors);
CpdAnchors *cpd_anchors_ref (CpdAnchors *anchors);
void cpd_anchors_unref (CpdAnchors *anchors);

unsigned int cpd_anchors_get_count (CpdAnchors *anchors);
GPtrArray *cpd_anchors_get_ders (CpdAnchors *anchors);
GPtrArray *cpd_anchors_find (CpdAnchors *anchors, CpdSlice subject);
gboolean cpd_anchors_contain (CpdAnchors *anchors, CpdCertificate *certificate);
gboolean cpd_anchors_is_local (CpdAnchors *anchors, CpdCertificate *anchor);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdAnchors, cpd_anchors_unref)

G_END_DECLS
