/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a certificate is exactly one DER certificate, that its key is taken from its own
 * bytes, and what it says of itself. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "tests/lib/test-core.h"

#include <string.h>

static void
assert_refused (const guint8 *data, gsize length)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, length);
  g_autoptr (GError) error = NULL;

  g_assert_null (cpd_certificate_new (bytes, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_WRONG_FORMAT);
}

static void
assert_key_is_spki_hash (TestIdentity *identity)
{
  g_autoptr (CpdCertificate) certificate = test_certificate (identity);
  guint8 expected[CERTPIN_KEY_BYTES];
  size_t size = sizeof expected;

  g_assert_cmpint (gnutls_x509_crt_get_key_id (test_identity_get_crt (identity),
                                               GNUTLS_KEYID_USE_SHA256, expected, &size),
                   ==, 0);
  g_assert_cmpmem (certpin_key_get_digest (cpd_certificate_get_key (certificate)),
                   CERTPIN_KEY_BYTES, expected, size);
}

static void
test_key_ecdsa (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.subject = "h.example");

  assert_key_is_spki_hash (identity);
}

static void
test_key_rsa (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.rsa_bits = 2048);

  assert_key_is_spki_hash (identity);
}

static void
test_key_survives_renewal (void)
{
  g_autoptr (TestIdentity) ca = TEST_IDENTITY (.subject = "CA", .is_ca = TRUE);
  g_autoptr (TestIdentity) old = TEST_IDENTITY (.subject = "h.example", .issuer = ca);
  g_autoptr (TestIdentity) renewed = TEST_IDENTITY (.subject = "h.example", .key_of = old);
  g_autoptr (TestIdentity) rotated = TEST_IDENTITY (.subject = "h.example", .issuer = ca);
  g_autoptr (CpdCertificate) a = test_certificate (old);
  g_autoptr (CpdCertificate) b = test_certificate (renewed);
  g_autoptr (CpdCertificate) c = test_certificate (rotated);

  g_assert_true (certpin_key_equal (cpd_certificate_get_key (a), cpd_certificate_get_key (b)));
  g_assert_false (certpin_key_equal (cpd_certificate_get_key (a), cpd_certificate_get_key (c)));
  g_assert_false (cpd_certificate_equal (a, b));
}

static void
test_refuses_empty (void)
{
  assert_refused ((const guint8 *)"", 0);
}

static void
test_refuses_every_truncation (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.subject = "h.example");
  gsize length;
  const guint8 *data = g_bytes_get_data (test_identity_get_certificate (identity), &length);

  for (gsize i = 1; i < length; i++)
    assert_refused (data, i);
}

static void
test_refuses_trailing_byte (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.subject = "h.example");
  gsize length;
  const guint8 *data = g_bytes_get_data (test_identity_get_certificate (identity), &length);
  g_autofree guint8 *longer = g_malloc0 (length + 1);

  memcpy (longer, data, length);
  assert_refused (longer, length + 1);
  longer[length] = '\n';
  assert_refused (longer, length + 1);
}

static void
test_refuses_indefinite_length (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.subject = "h.example");
  gsize length;
  const guint8 *data = g_bytes_get_data (test_identity_get_certificate (identity), &length);
  g_autofree guint8 *ber = g_malloc0 (length);

  /* SEQUENCE with a length of two octets becomes one of indefinite length that ends in two zeros.
   */
  g_assert_cmphex (data[1], ==, 0x82);
  ber[0] = data[0];
  ber[1] = 0x80;
  memcpy (ber + 2, data + 4, length - 4);
  assert_refused (ber, length);
}

static void
test_refuses_padded_length (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.subject = "h.example");
  gsize length;
  const guint8 *data = g_bytes_get_data (test_identity_get_certificate (identity), &length);
  g_autofree guint8 *ber = g_malloc0 (length + 1);

  ber[0] = data[0];
  ber[1] = 0x83;
  memcpy (ber + 3, data + 2, length - 2);
  assert_refused (ber, length + 1);
}

static void
test_refuses_over_64_kib (void)
{
  g_autofree char *long_name = g_strnfill (CPD_CERTIFICATE_MAX_BYTES, 'a');
  g_autofree guint8 *zeros = g_malloc0 (CPD_CERTIFICATE_MAX_BYTES + 1);
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.permitted_dns = long_name, .is_ca = TRUE);
  gsize length;
  const guint8 *data = g_bytes_get_data (test_identity_get_certificate (identity), &length);

  g_assert_cmpuint (length, >, CPD_CERTIFICATE_MAX_BYTES);
  assert_refused (data, length);
  assert_refused (zeros, CPD_CERTIFICATE_MAX_BYTES + 1);
}

