/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One certificate: its key from the raw bytes, everything else from GnuTLS. Both parsers must
 * accept it: otherwise, they could find different keys in it. */

#include "config.h"

#include "daemon/core/trust/cpd-certificate.h"

#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/base/cpd-text.h"
#include "daemon/core/trust/cpd-gnutls.h"
#include "daemon/core/trust/cpd-not-certificate.h"

#include <arpa/inet.h>
#include <string.h>

#define NAME_MAX_ELEMENTS 512

struct _CpdCertificate
{
  GBytes *der;
  CpdCertificateShape shape; /* points into der */
  CertpinKey *key;
  gnutls_x509_crt_t handle;
};

static CertpinKey *
hash (CpdSlice bytes)
{
  guint8 digest[CERTPIN_KEY_BYTES];
  gsize length = sizeof digest;
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);

  g_checksum_update (checksum, bytes.data, (gssize)bytes.length);
  g_checksum_get_digest (checksum, digest, &length);
  return certpin_key_new_from_digest (digest);
}

static gnutls_x509_crt_t
import (GBytes *der)
{
  g_auto (gnutls_x509_crt_t) handle = NULL;
  gsize size;
  gnutls_datum_t datum = { (unsigned char *)g_bytes_get_data (der, &size), 0 };

  datum.size = (unsigned int)size;
  if (gnutls_x509_crt_init (&handle) < 0
      || gnutls_x509_crt_import (handle, &datum, GNUTLS_X509_FMT_DER) < 0)
    return NULL;
  return g_steal_pointer (&handle);
}

/* GnuTLS needs seconds for names of thousands of parts: the time grows with the square of their
 * number. The longest names in use have some 20 parts, and so 80 elements. */
static gboolean
check_elements (CpdSlice der, const CpdCertificateShape *shape, GError **error)
{
  if (cpd_der_count_elements (der, CPD_CERTIFICATE_MAX_ELEMENTS) <= CPD_CERTIFICATE_MAX_ELEMENTS
      && cpd_der_count_elements (shape->issuer, NAME_MAX_ELEMENTS) <= NAME_MAX_ELEMENTS
      && cpd_der_count_elements (shape->subject, NAME_MAX_ELEMENTS) <= NAME_MAX_ELEMENTS)
    return TRUE;
  return cpd_refuse (
      error, CERTPIN_ERROR_WRONG_FORMAT,
      "the certificate has more than %d ASN.1 elements, or a name with more than %d; "
      "it would take too long to decode",
      CPD_CERTIFICATE_MAX_ELEMENTS, NAME_MAX_ELEMENTS);
}

/* Whether certificates that are given together, `ders`, of GBytes, can be decoded in a
 * reasonable time.
 * Errors: CERTPIN_ERROR_WRONG_FORMAT. */
gboolean
cpd_certificates_are_few (GPtrArray *ders, GError **error)
{
  unsigned int total = 0;

  for (unsigned int i = 0; i < ders->len && total <= CPD_CERTIFICATE_MAX_ELEMENTS; i++)
    {
      gsize length;
      const guint8 *data = g_bytes_get_data (ders->pdata[i], &length);

      total += cpd_der_count_elements ((CpdSlice){ data, length }, CPD_CERTIFICATE_MAX_ELEMENTS);
    }
  if (total <= CPD_CERTIFICATE_MAX_ELEMENTS)
    return TRUE;
  return cpd_refuse (
      error, CERTPIN_ERROR_WRONG_FORMAT,
      "the certificates together have more than %d ASN.1 elements; give fewer or smaller "
      "ones",
      CPD_CERTIFICATE_MAX_ELEMENTS);
}

/* `der`: exactly one certificate, 64 KiB at most.
 * Errors: CERTPIN_ERROR_WRONG_FORMAT, which says what was given instead and how to convert it, or
 * that it has too many elements. */
