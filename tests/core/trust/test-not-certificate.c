/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that what is given in place of a certificate is refused as what it is, with the remedy.
 * Only parts of the sentences are looked at: that they name what was given. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/trust/cpd-gnutls.h"
#include "tests/lib/test-core.h"

#include <string.h>

/* `named`: what the refusal says that it is. */
static void
assert_refused_as (const void *data, gsize length, const char *named)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, length);
  g_autoptr (GError) error = NULL;

  g_assert_null (cpd_certificate_new (bytes, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_WRONG_FORMAT);
  if (strstr (error->message, named) == NULL)
    g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, named));
}

static void
assert_datum_refused_as (gnutls_datum_t datum, const char *named)
{
  assert_refused_as (datum.data, datum.size, named);
  gnutls_free (datum.data);
}

static void
test_nothing (void)
{
  assert_refused_as ("", 0, "empty");
}

static void
test_too_large (void)
{
  g_autofree char *data = g_strnfill (CPD_CERTIFICATE_MAX_BYTES + 1, 'a');

  assert_refused_as (data, CPD_CERTIFICATE_MAX_BYTES + 1, "more than 65536 bytes");
}

static void
test_pem (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.subject = "h.example");
  g_autofree char *pem = test_identity_to_pem (identity);
  g_autofree char *with_text = g_strconcat ("Subject: h.example\n", pem, NULL);

  assert_refused_as (pem, strlen (pem), "PEM");
  assert_refused_as (pem, strlen (pem), "-outform DER");
  assert_refused_as (with_text, strlen (with_text), "PEM");
}

static void
test_pem_with_several (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.subject = "h.example");
  g_autofree char *pem = test_identity_to_pem (identity);
  g_autofree char *twice = g_strconcat (pem, pem, NULL);

  assert_refused_as (twice, strlen (twice), "several");
}

static void
test_several_certificates (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.subject = "h.example");
  g_autoptr (GByteArray) twice = g_byte_array_new ();
  gsize length;
  const guint8 *data = g_bytes_get_data (test_identity_get_certificate (identity), &length);

  g_byte_array_append (twice, data, (guint)length);
  g_byte_array_append (twice, data, (guint)length);
  assert_refused_as (twice->data, twice->len, "several");
}

static void
test_trailing_bytes (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.subject = "h.example");
  g_autoptr (GByteArray) longer = g_byte_array_new ();
  gsize length;
  const guint8 *data = g_bytes_get_data (test_identity_get_certificate (identity), &length);

  g_byte_array_append (longer, data, (guint)length);
  g_byte_array_append (longer, (const guint8 *)"abc", 3);
  assert_refused_as (longer->data, longer->len, "followed by 3");
}

static void
test_truncated (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.subject = "h.example");
  gsize length;
  const guint8 *data = g_bytes_get_data (test_identity_get_certificate (identity), &length);

  assert_refused_as (data, length - 1, "truncated");
}

static void
test_private_key (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.subject = "h.example");
  gnutls_x509_privkey_t key = test_identity_get_privkey (identity);
  gnutls_datum_t pem, sec1;
  gsize length;
  const guint8 *pkcs8 = g_bytes_get_data (test_identity_get_key (identity), &length);

  g_assert_cmpint (gnutls_x509_privkey_export2 (key, GNUTLS_X509_FMT_PEM, &pem), ==, 0);
  g_assert_cmpint (gnutls_x509_privkey_export2 (key, GNUTLS_X509_FMT_DER, &sec1), ==, 0);
  assert_refused_as (pkcs8, length, "private key");
  assert_datum_refused_as (pem, "private key");
  assert_datum_refused_as (sec1, "private key");
}

static void
test_encrypted_private_key (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.subject = "h.example");
  gnutls_datum_t datum;

  g_assert_cmpint (gnutls_x509_privkey_export2_pkcs8 (test_identity_get_privkey (identity),
                                                      GNUTLS_X509_FMT_DER, "secret",
                                                      GNUTLS_PKCS_PBES2_AES_128, &datum),
                   ==, 0);
  assert_datum_refused_as (datum, "private key");
}

static void
test_public_key (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.subject = "h.example");
  g_auto (gnutls_pubkey_t) key = NULL;
  gnutls_datum_t der, pem;

  g_assert_cmpint (gnutls_pubkey_init (&key), ==, 0);
  g_assert_cmpint (gnutls_pubkey_import_x509 (key, test_identity_get_crt (identity), 0), ==, 0);
  g_assert_cmpint (gnutls_pubkey_export2 (key, GNUTLS_X509_FMT_DER, &der), ==, 0);
  g_assert_cmpint (gnutls_pubkey_export2 (key, GNUTLS_X509_FMT_PEM, &pem), ==, 0);
  assert_datum_refused_as (der, "public key");
  assert_datum_refused_as (pem, "public key");
}

