/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: a file while it is downloaded. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _CertpinPart CertpinPart;

CertpinPart *certpin_part_new (GFile *file, const char *url, GError **error);
void certpin_part_free (CertpinPart *part);

const char *certpin_part_get_validator (CertpinPart *part);
const char *certpin_part_get_key (CertpinPart *part);
goffset certpin_part_get_length (CertpinPart *part);

gboolean certpin_part_restart (CertpinPart *part, GError **error);
gboolean certpin_part_write (CertpinPart *part, const void *bytes, gsize length, GError **error);
gboolean certpin_part_commit (CertpinPart *part, GError **error);
void certpin_part_keep (CertpinPart *part, const char *validator, const char *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CertpinPart, certpin_part_free)

G_END_DECLS
