/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves which chains are not trusted, and that the reason given is the one that a person can act
 * on. */

#include "config.h"

#include "tests/core/trust/trust-fixture.h"

static void
test_no_certificate (TrustFixture *f, gconstpointer user_data)
{
  trust_assert_problem (f->anchors, g_ptr_array_new (), CPD_PROBLEM_MALFORMED);
}

static void
test_too_many (TrustFixture *f, gconstpointer user_data)
{
  GPtrArray *chain = test_chain (f->leaf, f->middle, NULL);

  while (chain->len <= 64)
    g_ptr_array_add (chain, test_certificate (f->middle));
  trust_assert_problem (f->anchors, chain, CPD_PROBLEM_MALFORMED);
}

static void
test_unknown_issuer (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) other = TEST_IDENTITY (.subject = "Other", .is_ca = TRUE);
  g_autoptr (CpdAnchors) anchors = test_anchors (other, NULL);

  trust_assert_problem (anchors, test_chain (f->leaf, f->middle, f->root, NULL),
                        CPD_PROBLEM_UNKNOWN_ISSUER);
}

static void
test_missing_intermediate (TrustFixture *f, gconstpointer user_data)
{
  trust_assert_problem (f->anchors, test_chain (f->leaf, NULL), CPD_PROBLEM_UNKNOWN_ISSUER);
}

static void
test_self_signed (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) own = TEST_IDENTITY (.subject = "own", .dns = { "h.example" });

  trust_assert_problem (f->anchors, test_chain (own, NULL), CPD_PROBLEM_SELF_SIGNED);
}

static void
test_namesake_of_the_anchor (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) namesake = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE);
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.dns = { "h.example" }, .issuer = namesake);

  trust_assert_problem (f->anchors, test_chain (leaf, namesake, NULL), CPD_PROBLEM_UNKNOWN_ISSUER);
}

static void
test_corrupt_signature (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (GBytes) der = test_identity_corrupt_signature (f->leaf);
  GPtrArray *chain = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_certificate_unref);

  g_ptr_array_add (chain, cpd_certificate_new (der, NULL));
  g_ptr_array_add (chain, test_certificate (f->middle));
  trust_assert_problem (f->anchors, chain, CPD_PROBLEM_UNKNOWN_ISSUER);
}

static void
test_other_name (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.dns = { "other.example" }, .issuer = f->root);
  g_autoptr (TestIdentity) unnamed = TEST_IDENTITY (.subject = "h.example", .issuer = f->root);

  trust_assert_problem (f->anchors, test_chain (leaf, NULL), CPD_PROBLEM_NAME);
  trust_assert_problem (f->anchors, test_chain (unnamed, NULL), CPD_PROBLEM_NAME);
}

static void
test_expired_anywhere (TrustFixture *f, gconstpointer user_data)
{
  gint64 past = TEST_PKI_NOW - 1;
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle, .not_after = past);
  g_autoptr (TestIdentity) middle
      = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = f->root, .key_of = f->middle,
                       .not_after = past);
  g_autoptr (TestIdentity) root
      = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE, .key_of = f->root, .not_after = past);
  g_autoptr (CpdAnchors) old = test_anchors (root, NULL);

  trust_assert_problem (f->anchors, test_chain (leaf, f->middle, NULL), CPD_PROBLEM_EXPIRED);
  trust_assert_problem (f->anchors, test_chain (f->leaf, middle, NULL), CPD_PROBLEM_EXPIRED);
  trust_assert_problem (old, test_chain (f->leaf, f->middle, NULL), CPD_PROBLEM_EXPIRED);
}

static void
test_not_yet_valid (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle, .not_before = TEST_PKI_NOW + 1);

  trust_assert_problem (f->anchors, test_chain (leaf, f->middle, NULL), CPD_PROBLEM_NOT_YET_VALID);
}

/* Returns: (transfer full): the certificate, valid until a day that does not exist */
static CpdCertificate *
make_odd_date (TestIdentity *identity, TestIdentity *issuer)
{
  g_autoptr (GBytes) der
      = test_identity_replace (identity, "20961002070640Z", "20960230070640Z", issuer);
  g_autoptr (GError) error = NULL;
  CpdCertificate *certificate = cpd_certificate_new (der, &error);

  g_assert_no_error (error);
  return certificate;
}

