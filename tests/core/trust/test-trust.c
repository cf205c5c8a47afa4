/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves which chains are trusted: every alternative is tried, only certificates on a valid path
 * are ever told of, and no chain can cause more than a bound of work. */

#include "config.h"

#include "tests/core/trust/trust-fixture.h"

#include <string.h>

static void
test_good (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdValidation) validation
      = trust_validate (f->anchors, test_chain (f->leaf, f->middle, NULL));

  g_assert_cmpint (validation->problem, ==, CPD_PROBLEM_NONE);
  g_assert_cmpuint (validation->paths->len, ==, 1);
  trust_assert_path (validation->paths->pdata[0], f->leaf, f->middle, f->root, NULL);
}

static void
test_anchor_sent (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdValidation) validation
      = trust_validate (f->anchors, test_chain (f->leaf, f->middle, f->root, NULL));

  g_assert_cmpuint (validation->paths->len, ==, 1);
  trust_assert_path (validation->paths->pdata[0], f->leaf, f->middle, f->root, NULL);
}

static void
test_any_order (TrustFixture *f, gconstpointer user_data)
{
  trust_assert_problem (f->anchors, test_chain (f->leaf, f->root, f->middle, NULL),
                        CPD_PROBLEM_NONE);
}

static void
test_unrelated_is_not_on_the_path (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) other = TEST_IDENTITY (.subject = "Other", .is_ca = TRUE);
  g_autoptr (CpdValidation) validation
      = trust_validate (f->anchors, test_chain (f->leaf, other, f->middle, NULL));

  g_assert_cmpuint (validation->paths->len, ==, 1);
  trust_assert_path (validation->paths->pdata[0], f->leaf, f->middle, f->root, NULL);
}

static void
test_namesake_is_not_on_the_path (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) namesake
      = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = f->root);
  g_autoptr (CpdValidation) validation
      = trust_validate (f->anchors, test_chain (f->leaf, namesake, f->middle, NULL));

  g_assert_cmpuint (validation->paths->len, ==, 1);
  trust_assert_path (validation->paths->pdata[0], f->leaf, f->middle, f->root, NULL);
}

static void
test_alternative_intermediate (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) expired
      = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = f->root, .key_of = f->middle,
                       .not_after = TEST_PKI_NOW - TEST_PKI_DAY);

  trust_assert_problem (f->anchors, test_chain (f->leaf, expired, f->middle, NULL),
                        CPD_PROBLEM_NONE);
  trust_assert_problem (f->anchors, test_chain (f->leaf, f->middle, expired, NULL),
                        CPD_PROBLEM_NONE);
}

static void
test_cross_signed_gives_all_paths (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) second = TEST_IDENTITY (.subject = "Second", .is_ca = TRUE);
  g_autoptr (TestIdentity) cross
      = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = second, .key_of = f->middle);
  g_autoptr (CpdAnchors) both = test_anchors (f->root, second, NULL);
  g_autoptr (CpdValidation) validation
      = trust_validate (both, test_chain (f->leaf, f->middle, cross, NULL));

  g_assert_cmpuint (validation->paths->len, ==, 2);
  trust_assert_path (validation->paths->pdata[0], f->leaf, f->middle, f->root, NULL);
  trust_assert_path (validation->paths->pdata[1], f->leaf, cross, second, NULL);
}

static void
test_only_trusted_cross_sign_counts (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) stranger = TEST_IDENTITY (.subject = "Stranger", .is_ca = TRUE);
  g_autoptr (TestIdentity) cross
      = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = stranger, .key_of = f->middle);
  g_autoptr (CpdValidation) validation
      = trust_validate (f->anchors, test_chain (f->leaf, cross, stranger, f->middle, NULL));

  g_assert_cmpuint (validation->paths->len, ==, 1);
  trust_assert_path (validation->paths->pdata[0], f->leaf, f->middle, f->root, NULL);
}

