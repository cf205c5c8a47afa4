/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes OCSP responses, good and bad: DER by hand, signatures by GnuTLS. */

#include "config.h"

#include "tests/lib/test-ocsp.h"

#include "daemon/core/trust/cpd-der.h"

#include <gnutls/abstract.h>
#include <stdarg.h>

#define SHA1_OID              "\x2B\x0E\x03\x02\x1A"
#define SHA256_OID            "\x60\x86\x48\x01\x65\x03\x04\x02\x01"
#define ECDSA_WITH_SHA1_OID   "\x2A\x86\x48\xCE\x3D\x04\x01"
#define ECDSA_WITH_SHA256_OID "\x2A\x86\x48\xCE\x3D\x04\x03\x02"
#define BASIC_OID             "\x2B\x06\x01\x05\x05\x07\x30\x01\x01"
#define NONCE_OID             "\x2B\x06\x01\x05\x05\x07\x30\x01\x02"

/* Returns: (transfer full): one element */
static GBytes *
der (guint8 tag, const void *content, size_t length)
{
  GByteArray *element = g_byte_array_new ();
  const guint8 large[] = { tag, 0x82, (guint8)(length >> 8), (guint8)length };
  const guint8 middle[] = { tag, 0x81, (guint8)length };
  const guint8 small[] = { tag, (guint8)length };

  if (length > 0xFF)
    g_byte_array_append (element, large, sizeof large);
  else if (length > 0x7F)
    g_byte_array_append (element, middle, sizeof middle);
  else
    g_byte_array_append (element, small, sizeof small);
  g_byte_array_append (element, content, (unsigned int)length);
  return g_byte_array_free_to_bytes (element);
}

#define DER_TEXT(tag, text) der (tag, text, sizeof (text) - 1)

/* The parts: GBytes (transfer full), up to NULL. */
static GBytes *
der_of (guint8 tag, ...)
{
  g_autoptr (GByteArray) content = g_byte_array_new ();
  va_list parts;

  va_start (parts, tag);
  for (GBytes *part; (part = va_arg (parts, GBytes *)) != NULL; g_bytes_unref (part))
    g_byte_array_append (content, g_bytes_get_data (part, NULL),
                         (unsigned int)g_bytes_get_size (part));
  va_end (parts);
  return der (tag, content->data, content->len);
}

/* Stands for a part that is left out. */
static GBytes *
nothing (void)
{
  return g_bytes_new (NULL, 0);
}

static GBytes *
der_time (gint64 unix_s)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (unix_s);
  g_autofree char *text = g_date_time_format (time, "%Y%m%d%H%M%SZ");

  return der (0x18, text, strlen (text));
}

static GBytes *
der_digest (GChecksumType type, CpdSlice slice)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (type);
  guint8 digest[32];
  gsize length = sizeof digest;

  g_checksum_update (checksum, slice.data, (gssize)slice.length);
  g_checksum_get_digest (checksum, digest, &length);
  return der (0x04, digest, length);
}

static CpdCertificateShape
shape_of (TestIdentity *identity)
{
  CpdCertificateShape shape;
  gsize length;
  const guint8 *data = g_bytes_get_data (test_identity_get_certificate (identity), &length);

  g_assert_true (cpd_der_parse_certificate (data, length, &shape));
  return shape;
}

static GBytes *
make_id (const TestOcspOptions *options, TestIdentity *about)
{
  GChecksumType type = options->sha256 ? G_CHECKSUM_SHA256 : G_CHECKSUM_SHA1;
  CpdCertificateShape issuer = shape_of (options->issuer);
  guint8 serial[32];
  size_t length = sizeof serial;

  g_assert_cmpint (gnutls_x509_crt_get_serial (test_identity_get_crt (about), serial, &length), ==,
                   GNUTLS_E_SUCCESS);
  return der_of (
      0x30,
      der_of (0x30, options->sha256 ? DER_TEXT (0x06, SHA256_OID) : DER_TEXT (0x06, SHA1_OID),
              DER_TEXT (0x05, ""), NULL),
      der_digest (type, issuer.subject), der_digest (type, cpd_der_read_key_bits (issuer.spki)),
      der (0x02, serial, length), NULL);
}

