/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what a stapled OCSP response is worth: who may sign it, about which certificate, and when;
 * and what becomes of a chain with it. */

#include "config.h"

#include "daemon/core/trust/cpd-ocsp.h"
#include "tests/core/trust/trust-fixture.h"
#include "tests/lib/test-ocsp.h"

#include <string.h>

#define TLS_FEATURE "1.3.6.1.5.5.7.1.24"

#define DEMANDS_OCSP   "\x30\x03\x02\x01\x05"
#define DEMANDS_MORE   "\x30\x06\x02\x01\x11\x02\x01\x05"
#define DEMANDS_OTHER  "\x30\x03\x02\x01\x11"
#define DEMANDS_BROKEN "\x30\x03\x02\x01"

static void
assert_name_at (TrustFixture *f, GBytes *response, gint64 now, const char *expected)
{
  g_autoptr (CpdCertificate) leaf = test_certificate (f->leaf);
  g_autoptr (CpdCertificate) issuer = test_certificate (f->middle);
  const CpdOcsp ocsp = cpd_ocsp_judge (response, leaf, issuer);

  g_assert_cmpstr (cpd_ocsp_get_name (&ocsp, now), ==, expected);
  g_assert_cmpint (cpd_ocsp_is_good (&ocsp, now), ==, g_str_equal (expected, "good"));
}

/* `response`: (transfer full) */
static void
assert_name (TrustFixture *f, GBytes *response, const char *expected)
{
  assert_name_at (f, response, TEST_PKI_NOW, expected);
  g_bytes_unref (response);
}

#define OURS .about = f->leaf, .issuer = f->middle

static void
test_statuses (TrustFixture *f, gconstpointer user_data)
{
  assert_name_at (f, NULL, TEST_PKI_NOW, "none");
  assert_name (f, TEST_OCSP (OURS), "good");
  assert_name (f, TEST_OCSP (OURS, .sha256 = TRUE), "good");
  assert_name (f, TEST_OCSP (OURS, .status = TEST_OCSP_REVOKED), "revoked");
  assert_name (f, TEST_OCSP (OURS, .status = TEST_OCSP_UNKNOWN), "unknown");
  assert_name (f, TEST_OCSP (OURS, .failure = 3), "invalid");
  assert_name (f, TEST_OCSP (OURS, .critical = TRUE), "invalid");
}

/* The response says when it is current; clocks may differ by five minutes. */
static void
test_times (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (GBytes) brief
      = TEST_OCSP (OURS, .this_update = TEST_PKI_NOW - 9, .next_update = TEST_PKI_NOW + 9);
  g_autoptr (GBytes) open = TEST_OCSP (OURS);
  g_autoptr (GBytes) unknown
      = TEST_OCSP (OURS, .status = TEST_OCSP_UNKNOWN, .next_update = TEST_PKI_NOW + 9);
  g_autoptr (GBytes) revoked
      = TEST_OCSP (OURS, .status = TEST_OCSP_REVOKED, .next_update = TEST_PKI_NOW + 9);

  assert_name_at (f, brief, TEST_PKI_NOW + 9, "good");
  assert_name_at (f, brief, TEST_PKI_NOW + 10, "stale");
  assert_name_at (f, brief, TEST_PKI_NOW - 9 - 300, "good");
  assert_name_at (f, brief, TEST_PKI_NOW - 9 - 301, "stale");
  assert_name_at (f, open, TEST_PKI_NOW + 10 * TEST_PKI_DAY, "good");
  assert_name_at (f, open, TEST_PKI_NOW + 10 * TEST_PKI_DAY + 1, "stale");
  assert_name_at (f, unknown, TEST_PKI_NOW + 10, "stale");
  assert_name_at (f, revoked, TEST_PKI_NOW + 10, "revoked");
}

static void
test_about_another (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) other = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle);
  g_autoptr (TestIdentity) namesake
      = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = f->root);
  g_autoptr (TestIdentity) renamed
      = TEST_IDENTITY (.subject = "Other", .is_ca = TRUE, .issuer = f->root, .key_of = f->middle);

  assert_name (f, TEST_OCSP (.about = other, .issuer = f->middle), "invalid");
  assert_name (f, TEST_OCSP (.about = f->leaf, .issuer = namesake, .signer = f->middle), "invalid");
  assert_name (f, TEST_OCSP (.about = f->leaf, .issuer = renamed), "invalid");
  assert_name (f, TEST_OCSP (OURS, .also_revoked = other), "good");
  assert_name (f, TEST_OCSP (.about = other, .issuer = f->middle, .also_revoked = f->leaf),
               "revoked");
  assert_name (f, TEST_OCSP (OURS, .also_revoked = f->leaf), "revoked");
}

