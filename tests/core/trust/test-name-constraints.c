/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that names keep to the constraints of every authority above them. */

#include "config.h"

#include "daemon/core/trust/cpd-name-constraints.h"
#include "tests/core/trust/trust-fixture.h"
#include "tests/lib/test-core.h"

#include <string.h>

#define NAME_CONSTRAINTS "2.5.29.30"
#define ALTERNATIVE      "2.5.29.17"

#define EMPTY_SEQUENCE "\x30\x00"

/* Excludes 10.0.0.0/8. */
#define EXCLUDES_TEN "\x30\x0E\xA1\x0C\x30\x0A\x87\x08\x0A\x00\x00\x00\xFF\x00\x00\x00"

/* Permit 10.0.0.0/8; the directory name CN=good; URIs of h.example. */
#define PERMITS_TEN "0\x0E\xA0\x0C\x30\x0A\x87\x08\x0A\x00\x00\x00\xFF\x00\x00\x00"
#define PERMITS_GOOD                                                                               \
  "0\x17\xA0\x15\x30\x13\xA4\x11\x30\x0F\x31\x0D\x30\x0B\x06\x03U\x04\x03\x0C\x04good"
#define PERMITS_URI "0\x0F\xA0\x0D\x30\x0B\x86\x09h.example"

/* h.example, and a second name: CN=good; that and CN=more below; the other way round; a URI. */
#define IS_GOOD                                                                                    \
  "0\x1E\x82\x09h.example\xA4\x11\x30\x0F\x31\x0D\x30\x0B\x06\x03U\x04\x03\x0C\x04good"
#define IS_BELOW_GOOD                                                                              \
  "0-\x82\x09h."                                                                                   \
  "example\xA4\x20\x30\x1E\x31\x0D\x30\x0B\x06\x03U\x04\x03\x0C\x04good1\x0D\x30\x0B\x06\x03U\x04" \
  "\x03\x0C\x04more"
#define IS_ABOVE_GOOD                                                                              \
  "0-\x82\x09h."                                                                                   \
  "example\xA4\x20\x30\x1E\x31\x0D\x30\x0B\x06\x03U\x04\x03\x0C\x04more1\x0D\x30\x0B\x06\x03U\x04" \
  "\x03\x0C\x04good"
#define IS_URI "0\x1F\x82\x09h.example\x86\x12https://h.example/"

/* An address of eight bytes. */
#define LONG_ADDRESS "\x30\x0A\x87\x08\x0B\x00\x00\x01\xFF\xFF\xFF\x00"

/* Permit, or exclude, what is no domain. */
#define PERMITS_DOT   "\x30\x07\xA0\x05\x30\x03\x82\x01."
#define PERMITS_DOTS  "\x30\x0E\xA0\x0C\x30\x0A\x82\x08..b.test"
#define EXCLUDES_STAR "\x30\x0E\xA1\x0C\x30\x0A\x82\x08*.b.test"
#define EXCLUDES_NUL                                                                               \
  "\x30\x0E\xA1\x0C\x30\x0A\x82\x08"                                                               \
  "b.te\x00st."
#define EXCLUDES_DOT "\x30\x07\xA1\x05\x30\x03\x82\x01."

/* Permits h.example and excludes b.test, with a minimum of 1 and of 0. */
#define PERMITS_FROM_ONE                                                                           \
  "\x30\x12\xA0\x10\x30\x0E\x82\x09"                                                               \
  "h.example\x80\x01\x01"
#define EXCLUDES_FROM_ZERO                                                                         \
  "\x30\x0F\xA1\x0D\x30\x0B\x82\x06"                                                               \
  "b.test\x80\x01\x00"

/* `path`: (transfer full). `expected`: (nullable): a word of what is wrong with its names */
static void
assert_names (GPtrArray *path, const char *expected)
{
  const char *fault = cpd_name_constraints_find_fault (path);

  if (expected == NULL)
    g_assert_cmpstr (fault, ==, NULL);
  else
    {
      g_assert_nonnull (fault);
      g_assert_nonnull (strstr (fault, expected));
    }
  g_ptr_array_unref (path);
}

#define FORBIDDEN "may not certify"
#define MALFORMED "malformed"

/* What a root says of names, what a server below it is called, and what is to come of it. */
typedef struct
{
  const char *permitted;
  const char *excluded;
  const char *name;
  const char *fault;
} NameCase;