static void
test_signing_request (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.subject = "h.example");
  gnutls_x509_privkey_t key = test_identity_get_privkey (identity);
  g_auto (gnutls_x509_crq_t) request = NULL;
  gnutls_datum_t der, pem;

  g_assert_cmpint (gnutls_x509_crq_init (&request), ==, 0);
  g_assert_cmpint (gnutls_x509_crq_set_version (request, 1), ==, 0);
  g_assert_cmpint (gnutls_x509_crq_set_key (request, key), ==, 0);
  g_assert_cmpint (gnutls_x509_crq_sign2 (request, key, GNUTLS_DIG_SHA256, 0), ==, 0);
  g_assert_cmpint (gnutls_x509_crq_export2 (request, GNUTLS_X509_FMT_DER, &der), ==, 0);
  g_assert_cmpint (gnutls_x509_crq_export2 (request, GNUTLS_X509_FMT_PEM, &pem), ==, 0);
  assert_datum_refused_as (der, "CSR");
  assert_datum_refused_as (pem, "CSR");
}

static void
test_revocation_list (void)
{
  g_autoptr (TestIdentity) ca = TEST_IDENTITY (.subject = "CA", .is_ca = TRUE);
  g_auto (gnutls_x509_crl_t) list = NULL;
  gnutls_datum_t datum;

  g_assert_cmpint (gnutls_x509_crl_init (&list), ==, 0);
  g_assert_cmpint (gnutls_x509_crl_set_version (list, 2), ==, 0);
  g_assert_cmpint (gnutls_x509_crl_set_this_update (list, TEST_PKI_NOW), ==, 0);
  g_assert_cmpint (gnutls_x509_crl_set_next_update (list, TEST_PKI_NOW + TEST_PKI_DAY), ==, 0);
  g_assert_cmpint (gnutls_x509_crl_sign2 (list, test_identity_get_crt (ca),
                                          test_identity_get_privkey (ca), GNUTLS_DIG_SHA256, 0),
                   ==, 0);
  g_assert_cmpint (gnutls_x509_crl_export2 (list, GNUTLS_X509_FMT_DER, &datum), ==, 0);
  assert_datum_refused_as (datum, "CRL");
}

static void
test_pkcs7 (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.subject = "h.example");
  g_auto (gnutls_pkcs7_t) bag = NULL;
  gnutls_datum_t der, pem;

  g_assert_cmpint (gnutls_pkcs7_init (&bag), ==, 0);
  g_assert_cmpint (gnutls_pkcs7_set_crt (bag, test_identity_get_crt (identity)), ==, 0);
  g_assert_cmpint (gnutls_pkcs7_export2 (bag, GNUTLS_X509_FMT_DER, &der), ==, 0);
  g_assert_cmpint (gnutls_pkcs7_export2 (bag, GNUTLS_X509_FMT_PEM, &pem), ==, 0);
  assert_datum_refused_as (der, "PKCS#7");
  assert_datum_refused_as (pem, "PKCS#7");
}

static void
test_pkcs12 (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.subject = "h.example");
  g_auto (gnutls_pkcs12_t) file = NULL;
  gnutls_pkcs12_bag_t bag;
  gnutls_datum_t datum;

  g_assert_cmpint (gnutls_pkcs12_init (&file), ==, 0);
  g_assert_cmpint (gnutls_pkcs12_bag_init (&bag), ==, 0);
  g_assert_cmpint (gnutls_pkcs12_bag_set_crt (bag, test_identity_get_crt (identity)), >=, 0);
  g_assert_cmpint (gnutls_pkcs12_set_bag (file, bag), ==, 0);
  g_assert_cmpint (gnutls_pkcs12_generate_mac (file, "secret"), ==, 0);
  g_assert_cmpint (gnutls_pkcs12_export2 (file, GNUTLS_X509_FMT_DER, &datum), ==, 0);
  gnutls_pkcs12_bag_deinit (bag);
  assert_datum_refused_as (datum, "PKCS#12");
}

static void
test_text (void)
{
  assert_refused_as ("hello\n", 6, "text");
  assert_refused_as ("MIIB3DCCAYOgAwIBAgIU", 20, "text");
}

static void
test_noise (void)
{
  const guint8 noise[] = { 0x30, 0x03, 0x02, 0x01, 0x01 };
  const guint8 zeros[16] = { 0 };

  assert_refused_as (noise, sizeof noise, "well-formed DER");
  assert_refused_as (zeros, sizeof zeros, "well-formed DER");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/not-certificate/nothing", test_nothing);
  g_test_add_func ("/core/not-certificate/too-large", test_too_large);
  g_test_add_func ("/core/not-certificate/pem", test_pem);
  g_test_add_func ("/core/not-certificate/pem-with-several", test_pem_with_several);
  g_test_add_func ("/core/not-certificate/several-certificates", test_several_certificates);
  g_test_add_func ("/core/not-certificate/trailing-bytes", test_trailing_bytes);
  g_test_add_func ("/core/not-certificate/truncated", test_truncated);
  g_test_add_func ("/core/not-certificate/private-key", test_private_key);
  g_test_add_func ("/core/not-certificate/encrypted-private-key", test_encrypted_private_key);
  g_test_add_func ("/core/not-certificate/public-key", test_public_key);
  g_test_add_func ("/core/not-certificate/signing-request", test_signing_request);
  g_test_add_func ("/core/not-certificate/revocation-list", test_revocation_list);
  g_test_add_func ("/core/not-certificate/pkcs7", test_pkcs7);
  g_test_add_func ("/core/not-certificate/pkcs12", test_pkcs12);
  g_test_add_func ("/core/not-certificate/text", test_text);
  g_test_add_func ("/core/not-certificate/noise", test_noise);
  return g_test_run ();
}