static void
test_signed_by_another (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) stranger = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE);

  assert_name (f, TEST_OCSP (OURS, .signer = stranger), "invalid");
  assert_name (f, TEST_OCSP (OURS, .signer = stranger, .sent = { stranger }), "invalid");
  assert_name (f, TEST_OCSP (OURS, .signer = f->root, .sent = { f->root }), "invalid");
  assert_name (f, TEST_OCSP (OURS, .signer = f->leaf, .sent = { f->leaf }), "invalid");
  assert_name (f, TEST_OCSP (OURS, .sha1 = TRUE), "invalid");
}

#define RESPONDER(...)                                                                             \
  TEST_IDENTITY (.subject = "Responder", .eku = GNUTLS_KP_OCSP_SIGNING, __VA_ARGS__)

static void
test_delegate (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) responder = RESPONDER (.issuer = f->middle);

  assert_name (f, TEST_OCSP (OURS, .signer = responder, .sent = { responder }), "good");
  assert_name (f, TEST_OCSP (OURS, .signer = responder, .sent = { f->middle, responder }), "good");
  assert_name (
      f, TEST_OCSP (OURS, .signer = responder, .sent = { responder }, .status = TEST_OCSP_REVOKED),
      "revoked");
  assert_name (f, TEST_OCSP (OURS, .signer = responder), "invalid");
  assert_name (f, TEST_OCSP (OURS, .signer = f->root, .sent = { responder }), "invalid");
}

static void
test_no_delegate (TrustFixture *f, gconstpointer user_data)
{
  TestIdentity *const responders[] = {
    RESPONDER (.issuer = f->root),
    RESPONDER (.issuer = f->middle, .signer = f->root),
    RESPONDER (.issuer = f->middle, .digest = GNUTLS_DIG_SHA1),
    RESPONDER (.issuer = f->middle, .extension = TEST_EXTENSION ("1.2.3.4", "\x05", TRUE)),
    TEST_IDENTITY (.subject = "Responder", .issuer = f->middle),
    TEST_IDENTITY (.subject = "Responder", .issuer = f->middle, .eku = GNUTLS_KP_ANY),
    TEST_IDENTITY (.subject = "Responder", .issuer = f->middle, .eku = TEST_PKI_EKU_NONE),
  };

  for (size_t i = 0; i < G_N_ELEMENTS (responders); i++)
    {
      g_autoptr (TestIdentity) responder = responders[i];

      g_test_message ("responder %zu", i);
      assert_name (f, TEST_OCSP (OURS, .signer = responder, .sent = { responder }), "invalid");
    }
}

/* A response is current no longer than its signer's certificate. */
static void
test_delegate_expires (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) brief = RESPONDER (.issuer = f->middle, .not_before = TEST_PKI_NOW - 5,
                                              .not_after = TEST_PKI_NOW + 5);
  g_autoptr (GBytes) response = TEST_OCSP (OURS, .signer = brief, .sent = { brief });

  assert_name_at (f, response, TEST_PKI_NOW - 5, "good");
  assert_name_at (f, response, TEST_PKI_NOW + 5, "good");
  assert_name_at (f, response, TEST_PKI_NOW - 6, "stale");
  assert_name_at (f, response, TEST_PKI_NOW + 6, "stale");
}

/* Every bit of a response matters, or nothing that is said does. */
static void
test_every_bit (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (GBytes) response = TEST_OCSP (OURS, .status = TEST_OCSP_REVOKED);
  g_autoptr (CpdCertificate) leaf = test_certificate (f->leaf);
  g_autoptr (CpdCertificate) issuer = test_certificate (f->middle);
  gsize length;
  const guint8 *data = g_bytes_get_data (response, &length);

  for (gsize bit = 0; bit < 8 * length; bit++)
    {
      guint8 *copy = g_memdup2 (data, length);
      g_autoptr (GBytes) changed = g_bytes_new_take (copy, length);
      CpdOcsp ocsp;

      copy[bit / 8] ^= (guint8)(1 << bit % 8);
      ocsp = cpd_ocsp_judge (changed, leaf, issuer);
      g_assert_cmpint (ocsp.status, ==, CPD_OCSP_INVALID);
    }
  for (gsize cut = 0; cut < length; cut++)
    {
      g_autoptr (GBytes) shorter = g_bytes_new (data, cut);
      g_assert_cmpint (cpd_ocsp_judge (shorter, leaf, issuer).status, ==, CPD_OCSP_INVALID);
    }
}

