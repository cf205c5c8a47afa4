/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-failure.h>
#include <certpin-record.h>

G_BEGIN_DECLS

#define CERTPIN_TYPE_EVIDENCE (certpin_evidence_get_type ())

/**
 * CertpinEvidence:
 *
 * What the service checked before it sent a request or opened a connection, and what the server
 * proved. It does not change.
 *
 * Since: 0.1
 */
CERTPIN_API
G_DECLARE_FINAL_TYPE (CertpinEvidence, certpin_evidence, CERTPIN, EVIDENCE, CertpinRecord)

CERTPIN_API CertpinEvidence *certpin_evidence_new (GVariant *info);

CERTPIN_API const char *certpin_evidence_get_url (CertpinEvidence *evidence);
CERTPIN_API const char *certpin_evidence_get_http_version (CertpinEvidence *evidence);
CERTPIN_API const char *certpin_evidence_get_tls_version (CertpinEvidence *evidence);
CERTPIN_API const char *certpin_evidence_get_tls_cipher (CertpinEvidence *evidence);
CERTPIN_API const char *certpin_evidence_get_alpn (CertpinEvidence *evidence);
CERTPIN_API const char *certpin_evidence_get_matched_key (CertpinEvidence *evidence);
CERTPIN_API unsigned int certpin_evidence_get_matched_position (CertpinEvidence *evidence);
CERTPIN_API const char *const *certpin_evidence_get_path_keys (CertpinEvidence *evidence);
CERTPIN_API gboolean certpin_evidence_get_connection_reused (CertpinEvidence *evidence);
CERTPIN_API guint64 certpin_evidence_get_generation (CertpinEvidence *evidence);
CERTPIN_API unsigned int certpin_evidence_get_redirects (CertpinEvidence *evidence);
CERTPIN_API guint64 certpin_evidence_get_body_bytes (CertpinEvidence *evidence);
CERTPIN_API const char *certpin_evidence_get_ocsp (CertpinEvidence *evidence);
CERTPIN_API const char *const *certpin_evidence_get_warnings (CertpinEvidence *evidence);
CERTPIN_API CertpinFailure *certpin_evidence_get_report (CertpinEvidence *evidence);
CERTPIN_API GDateTime *certpin_evidence_get_paused_until (CertpinEvidence *evidence);
CERTPIN_API const char *certpin_evidence_get_proxy (CertpinEvidence *evidence);
CERTPIN_API guint64 certpin_evidence_get_timing_us (CertpinEvidence *evidence, const char *step);

G_END_DECLS
