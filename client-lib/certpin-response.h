/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-evidence.h>
#include <certpin-version.h>
#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * CertpinResponse:
 *
 * The response of a server that passed every check, with the evidence of its connection. It is
 * reference-counted, and immutable but for its stream, if it has one: that can be read once.
 *
 * Since: 0.1
 */
typedef struct _CertpinResponse CertpinResponse;

#define CERTPIN_TYPE_RESPONSE (certpin_response_get_type ())

CERTPIN_API GType certpin_response_get_type (void);

CERTPIN_API CertpinResponse *certpin_response_new (unsigned int status, GVariant *headers,
                                                   GBytes *body, CertpinEvidence *evidence);

CERTPIN_API CertpinResponse *certpin_response_ref (CertpinResponse *response);
CERTPIN_API void certpin_response_unref (CertpinResponse *response);

CERTPIN_API unsigned int certpin_response_get_status (CertpinResponse *response);
CERTPIN_API GVariant *certpin_response_get_headers (CertpinResponse *response);
CERTPIN_API const char *certpin_response_get_header (CertpinResponse *response, const char *name);
CERTPIN_API GBytes *certpin_response_get_body (CertpinResponse *response);
CERTPIN_API GInputStream *certpin_response_get_stream (CertpinResponse *response);
CERTPIN_API CertpinEvidence *certpin_response_get_evidence (CertpinResponse *response);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CertpinResponse, certpin_response_unref)

G_END_DECLS
