/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what a certificate may not be in its place on a path. */

#include "config.h"

#include "daemon/core/trust/cpd-profile.h"
#include "tests/core/trust/trust-fixture.h"
#include "tests/lib/test-core.h"

#include <string.h>

#define KEY_PURPOSES     "2.5.29.37"
#define AUTHORITY_ACCESS "1.3.6.1.5.5.7.1.1"
#define AUTHORITY_KEY    "2.5.29.35"
#define POLICIES         "2.5.29.32"

#define BASIC_CONSTRAINTS "2.5.29.19"
#define PROXY             "1.3.6.1.5.5.7.1.14"
#define TLS_FEATURE       "1.3.6.1.5.5.7.1.24"

#define STATUS_REQUEST      "\x30\x03\x02\x01\x05"
#define STATUS_REQUEST_V2   "\x30\x03\x02\x01\x11"
#define PATH_LENGTH(length) "\x30\x06\x01\x01\xFF\x02\x01" length

#define EMPTY_SEQUENCE "\x30\x00"

/* OCSP at the URI “u”. */
#define ACCESS_VALUE "\x30\x0F\x30\x0D\x06\x08\x2B\x06\x01\x05\x05\x07\x30\x01\x86\x01u"

/* Says nothing of how or where. */
#define MALFORMED_ACCESS_VALUE "\x30\x02\x05\x00"

#define KEY_IDENTIFIER_VALUE "\x30\x06\x80\x04\x01\x02\x03\x04"

/* The policy 1.2.3, by itself and with a qualifier 1.2.3.5. */
#define POLICY "\x30\x06\x30\x04\x06\x02\x2A\x03"
#define QUALIFIED_POLICY                                                                           \
  "\x30\x11\x30\x0F\x06\x02\x2A\x03\x30\x09\x30\x07\x06\x03\x2A\x03\x05\x05\x00"

/* Self-signed, with a DSA key. */
#define DSA_CERTIFICATE                                                                            \
  "-----BEGIN CERTIFICATE-----\n"                                                                  \
  "MIIC1DCCAoGgAwIBAgIUeTe3mIr7rZeEhnf1BiLxrGpUpSgwCwYJYIZIAWUDBAMC\n"                             \
  "MA4xDDAKBgNVBAMMA2RzYTAeFw0yNjExMjUwNjQxNDVaFw0zNjExMjIwNjQxNDVa\n"                             \
  "MA4xDDAKBgNVBAMMA2RzYTCCAcAwggE0BgcqhkjOOAQBMIIBJwKBgQD5iWV6MBdO\n"                             \
  "28KO+rqkqVfQb1ImUrncLayqgpZMbuzfT5BVsQWuSv3lvcM6WKJq5UpfkhZlQDH2\n"                             \
  "zhoX4XcoNHlLsuk1i7anPirloodeWM+Cf94o5gZrVIrMDax407LU0hoi0+4yXIOj\n"                             \
  "VPN/ISV46o2j0Zr/37VwIlxRxcJsPKqniwIdALUTy0Hj7vYPFvF9Dr3SG8PJJGka\n"                             \
  "69HUEnEqo+0CgYEA2Xk/Q1SLAPXdCaa8COg3dYLis/CwMUraYwrVNwsJpa8VN+4g\n"                             \
  "BXtWv7p5VgBVM/99C7hB3I1kC1Y7MDWRC98x0cM5aqWmB44Cb/1iZQ9shRsRlrk7\n"                             \
  "ONAe8dIm3eE2LxPAvjSxQzcDA0ShnUUAZz+MYxrjV5QEkfkFSHiClXsicqUDgYUA\n"                             \
  "AoGBANEoa0uz0bfITxxak9FuONYwxzeTK6/hntM4ph5Ut32+3E46SH+r9AKWuGHH\n"                             \
  "1i88WVhBlDQd8DwB08ReV76gpn5AIJveXVasStdPbq8M8VvTRzMzs+JmzE4CZmiY\n"                             \
  "JkS50kVeGwH8/34Hp7/yW/I2xZIsZ/lcurvZvDI1F1IGn20Fo1MwUTAdBgNVHQ4E\n"                             \
  "FgQUuf+YGqVbYSF1hymccPjn2bwTjfIwHwYDVR0jBBgwFoAUuf+YGqVbYSF1hymc\n"                             \
  "cPjn2bwTjfIwDwYDVR0TAQH/BAUwAwEB/zALBglghkgBZQMEAwIDQAAwPQIdAJhz\n"                             \
  "K+IDaS6xi73LwgfGbt/tQVtRfJehtox6y3YCHA8ay2x/DSz4Qq43+B5Rt8WgucQh\n"                             \
  "82LDknF/Nfs=\n"                                                                                 \
  "-----END CERTIFICATE-----\n"

