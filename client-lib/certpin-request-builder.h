/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-request.h>

G_BEGIN_DECLS

/**
 * CertpinRequestBuilder:
 *
 * Puts a #CertpinRequest together, piece by piece. A builder is reference-counted; it is not meant
 * for several threads at a time. What it is given is checked when the request is built.
 *
 * The body is in memory, in a file, or comes by a stream. It may have any size: large ones are sent
 * as streams by themselves. To see how far such a body has come, send the request without it by
 * certpin_client_upload().
 *
 * Since: 0.1
 */
typedef struct _CertpinRequestBuilder CertpinRequestBuilder;

#define CERTPIN_TYPE_REQUEST_BUILDER (certpin_request_builder_get_type ())

CERTPIN_API GType certpin_request_builder_get_type (void);

CERTPIN_API CertpinRequestBuilder *certpin_request_builder_new (const char *url);
CERTPIN_API CertpinRequestBuilder *certpin_request_builder_ref (CertpinRequestBuilder *builder);
CERTPIN_API void certpin_request_builder_unref (CertpinRequestBuilder *builder);

CERTPIN_API void
certpin_request_builder_set_method (CertpinRequestBuilder *builder, const char *method);
CERTPIN_API void certpin_request_builder_set_header (CertpinRequestBuilder *builder,
                                                     const char *name, const char *value);
CERTPIN_API void certpin_request_builder_add_header (CertpinRequestBuilder *builder,
                                                     const char *name, const char *value);
CERTPIN_API void certpin_request_builder_set_body (CertpinRequestBuilder *builder,
                                                   const char *content_type, GBytes *body);
CERTPIN_API void
certpin_request_builder_set_body_text (CertpinRequestBuilder *builder, const char *text);
CERTPIN_API void
certpin_request_builder_set_body_json (CertpinRequestBuilder *builder, const char *json);
CERTPIN_API void certpin_request_builder_set_body_file (CertpinRequestBuilder *builder,
                                                        const char *content_type, GFile *file);
CERTPIN_API void
certpin_request_builder_set_body_stream (CertpinRequestBuilder *builder, const char *content_type,
                                         GInputStream *stream, gint64 length);

CERTPIN_API CertpinRequest *
certpin_request_builder_build (CertpinRequestBuilder *builder, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CertpinRequestBuilder, certpin_request_builder_unref)

G_END_DECLS
