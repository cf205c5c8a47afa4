/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-record.h>

G_BEGIN_DECLS

#define CERTPIN_TYPE_CERTIFICATE (certpin_certificate_get_type ())

/**
 * CertpinCertificate:
 *
 * What is in a certificate, as the service read it: one that a server presented (#CertpinChain), or
 * had when it last passed (#CertpinPin:served). It does not change.
 *
 * Since: 0.1
 */
CERTPIN_API
G_DECLARE_FINAL_TYPE (CertpinCertificate, certpin_certificate, CERTPIN, CERTIFICATE, CertpinRecord)

CERTPIN_API CertpinCertificate *certpin_certificate_new (GVariant *description);

CERTPIN_API const char *certpin_certificate_get_subject (CertpinCertificate *certificate);
CERTPIN_API const char *certpin_certificate_get_issuer (CertpinCertificate *certificate);
CERTPIN_API const char *certpin_certificate_get_key (CertpinCertificate *certificate);
CERTPIN_API GDateTime *certpin_certificate_get_not_before (CertpinCertificate *certificate);
CERTPIN_API GDateTime *certpin_certificate_get_not_after (CertpinCertificate *certificate);
CERTPIN_API GDateTime *certpin_certificate_get_time (CertpinCertificate *certificate);
CERTPIN_API const char *certpin_certificate_get_fault (CertpinCertificate *certificate);

G_END_DECLS