/* `expected`: (nullable): a word of the fault; NULL: there is none */
static void
assert_fault (TestIdentity *identity, CpdRole role, const char *expected)
{
  g_autoptr (CpdCertificate) certificate = test_certificate (identity);
  const char *fault = cpd_profile_find_fault (certificate, role);

  if (expected == NULL)
    g_assert_cmpstr (fault, ==, NULL);
  else
    {
      g_assert_nonnull (fault);
      g_assert_nonnull (strstr (fault, expected));
    }
}

static void
assert_faults (TestIdentity *identity, const char *leaf, const char *middle, const char *anchor)
{
  assert_fault (identity, CPD_ROLE_LEAF, leaf);
  assert_fault (identity, CPD_ROLE_INTERMEDIATE, middle);
  assert_fault (identity, CPD_ROLE_ANCHOR, anchor);
}

static void
test_usual (void)
{
  g_autoptr (TestIdentity) ca = TEST_IDENTITY (.is_ca = TRUE);
  g_autoptr (TestIdentity) server = TEST_IDENTITY (.dns = { "h.example" });

  assert_faults (ca, NULL, NULL, NULL);
  assert_fault (server, CPD_ROLE_LEAF, NULL);
}

static void
test_key_of_no_whole_bytes (void)
{
  g_autoptr (TestIdentity) odd = TEST_IDENTITY (.is_ca = TRUE, .rsa_bits = 2052);
  g_autoptr (TestIdentity) whole = TEST_IDENTITY (.is_ca = TRUE, .rsa_bits = 2056);

  assert_faults (odd, "RSA", "RSA", "RSA");
  assert_faults (whole, NULL, NULL, NULL);
}

/* In place of every other key a TLS server might have. */
static void
test_key_of_no_use_in_tls (void)
{
  static const char pem[] = DSA_CERTIFICATE;
  const gnutls_datum_t text = { (unsigned char *)pem, sizeof pem - 1 };
  gnutls_datum_t der = { NULL, 0 };
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (CpdCertificate) certificate = NULL;

  g_assert_cmpint (gnutls_pem_base64_decode2 ("CERTIFICATE", &text, &der), ==, 0);
  bytes = g_bytes_new (der.data, der.size);
  gnutls_free (der.data);
  certificate = cpd_certificate_new (bytes, NULL);
  g_assert_nonnull (strstr (cpd_profile_find_fault (certificate, CPD_ROLE_LEAF), "type of key"));
}

static void
test_demands (void)
{
  g_autoptr (TestIdentity) proxy
      = TEST_IDENTITY (.is_ca = TRUE, .extension = TEST_EXTENSION (PROXY, "junk", FALSE));
  g_autoptr (TestIdentity) feature
      = TEST_IDENTITY (.is_ca = TRUE,
                       .extension = TEST_EXTENSION (TLS_FEATURE, STATUS_REQUEST, TRUE));
  g_autoptr (TestIdentity) other
      = TEST_IDENTITY (.is_ca = TRUE,
                       .extension = TEST_EXTENSION (TLS_FEATURE, STATUS_REQUEST_V2, TRUE));
  g_autoptr (TestIdentity) hint
      = TEST_IDENTITY (.is_ca = TRUE,
                       .extension = TEST_EXTENSION (TLS_FEATURE, STATUS_REQUEST, FALSE));

  assert_faults (proxy, "support", "support", NULL);
  assert_faults (feature, NULL, NULL, NULL);
  assert_faults (hint, NULL, NULL, NULL);
  assert_faults (other, "support", "support", NULL);
}