static void
test_accepts_expired_and_weak (void)
{
  g_autoptr (TestIdentity) identity
      = TEST_IDENTITY (.rsa_bits = 1024, .not_before = 1000000000, .not_after = 1000000001);
  g_autoptr (CpdCertificate) certificate = test_certificate (identity);

  g_assert_cmpuint (cpd_certificate_get_rsa_bits (certificate), ==, 1024);
  g_assert_cmpint (cpd_certificate_get_not_before (certificate), ==, 1000000000);
  g_assert_cmpint (cpd_certificate_get_not_after (certificate), ==, 1000000001);
}

static void
test_self_signed_by_its_own_key (void)
{
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.subject = "h.example");
  g_autoptr (TestIdentity) ca = TEST_IDENTITY (.subject = "CA", .is_ca = TRUE);
  g_autoptr (CpdCertificate) a = test_certificate (leaf);
  g_autoptr (CpdCertificate) b = test_certificate (ca);

  g_assert_true (cpd_certificate_is_self_signed (a));
  g_assert_true (cpd_certificate_is_self_signed (b));
}

static void
test_self_signed_version_1 (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.subject = "h.example", .version_1 = TRUE);
  g_autoptr (CpdCertificate) certificate = test_certificate (identity);

  g_assert_true (cpd_certificate_is_self_signed (certificate));
}

static void
test_self_signed_weakly (void)
{
  g_autoptr (TestIdentity) identity
      = TEST_IDENTITY (.subject = "h.example", .rsa_bits = 1024, .digest = GNUTLS_DIG_SHA1);
  g_autoptr (CpdCertificate) certificate = test_certificate (identity);

  g_assert_true (cpd_certificate_is_self_signed (certificate));
}

static void
test_not_self_signed_by_another (void)
{
  g_autoptr (TestIdentity) ca = TEST_IDENTITY (.subject = "CA", .is_ca = TRUE);
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.subject = "h.example", .issuer = ca);
  g_autoptr (CpdCertificate) certificate = test_certificate (leaf);

  g_assert_false (cpd_certificate_is_self_signed (certificate));
}

static void
test_equal_names_are_not_self_signed (void)
{
  g_autoptr (TestIdentity) other = TEST_IDENTITY (.subject = "h.example");
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.subject = "h.example", .signer = other);
  g_autoptr (CpdCertificate) certificate = test_certificate (leaf);

  g_assert_false (cpd_certificate_is_self_signed (certificate));
}

/* A star is a whole first label and stands for one; nothing else stands for anything. */
static void
test_dns_names (void)
{
  static const struct
  {
    const char *name;
    const char *host;
    gboolean names;
  } cases[] = {
    { "a.h.example", "a.h.example", TRUE }, { "A.H.Example", "a.h.example", TRUE },
    { "*.h.example", "a.h.example", TRUE }, { "b.h.example", "a.h.example", FALSE },
    { "*.h.example", "h.example", FALSE },  { "*.h.example", "b.a.h.example", FALSE },
    { "*.example", "h.example", FALSE },    { "a.h.example.org", "a.h.example", FALSE },
    { "a.h.exampl", "a.h.example", FALSE }, { "a*.h.example", "a.h.example", FALSE },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TestIdentity) identity = TEST_IDENTITY (.dns = { cases[i].name });
      g_autoptr (CpdCertificate) certificate = test_certificate (identity);

      g_test_message ("%s, %s", cases[i].name, cases[i].host);
      g_assert_cmpint (cpd_certificate_names (certificate, cases[i].host), ==, cases[i].names);
    }
}

/* An RSA key has made no ECDSA signature, whatever else is said of the two. Of version 1, they have
 * no identifiers of keys. */
static void
test_signed_by_needs_the_kind_of_key (void)
{
  g_autoptr (TestIdentity) ca = TEST_IDENTITY (.subject = "CA", .is_ca = TRUE);
  g_autoptr (TestIdentity) namesake
      = TEST_IDENTITY (.subject = "CA", .is_ca = TRUE, .rsa_bits = 2048, .version_1 = TRUE);
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.subject = "h.example", .issuer = ca);
  g_autoptr (CpdCertificate) a = test_certificate (leaf);
  g_autoptr (CpdCertificate) b = test_certificate (namesake);

  g_assert_false (cpd_certificate_is_signed_by (a, b));
}