static void
test_trusted_intermediate (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdAnchors) anchors = test_anchors (f->middle, NULL);

  trust_assert_problem (anchors, test_chain (f->leaf, NULL), CPD_PROBLEM_NONE);
}

/* Its issuer may hold the pinned key. */
static void
test_trusted_intermediate_hides_nothing (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdAnchors) both = test_anchors (f->middle, f->root, NULL);
  GPtrArray *const chains[] = { test_chain (f->leaf, NULL), test_chain (f->leaf, f->middle, NULL),
                                test_chain (f->leaf, f->middle, f->root, NULL) };

  for (size_t i = 0; i < G_N_ELEMENTS (chains); i++)
    {
      g_autoptr (CpdValidation) validation = trust_validate (both, chains[i]);

      g_assert_cmpuint (validation->paths->len, ==, 2);
      trust_assert_path (validation->paths->pdata[0], f->leaf, f->middle, NULL);
      trust_assert_path (validation->paths->pdata[1], f->leaf, f->middle, f->root, NULL);
    }
}

/* Through all the trusted ones, and through what was presented in between. */
static void
test_trusted_intermediates_hide_nothing (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) upper
      = TEST_IDENTITY (.subject = "Upper", .is_ca = TRUE, .issuer = f->root);
  g_autoptr (TestIdentity) lower
      = TEST_IDENTITY (.subject = "Lower", .is_ca = TRUE, .issuer = upper);
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.dns = { "h.example" }, .issuer = lower);
  g_autoptr (CpdAnchors) all = test_anchors (lower, upper, f->root, NULL);
  g_autoptr (CpdAnchors) ends = test_anchors (lower, f->root, NULL);
  g_autoptr (CpdValidation) of_all = trust_validate (all, test_chain (leaf, NULL));
  g_autoptr (CpdValidation) of_ends = trust_validate (ends, test_chain (leaf, upper, NULL));

  g_assert_cmpuint (of_all->paths->len, ==, 3);
  trust_assert_path (of_all->paths->pdata[2], leaf, lower, upper, f->root, NULL);
  g_assert_cmpuint (of_ends->paths->len, ==, 2);
  trust_assert_path (of_ends->paths->pdata[1], leaf, lower, upper, f->root, NULL);
}

/* Beyond an anchor that signed itself there is nothing, whoever else certified its key. */
static void
test_nothing_is_beyond_a_root (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) second = TEST_IDENTITY (.subject = "Second", .is_ca = TRUE);
  g_autoptr (TestIdentity) cross
      = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE, .issuer = second, .key_of = f->root);
  g_autoptr (CpdAnchors) both = test_anchors (f->root, second, NULL);
  g_autoptr (CpdValidation) validation
      = trust_validate (both, test_chain (f->leaf, f->middle, cross, NULL));

  g_assert_cmpuint (validation->paths->len, ==, 2);
  trust_assert_path (validation->paths->pdata[0], f->leaf, f->middle, f->root, NULL);
  trust_assert_path (validation->paths->pdata[1], f->leaf, f->middle, cross, second, NULL);
}

static void
test_trusted_leaf (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) own = TEST_IDENTITY (.subject = "own", .dns = { "h.example" });
  g_autoptr (CpdAnchors) anchors = test_anchors (own, NULL);
  g_autoptr (CpdValidation) validation = trust_validate (anchors, test_chain (own, NULL));

  g_assert_cmpuint (validation->paths->len, ==, 1);
  trust_assert_path (validation->paths->pdata[0], own, NULL);
}

static void
test_trusted_leaf_of_somebody_else (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdAnchors) anchors = test_anchors (f->leaf, NULL);

  trust_assert_problem (anchors, test_chain (f->leaf, f->middle, f->root, NULL),
                        CPD_PROBLEM_UNKNOWN_ISSUER);
}