static void
test_path_length_below_zero (void)
{
  g_autoptr (TestIdentity) below
      = TEST_IDENTITY (.extension = TEST_EXTENSION (BASIC_CONSTRAINTS, PATH_LENGTH ("\xFF"), TRUE));
  g_autoptr (TestIdentity) zero
      = TEST_IDENTITY (.extension = TEST_EXTENSION (BASIC_CONSTRAINTS, PATH_LENGTH ("\x00"), TRUE));

  assert_faults (below, "negative", "negative", "negative");
  assert_faults (zero, NULL, NULL, NULL);
}

static void
test_empty_purposes (void)
{
  g_autoptr (TestIdentity) none
      = TEST_IDENTITY (.is_ca = TRUE, .eku = TEST_PKI_EKU_NONE,
                       .extension = TEST_EXTENSION (KEY_PURPOSES, EMPTY_SEQUENCE, FALSE));
  g_autoptr (TestIdentity) one = TEST_IDENTITY (.is_ca = TRUE, .eku = TEST_PKI_EKU_CLIENT);

  assert_faults (none, "key usage", "key usage", NULL);
  assert_faults (one, NULL, NULL, NULL);
}

/* An extension that only matters where it is marked as critical. `below`: a word of the fault;
 * `anchor`: likewise, of an anchor's; NULL: there is none */
static void
assert_only_critical (const TestExtension *critical, const TestExtension *usual, const char *below,
                      const char *anchor)
{
  g_autoptr (TestIdentity) marked = TEST_IDENTITY (.is_ca = TRUE, .extension = critical);
  g_autoptr (TestIdentity) unmarked = TEST_IDENTITY (.is_ca = TRUE, .extension = usual);

  assert_faults (marked, below, below, anchor);
  assert_faults (unmarked, NULL, NULL, NULL);
}

static void
test_critical_authority_information (void)
{
  assert_only_critical (TEST_EXTENSION (AUTHORITY_ACCESS, ACCESS_VALUE, TRUE),
                        TEST_EXTENSION (AUTHORITY_ACCESS, ACCESS_VALUE, FALSE),
                        "authority information", NULL);
}

static void
test_malformed_authority_information (void)
{
  g_autoptr (TestIdentity) malformed
      = TEST_IDENTITY (.is_ca = TRUE, .extension = TEST_EXTENSION (AUTHORITY_ACCESS,
                                                                   MALFORMED_ACCESS_VALUE, FALSE));

  assert_faults (malformed, "malformed", "malformed", NULL);
}

static void
test_critical_key_identifier (void)
{
  assert_only_critical (TEST_EXTENSION (AUTHORITY_KEY, KEY_IDENTIFIER_VALUE, TRUE),
                        TEST_EXTENSION (AUTHORITY_KEY, KEY_IDENTIFIER_VALUE, FALSE),
                        "key identifier", "key identifier");
}

static void
test_critical_policies (void)
{
  g_autoptr (TestIdentity) bare
      = TEST_IDENTITY (.is_ca = TRUE, .extension = TEST_EXTENSION (POLICIES, POLICY, TRUE));

  assert_faults (bare, NULL, NULL, NULL);
  assert_only_critical (TEST_EXTENSION (POLICIES, QUALIFIED_POLICY, TRUE),
                        TEST_EXTENSION (POLICIES, QUALIFIED_POLICY, FALSE), "qualifier", NULL);
}