static void
test_odd_date (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) other = TEST_IDENTITY (.subject = "Other", .issuer = f->middle);
  GPtrArray *of_leaf = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_certificate_unref);
  GPtrArray *of_middle = test_chain (f->leaf, NULL);
  GPtrArray *of_stray = test_chain (f->leaf, f->middle, NULL);

  g_ptr_array_add (of_leaf, make_odd_date (f->leaf, f->middle));
  g_ptr_array_add (of_leaf, test_certificate (f->middle));
  g_ptr_array_add (of_middle, make_odd_date (f->middle, f->root));
  g_ptr_array_add (of_stray, make_odd_date (other, f->middle));
  trust_assert_problem (f->anchors, of_leaf, CPD_PROBLEM_CONSTRAINTS);
  trust_assert_problem (f->anchors, of_middle, CPD_PROBLEM_CONSTRAINTS);
  trust_assert_problem (f->anchors, of_stray, CPD_PROBLEM_NONE);
}

static void
test_clock_before_release (TrustFixture *f, gconstpointer user_data)
{
  const CpdTrustQuestion question
      = { .name = "h.example", .now = TEST_PKI_NOW, .earliest = TEST_PKI_NOW + 1 };
  g_autoptr (GPtrArray) chain = test_chain (f->leaf, f->middle, NULL);
  g_autoptr (CpdValidation) validation = cpd_trust_validate (f->anchors, chain, &question);

  g_assert_cmpint (validation->problem, ==, CPD_PROBLEM_CLOCK);
  g_assert_cmpuint (validation->paths->len, ==, 0);
}

static void
test_other_purpose (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle, .eku = TEST_PKI_EKU_CLIENT);
  g_autoptr (TestIdentity) middle
      = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = f->root, .key_of = f->middle,
                       .eku = TEST_PKI_EKU_CLIENT);

  trust_assert_problem (f->anchors, test_chain (leaf, f->middle, NULL), CPD_PROBLEM_PURPOSE);
  trust_assert_problem (f->anchors, test_chain (f->leaf, middle, NULL), CPD_PROBLEM_PURPOSE);
}

/* What an issuer may vouch for is what it lists. */
static void
test_purpose_of_issuers (TrustFixture *f, gconstpointer user_data)
{
  static const struct
  {
    const char *eku;
    CpdProblem expected;
  } cases[] = {
    { GNUTLS_KP_TLS_WWW_SERVER, CPD_PROBLEM_NONE },
    { GNUTLS_KP_ANY, CPD_PROBLEM_NONE },
    { GNUTLS_KP_TLS_WWW_CLIENT, CPD_PROBLEM_PURPOSE },
    { "2.16.840.1.113730.4.1", CPD_PROBLEM_PURPOSE },  /* Netscape's Server Gated Crypto */
    { "1.3.6.1.4.1.311.10.3.3", CPD_PROBLEM_PURPOSE }, /* Microsoft's */
    { "1.3.6.1.5.5.7.3.1.1", CPD_PROBLEM_PURPOSE },    /* below that of servers, and not it */
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TestIdentity) middle
          = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = f->root,
                           .key_of = f->middle, .eku = cases[i].eku);

      g_test_message ("%s", cases[i].eku);
      trust_assert_problem (f->anchors, test_chain (f->leaf, middle, NULL), cases[i].expected);
    }
}

static void
test_short_rsa_key (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle, .rsa_bits = 1024);
  g_autoptr (TestIdentity) middle
      = TEST_IDENTITY (.subject = "Short", .is_ca = TRUE, .issuer = f->root, .rsa_bits = 1024);
  g_autoptr (TestIdentity) below = TEST_IDENTITY (.dns = { "h.example" }, .issuer = middle);

  trust_assert_problem (f->anchors, test_chain (leaf, f->middle, NULL), CPD_PROBLEM_WEAK);
  trust_assert_problem (f->anchors, test_chain (below, middle, NULL), CPD_PROBLEM_WEAK);
}

static void
test_huge_rsa_key (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle, .rsa_bits = 16384);

  trust_assert_problem (f->anchors, test_chain (leaf, f->middle, NULL), CPD_PROBLEM_WEAK);
}