/* What a chain comes to. `stapled`: (nullable) (transfer full) */
static void
assert_chain (TrustFixture *f, TestIdentity *leaf, GBytes *stapled, const char *problem,
              const char *ocsp)
{
  const CpdTrustQuestion question
      = { .name = "h.example", .now = TEST_PKI_NOW, .handshaken = TRUE, .stapled = stapled };
  g_autoptr (GPtrArray) chain = test_chain (leaf, f->middle, NULL);
  g_autoptr (CpdValidation) validation = cpd_trust_validate (f->anchors, chain, &question);

  if (validation->detail != NULL)
    g_test_message ("%s", validation->detail);
  g_assert_cmpstr (cpd_problem_get_name (validation->problem), ==, problem);
  g_assert_cmpint (validation->paths->len > 0, ==, g_str_equal (problem, "none"));
  g_assert_cmpstr (cpd_ocsp_get_name (&validation->ocsp, TEST_PKI_NOW), ==, ocsp);
  g_clear_pointer (&stapled, g_bytes_unref);
}

static void
test_chains (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) stranger = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE);
  g_autoptr (TestIdentity) other = TEST_IDENTITY (.dns = { "h.example" }, .issuer = stranger);

  assert_chain (f, f->leaf, NULL, "none", "none");
  assert_chain (f, f->leaf, TEST_OCSP (OURS), "none", "good");
  assert_chain (f, f->leaf, TEST_OCSP (OURS, .status = TEST_OCSP_UNKNOWN), "none", "unknown");
  assert_chain (f, f->leaf, TEST_OCSP (OURS, .next_update = TEST_PKI_NOW - 1), "none", "stale");
  assert_chain (f, f->leaf, TEST_OCSP (OURS, .signer = stranger), "none", "invalid");
  assert_chain (f, f->leaf, TEST_OCSP (OURS, .status = TEST_OCSP_REVOKED), "revoked", "revoked");
  assert_chain (f, other, TEST_OCSP (.about = other, .issuer = stranger), "unknown-issuer",
                "unchecked");
}

/* A revocation is what is told, whatever other paths lack. */
static void
test_revoked_on_every_path (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) expired
      = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = f->root, .key_of = f->middle,
                       .not_after = TEST_PKI_NOW - TEST_PKI_DAY);
  g_autoptr (GBytes) revoked = TEST_OCSP (OURS, .status = TEST_OCSP_REVOKED);
  const CpdTrustQuestion question = { .now = TEST_PKI_NOW, .handshaken = TRUE, .stapled = revoked };
  g_autoptr (GPtrArray) chain = test_chain (f->leaf, expired, f->middle, NULL);
  g_autoptr (CpdValidation) validation = cpd_trust_validate (f->anchors, chain, &question);

  g_assert_cmpstr (cpd_problem_get_name (validation->problem), ==, "revoked");
}

static void
test_demanded (TrustFixture *f, gconstpointer user_data)
{
  const TestExtension *demands[] = { TEST_EXTENSION (TLS_FEATURE, DEMANDS_OCSP, FALSE),
                                     TEST_EXTENSION (TLS_FEATURE, DEMANDS_OCSP, TRUE),
                                     TEST_EXTENSION (TLS_FEATURE, DEMANDS_MORE, FALSE),
                                     TEST_EXTENSION (TLS_FEATURE, DEMANDS_BROKEN, FALSE) };

  for (size_t i = 0; i < G_N_ELEMENTS (demands); i++)
    {
      g_autoptr (TestIdentity) leaf
          = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle, .extension = demands[i]);
#define ITS .about = leaf, .issuer = f->middle
      assert_chain (f, leaf, TEST_OCSP (ITS), "none", "good");
      assert_chain (f, leaf, NULL, "ocsp-required", "none");
      assert_chain (f, leaf, TEST_OCSP (OURS), "ocsp-required", "invalid");
      assert_chain (f, leaf, TEST_OCSP (ITS, .signer = f->root), "ocsp-required", "invalid");
      assert_chain (f, leaf, TEST_OCSP (ITS, .next_update = TEST_PKI_NOW - 1), "ocsp-required",
                    "stale");
      assert_chain (f, leaf, TEST_OCSP (ITS, .status = TEST_OCSP_UNKNOWN), "ocsp-required",
                    "unknown");
      assert_chain (f, leaf, TEST_OCSP (ITS, .status = TEST_OCSP_REVOKED), "revoked", "revoked");
    }
}

