/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a stapled OCSP response says of a certificate (RFC 6960, section 3.2): it must be about that
 * certificate, and signed by its issuer or by whom the issuer certified to do so. No clock: the
 * time for which it holds is part of the answer. */

#include "config.h"

#include "daemon/core/trust/cpd-ocsp.h"

#include "daemon/core/trust/cpd-gnutls.h"
#include "daemon/core/trust/cpd-ocsp-response.h"

#include <libtasn1.h>
#include <string.h>

/* Of the certificates in a response, so many are tried, at two signatures each. */
#define SIGNERS_MAX 4

/* Clocks differ. */
#define EARLY_S (5 * 60)

/* A response that does not say when the next one comes is current for as long as authorities of
 * the web may take at most. */
#define CURRENT_S (10 * 24 * 60 * 60)

static gboolean
has_digest (CpdSlice bytes, GChecksumType type, CpdSlice digest)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (type);
  guint8 computed[64];
  gsize length = sizeof computed;

  g_checksum_update (checksum, bytes.data, (gssize)bytes.length);
  g_checksum_get_digest (checksum, computed, &length);
  return length == digest.length && memcmp (computed, digest.data, length) == 0;
}

static gboolean
has_serial (CpdCertificate *certificate, CpdSlice serial)
{
  guint8 own[64];
  size_t length = sizeof own;

  return gnutls_x509_crt_get_serial (cpd_certificate_get_handle (certificate), own, &length) >= 0
         && length == serial.length && memcmp (own, serial.data, length) == 0;
}

static gboolean
is_about (const CpdOcspEntry *entry, CpdCertificate *certificate, CpdCertificate *issuer)
{
  return has_serial (certificate, entry->serial)
         && has_digest (cpd_certificate_get_raw_issuer (certificate), entry->hash, entry->name_hash)
         && has_digest (cpd_certificate_get_key_bits (issuer), entry->hash, entry->key_hash);
}

/* Of several entries about one certificate, a revocation counts.
 * Returns: whether there is one, and all of them can be read */
static gboolean
find_entry (CpdSlice entries, CpdCertificate *certificate, CpdCertificate *issuer,
            CpdOcspEntry *found)
{
  gboolean any = FALSE;

  while (entries.length > 0)
    {
      CpdOcspEntry entry;

      if (!cpd_ocsp_response_take_entry (&entries, &entry))
        return FALSE;
      if (!is_about (&entry, certificate, issuer))
        continue;
      if (!any || entry.status == CPD_OCSP_ENTRY_REVOKED)
        *found = entry;
      any = TRUE;
    }
  return any;
}

static gboolean
is_signed_by (const CpdOcspShape *shape, CpdCertificate *signer)
{
  char oid[128];
  int length;
  gnutls_sign_algorithm_t algorithm;

  if (asn1_get_object_id_der (shape->algorithm.data + 1, (int)shape->algorithm.length - 1, &length,
                              oid, sizeof oid)
      != ASN1_SUCCESS)
    return FALSE;
  algorithm = gnutls_oid_to_sign (oid);
  return algorithm != GNUTLS_SIGN_UNKNOWN
         && cpd_certificate_has_signed (signer, algorithm, shape->signed_data, shape->signature);
}

/* RFC 6960, section 4.2.2.2: the purpose must be listed, any other will not do. */
static gboolean
may_sign_responses (CpdCertificate *certificate)
{
  gnutls_x509_crt_t handle = cpd_certificate_get_handle (certificate);
  char purpose[128];

  for (unsigned int i = 0;; i++)
    {
      size_t size = sizeof purpose;
      int status = gnutls_x509_crt_get_key_purpose_oid (handle, i, purpose, &size, NULL);

      if (status >= 0 && g_str_equal (purpose, GNUTLS_KP_OCSP_SIGNING))
        return TRUE;
      if (status < 0 && status != GNUTLS_E_SHORT_MEMORY_BUFFER)
        return FALSE;
    }
}

/* Whether the issuer itself certified the signer, by all that GnuTLS demands but dates: GnuTLS has
 * a clock of its own. The issuer is on a valid path. */
