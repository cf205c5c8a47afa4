/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a refusal tells apart who is probably behind it. */

#include "config.h"

#include "daemon/core/verdict/cpd-verdict.h"
#include "tests/core/trust/trust-fixture.h"

#include <string.h>

/* The verdict on a server that presents the chain, where `pinned` holds the pinned key.
 * `chain`: (transfer full): of GBytes */
static CpdVerdict *
judge_in_mode (CpdMode mode, CpdAnchors *anchors, TestIdentity *pinned, gboolean know_issuer,
               GPtrArray *chain)
{
  g_autoptr (GPtrArray) ders = chain;
  g_autoptr (CpdHost) target = test_host ("h.example:443");
  g_autoptr (CpdHost) host = test_host ("h.example");
  g_autoptr (CpdCertificate) certificate = test_certificate (pinned);
  g_autoptr (CpdPolicy) policy = cpd_policy_new (target, 1);
  g_autoptr (CpdPeer) peer = cpd_peer_new (target, ders, /* stapled= */ NULL);
  CpdPin *pin = cpd_pin_new (host, CPD_LAYER_USER);

  cpd_pin_add_key (pin, cpd_certificate_get_key (certificate));
  if (know_issuer)
    pin->issuer = cpd_certificate_dup_issuer (certificate);
  pin->mode = mode;
  cpd_policy_take_pin (policy, pin);
  return cpd_verdict_of_peer (policy, peer, anchors, TEST_PKI_NOW);
}

static CpdVerdict *
judge (CpdAnchors *anchors, TestIdentity *pinned, gboolean know_issuer, GPtrArray *chain)
{
  return judge_in_mode (CPD_MODE_ENFORCE, anchors, pinned, know_issuer, chain);
}

/* `cause`, `advice`: words in those sentences */
static void
assert_cause (const CpdVerdict *verdict, const char *reason, const char *cause, const char *advice)
{
  g_assert_false (verdict->passed);
  g_test_message ("%s: %s; %s", verdict->message, verdict->likely_cause, verdict->advice);
  g_assert_cmpstr (verdict->reason, ==, reason);
  g_assert_nonnull (strstr (verdict->likely_cause, cause));
  g_assert_nonnull (strstr (verdict->advice, advice));
}

/* The verdict on the usual server, where the fingerprint of `meant` is pinned. */
static CpdVerdict *
judge_fingerprint (TrustFixture *f, TestIdentity *meant, CpdMatch match, CpdMode mode)
{
  g_autoptr (CpdHost) target = test_host ("h.example:443");
  g_autoptr (GPtrArray) ders = test_ders (f->leaf, f->middle, NULL);
  g_autoptr (CpdPolicy) policy = cpd_policy_new (target, 1);
  g_autoptr (CpdPeer) peer = cpd_peer_new (target, ders, /* stapled= */ NULL);
  g_autofree char *text
      = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, test_identity_get_certificate (meant));
  g_autoptr (CertpinKey) fingerprint = certpin_key_new_from_text (text, NULL);
  CpdPin *pin = cpd_pin_new (target, CPD_LAYER_USER);

  cpd_pin_add_key (pin, fingerprint);
  pin->match = match;
  pin->mode = mode;
  cpd_policy_take_pin (policy, pin);
  return cpd_verdict_of_peer (policy, peer, f->anchors, TEST_PKI_NOW);
}

/* What the machine trusts, one of them added by its administrator. */
static CpdAnchors *
make_machine (TestIdentity *own, TestIdentity *added)
{
  g_autoptr (GPtrArray) ders = test_ders (own, added, NULL);
  g_autoptr (GPtrArray) local = test_ders (added, NULL);

  return cpd_anchors_new_of_machine (ders, local);
}

static void
test_wrong_key (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) other = TEST_IDENTITY (.subject = "Other", .is_ca = TRUE);
  g_autoptr (TestIdentity) pinned = TEST_IDENTITY (.dns = { "h.example" }, .issuer = other);
  g_autoptr (CpdVerdict) moved
      = judge (f->anchors, pinned, TRUE, test_ders (f->leaf, f->middle, NULL));
  g_autoptr (CpdVerdict) bare
      = judge (f->anchors, pinned, FALSE, test_ders (f->leaf, f->middle, NULL));

  assert_cause (moved, "wrong-key", "another authority, ‘CN=Middle’", "pin that");
  assert_cause (bare, "wrong-key", "changed its key, or an impostor", "pin that");
}