CpdCertificate *
cpd_certificate_new (GBytes *der, GError **error)
{
  gsize length;
  const guint8 *data = g_bytes_get_data (der, &length);
  CpdCertificateShape shape;
  g_auto (gnutls_x509_crt_t) handle = NULL;
  CpdCertificate *certificate;

  if (length > 0 && length <= CPD_CERTIFICATE_MAX_BYTES
      && cpd_der_parse_certificate (data, length, &shape))
    {
      if (!check_elements ((CpdSlice){ data, length }, &shape, error))
        return NULL;
      handle = import (der);
    }
  if (handle == NULL)
    {
      g_autofree char *given = cpd_not_certificate_describe (der);
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_WRONG_FORMAT, "%s", given);
      return NULL;
    }

  certificate = g_atomic_rc_box_new0 (CpdCertificate);
  certificate->der = g_bytes_ref (der);
  certificate->shape = shape;
  certificate->key = hash (shape.spki);
  certificate->handle = g_steal_pointer (&handle);
  return certificate;
}

CpdCertificate *
cpd_certificate_ref (CpdCertificate *certificate)
{
  return g_atomic_rc_box_acquire (certificate);
}

static void
certificate_clear (gpointer data)
{
  CpdCertificate *certificate = data;

  g_bytes_unref (certificate->der);
  certpin_key_unref (certificate->key);
  gnutls_x509_crt_deinit (certificate->handle);
}

void
cpd_certificate_unref (CpdCertificate *certificate)
{
  if (certificate != NULL)
    g_atomic_rc_box_release_full (certificate, certificate_clear);
}

GBytes *
cpd_certificate_get_der (CpdCertificate *certificate)
{
  return certificate->der;
}

CertpinKey *
cpd_certificate_get_key (CpdCertificate *certificate)
{
  return certificate->key;
}

/* Returns: (transfer full): the SHA-256 of the whole certificate, which some people pin by mistake
 * instead of the key's */
CertpinKey *
cpd_certificate_dup_fingerprint (CpdCertificate *certificate)
{
  CpdSlice whole;

  whole.data = g_bytes_get_data (certificate->der, &whole.length);
  return hash (whole);
}

gnutls_x509_crt_t
cpd_certificate_get_handle (CpdCertificate *certificate)
{
  return certificate->handle;
}

CpdSlice
cpd_certificate_get_raw_subject (CpdCertificate *certificate)
{
  return certificate->shape.subject;
}

/* An empty Name is an empty SEQUENCE. */
gboolean
cpd_certificate_has_subject (CpdCertificate *certificate)
{
  return certificate->shape.subject.length > 2;
}

CpdSlice
cpd_certificate_get_raw_issuer (CpdCertificate *certificate)
{
  return certificate->shape.issuer;
}

/* Returns: the public key alone, as OCSP hashes it (RFC 6960, section 4.1.1) */
CpdSlice
cpd_certificate_get_key_bits (CpdCertificate *certificate)
{
  return cpd_der_read_key_bits (certificate->shape.spki);
}

#define NAME_MAX_BYTES 256

static char *
take_name (int status, gnutls_datum_t name)
{
  char *text;

  if (status < 0 || name.size == 0)
    return g_strdup ("(no name)");
  text = cpd_text_shorten ((const char *)name.data, name.size, NAME_MAX_BYTES);
  gnutls_free (name.data);
  return text;
}

/* Returns: (transfer full): the subject (RFC 4514), safe to show */
char *
cpd_certificate_dup_subject (CpdCertificate *certificate)
{
  gnutls_datum_t name = { NULL, 0 };
  int status = gnutls_x509_crt_get_dn3 (certificate->handle, &name, 0);

  return take_name (status, name);
}

char *
cpd_certificate_dup_issuer (CpdCertificate *certificate)
{
  gnutls_datum_t name = { NULL, 0 };
  int status = gnutls_x509_crt_get_issuer_dn3 (certificate->handle, &name, 0);

  return take_name (status, name);
}

/* Whether its dates are written as RFC 5280 requires: GnuTLS guesses the meaning of others. */
gboolean
cpd_certificate_has_proper_dates (CpdCertificate *certificate)
{
  return cpd_der_is_validity (certificate->shape.validity);
}