static gboolean
is_delegate (CpdCertificate *signer, CpdCertificate *issuer)
{
  const unsigned int flags = GNUTLS_PROFILE_TO_VFLAGS (GNUTLS_PROFILE_MEDIUM)
                             | GNUTLS_VERIFY_DISABLE_TIME_CHECKS
                             | GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS;
  gnutls_x509_crt_t by = cpd_certificate_get_handle (issuer);
  unsigned int status = 0;

  return may_sign_responses (signer) && cpd_certificate_has_proper_dates (signer)
         && gnutls_x509_crt_verify (cpd_certificate_get_handle (signer), &by, 1, flags, &status)
                >= 0
         && status == 0;
}

/* `ocsp`: its time ends with that of the signer's certificate.
 * Returns: whether one signed it that the issuer certified for that */
static gboolean
is_signed_by_delegate (const CpdOcspShape *shape, CpdCertificate *issuer, CpdOcsp *ocsp)
{
  CpdSlice rest = shape->certificates, whole;

  for (unsigned int i = 0; i < SIGNERS_MAX && rest.length > 0; i++)
    {
      g_autoptr (GBytes) der = NULL;
      g_autoptr (CpdCertificate) signer = NULL;
      CpdSlice content;
      guint8 tag;

      if (!cpd_der_take_any (&rest, &tag, &whole, &content))
        return FALSE;
      der = g_bytes_new (whole.data, whole.length);
      signer = cpd_certificate_new (der, NULL);
      if (signer == NULL || !is_delegate (signer, issuer) || !is_signed_by (shape, signer))
        continue;
      ocsp->valid_from = MAX (ocsp->valid_from, cpd_certificate_get_not_before (signer));
      ocsp->valid_until = MIN (ocsp->valid_until, cpd_certificate_get_not_after (signer));
      return TRUE;
    }
  return FALSE;
}

static CpdOcspStatus
status_of (const CpdOcspEntry *entry)
{
  switch (entry->status)
    {
    case CPD_OCSP_ENTRY_GOOD:
      return CPD_OCSP_GOOD;
    case CPD_OCSP_ENTRY_REVOKED:
      return CPD_OCSP_REVOKED;
    case CPD_OCSP_ENTRY_UNKNOWN:
      break;
    }
  return CPD_OCSP_UNKNOWN;
}

/* `response`: (nullable): the bytes as stapled; NULL: none. `issuer`: of the certificate, on a
 * valid path. */
CpdOcsp
cpd_ocsp_judge (GBytes *response, CpdCertificate *certificate, CpdCertificate *issuer)
{
  CpdOcsp ocsp = { CPD_OCSP_NONE, G_MININT64, G_MAXINT64 };
  CpdOcspShape shape;
  CpdOcspEntry entry;
  CpdSlice bytes;

  if (response == NULL)
    return ocsp;
  ocsp.status = CPD_OCSP_INVALID;
  bytes.data = g_bytes_get_data (response, &bytes.length);
  if (cpd_der_count_elements (bytes, CPD_CERTIFICATE_MAX_ELEMENTS) > CPD_CERTIFICATE_MAX_ELEMENTS
      || !cpd_ocsp_response_parse (bytes, &shape)
      || !find_entry (shape.entries, certificate, issuer, &entry))
    return ocsp;
  ocsp.valid_from = entry.this_update - EARLY_S;
  ocsp.valid_until
      = entry.next_update != G_MAXINT64 ? entry.next_update : entry.this_update + CURRENT_S;
  if (is_signed_by (&shape, issuer) || is_signed_by_delegate (&shape, issuer, &ocsp))
    ocsp.status = status_of (&entry);
  return ocsp;
}

static gboolean
is_current (const CpdOcsp *ocsp, gint64 now)
{
  return now >= ocsp->valid_from && now <= ocsp->valid_until;
}

/* `now`: Unix seconds */
gboolean
cpd_ocsp_is_good (const CpdOcsp *ocsp, gint64 now)
{
  return ocsp->status == CPD_OCSP_GOOD && is_current (ocsp, now);
}

/* A revocation does not end: what a later response would say does not matter. `now`: Unix seconds.
 * Returns: (transfer none): a word for programs, as in the `ocsp` of a reply */
const char *
cpd_ocsp_get_name (const CpdOcsp *ocsp, gint64 now)
{
  static const char *const names[]
      = { "none", "unchecked", "invalid", "unknown", "good", "revoked" };

  if ((ocsp->status == CPD_OCSP_GOOD || ocsp->status == CPD_OCSP_UNKNOWN)
      && !is_current (ocsp, now))
    return "stale";
  return names[ocsp->status];
}