/* What openssl x509 -fingerprint prints, in place of a key. */
static void
test_fingerprint (TrustFixture *f, gconstpointer user_data)
{
  TestIdentity *const meant[] = { f->leaf, f->middle };

  for (size_t i = 0; i < G_N_ELEMENTS (meant); i++)
    {
      g_autoptr (CpdVerdict) on_path
          = judge_fingerprint (f, meant[i], CPD_MATCH_PATH, CPD_MODE_ENFORCE);
      g_autoptr (CpdVerdict) of_server
          = judge_fingerprint (f, meant[i], CPD_MATCH_LEAF, CPD_MODE_ENFORCE);

      assert_cause (on_path, "fingerprint", i == 0 ? "‘CN=leaf’" : "‘CN=Middle’", "public key");
      assert_cause (of_server, i == 0 ? "fingerprint" : "wrong-key", "key", "nothing was sent");
    }
}

/* It is the pin that has to be put right, also where it lets the request through. */
static void
test_fingerprint_reported (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdVerdict) verdict = judge_fingerprint (f, f->leaf, CPD_MATCH_LEAF, CPD_MODE_REPORT);

  g_assert_true (verdict->passed);
  assert_cause (verdict->report, "fingerprint", "‘CN=leaf’", "the request was sent");
}

static void
test_key_rotated (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) pinned = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle);
  g_autoptr (CpdVerdict) verdict
      = judge (f->anchors, pinned, TRUE, test_ders (f->leaf, f->middle, NULL));

  assert_cause (verdict, "key-rotated", "the same authority, ‘CN=Middle’", "pin that");
}

static void
test_local_authority (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) proxy = TEST_IDENTITY (.subject = "Proxy CA", .is_ca = TRUE);
  g_autoptr (TestIdentity) below
      = TEST_IDENTITY (.subject = "Below", .is_ca = TRUE, .issuer = proxy);
  g_autoptr (TestIdentity) inspected = TEST_IDENTITY (.dns = { "h.example" }, .issuer = below);
  g_autoptr (CpdAnchors) machine = make_machine (f->root, proxy);
  g_autoptr (CpdAnchors) detached = cpd_anchors_detach (machine);
  g_autoptr (CpdVerdict) known = judge (machine, f->leaf, TRUE, test_ders (inspected, below, NULL));
  g_autoptr (CpdVerdict) bare
      = judge (detached, f->leaf, FALSE, test_ders (inspected, below, NULL));

  assert_cause (known, "local-authority", "‘CN=Proxy CA’", "administrator");
  assert_cause (bare, "local-authority", "‘CN=Proxy CA’", "administrator");
}

/* What a report-only pin let through was sent, and what enforces was not. */
static void
test_advice_says_what_was_sent (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) proxy = TEST_IDENTITY (.subject = "Proxy CA", .is_ca = TRUE);
  g_autoptr (TestIdentity) pinned = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle);
  g_autoptr (TestIdentity) inspected = TEST_IDENTITY (.dns = { "h.example" }, .issuer = proxy);
  g_autoptr (CpdAnchors) machine = make_machine (f->root, proxy);
  TestIdentity *const shown[] = { f->leaf, inspected };
  TestIdentity *const issuers[] = { f->middle, NULL };

  for (size_t i = 0; i < G_N_ELEMENTS (shown); i++)
    {
      g_autoptr (CpdVerdict) refused
          = judge (machine, pinned, TRUE, test_ders (shown[i], issuers[i], NULL));
      g_autoptr (CpdVerdict) passed = judge_in_mode (CPD_MODE_REPORT, machine, pinned, TRUE,
                                                     test_ders (shown[i], issuers[i], NULL));
      const CpdVerdict *report = passed->report;

      g_assert_true (passed->passed);
      g_assert_true (g_str_has_prefix (refused->advice, "nothing was sent; "));
      g_assert_true (g_str_has_prefix (report->advice, "the request was sent, "));
      g_assert_null (strstr (report->advice, "nothing was sent"));
    }
}

/* A company's own server changed its key. */
static void
test_local_authority_of_the_pin (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) company = TEST_IDENTITY (.subject = "Company", .is_ca = TRUE);
  g_autoptr (TestIdentity) old = TEST_IDENTITY (.dns = { "h.example" }, .issuer = company);
  g_autoptr (TestIdentity) new = TEST_IDENTITY (.dns = { "h.example" }, .issuer = company);
  g_autoptr (CpdAnchors) machine = make_machine (f->root, company);
  g_autoptr (CpdVerdict) rotated = judge (machine, old, TRUE, test_ders (new, NULL));
  g_autoptr (CpdVerdict) same = judge (machine, new, TRUE, test_ders (new, NULL));

  assert_cause (rotated, "key-rotated", "‘CN=Company’", "pin that");
  g_assert_true (same->passed);
}