static const NameCase name_cases[] = {
  { NULL, NULL, "h.example", NULL },
  { "h.example", NULL, "h.example", NULL },
  { "h.example", NULL, "a.b.h.example", NULL },
  { "h.example", NULL, "*.h.example", NULL },
  { "h.example", NULL, "other.example", FORBIDDEN },
  { "h.example", NULL, "notreallyh.example", FORBIDDEN },
  { "h.example", NULL, "*.example", FORBIDDEN },
  { NULL, "h.example", "other.example", NULL },
  { NULL, "h.example", "noth.example", NULL },
  { NULL, "h.example", "h.example", FORBIDDEN },
  { NULL, "h.example", "H.EXAMPLE", FORBIDDEN },
  { NULL, "h.example", "a.h.example", FORBIDDEN },
  { NULL, "h.example", "*.example", FORBIDDEN },
  { NULL, "h.example", "*.h.example", FORBIDDEN },
  { NULL, "H.Example", "*.eXample", FORBIDDEN },
  { NULL, "a.h.example", "*.h.example", FORBIDDEN },
  { NULL, "example", "*.h.example", FORBIDDEN },
  { NULL, "", "h.example", FORBIDDEN },
  { NULL, "", "*.h.example", FORBIDDEN },
  { "", NULL, "h.example", NULL },
  { NULL, "a.h.example", "*.other.example", NULL },
  { NULL, "ah.example", "*.h.example", NULL },
  { "example", "h.example", "other.example", NULL },
  { "example", "h.example", "a.h.example", FORBIDDEN },
  { "example", "h.example", "*.example", FORBIDDEN },

  /* With a dot in front, as OpenSSL 3.0 and Go decide; but for the name that begins with a dot,
   * which OpenSSL lets pass. */
  { ".h.example", NULL, "h.example", FORBIDDEN },
  { ".h.example", NULL, "a.h.example", NULL },
  { ".h.example", NULL, "a.b.h.example", NULL },
  { ".h.example", NULL, "xh.example", FORBIDDEN },
  { ".h.example", NULL, ".h.example", FORBIDDEN },
  { ".h.example", NULL, "*.h.example", NULL },
  { ".h.example", NULL, "*.a.h.example", NULL },
  { ".h.example", NULL, "*.example", FORBIDDEN },
  { ".h.example", NULL, "example", FORBIDDEN },
  { ".H.Example", NULL, "a.h.eXample", NULL },
  { NULL, ".h.example", "h.example", NULL },
  { NULL, ".h.example", "a.h.example", FORBIDDEN },
  { NULL, ".h.example", "a.b.h.example", FORBIDDEN },
  { NULL, ".h.example", "xh.example", NULL },
  { NULL, ".h.example", "*.h.example", FORBIDDEN },
  { NULL, ".h.example", "*.a.h.example", FORBIDDEN },
  { NULL, ".h.example", "*.example", NULL },
  { NULL, ".h.example", "example", NULL },
  { NULL, ".H.Example", "a.h.eXample", FORBIDDEN },
  { ".example", ".h.example", "a.h.example", FORBIDDEN },
  { ".example", ".h.example", "h.example", NULL },
};

/* The whole validation decides the same: GnuTLS has a say, too. */
static void
assert_validation (TestIdentity *root, TestIdentity *middle, TestIdentity *leaf, const char *fault)
{
  const CpdTrustQuestion question = { .now = TEST_PKI_NOW };
  g_autoptr (CpdAnchors) anchors = test_anchors (root, NULL);
  g_autoptr (GPtrArray) chain = test_chain (leaf, middle, NULL);
  g_autoptr (CpdValidation) validation = cpd_trust_validate (anchors, chain, &question);

  g_assert_cmpint (validation->problem, ==,
                   fault != NULL ? CPD_PROBLEM_CONSTRAINTS : CPD_PROBLEM_NONE);
}

static void
test_name (gconstpointer user_data)
{
  const NameCase *c = user_data;
  g_autoptr (TestIdentity) root
      = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE, .permitted_dns = c->permitted,
                       .excluded_dns = c->excluded);
  g_autoptr (TestIdentity) middle
      = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = root);
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.dns = { c->name }, .issuer = middle);
  g_autoptr (TestIdentity) second
      = TEST_IDENTITY (.dns = { "fine.h.example", c->name }, .issuer = middle);

  assert_names (test_chain (leaf, middle, root, NULL), c->fault);
  assert_validation (root, middle, leaf, c->fault);
  if (c->excluded == NULL)
    assert_names (test_chain (second, middle, root, NULL), c->fault);
}