static GBytes *
make_status (TestOcspStatus status)
{
  switch (status)
    {
    case TEST_OCSP_GOOD:
      return DER_TEXT (0x80, "");
    case TEST_OCSP_REVOKED:
      return der_of (0xA1, der_time (TEST_PKI_NOW - TEST_PKI_DAY), NULL);
    case TEST_OCSP_UNKNOWN:
      return DER_TEXT (0x82, "");
    }
  g_assert_not_reached ();
}

static GBytes *
make_entry (const TestOcspOptions *options, TestIdentity *about, TestOcspStatus status)
{
  gint64 this_update = options->this_update != 0 ? options->this_update : TEST_PKI_NOW;

  return der_of (0x30, make_id (options, about), make_status (status), der_time (this_update),
                 options->next_update != 0 ? der_of (0xA0, der_time (options->next_update), NULL)
                                           : nothing (),
                 NULL);
}

static GBytes *
make_signed_data (const TestOcspOptions *options)
{
  GBytes *second = options->also_revoked != NULL
                       ? make_entry (options, options->also_revoked, TEST_OCSP_REVOKED)
                       : nothing ();
  GBytes *extensions = nothing ();

  if (options->critical)
    {
      g_bytes_unref (extensions);
      extensions = der_of (0xA1,
                           der_of (0x30,
                                   der_of (0x30, DER_TEXT (0x06, NONCE_OID),
                                           DER_TEXT (0x01, "\xFF"), DER_TEXT (0x04, "n"), NULL),
                                   NULL),
                           NULL);
    }
  return der_of (0x30,
                 der_of (0xA2, der_digest (G_CHECKSUM_SHA1, shape_of (options->issuer).spki), NULL),
                 der_time (TEST_PKI_NOW),
                 der_of (0x30, make_entry (options, options->about, options->status), second, NULL),
                 extensions, NULL);
}

static GBytes *
sign (const TestOcspOptions *options, GBytes *signed_data)
{
  TestIdentity *signer = options->signer != NULL ? options->signer : options->issuer;
  const gnutls_datum_t data = { (unsigned char *)g_bytes_get_data (signed_data, NULL),
                                (unsigned int)g_bytes_get_size (signed_data) };
  gnutls_sign_algorithm_t algorithm
      = options->sha1 ? GNUTLS_SIGN_ECDSA_SHA1 : GNUTLS_SIGN_ECDSA_SHA256;
  gnutls_datum_t signature;
  gnutls_privkey_t key;
  GBytes *bits;

  gnutls_privkey_init (&key);
  gnutls_privkey_import_x509 (key, test_identity_get_privkey (signer), 0);
  g_assert_cmpint (gnutls_privkey_sign_data2 (key, algorithm, 0, &data, &signature), >=, 0);
  bits = der_of (0x03, g_bytes_new_static ("", 1), g_bytes_new (signature.data, signature.size),
                 NULL);
  gnutls_free (signature.data);
  gnutls_privkey_deinit (key);
  return bits;
}

static GBytes *
make_certificates (const TestOcspOptions *options)
{
  GBytes *parts[2];

  if (options->sent[0] == NULL)
    return nothing ();
  for (size_t i = 0; i < G_N_ELEMENTS (parts); i++)
    parts[i] = options->sent[i] != NULL
                   ? g_bytes_ref (test_identity_get_certificate (options->sent[i]))
                   : nothing ();
  return der_of (0xA0, der_of (0x30, parts[0], parts[1], NULL), NULL);
}

/* Returns: (transfer full): its DER */
GBytes *
test_ocsp_new (const TestOcspOptions *options)
{
  GBytes *signed_data, *signature, *basic;

  if (options->failure != 0)
    return der_of (0x30, der (0x0A, &options->failure, 1), NULL);
  signed_data = make_signed_data (options);
  signature = sign (options, signed_data);
  basic = der_of (0x30, signed_data,
                  der_of (0x30,
                          options->sha1 ? DER_TEXT (0x06, ECDSA_WITH_SHA1_OID)
                                        : DER_TEXT (0x06, ECDSA_WITH_SHA256_OID),
                          NULL),
                  signature, make_certificates (options), NULL);
  return der_of (
      0x30, der (0x0A, "", 1),
      der_of (0xA0, der_of (0x30, DER_TEXT (0x06, BASIC_OID), der_of (0x04, basic, NULL), NULL),
              NULL),
      NULL);
}