static void
test_sha1_signature (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle, .digest = GNUTLS_DIG_SHA1);
  g_autoptr (TestIdentity) middle
      = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = f->root, .key_of = f->middle,
                       .digest = GNUTLS_DIG_SHA1);

  trust_assert_problem (f->anchors, test_chain (leaf, f->middle, NULL), CPD_PROBLEM_WEAK);
  trust_assert_problem (f->anchors, test_chain (f->leaf, middle, NULL), CPD_PROBLEM_WEAK);
}

static void
test_ca_as_server (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->root, .is_ca = TRUE);

  trust_assert_problem (f->anchors, test_chain (leaf, NULL), CPD_PROBLEM_CONSTRAINTS);
}

static void
test_version_1 (TrustFixture *f, gconstpointer user_data)
{
  const CpdTrustQuestion question = { .purpose = CPD_PURPOSE_SERVER, .now = TEST_PKI_NOW };
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.subject = "leaf", .issuer = f->root, .version_1 = TRUE);
  g_autoptr (TestIdentity) middle
      = TEST_IDENTITY (.subject = "Old", .issuer = f->root, .version_1 = TRUE);
  g_autoptr (TestIdentity) below = TEST_IDENTITY (.dns = { "h.example" }, .issuer = middle);
  g_autoptr (GPtrArray) chain = test_chain (leaf, NULL);
  g_autoptr (CpdValidation) validation = cpd_trust_validate (f->anchors, chain, &question);

  g_assert_cmpint (validation->problem, ==, CPD_PROBLEM_CONSTRAINTS);
  trust_assert_problem (f->anchors, test_chain (below, middle, NULL), CPD_PROBLEM_CONSTRAINTS);
}

static void
test_signer_that_is_no_ca (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) middle
      = TEST_IDENTITY (.subject = "other.example", .dns = { "other.example" }, .issuer = f->root);
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.dns = { "h.example" }, .issuer = middle);

  trust_assert_problem (f->anchors, test_chain (leaf, middle, NULL), CPD_PROBLEM_CONSTRAINTS);
}

static void
test_path_too_long (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) root
      = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE, .limits_path = TRUE, .path_length = 1);
  g_autoptr (TestIdentity) a = TEST_IDENTITY (.subject = "A", .is_ca = TRUE, .issuer = root);
  g_autoptr (TestIdentity) b = TEST_IDENTITY (.subject = "B", .is_ca = TRUE, .issuer = a);
  g_autoptr (TestIdentity) below_a = TEST_IDENTITY (.dns = { "h.example" }, .issuer = a);
  g_autoptr (TestIdentity) below_b = TEST_IDENTITY (.dns = { "h.example" }, .issuer = b);
  g_autoptr (CpdAnchors) anchors = test_anchors (root, NULL);

  trust_assert_problem (anchors, test_chain (below_a, a, NULL), CPD_PROBLEM_NONE);
  trust_assert_problem (anchors, test_chain (below_b, b, a, NULL), CPD_PROBLEM_CONSTRAINTS);
}

static void
test_intermediate_path_too_long (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) a = TEST_IDENTITY (.subject = "A", .is_ca = TRUE, .issuer = f->root,
                                              .limits_path = TRUE, .path_length = 0);
  g_autoptr (TestIdentity) b = TEST_IDENTITY (.subject = "B", .is_ca = TRUE, .issuer = a);
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.dns = { "h.example" }, .issuer = b);

  trust_assert_problem (f->anchors, test_chain (leaf, b, a, NULL), CPD_PROBLEM_CONSTRAINTS);
}

static void
test_name_constraints (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) only_other
      = TEST_IDENTITY (.subject = "A", .is_ca = TRUE, .issuer = f->root,
                       .permitted_dns = "other.example");
  g_autoptr (TestIdentity) not_here
      = TEST_IDENTITY (.subject = "B", .is_ca = TRUE, .issuer = f->root,
                       .excluded_dns = "h.example");
  g_autoptr (TestIdentity) only_here
      = TEST_IDENTITY (.subject = "C", .is_ca = TRUE, .issuer = f->root,
                       .permitted_dns = "h.example");
  g_autoptr (TestIdentity) below_a = TEST_IDENTITY (.dns = { "h.example" }, .issuer = only_other);
  g_autoptr (TestIdentity) below_b = TEST_IDENTITY (.dns = { "h.example" }, .issuer = not_here);
  g_autoptr (TestIdentity) below_c = TEST_IDENTITY (.dns = { "h.example" }, .issuer = only_here);

  trust_assert_problem (f->anchors, test_chain (below_a, only_other, NULL),
                        CPD_PROBLEM_CONSTRAINTS);
  trust_assert_problem (f->anchors, test_chain (below_b, not_here, NULL), CPD_PROBLEM_CONSTRAINTS);
  trust_assert_problem (f->anchors, test_chain (below_c, only_here, NULL), CPD_PROBLEM_NONE);
}