static void
test_server_with_constraints (void)
{
  g_autoptr (TestIdentity) server
      = TEST_IDENTITY (.dns = { "h.example" }, .permitted_dns = "h.example");
  g_autoptr (TestIdentity) ca = TEST_IDENTITY (.is_ca = TRUE, .permitted_dns = "h.example");

  assert_fault (server, CPD_ROLE_LEAF, "name constraints");
  assert_faults (ca, "name constraints", NULL, NULL);
}

static void
test_server_that_signs (void)
{
  g_autoptr (TestIdentity) signer
      = TEST_IDENTITY (.dns = { "h.example" },
                       .key_usage = GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_CERT_SIGN);
  g_autoptr (TestIdentity) server
      = TEST_IDENTITY (.dns = { "h.example" },
                       .key_usage = GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_CRL_SIGN);
  g_autoptr (TestIdentity) ca
      = TEST_IDENTITY (.is_ca = TRUE, .key_usage = GNUTLS_KEY_KEY_CERT_SIGN);

  assert_fault (signer, CPD_ROLE_LEAF, "sign");
  assert_fault (signer, CPD_ROLE_INTERMEDIATE, NULL);
  assert_fault (server, CPD_ROLE_LEAF, NULL);
  assert_faults (ca, NULL, NULL, NULL);
}

static void
test_authority_without_name (void)
{
  g_autoptr (TestIdentity) nameless = TEST_IDENTITY (.subject = "", .is_ca = TRUE);

  assert_faults (nameless, NULL, "no subject", "no subject");
}

static void
test_anchor_that_is_no_authority (void)
{
  g_autoptr (TestIdentity) server = TEST_IDENTITY (.dns = { "h.example" });
  g_autoptr (TestIdentity) old = TEST_IDENTITY (.subject = "Old", .version_1 = TRUE);

  assert_faults (server, NULL, NULL, "trust anchor");
  assert_faults (old, NULL, NULL, NULL);
}

static void
test_fault_is_refused (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle,
                       .extension = TEST_EXTENSION (AUTHORITY_ACCESS, ACCESS_VALUE, TRUE));
  g_autoptr (TestIdentity) middle
      = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = f->root, .key_of = f->middle,
                       .extension = TEST_EXTENSION (AUTHORITY_ACCESS, ACCESS_VALUE, TRUE));

  trust_assert_problem (f->anchors, test_chain (leaf, f->middle, NULL), CPD_PROBLEM_CONSTRAINTS);
  trust_assert_problem (f->anchors, test_chain (f->leaf, middle, NULL), CPD_PROBLEM_CONSTRAINTS);
  trust_assert_problem (f->anchors, test_chain (f->leaf, f->middle, NULL), CPD_PROBLEM_NONE);
}

#define ADD(name, function) g_test_add_func ("/core/profile/" name, function)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("faults/none", test_usual);
  ADD ("faults/key-of-no-whole-bytes", test_key_of_no_whole_bytes);
  ADD ("faults/key-of-no-use-in-tls", test_key_of_no_use_in_tls);
  ADD ("faults/demands", test_demands);
  ADD ("faults/path-length-below-zero", test_path_length_below_zero);
  ADD ("faults/empty-purposes", test_empty_purposes);
  ADD ("faults/critical-authority-information", test_critical_authority_information);
  ADD ("faults/malformed-authority-information", test_malformed_authority_information);
  ADD ("faults/critical-key-identifier", test_critical_key_identifier);
  ADD ("faults/critical-policies", test_critical_policies);
  ADD ("faults/server-with-constraints", test_server_with_constraints);
  ADD ("faults/server-that-signs", test_server_that_signs);
  ADD ("faults/authority-without-name", test_authority_without_name);
  ADD ("faults/anchor-that-is-no-authority", test_anchor_that_is_no_authority);
  TRUST_TEST_ADD ("profile/fault-is-refused", test_fault_is_refused);
  return g_test_run ();
}