static void
add_names (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (name_cases); i++)
    {
      const NameCase *c = &name_cases[i];
      g_autofree char *path = g_strdup_printf (
          "/core/profile/names/%s%s%s%s/%s", c->permitted != NULL ? "+" : "",
          c->permitted != NULL ? c->permitted : "", c->excluded != NULL ? "-" : "",
          c->excluded != NULL ? c->excluded : "", c->name);
      g_test_add_data_func (path, c, test_name);
    }
}

/* A star can stand for a part of a label, too: such a name reaches as far. */
static void
test_star_within_a_label (void)
{
  const CpdTrustQuestion question = { .name = "host.example.com", .now = TEST_PKI_NOW };
  static const char *const stars[] = { "*ost.example.com", "*host.example.com" };
  g_autoptr (TestIdentity) root
      = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE, .excluded_dns = "host.example.com");
  g_autoptr (CpdAnchors) anchors = test_anchors (root, NULL);

  for (size_t i = 0; i < G_N_ELEMENTS (stars); i++)
    {
      g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.dns = { stars[i] }, .issuer = root);
      g_autoptr (GPtrArray) chain = test_chain (leaf, NULL);
      g_autoptr (CpdValidation) validation = cpd_trust_validate (anchors, chain, &question);

      g_assert_cmpstr (cpd_problem_get_name (validation->problem), !=, "none");
      assert_names (test_chain (leaf, root, NULL), FORBIDDEN);
    }
}

static void
test_address (void)
{
  g_autoptr (TestIdentity) root
      = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE,
                       .extension = TEST_EXTENSION (NAME_CONSTRAINTS, EXCLUDES_TEN, TRUE));
  g_autoptr (TestIdentity) inside = TEST_IDENTITY (.addresses = { "10.1.2.3" }, .issuer = root);
  g_autoptr (TestIdentity) outside = TEST_IDENTITY (.addresses = { "11.1.2.3" }, .issuer = root);

  assert_names (test_chain (inside, root, NULL), FORBIDDEN);
  assert_names (test_chain (outside, root, NULL), NULL);
}

/* What stands for no host is neither inside nor outside. */
static void
test_malformed_names (void)
{
  g_autoptr (TestIdentity) root
      = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE, .excluded_dns = "other.example");
  g_autoptr (TestIdentity) dotted
      = TEST_IDENTITY (.dns = { "fine.example", ".h.example" }, .issuer = root);
  g_autoptr (TestIdentity) fine = TEST_IDENTITY (.dns = { "fine.example" }, .issuer = root);
  g_autoptr (TestIdentity) long_address
      = TEST_IDENTITY (.issuer = root,
                       .extension = TEST_EXTENSION (ALTERNATIVE, LONG_ADDRESS, FALSE));

  assert_names (test_chain (dotted, root, NULL), FORBIDDEN);
  assert_names (test_chain (long_address, root, NULL), FORBIDDEN);
  assert_names (test_chain (fine, root, NULL), NULL);
}

static void
test_alone (void)
{
  g_autoptr (TestIdentity) own = TEST_IDENTITY (.dns = { "h.example" }, .excluded_dns = "example");

  assert_names (test_chain (own, NULL), NULL);
}

/* An authority does not constrain itself, nor what is above it. */
static void
test_constraints_bind_downwards (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) middle
      = TEST_IDENTITY (.subject = "Middle", .dns = { "ca.example" }, .is_ca = TRUE,
                       .issuer = f->root, .permitted_dns = "h.example");
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.dns = { "h.example" }, .issuer = middle);

  assert_names (test_chain (leaf, middle, f->root, NULL), NULL);
  trust_assert_problem (f->anchors, test_chain (leaf, middle, NULL), CPD_PROBLEM_NONE);
}

static void
test_every_authority_counts (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) root
      = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE, .excluded_dns = "h.example");
  g_autoptr (TestIdentity) middle = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE,
                                                   .issuer = root, .permitted_dns = "example");
  g_autoptr (TestIdentity) by_root = TEST_IDENTITY (.dns = { "h.example" }, .issuer = middle);
  g_autoptr (TestIdentity) by_middle = TEST_IDENTITY (.dns = { "h.test" }, .issuer = middle);
  g_autoptr (TestIdentity) by_none = TEST_IDENTITY (.dns = { "other.example" }, .issuer = middle);

  assert_names (test_chain (by_root, middle, root, NULL), FORBIDDEN);
  assert_names (test_chain (by_middle, middle, root, NULL), FORBIDDEN);
  assert_names (test_chain (by_none, middle, root, NULL), NULL);
}