static void
test_path_tells_its_dates (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle, .not_before = TEST_PKI_NOW - 5,
                       .not_after = TEST_PKI_NOW + 5);
  g_autoptr (CpdValidation) validation
      = trust_validate (f->anchors, test_chain (leaf, f->middle, NULL));
  const CpdPath *path = validation->paths->pdata[0];

  g_assert_cmpint (path->valid_from, ==, TEST_PKI_NOW - 5);
  g_assert_cmpint (path->valid_until, ==, TEST_PKI_NOW + 5);
}

static void
test_dates_are_inclusive (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle, .not_before = TEST_PKI_NOW,
                       .not_after = TEST_PKI_NOW);

  trust_assert_problem (f->anchors, test_chain (leaf, f->middle, NULL), CPD_PROBLEM_NONE);
}

static void
test_no_name_is_asked (TrustFixture *f, gconstpointer user_data)
{
  const CpdTrustQuestion question = { .purpose = CPD_PURPOSE_SERVER, .now = TEST_PKI_NOW };
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.subject = "leaf", .issuer = f->root);
  g_autoptr (GPtrArray) chain = test_chain (leaf, NULL);
  g_autoptr (CpdValidation) validation = cpd_trust_validate (f->anchors, chain, &question);

  g_assert_cmpint (validation->problem, ==, CPD_PROBLEM_NONE);
}

static void
test_any_purpose (TrustFixture *f, gconstpointer user_data)
{
  const CpdTrustQuestion question = { .purpose = CPD_PURPOSE_ANY, .now = TEST_PKI_NOW };
  g_autoptr (TestIdentity) client
      = TEST_IDENTITY (.subject = "client", .issuer = f->root, .eku = TEST_PKI_EKU_CLIENT);
  g_autoptr (GPtrArray) of_client = test_chain (client, NULL);
  g_autoptr (GPtrArray) of_ca = test_chain (f->middle, NULL);
  g_autoptr (CpdValidation) a = cpd_trust_validate (f->anchors, of_client, &question);
  g_autoptr (CpdValidation) b = cpd_trust_validate (f->anchors, of_ca, &question);

  g_assert_cmpint (a->problem, ==, CPD_PROBLEM_NONE);
  g_assert_cmpint (b->problem, ==, CPD_PROBLEM_NONE);
}

static void
test_usual_rsa_key (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle, .rsa_bits = 2048);

  trust_assert_problem (f->anchors, test_chain (leaf, f->middle, NULL), CPD_PROBLEM_NONE);
}

static void
test_sha1_on_the_anchor_itself (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) root = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE,
                                                 .key_of = f->root, .digest = GNUTLS_DIG_SHA1);
  g_autoptr (CpdAnchors) anchors = test_anchors (root, NULL);

  trust_assert_problem (anchors, test_chain (f->leaf, f->middle, NULL), CPD_PROBLEM_NONE);
}

/* Returns: (transfer full): what a server below so many intermediates sends */
static GPtrArray *
new_chain_of_depth (TestIdentity *root, unsigned int n)
{
  g_autoptr (TestIdentity) tip = test_identity_ref (root);
  g_autoptr (TestIdentity) leaf = NULL;
  g_autoptr (GPtrArray) middles
      = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_certificate_unref);
  GPtrArray *chain;

  for (unsigned int i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("Middle %u", i);
      TestIdentity *next = TEST_IDENTITY (.subject = name, .is_ca = TRUE, .issuer = tip);

      g_ptr_array_add (middles, test_certificate (next));
      test_identity_unref (tip);
      tip = next;
    }
  leaf = TEST_IDENTITY (.dns = { "h.example" }, .issuer = tip);
  chain = test_chain (leaf, NULL);
  g_ptr_array_extend_and_steal (chain, g_steal_pointer (&middles));
  return chain;
}

