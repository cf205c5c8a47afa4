/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a verdict tells what there was besides keys: where the paths ended, and what a
 * stapled OCSP response said at that time. */

#include "config.h"

#include "daemon/core/verdict/cpd-verdict.h"
#include "tests/lib/test-core.h"
#include "tests/lib/test-ocsp.h"

#include <string.h>

typedef struct
{
  CpdHost *host;
  TestIdentity *root;
  TestIdentity *middle;
  TestIdentity *leaf;
  CpdAnchors *anchors; /* the root */
} Fixture;

static void
set_up (Fixture *f, gconstpointer user_data)
{
  f->host = test_host ("h.example:443");
  f->root = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE);
  f->middle = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = f->root);
  f->leaf = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle);
  f->anchors = test_anchors (f->root, NULL);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  cpd_host_unref (f->host);
  test_identity_unref (f->root);
  test_identity_unref (f->middle);
  test_identity_unref (f->leaf);
  cpd_anchors_unref (f->anchors);
}

/* A pin of the user's. `pinned`: whose key; NULL: another */
static CpdPolicy *
make_policy (Fixture *f, TestIdentity *pinned, CpdMatch match, CpdMode mode)
{
  g_autoptr (CpdCertificate) certificate = pinned != NULL ? test_certificate (pinned) : NULL;
  g_autoptr (CertpinKey) key = certificate != NULL
                                   ? certpin_key_ref (cpd_certificate_get_key (certificate))
                                   : test_key (7);
  CpdPolicy *policy = cpd_policy_new (f->host, 1);
  CpdPin *pin = cpd_pin_new (f->host, CPD_LAYER_USER);

  cpd_pin_add_key (pin, key);
  pin->match = match;
  pin->mode = mode;
  cpd_policy_take_pin (policy, pin);
  return policy;
}

/* `policy`, `stapled`: (transfer full). `stapled`: (nullable) */
static CpdVerdict *
judge (Fixture *f, CpdPolicy *policy, GBytes *stapled, CpdAnchors *anchors, gint64 now)
{
  g_autoptr (CpdPolicy) owned = policy;
  g_autoptr (GPtrArray) ders = test_ders (f->leaf, f->middle, NULL);
  g_autoptr (CpdPeer) peer = cpd_peer_new (f->host, ders, stapled);

  g_clear_pointer (&stapled, g_bytes_unref);
  return cpd_verdict_of_peer (owned, peer, anchors, now);
}

/* Where the key of any certificate on the path would do, each anchor is named once. */
static void
test_mismatch_names_the_anchors (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdAnchors) both = test_anchors (f->middle, f->root, NULL);
  g_autoptr (CpdVerdict) of_path = judge (
      f, make_policy (f, NULL, CPD_MATCH_PATH, CPD_MODE_ENFORCE), NULL, f->anchors, TEST_PKI_NOW);
  g_autoptr (CpdVerdict) of_leaf = judge (
      f, make_policy (f, NULL, CPD_MATCH_LEAF, CPD_MODE_ENFORCE), NULL, f->anchors, TEST_PKI_NOW);
  g_autoptr (CpdVerdict) of_both = judge (
      f, make_policy (f, NULL, CPD_MATCH_PATH, CPD_MODE_ENFORCE), NULL, both, TEST_PKI_NOW);

  g_assert_nonnull (strstr (of_path->message, "its certification path to ‘CN=Root’ is allowed"));
  g_assert_null (strstr (of_leaf->message, "Root"));
  g_assert_nonnull (strstr (of_both->message, "path to ‘CN=Middle’, ‘CN=Root’ is allowed"));
}

/* A trusted intermediate does not hide the root. */
static void
test_key_of_a_root_beyond (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdAnchors) both = test_anchors (f->middle, f->root, NULL);
  g_autoptr (CpdVerdict) verdict = judge (
      f, make_policy (f, f->root, CPD_MATCH_PATH, CPD_MODE_ENFORCE), NULL, both, TEST_PKI_NOW);

  g_assert_true (verdict->passed);
  g_assert_cmpuint (verdict->matched_position, ==, 2);
}

#define RESPONSE(...) TEST_OCSP (.about = f->leaf, .issuer = f->middle, __VA_ARGS__)

/* Not even a pin that only reports lets that pass. */
static void
test_revoked_is_refused (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdVerdict) verdict
      = judge (f, make_policy (f, f->leaf, CPD_MATCH_LEAF, CPD_MODE_REPORT),
               RESPONSE (.status = TEST_OCSP_REVOKED), f->anchors, TEST_PKI_NOW);

  g_assert_cmpint (verdict->error, ==, CERTPIN_ERROR_UNTRUSTED);
  g_assert_cmpstr (verdict->reason, ==, "revoked");
  g_assert_cmpstr (verdict->ocsp, ==, "revoked");
  g_assert_nonnull (strstr (verdict->message, "revoked"));
}

/* As it is at the time of the judgement. `pinned`: (nullable) */
static void
assert_ocsp (Fixture *f, TestIdentity *pinned, GBytes *stapled, gint64 now, const char *expected)
{
  g_autoptr (CpdVerdict) verdict = judge (
      f, make_policy (f, pinned, CPD_MATCH_LEAF, CPD_MODE_ENFORCE), stapled, f->anchors, now);

  g_assert_cmpint (verdict->passed, ==, pinned != NULL);
  g_assert_cmpstr (verdict->ocsp, ==, expected);
}

static void
test_ocsp_is_told (Fixture *f, gconstpointer user_data)
{
  const gint64 late = TEST_PKI_NOW + 11 * TEST_PKI_DAY;
  g_autoptr (CpdPolicy) policy = make_policy (f, f->leaf, CPD_MATCH_LEAF, CPD_MODE_ENFORCE);
  g_autoptr (CpdVerdict) unasked = cpd_verdict_of_policy (policy, TEST_PKI_NOW);
  g_autoptr (CpdVerdict) passed = judge (f, make_policy (f, NULL, CPD_MATCH_LEAF, CPD_MODE_REPORT),
                                         RESPONSE (), f->anchors, TEST_PKI_NOW);

  assert_ocsp (f, f->leaf, RESPONSE (), TEST_PKI_NOW, "good");
  assert_ocsp (f, NULL, RESPONSE (), TEST_PKI_NOW, "good");
  assert_ocsp (f, f->leaf, RESPONSE (), late, "stale");
  assert_ocsp (f, f->leaf, NULL, TEST_PKI_NOW, "none");
  g_assert_cmpstr (passed->ocsp, ==, "good");
  g_assert_cmpstr (((CpdVerdict *)passed->report)->ocsp, ==, "good");
  g_assert_null (unasked->ocsp);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/core/evidence/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("anchors-of-a-mismatch", test_mismatch_names_the_anchors);
  ADD ("key-of-a-root-beyond", test_key_of_a_root_beyond);
  ADD ("revoked", test_revoked_is_refused);
  ADD ("ocsp", test_ocsp_is_told);
  return g_test_run ();
}