/* Unix seconds; an unreadable date counts as never reached. */
gint64
cpd_certificate_get_not_before (CpdCertificate *certificate)
{
  time_t time = gnutls_x509_crt_get_activation_time (certificate->handle);

  return time != (time_t)-1 ? (gint64)time : G_MAXINT64;
}

/* Unix seconds; an unreadable date counts as long past. */
gint64
cpd_certificate_get_not_after (CpdCertificate *certificate)
{
  time_t time = gnutls_x509_crt_get_expiration_time (certificate->handle);

  return time != (time_t)-1 ? (gint64)time : G_MININT64;
}

gboolean
cpd_certificate_is_ca (CpdCertificate *certificate)
{
  return gnutls_x509_crt_get_ca_status (certificate->handle, NULL) > 0;
}

/* Whether TLS signs with this type of key today (RFC 8446, section 4.2.3); DSA is not used. */
gboolean
cpd_certificate_has_usual_key (CpdCertificate *certificate)
{
  switch (gnutls_x509_crt_get_pk_algorithm (certificate->handle, NULL))
    {
    case GNUTLS_PK_RSA:
    case GNUTLS_PK_RSA_PSS:
    case GNUTLS_PK_ECDSA:
    case GNUTLS_PK_EDDSA_ED25519:
    case GNUTLS_PK_EDDSA_ED448:
      return TRUE;
    default:
      return FALSE;
    }
}

#define ISSUER_RSA_BITS_MAX       8192
#define ISSUER_RSA_EXPONENT_BYTES 8

static gboolean
has_reasonable_rsa_key (CpdCertificate *certificate)
{
  gnutls_datum_t modulus = { NULL, 0 }, exponent = { NULL, 0 };
  gboolean reasonable;

  if (cpd_certificate_get_rsa_bits (certificate) > ISSUER_RSA_BITS_MAX
      || gnutls_x509_crt_get_pk_rsa_raw (certificate->handle, &modulus, &exponent) < 0)
    return FALSE;
  reasonable = exponent.size <= ISSUER_RSA_EXPONENT_BYTES;
  gnutls_free (modulus.data);
  gnutls_free (exponent.data);
  return reasonable;
}

/* Whether its key verifies a signature as fast as the keys that authorities use: an attacker can
 * choose any size. */
gboolean
cpd_certificate_verifies_in_time (CpdCertificate *certificate)
{
  return cpd_certificate_has_usual_key (certificate)
         && (cpd_certificate_get_rsa_bits (certificate) == 0
             || has_reasonable_rsa_key (certificate));
}

/* If the issuer's key and the signature have different types, GnuTLS only reports an invalid path,
 * not a wrong signature. */
static gboolean
fits_key (CpdCertificate *certificate, CpdCertificate *issuer)
{
  int algorithm = gnutls_x509_crt_get_signature_algorithm (certificate->handle);
  int key = gnutls_x509_crt_get_pk_algorithm (issuer->handle, NULL);

  return algorithm > 0 && key > 0
         && gnutls_sign_supports_pk_algorithm ((gnutls_sign_algorithm_t)algorithm,
                                               (gnutls_pk_algorithm_t)key);
}

/* “Invalid” without a reason means that the signature cannot even be read. */
static gboolean
has_verified (unsigned int status)
{
  return (status & (GNUTLS_CERT_SIGNATURE_FAILURE | GNUTLS_CERT_SIGNER_NOT_FOUND)) == 0
         && status != GNUTLS_CERT_INVALID;
}

/* Whether the names chain and the issuer's key verifies the signature. Dates, uses and the strength
 * of the signature do not matter. */
gboolean
cpd_certificate_is_signed_by (CpdCertificate *certificate, CpdCertificate *issuer)
{
  const unsigned int flags
      = GNUTLS_VERIFY_DO_NOT_ALLOW_SAME | GNUTLS_VERIFY_DISABLE_CA_SIGN
        | GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS
        | GNUTLS_VERIFY_ALLOW_BROKEN | GNUTLS_VERIFY_IGNORE_UNKNOWN_CRIT_EXTENSIONS;
  unsigned int status = 0;

  return gnutls_x509_crt_check_issuer (certificate->handle, issuer->handle)
         && cpd_certificate_verifies_in_time (issuer) && fits_key (certificate, issuer)
         && gnutls_x509_crt_verify (certificate->handle, &issuer->handle, 1, flags, &status) >= 0
         && has_verified (status);
}