static void
test_name_constraints_of_the_anchor (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) root
      = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE, .permitted_dns = "other.example");
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.dns = { "h.example" }, .issuer = root);
  g_autoptr (CpdAnchors) anchors = test_anchors (root, NULL);

  trust_assert_problem (anchors, test_chain (leaf, NULL), CPD_PROBLEM_CONSTRAINTS);
}

static void
test_names_the_most_direct_problem (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle, .not_after = TEST_PKI_NOW - 1);
  g_autoptr (TestIdentity) stranger = TEST_IDENTITY (.subject = "Stranger", .is_ca = TRUE);
  g_autoptr (TestIdentity) cross
      = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = stranger, .key_of = f->middle);

  trust_assert_problem (f->anchors, test_chain (leaf, cross, f->middle, NULL), CPD_PROBLEM_EXPIRED);
}

/* A stranger may put in whatever has the issuer's name: it explains nothing. */
static void
test_namesake_explains_nothing (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) weak
      = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = f->root, .rsa_bits = 1024,
                       .version_1 = TRUE);
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle, .not_after = TEST_PKI_NOW - 1);

  trust_assert_problem (f->anchors, test_chain (leaf, weak, f->middle, NULL), CPD_PROBLEM_EXPIRED);
  trust_assert_problem (f->anchors, test_chain (f->leaf, weak, NULL), CPD_PROBLEM_UNKNOWN_ISSUER);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  TRUST_TEST_ADD ("refuses/no-certificate", test_no_certificate);
  TRUST_TEST_ADD ("refuses/too-many", test_too_many);
  TRUST_TEST_ADD ("refuses/unknown-issuer", test_unknown_issuer);
  TRUST_TEST_ADD ("refuses/missing-intermediate", test_missing_intermediate);
  TRUST_TEST_ADD ("refuses/self-signed", test_self_signed);
  TRUST_TEST_ADD ("refuses/namesake-of-the-anchor", test_namesake_of_the_anchor);
  TRUST_TEST_ADD ("refuses/corrupt-signature", test_corrupt_signature);
  TRUST_TEST_ADD ("refuses/other-name", test_other_name);
  TRUST_TEST_ADD ("refuses/expired-anywhere", test_expired_anywhere);
  TRUST_TEST_ADD ("refuses/not-yet-valid", test_not_yet_valid);
  TRUST_TEST_ADD ("refuses/odd-date", test_odd_date);
  TRUST_TEST_ADD ("refuses/clock-before-release", test_clock_before_release);
  TRUST_TEST_ADD ("refuses/other-purpose", test_other_purpose);
  TRUST_TEST_ADD ("refuses/purpose-of-issuers", test_purpose_of_issuers);
  TRUST_TEST_ADD ("refuses/short-rsa-key", test_short_rsa_key);
  TRUST_TEST_ADD ("refuses/huge-rsa-key", test_huge_rsa_key);
  TRUST_TEST_ADD ("refuses/sha1-signature", test_sha1_signature);
  TRUST_TEST_ADD ("refuses/ca-as-server", test_ca_as_server);
  TRUST_TEST_ADD ("refuses/version-1", test_version_1);
  TRUST_TEST_ADD ("refuses/signer-that-is-no-ca", test_signer_that_is_no_ca);
  TRUST_TEST_ADD ("refuses/path-too-long", test_path_too_long);
  TRUST_TEST_ADD ("refuses/intermediate-path-too-long", test_intermediate_path_too_long);
  TRUST_TEST_ADD ("refuses/name-constraints", test_name_constraints);
  TRUST_TEST_ADD ("refuses/name-constraints-of-the-anchor", test_name_constraints_of_the_anchor);
  TRUST_TEST_ADD ("refuses/names-the-most-direct-problem", test_names_the_most_direct_problem);
  TRUST_TEST_ADD ("refuses/namesake-explains-nothing", test_namesake_explains_nothing);
  return g_test_run ();
}