/* Returns: (transfer full): the certificate with no bit in its signature */
static CpdCertificate *
without_signature (TestIdentity *identity)
{
  gsize length;
  const guint8 *der = g_bytes_get_data (test_identity_get_certificate (identity), &length);
  gsize header = 2 + (der[1] & 0x7F), cut = 0;
  g_autoptr (GByteArray) whole = g_byte_array_new ();
  g_autoptr (GBytes) bytes = NULL;

  g_assert_cmpint (gnutls_x509_crt_get_signature (test_identity_get_crt (identity), NULL, &cut), ==,
                   GNUTLS_E_SHORT_MEMORY_BUFFER);
  length -= header + cut;
  g_byte_array_append (whole, (const guint8[]){ 0x30, 0x82, (guint8)(length >> 8), (guint8)length },
                       4);
  g_byte_array_append (whole, der + header, (guint)length);
  whole->data[whole->len - 2] = 1; /* how long the BIT STRING is */
  bytes = g_byte_array_free_to_bytes (g_steal_pointer (&whole));
  return cpd_certificate_new (bytes, NULL);
}

static void
test_signed_by_needs_a_signature (void)
{
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.subject = "h.example", .dns = { "h.example", "another.example" });
  g_autoptr (CpdCertificate) certificate = without_signature (leaf);

  g_assert_nonnull (certificate);
  g_assert_false (cpd_certificate_is_signed_by (certificate, certificate));
  g_assert_false (cpd_certificate_is_self_signed (certificate));
}

static void
test_signed_by_needs_the_signature (void)
{
  g_autoptr (TestIdentity) ca = TEST_IDENTITY (.subject = "CA", .is_ca = TRUE);
  g_autoptr (TestIdentity) namesake = TEST_IDENTITY (.subject = "CA", .is_ca = TRUE);
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.subject = "h.example", .issuer = ca);
  g_autoptr (CpdCertificate) a = test_certificate (leaf);
  g_autoptr (CpdCertificate) b = test_certificate (ca);
  g_autoptr (CpdCertificate) c = test_certificate (namesake);

  g_assert_true (cpd_certificate_is_signed_by (a, b));
  g_assert_false (cpd_certificate_is_signed_by (a, c));
  g_assert_false (cpd_certificate_is_signed_by (b, a));
}

/* Whether the issuer was allowed to is another question, which is asked of whole paths. */
static void
test_signed_by_ignores_constraints (void)
{
  g_autoptr (TestIdentity) ca
      = TEST_IDENTITY (.subject = "CA", .is_ca = TRUE, .permitted_dns = "other.example");
  g_autoptr (TestIdentity) stranger = TEST_IDENTITY (.subject = "Stranger", .is_ca = TRUE);
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.dns = { "h.example" }, .issuer = ca);
  g_autoptr (TestIdentity) forged
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = ca, .signer = stranger);
  g_autoptr (CpdCertificate) a = test_certificate (leaf);
  g_autoptr (CpdCertificate) b = test_certificate (ca);
  g_autoptr (CpdCertificate) c = test_certificate (forged);

  g_assert_true (cpd_certificate_is_signed_by (a, b));
  g_assert_false (cpd_certificate_is_signed_by (c, b));
}

static void
test_ca (void)
{
  g_autoptr (TestIdentity) ca = TEST_IDENTITY (.subject = "CA", .is_ca = TRUE);
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.subject = "h.example");
  g_autoptr (TestIdentity) old = TEST_IDENTITY (.subject = "h.example", .version_1 = TRUE);
  g_autoptr (CpdCertificate) a = test_certificate (ca);
  g_autoptr (CpdCertificate) b = test_certificate (leaf);
  g_autoptr (CpdCertificate) c = test_certificate (old);

  g_assert_true (cpd_certificate_is_ca (a));
  g_assert_false (cpd_certificate_is_ca (b));
  g_assert_false (cpd_certificate_is_ca (c));
}

static void
assert_names (TestIdentity *identity, const char *host, gboolean expected)
{
  g_autoptr (CpdCertificate) certificate = test_certificate (identity);

  if (!!cpd_certificate_names (certificate, host) != expected)
    g_test_message ("host ‘%s’", host);
  g_assert_cmpint (!!cpd_certificate_names (certificate, host), ==, expected);
}

static void
test_names_dns (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.dns = { "a.example", "H.Example" });

  assert_names (identity, "a.example", TRUE);
  assert_names (identity, "h.example", TRUE);
  assert_names (identity, "b.example", FALSE);
  assert_names (identity, "www.h.example", FALSE);
}

static void
test_names_wildcard (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.dns = { "*.h.example" });

  assert_names (identity, "a.h.example", TRUE);
  assert_names (identity, "h.example", FALSE);
  assert_names (identity, "a.b.h.example", FALSE);
}