/* A path has twelve certificates at most, server and anchor included. */
static void
test_depth_is_bounded (TrustFixture *f, gconstpointer user_data)
{
  trust_assert_problem (f->anchors, new_chain_of_depth (f->root, 10), CPD_PROBLEM_NONE);
  trust_assert_problem (f->anchors, new_chain_of_depth (f->root, 11), CPD_PROBLEM_LENGTH);
  trust_assert_problem (f->anchors, new_chain_of_depth (f->root, 14), CPD_PROBLEM_LENGTH);
}

/* What leads nowhere is not called too long. */
static void
test_deep_chain_to_nowhere (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdAnchors) nothing = cpd_anchors_new_empty ();

  trust_assert_problem (nothing, new_chain_of_depth (f->root, 11), CPD_PROBLEM_UNKNOWN_ISSUER);
}

/* Any of them may hold the key that is pinned. */
static void
test_all_of_eight_paths (TrustFixture *f, gconstpointer user_data)
{
  GPtrArray *chain = test_chain (f->leaf, f->middle, NULL);
  g_autoptr (CpdValidation) validation = NULL;

  while (chain->len < 10)
    {
      g_autoptr (TestIdentity) again = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE,
                                                      .issuer = f->root, .key_of = f->middle);

      g_ptr_array_add (chain, test_certificate (again));
    }
  validation = trust_validate (f->anchors, chain);
  g_assert_cmpuint (validation->paths->len, ==, 8);
}

/* Forty cross-signs between two names make more paths than anybody could walk. */
static void
test_work_is_bounded (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) a = TEST_IDENTITY (.subject = "A", .is_ca = TRUE);
  g_autoptr (TestIdentity) b = TEST_IDENTITY (.subject = "B", .is_ca = TRUE);
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.dns = { "h.example" }, .issuer = a);
  GPtrArray *chain = test_chain (leaf, NULL);
  gint64 start;

  while (chain->len < 60)
    {
      g_autoptr (TestIdentity) ab
          = TEST_IDENTITY (.subject = "A", .is_ca = TRUE, .issuer = b, .key_of = a);
      g_autoptr (TestIdentity) ba
          = TEST_IDENTITY (.subject = "B", .is_ca = TRUE, .issuer = a, .key_of = b);

      g_ptr_array_add (chain, test_certificate (ab));
      g_ptr_array_add (chain, test_certificate (ba));
    }
  start = g_get_monotonic_time ();
  trust_assert_problem (f->anchors, chain, CPD_PROBLEM_UNKNOWN_ISSUER);
  g_test_message ("%" G_GINT64_FORMAT " µs", g_get_monotonic_time () - start);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 2 * G_USEC_PER_SEC);
}

/* Validates a server with a list of 17000 bytes in one extension.
 * Returns: (transfer full) (nullable): what is wrong with it */
static char *
judge_long_list (TrustFixture *f, const char *oid)
{
  g_autoptr (GString) value = g_string_new ("\x30\x82");
  TestExtension extension = { .oid = oid };
  g_autoptr (TestIdentity) leaf = NULL;
  g_autoptr (CpdValidation) validation = NULL;

  g_string_append_c (value, 17000 >> 8);
  g_string_append_c (value, 17000 & 0xFF);
  while (value->len < 4 + 17000)
    g_string_append (value, "\x06\x02\x2A\x03");
  extension.value = value->str;
  extension.length = value->len;
  leaf = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle, .eku = TEST_PKI_EKU_NONE,
                        .extension = &extension);
  validation = trust_validate (f->anchors, test_chain (leaf, f->middle, NULL));
  return g_strdup (validation->detail);
}

/* Each look at a list is a walk over it, once for each path. */
static void
test_long_lists_are_refused (TrustFixture *f, gconstpointer user_data)
{
  static const char *const lists[] = { "2.5.29.32", "2.5.29.37", "2.5.29.30" };
  g_autofree char *other = judge_long_list (f, "1.2.3.4");

  g_assert_cmpstr (other, ==, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      g_autofree char *detail = judge_long_list (f, lists[i]);

      g_assert_nonnull (detail);
      g_assert_nonnull (strstr (detail, "more purposes, policies or constraints"));
    }
}

