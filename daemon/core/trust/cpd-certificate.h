/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client-lib/certpin-key.h"
#include "daemon/core/trust/cpd-der.h"

#include <gnutls/x509.h>

G_BEGIN_DECLS

/* ASN.1 elements of one certificate, and of several that are given together. */
#define CPD_CERTIFICATE_MAX_ELEMENTS 8192

/* One certificate that is strictly DER. An immutable, reference-counted value. Threads may share
 * it: GnuTLS allows that for objects that are only read. */
typedef struct _CpdCertificate CpdCertificate;

gboolean cpd_certificates_are_few (GPtrArray *ders, GError **error);
CpdCertificate *cpd_certificate_new (GBytes *der, GError **error);
CpdCertificate *cpd_certificate_ref (CpdCertificate *certificate);
void cpd_certificate_unref (CpdCertificate *certificate);

GBytes *cpd_certificate_get_der (CpdCertificate *certificate);
CertpinKey *cpd_certificate_get_key (CpdCertificate *certificate);
CertpinKey *cpd_certificate_dup_fingerprint (CpdCertificate *certificate);
gnutls_x509_crt_t cpd_certificate_get_handle (CpdCertificate *certificate);
CpdSlice cpd_certificate_get_raw_subject (CpdCertificate *certificate);
gboolean cpd_certificate_has_subject (CpdCertificate *certificate);
CpdSlice cpd_certificate_get_raw_issuer (CpdCertificate *certificate);
CpdSlice cpd_certificate_get_key_bits (CpdCertificate *certificate);

char *cpd_certificate_dup_subject (CpdCertificate *certificate);
char *cpd_certificate_dup_issuer (CpdCertificate *certificate);
gboolean cpd_certificate_has_proper_dates (CpdCertificate *certificate);
gint64 cpd_certificate_get_not_before (CpdCertificate *certificate);
gint64 cpd_certificate_get_not_after (CpdCertificate *certificate);
gboolean cpd_certificate_is_ca (CpdCertificate *certificate);
gboolean cpd_certificate_is_self_signed (CpdCertificate *certificate);
gboolean cpd_certificate_is_signed_by (CpdCertificate *certificate, CpdCertificate *issuer);
gboolean cpd_certificate_has_signed (CpdCertificate *signer, gnutls_sign_algorithm_t algorithm,
                                     CpdSlice data, CpdSlice signature);
gboolean cpd_certificate_names (CpdCertificate *certificate, const char *host_name);
gboolean cpd_certificate_has_usual_key (CpdCertificate *certificate);
gboolean cpd_certificate_verifies_in_time (CpdCertificate *certificate);
unsigned int cpd_certificate_get_rsa_bits (CpdCertificate *certificate);

gboolean cpd_certificate_equal (CpdCertificate *a, CpdCertificate *b);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdCertificate, cpd_certificate_unref)

G_END_DECLS