static void
test_name_of_an_intermediate (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) root
      = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE, .permitted_dns = "h.example");
  g_autoptr (CpdAnchors) anchors = test_anchors (root, NULL);
  g_autoptr (TestIdentity) good = TEST_IDENTITY (.subject = "Middle", .dns = { "ca.h.example" },
                                                 .is_ca = TRUE, .issuer = root);
  g_autoptr (TestIdentity) bad = TEST_IDENTITY (.subject = "Middle", .dns = { "ca.example" },
                                                .is_ca = TRUE, .issuer = root, .key_of = good);
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.dns = { "h.example" }, .issuer = good);

  assert_names (test_chain (leaf, good, root, NULL), NULL);
  assert_names (test_chain (leaf, bad, root, NULL), FORBIDDEN);
  trust_assert_problem (anchors, test_chain (leaf, good, NULL), CPD_PROBLEM_NONE);
  trust_assert_problem (anchors, test_chain (leaf, bad, NULL), CPD_PROBLEM_CONSTRAINTS);
}

/* As bad as the one above, but the root's own next key; a server is no such thing. */
static void
test_name_of_a_self_issued_one (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) root
      = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE, .permitted_dns = "h.example");
  g_autoptr (CpdAnchors) anchors = test_anchors (root, NULL);
  g_autoptr (TestIdentity) next
      = TEST_IDENTITY (.subject = "Root", .dns = { "ca.example" }, .is_ca = TRUE, .issuer = root);
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.dns = { "h.example" }, .issuer = next);
  g_autoptr (TestIdentity) stray = TEST_IDENTITY (.dns = { "other.example" }, .issuer = next);
  g_autoptr (TestIdentity) server
      = TEST_IDENTITY (.subject = "Root", .dns = { "other.example" }, .issuer = root);

  assert_names (test_chain (leaf, next, root, NULL), NULL);
  assert_names (test_chain (stray, next, root, NULL), FORBIDDEN);
  assert_names (test_chain (server, root, NULL), FORBIDDEN);
  trust_assert_problem (anchors, test_chain (leaf, next, NULL), CPD_PROBLEM_NONE);
}

/* Proves it of the path's names, and of the whole validation. `fault`: (nullable) */
static void
assert_below (const TestExtension *constraints, const TestIdentityOptions *options,
              const char *fault)
{
  g_autoptr (TestIdentity) root
      = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE, .extension = constraints);
  g_autoptr (CpdAnchors) anchors = test_anchors (root, NULL);
  TestIdentityOptions below = *options;
  g_autoptr (TestIdentity) leaf = NULL;

  below.issuer = root;
  leaf = test_identity_new (&below);
  assert_names (test_chain (leaf, root, NULL), fault);
  trust_assert_problem (anchors, test_chain (leaf, NULL),
                        fault != NULL ? CPD_PROBLEM_CONSTRAINTS : CPD_PROBLEM_NONE);
}

#define BELOW(...) (&(const TestIdentityOptions){ __VA_ARGS__ })

/* What is permitted of one kind forbids all else of it: another family of addresses, too. */
static void
test_permitted_addresses (TrustFixture *f, gconstpointer user_data)
{
  const TestExtension *ten = TEST_EXTENSION (NAME_CONSTRAINTS, PERMITS_TEN, TRUE);

  assert_below (ten, BELOW (.dns = { "h.example" }), NULL);
  assert_below (ten, BELOW (.dns = { "h.example" }, .addresses = { "10.0.0.1" }), NULL);
  assert_below (ten, BELOW (.dns = { "h.example" }, .addresses = { "11.0.0.1" }), FORBIDDEN);
  assert_below (ten, BELOW (.dns = { "h.example" }, .addresses = { "::1" }), FORBIDDEN);
  assert_below (ten, BELOW (.dns = { "h.example" }, .addresses = { "10.0.0.1", "::1" }), FORBIDDEN);
}

static void
test_permitted_directory_names (TrustFixture *f, gconstpointer user_data)
{
  const TestExtension *good = TEST_EXTENSION (NAME_CONSTRAINTS, PERMITS_GOOD, TRUE);
  const TestExtension *same = TEST_EXTENSION (ALTERNATIVE, IS_GOOD, FALSE);
  const TestExtension *lower = TEST_EXTENSION (ALTERNATIVE, IS_BELOW_GOOD, FALSE);
  const TestExtension *higher = TEST_EXTENSION (ALTERNATIVE, IS_ABOVE_GOOD, FALSE);

  assert_below (good, BELOW (.subject = "good", .dns = { "h.example" }), NULL);
  assert_below (good, BELOW (.subject = "bad", .dns = { "h.example" }), FORBIDDEN);
  assert_below (good, BELOW (.subject = "no good", .dns = { "h.example" }), FORBIDDEN);
  assert_below (good, BELOW (.subject = "bad,CN=good", .dns = { "h.example" }), FORBIDDEN);
  assert_below (good, BELOW (.subject = "", .extension = same), NULL);
  assert_below (good, BELOW (.subject = "", .extension = lower), NULL);
  assert_below (good, BELOW (.subject = "good", .extension = lower), NULL);
  assert_below (good, BELOW (.subject = "good", .extension = higher), FORBIDDEN);
  assert_below (good, BELOW (.subject = "bad", .extension = same), FORBIDDEN);
}