/* To judge a path is work, too: of forty ways to an anchor, of which only the last is good, that
 * one is not reached. */
static void
test_judgements_are_bounded (TrustFixture *f, gconstpointer user_data)
{
  GPtrArray *many = test_chain (f->leaf, NULL), *few = test_chain (f->leaf, NULL);

  for (unsigned int i = 0; i < 40; i++)
    {
      g_autoptr (TestIdentity) old
          = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = f->root,
                           .key_of = f->middle, .not_after = TEST_PKI_NOW - 1);

      g_ptr_array_add (many, test_certificate (old));
      if (i < 10)
        g_ptr_array_add (few, test_certificate (old));
    }
  g_ptr_array_add (many, test_certificate (f->middle));
  g_ptr_array_add (few, test_certificate (f->middle));
  trust_assert_problem (f->anchors, many, CPD_PROBLEM_EXPIRED);
  trust_assert_problem (f->anchors, few, CPD_PROBLEM_NONE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  TRUST_TEST_ADD ("accepts/good", test_good);
  TRUST_TEST_ADD ("accepts/anchor-sent", test_anchor_sent);
  TRUST_TEST_ADD ("accepts/any-order", test_any_order);
  TRUST_TEST_ADD ("accepts/alternative-intermediate", test_alternative_intermediate);
  TRUST_TEST_ADD ("accepts/trusted-intermediate", test_trusted_intermediate);
  TRUST_TEST_ADD ("paths/beyond-a-trusted-intermediate", test_trusted_intermediate_hides_nothing);
  TRUST_TEST_ADD ("paths/beyond-trusted-intermediates", test_trusted_intermediates_hide_nothing);
  TRUST_TEST_ADD ("paths/nothing-beyond-a-root", test_nothing_is_beyond_a_root);
  TRUST_TEST_ADD ("accepts/trusted-leaf", test_trusted_leaf);
  TRUST_TEST_ADD ("accepts/dates-inclusive", test_dates_are_inclusive);
  TRUST_TEST_ADD ("accepts/no-name-where-none-is-asked", test_no_name_is_asked);
  TRUST_TEST_ADD ("accepts/any-purpose", test_any_purpose);
  TRUST_TEST_ADD ("accepts/usual-rsa-key", test_usual_rsa_key);
  TRUST_TEST_ADD ("accepts/sha1-on-the-anchor-itself", test_sha1_on_the_anchor_itself);
  TRUST_TEST_ADD ("refuses/trusted-leaf-of-somebody-else", test_trusted_leaf_of_somebody_else);
  TRUST_TEST_ADD ("paths/unrelated-is-not-on-it", test_unrelated_is_not_on_the_path);
  TRUST_TEST_ADD ("paths/namesake-is-not-on-it", test_namesake_is_not_on_the_path);
  TRUST_TEST_ADD ("paths/all-of-a-cross-sign", test_cross_signed_gives_all_paths);
  TRUST_TEST_ADD ("paths/only-a-trusted-cross-sign", test_only_trusted_cross_sign_counts);
  TRUST_TEST_ADD ("paths/tells-its-dates", test_path_tells_its_dates);
  TRUST_TEST_ADD ("paths/all-of-eight", test_all_of_eight_paths);
  TRUST_TEST_ADD ("depth-is-bounded", test_depth_is_bounded);
  TRUST_TEST_ADD ("deep-chain-to-nowhere", test_deep_chain_to_nowhere);
  TRUST_TEST_ADD ("work-is-bounded", test_work_is_bounded);
  TRUST_TEST_ADD ("long-lists-are-refused", test_long_lists_are_refused);
  TRUST_TEST_ADD ("judgements-are-bounded", test_judgements_are_bounded);
  return g_test_run ();
}
