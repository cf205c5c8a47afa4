/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: the body of a request that is in a file, or comes by a stream. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define CERTPIN_TYPE_CONTENT (certpin_content_get_type ())
G_DECLARE_FINAL_TYPE (CertpinContent, certpin_content, CERTPIN, CONTENT, GObject)

CertpinContent *certpin_content_new_for_file (GFile *file);
CertpinContent *certpin_content_new_for_stream (GInputStream *stream, goffset length);

GInputStream *certpin_content_open (CertpinContent *content, goffset *length,
                                    GCancellable *cancellable, GError **error);

G_END_DECLS