/* If its key would take too long to verify with, only the names count. */
gboolean
cpd_certificate_is_self_signed (CpdCertificate *certificate)
{
  if (!cpd_certificate_verifies_in_time (certificate))
    return gnutls_x509_crt_check_issuer (certificate->handle, certificate->handle) != 0;
  return cpd_certificate_is_signed_by (certificate, certificate);
}

/* Whether its key signed the data, with an algorithm and a key that are strong enough for
 * certificates. */
gboolean
cpd_certificate_has_signed (CpdCertificate *signer, gnutls_sign_algorithm_t algorithm,
                            CpdSlice data, CpdSlice signature)
{
  const unsigned int flags = GNUTLS_PROFILE_TO_VFLAGS (GNUTLS_PROFILE_MEDIUM);
  const gnutls_datum_t whole = { (unsigned char *)data.data, (unsigned int)data.length };
  const gnutls_datum_t proof = { (unsigned char *)signature.data, (unsigned int)signature.length };
  g_auto (gnutls_pubkey_t) key = NULL;

  return cpd_certificate_verifies_in_time (signer)
         && gnutls_sign_is_secure2 (algorithm, GNUTLS_SIGN_FLAG_SECURE_FOR_CERTS)
         && gnutls_pubkey_init (&key) >= 0
         && gnutls_pubkey_import_x509 (key, signer->handle, 0) >= 0
         && gnutls_pubkey_verify_data2 (key, algorithm, flags, &whole, &proof) >= 0;
}

/* Whether a dNSName matches a host (RFC 9525, section 6.3): a star is the whole first label,
 * matches one label, and is followed by at least two. */
static gboolean
matches_dns_name (const char *name, size_t length, const char *host_name)
{
  const char *rest = strchr (host_name, '.');

  if (length == strlen (host_name) && g_ascii_strncasecmp (name, host_name, length) == 0)
    return TRUE;
  return rest != NULL && strchr (rest + 1, '.') != NULL && length == strlen (rest) + 1
         && name[0] == '*' && g_ascii_strncasecmp (name + 1, rest, length - 1) == 0;
}

static gboolean
has_dns_name (CpdCertificate *certificate, const char *host_name)
{
  char name[1024];

  for (unsigned int i = 0;; i++)
    {
      size_t size = sizeof name;
      int type = gnutls_x509_crt_get_subject_alt_name (certificate->handle, i, name, &size, NULL);

      if (type == GNUTLS_SAN_DNSNAME && matches_dns_name (name, size, host_name))
        return TRUE;
      /* A name that does not fit into the buffer is too long for a host. */
      if (type < 0 && type != GNUTLS_E_SHORT_MEMORY_BUFFER)
        return FALSE;
    }
}

/* Whether a subjectAltName has the host: a canonical DNS name, or an address. The common name does
 * not count (RFC 9525, section 2). */
gboolean
cpd_certificate_names (CpdCertificate *certificate, const char *host_name)
{
  guint8 address[16];

  if (inet_pton (AF_INET6, host_name, address) == 1)
    return gnutls_x509_crt_check_ip (certificate->handle, address, 16, 0);
  if (inet_pton (AF_INET, host_name, address) == 1)
    return gnutls_x509_crt_check_ip (certificate->handle, address, 4, 0);
  return has_dns_name (certificate, host_name);
}

/* The length of an RSA modulus; 0 for a key of another type. */
unsigned int
cpd_certificate_get_rsa_bits (CpdCertificate *certificate)
{
  unsigned int bits = 0;
  int algorithm = gnutls_x509_crt_get_pk_algorithm (certificate->handle, &bits);

  return algorithm == GNUTLS_PK_RSA || algorithm == GNUTLS_PK_RSA_PSS ? bits : 0;
}

gboolean
cpd_certificate_equal (CpdCertificate *a, CpdCertificate *b)
{
  return g_bytes_equal (a->der, b->der);
}