/* Other features are for others to demand; offline, nothing could be stapled. */
static void
test_not_demanded (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) other
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle,
                       .extension = TEST_EXTENSION (TLS_FEATURE, DEMANDS_OTHER, FALSE));
  g_autoptr (TestIdentity) unsupported
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle,
                       .extension = TEST_EXTENSION (TLS_FEATURE, DEMANDS_MORE, TRUE));
  g_autoptr (TestIdentity) offline
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle,
                       .extension = TEST_EXTENSION (TLS_FEATURE, DEMANDS_OCSP, TRUE));

  assert_chain (f, other, NULL, "none", "none");
  assert_chain (f, unsupported, TEST_OCSP (.about = unsupported, .issuer = f->middle),
                "constraints", "unchecked");
  trust_assert_problem (f->anchors, test_chain (offline, f->middle, NULL), CPD_PROBLEM_NONE);
}

/* The path lasts as long as the response that it needs, and no other path is cut short. */
static void
test_path_ends_with_its_response (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle,
                       .extension = TEST_EXTENSION (TLS_FEATURE, DEMANDS_OCSP, FALSE));
  g_autoptr (GBytes) its = TEST_OCSP (ITS, .next_update = TEST_PKI_NOW + 7);
  g_autoptr (GBytes) ours = TEST_OCSP (OURS, .next_update = TEST_PKI_NOW + 7);
  const CpdTrustQuestion needed = { .now = TEST_PKI_NOW, .handshaken = TRUE, .stapled = its };
  const CpdTrustQuestion unneeded = { .now = TEST_PKI_NOW, .handshaken = TRUE, .stapled = ours };
  g_autoptr (GPtrArray) brief = test_chain (leaf, f->middle, NULL);
  g_autoptr (GPtrArray) plain = test_chain (f->leaf, f->middle, NULL);
  g_autoptr (CpdValidation) first = cpd_trust_validate (f->anchors, brief, &needed);
  g_autoptr (CpdValidation) second = cpd_trust_validate (f->anchors, plain, &unneeded);

  g_assert_cmpint (((CpdPath *)first->paths->pdata[0])->valid_from, ==, TEST_PKI_NOW - 300);
  g_assert_cmpint (((CpdPath *)first->paths->pdata[0])->valid_until, ==, TEST_PKI_NOW + 7);
  g_assert_cmpint (((CpdPath *)second->paths->pdata[0])->valid_until, >, TEST_PKI_NOW + 7);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  TRUST_TEST_ADD ("ocsp/statuses", test_statuses);
  TRUST_TEST_ADD ("ocsp/times", test_times);
  TRUST_TEST_ADD ("ocsp/about-another", test_about_another);
  TRUST_TEST_ADD ("ocsp/signed-by-another", test_signed_by_another);
  TRUST_TEST_ADD ("ocsp/delegate", test_delegate);
  TRUST_TEST_ADD ("ocsp/no-delegate", test_no_delegate);
  TRUST_TEST_ADD ("ocsp/delegate-expires", test_delegate_expires);
  TRUST_TEST_ADD ("ocsp/every-bit", test_every_bit);
  TRUST_TEST_ADD ("ocsp/chains", test_chains);
  TRUST_TEST_ADD ("ocsp/revoked-on-every-path", test_revoked_on_every_path);
  TRUST_TEST_ADD ("ocsp/demanded", test_demanded);
  TRUST_TEST_ADD ("ocsp/not-demanded", test_not_demanded);
  TRUST_TEST_ADD ("ocsp/path-ends-with-its-response", test_path_ends_with_its_response);
  return g_test_run ();
}