static void
test_authority_of_the_system (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) added = TEST_IDENTITY (.subject = "Added", .is_ca = TRUE);
  g_autoptr (TestIdentity) pinned = TEST_IDENTITY (.dns = { "h.example" }, .issuer = added);
  g_autoptr (CpdAnchors) machine = make_machine (f->root, added);
  g_autoptr (CpdVerdict) verdict
      = judge (machine, pinned, TRUE, test_ders (f->leaf, f->middle, NULL));

  assert_cause (verdict, "wrong-key", "another authority", "pin that");
}

static void
test_right_key_on_an_untrusted_path (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdVerdict) verdict = judge (f->anchors, f->leaf, TRUE, test_ders (f->leaf, NULL));

  assert_cause (verdict, "untrusted-path", "holds the pinned key", "complete chain");
}

static void
test_captive_portal (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) own = TEST_IDENTITY (.subject = "Wifi", .dns = { "login.wifi" });
  g_autoptr (TestIdentity) bought
      = TEST_IDENTITY (.subject = "Wifi", .dns = { "login.wifi" }, .issuer = f->middle);
  TestIdentity *const portals[] = { own, bought };

  for (size_t i = 0; i < G_N_ELEMENTS (portals); i++)
    {
      g_autoptr (CpdVerdict) verdict
          = judge (f->anchors, f->leaf, TRUE, test_ders (portals[i], f->middle, NULL));

      assert_cause (verdict, "captive-portal", "‘CN=Wifi’", "login");
    }
}

static void
test_impostor_is_no_portal (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) impostor = TEST_IDENTITY (.subject = "x", .dns = { "h.example" });
  g_autoptr (TestIdentity) stranger = TEST_IDENTITY (.subject = "Stranger", .is_ca = TRUE);
  g_autoptr (TestIdentity) issued = TEST_IDENTITY (.dns = { "h.example" }, .issuer = stranger);
  g_autoptr (CpdVerdict) by_itself = judge (f->anchors, f->leaf, TRUE, test_ders (impostor, NULL));
  g_autoptr (CpdVerdict) by_a_stranger
      = judge (f->anchors, f->leaf, TRUE, test_ders (issued, stranger, NULL));

  assert_cause (by_itself, "self-signed", "self-signed certificate", "operator");
  assert_cause (by_a_stranger, "unknown-issuer", "not trusted", "operator");
}

static void
test_right_key_under_another_name (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) misnamed
      = TEST_IDENTITY (.dns = { "other.example" }, .issuer = f->middle, .key_of = f->leaf);
  g_autoptr (CpdVerdict) verdict
      = judge (f->anchors, f->leaf, TRUE, test_ders (misnamed, f->middle, NULL));

  assert_cause (verdict, "name", "other hosts", "operator");
}

static void
test_dates (TrustFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) expired
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle, .key_of = f->leaf,
                       .not_after = TEST_PKI_NOW - TEST_PKI_DAY);
  g_autoptr (TestIdentity) early
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle, .key_of = f->leaf,
                       .not_before = TEST_PKI_NOW + TEST_PKI_DAY);
  g_autoptr (CpdVerdict) too_late
      = judge (f->anchors, f->leaf, TRUE, test_ders (expired, f->middle, NULL));
  g_autoptr (CpdVerdict) too_soon
      = judge (f->anchors, f->leaf, TRUE, test_ders (early, f->middle, NULL));

  assert_cause (too_late, "expired", "not renewed", "operator");
  assert_cause (too_soon, "not-yet-valid", "clock", "clock");
}

#define ADD(name, function)                                                                        \
  g_test_add ("/core/cause/" name, TrustFixture, NULL, trust_fixture_set_up, function,             \
              trust_fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("wrong-key", test_wrong_key);
  ADD ("fingerprint", test_fingerprint);
  ADD ("fingerprint-reported", test_fingerprint_reported);
  ADD ("key-rotated", test_key_rotated);
  ADD ("local-authority", test_local_authority);
  ADD ("advice-says-what-was-sent", test_advice_says_what_was_sent);
  ADD ("local-authority-of-the-pin", test_local_authority_of_the_pin);
  ADD ("authority-of-the-system", test_authority_of_the_system);
  ADD ("right-key-on-an-untrusted-path", test_right_key_on_an_untrusted_path);
  ADD ("captive-portal", test_captive_portal);
  ADD ("impostor-is-no-portal", test_impostor_is_no_portal);
  ADD ("right-key-under-another-name", test_right_key_under_another_name);
  ADD ("dates", test_dates);
  return g_test_run ();
}
