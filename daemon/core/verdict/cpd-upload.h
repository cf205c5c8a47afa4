/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/verdict/cpd-pump.h"

G_BEGIN_DECLS

/* The body of a request that is read from a caller's descriptor. It has one reader at a time, on
 * whatever thread. */
typedef struct _CpdUpload CpdUpload;

CpdUpload *cpd_upload_new (const CpdPump *source, GError **error);
CpdUpload *cpd_upload_ref (CpdUpload *upload);
void cpd_upload_unref (CpdUpload *upload);

guint64 cpd_upload_get_length (const CpdUpload *upload);
guint64 cpd_upload_count_left (const CpdUpload *upload);
gboolean cpd_upload_is_untouched (const CpdUpload *upload);
int cpd_upload_get_fd (const CpdUpload *upload);
gssize cpd_upload_take (CpdUpload *upload, void *buffer, gsize size, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdUpload, cpd_upload_unref)

G_END_DECLS