static void
test_names_not_by_common_name (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.subject = "h.example");
  g_autoptr (TestIdentity) addressed
      = TEST_IDENTITY (.subject = "h.example", .addresses = { "192.0.2.1" });

  assert_names (identity, "h.example", FALSE);
  assert_names (addressed, "h.example", FALSE);
}

static void
test_names_address (void)
{
  g_autoptr (TestIdentity) identity = TEST_IDENTITY (.addresses = { "192.0.2.1", "2001:db8::1" });

  assert_names (identity, "192.0.2.1", TRUE);
  assert_names (identity, "2001:db8::1", TRUE);
  assert_names (identity, "192.0.2.2", FALSE);
}

static void
test_names_address_not_by_dns_name (void)
{
  g_autoptr (TestIdentity) identity
      = TEST_IDENTITY (.subject = "192.0.2.1", .dns = { "192.0.2.1", "*.0.2.1" });

  assert_names (identity, "192.0.2.1", FALSE);
}

static void
test_names_shown_are_plain (void)
{
  g_autoptr (TestIdentity) ca = TEST_IDENTITY (.subject = "CA\x1b[31m", .is_ca = TRUE);
  g_autoptr (TestIdentity) identity
      = TEST_IDENTITY (.subject = "h\n\xe2\x80\xae.example", .issuer = ca);
  g_autoptr (CpdCertificate) certificate = test_certificate (identity);
  g_autofree char *subject = cpd_certificate_dup_subject (certificate);
  g_autofree char *issuer = cpd_certificate_dup_issuer (certificate);

  g_assert_null (strchr (subject, '\n'));
  g_assert_null (strstr (subject, "\xe2\x80\xae"));
  g_assert_null (strchr (issuer, '\x1b'));
  g_assert_nonnull (strstr (subject, ".example"));
}

static void
add_names (void)
{
  g_test_add_func ("/core/certificate/names/dns", test_names_dns);
  g_test_add_func ("/core/certificate/names/wildcard", test_names_wildcard);
  g_test_add_func ("/core/certificate/names/not-by-common-name", test_names_not_by_common_name);
  g_test_add_func ("/core/certificate/names/address", test_names_address);
  g_test_add_func ("/core/certificate/names/address-not-by-dns-name",
                   test_names_address_not_by_dns_name);
  g_test_add_func ("/core/certificate/names/shown-are-plain", test_names_shown_are_plain);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/certificate/key/ecdsa", test_key_ecdsa);
  g_test_add_func ("/core/certificate/key/rsa", test_key_rsa);
  g_test_add_func ("/core/certificate/key/survives-renewal", test_key_survives_renewal);
  g_test_add_func ("/core/certificate/refuses/empty", test_refuses_empty);
  g_test_add_func ("/core/certificate/refuses/every-truncation", test_refuses_every_truncation);
  g_test_add_func ("/core/certificate/refuses/trailing-byte", test_refuses_trailing_byte);
  g_test_add_func ("/core/certificate/refuses/indefinite-length", test_refuses_indefinite_length);
  g_test_add_func ("/core/certificate/refuses/padded-length", test_refuses_padded_length);
  g_test_add_func ("/core/certificate/refuses/over-64-kib", test_refuses_over_64_kib);
  g_test_add_func ("/core/certificate/accepts-expired-and-weak", test_accepts_expired_and_weak);
  g_test_add_func ("/core/certificate/self-signed/by-its-own-key", test_self_signed_by_its_own_key);
  g_test_add_func ("/core/certificate/self-signed/version-1", test_self_signed_version_1);
  g_test_add_func ("/core/certificate/self-signed/weakly", test_self_signed_weakly);
  g_test_add_func ("/core/certificate/self-signed/not-by-another", test_not_self_signed_by_another);
  g_test_add_func ("/core/certificate/self-signed/not-by-equal-names",
                   test_equal_names_are_not_self_signed);
  g_test_add_func ("/core/certificate/signed-by/ignores-constraints",
                   test_signed_by_ignores_constraints);
  g_test_add_func ("/core/certificate/dns-names", test_dns_names);
  g_test_add_func ("/core/certificate/signed-by/needs-a-signature",
                   test_signed_by_needs_a_signature);
  g_test_add_func ("/core/certificate/signed-by/needs-the-kind-of-key",
                   test_signed_by_needs_the_kind_of_key);
  g_test_add_func ("/core/certificate/signed-by/needs-the-signature",
                   test_signed_by_needs_the_signature);
  g_test_add_func ("/core/certificate/ca", test_ca);
  add_names ();
  return g_test_run ();
}