static void
test_permitted_uris (TrustFixture *f, gconstpointer user_data)
{
  const TestExtension *uri = TEST_EXTENSION (NAME_CONSTRAINTS, PERMITS_URI, TRUE);

  assert_below (uri, BELOW (.dns = { "h.example" }), NULL);
  assert_below (uri, BELOW (.extension = TEST_EXTENSION (ALTERNATIVE, IS_URI, FALSE)), FORBIDDEN);
}

static void
test_malformed_constraints (TrustFixture *f, gconstpointer user_data)
{
  const TestIdentityOptions *named = BELOW (.dns = { "h.example" });

  assert_below (TEST_EXTENSION (NAME_CONSTRAINTS, PERMITS_DOT, TRUE), named, MALFORMED);
  assert_below (TEST_EXTENSION (NAME_CONSTRAINTS, PERMITS_DOTS, TRUE), named, MALFORMED);
  assert_below (TEST_EXTENSION (NAME_CONSTRAINTS, EXCLUDES_DOT, TRUE), named, MALFORMED);
  assert_below (TEST_EXTENSION (NAME_CONSTRAINTS, EXCLUDES_STAR, TRUE), named, MALFORMED);
  assert_below (TEST_EXTENSION (NAME_CONSTRAINTS, EXCLUDES_NUL, TRUE), named, MALFORMED);
  assert_below (TEST_EXTENSION (NAME_CONSTRAINTS, PERMITS_FROM_ONE, TRUE), named, MALFORMED);
  assert_below (TEST_EXTENSION (NAME_CONSTRAINTS, EXCLUDES_FROM_ZERO, TRUE), named, MALFORMED);
  assert_below (TEST_EXTENSION (NAME_CONSTRAINTS, EMPTY_SEQUENCE, TRUE), named, MALFORMED);
  assert_below (TEST_EXTENSION (NAME_CONSTRAINTS, "junk", TRUE), named, MALFORMED);
}

static void
test_wildcard_is_refused (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) root
      = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE, .excluded_dns = "secret.example.com");
  g_autoptr (CpdAnchors) anchors = test_anchors (root, NULL);
  g_autoptr (TestIdentity) good
      = TEST_IDENTITY (.dns = { "h.example", "*.other.example.com" }, .issuer = root);
  g_autoptr (TestIdentity) bad
      = TEST_IDENTITY (.dns = { "h.example", "*.example.com" }, .issuer = root);

  trust_assert_problem (anchors, test_chain (good, NULL), CPD_PROBLEM_NONE);
  trust_assert_problem (anchors, test_chain (bad, NULL), CPD_PROBLEM_CONSTRAINTS);
}

#define ADD(name, function) g_test_add_func ("/core/profile/" name, function)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  add_names ();
  ADD ("names/star-within-a-label", test_star_within_a_label);
  ADD ("names/address", test_address);
  ADD ("names/malformed", test_malformed_names);
  ADD ("names/alone", test_alone);
  TRUST_TEST_ADD ("profile/constraints-bind-downwards", test_constraints_bind_downwards);
  TRUST_TEST_ADD ("profile/every-authority-counts", test_every_authority_counts);
  TRUST_TEST_ADD ("profile/name-of-an-intermediate", test_name_of_an_intermediate);
  TRUST_TEST_ADD ("profile/name-of-a-self-issued-one", test_name_of_a_self_issued_one);
  TRUST_TEST_ADD ("profile/permitted-addresses", test_permitted_addresses);
  TRUST_TEST_ADD ("profile/permitted-directory-names", test_permitted_directory_names);
  TRUST_TEST_ADD ("profile/permitted-uris", test_permitted_uris);
  TRUST_TEST_ADD ("profile/malformed-constraints", test_malformed_constraints);
  TRUST_TEST_ADD ("profile/wildcard-is-refused", test_wildcard_is_refused);
  return g_test_run ();
}
