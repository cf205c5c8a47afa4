/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-version.h>
#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * CertpinRequest:
 *
 * An HTTPS request: method, URL, headers and body. It is immutable and reference-counted.
 *
 * Since: 0.1
 */
typedef struct _CertpinRequest CertpinRequest;

#define CERTPIN_TYPE_REQUEST (certpin_request_get_type ())

CERTPIN_API GType certpin_request_get_type (void);

CERTPIN_API CertpinRequest *certpin_request_new (const char *method, const char *url,
                                                 GVariant *headers, GBytes *body, GError **error);

CERTPIN_API CertpinRequest *certpin_request_ref (CertpinRequest *request);
CERTPIN_API void certpin_request_unref (CertpinRequest *request);

CERTPIN_API const char *certpin_request_get_method (CertpinRequest *request);
CERTPIN_API GUri *certpin_request_get_uri (CertpinRequest *request);
CERTPIN_API GVariant *certpin_request_get_headers (CertpinRequest *request);
CERTPIN_API GBytes *certpin_request_get_body (CertpinRequest *request);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CertpinRequest, certpin_request_unref)

G_END_DECLS
