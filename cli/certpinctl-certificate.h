/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

/* What is read from a file at most. */
#define CTL_CERTIFICATE_FILE_MAX_BYTES (1024 * 1024)

gboolean ctl_certificate_is_container (GBytes *file);
GBytes *ctl_certificate_convert (Ctl *ctl, GBytes *file, const char *path, GError **error);
GBytes *ctl_certificate_read (Ctl *ctl, const char *path, GError **error);
GVariant *ctl_certificate_describe (Ctl *ctl, GBytes *file, const char *path, const char *host,
                                    GError **error);
GVariant *ctl_certificate_describe_all (Ctl *ctl, GBytes *file, const char *path, GError **error);
GBytes *ctl_certificate_get_der (GVariant *described);
GPtrArray *ctl_certificate_rows (GVariant *described);

G_END_DECLS
