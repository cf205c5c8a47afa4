/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves the heart: what comes of policy, server and time. One table holds the cases; the tests
 * below it look at the evidence. */

#include "config.h"

#include "tests/core/verdict/verdict-fixture.h"

#include <string.h>

static const Case cases[] = {
  { "leaf", { USER (LEAF) }, PASSES, .layer = CPD_LAYER_USER },
  { "backup-key", { USER (OTHER | LEAF) }, PASSES, .layer = CPD_LAYER_USER },
  { "path-leaf", { USER (LEAF, PATH) }, PASSES, .layer = CPD_LAYER_USER },
  { "path-intermediate", { USER (MIDDLE, PATH) }, PASSES, .layer = CPD_LAYER_USER, .position = 1 },
  { "path-anchor", { USER (ROOT, PATH) }, PASSES, .layer = CPD_LAYER_USER, .position = 2 },
  { "own-anchors", { USER (LEAF, .own_anchors = TRUE) }, PASSES, .layer = CPD_LAYER_USER },
  { "expires-later",
    { USER (LEAF, .expires = TEST_PKI_NOW + 1) },
    PASSES,
    .layer = CPD_LAYER_USER },
  { "all-layers",
    { FILES (ROOT, PATH), SYSTEM (MIDDLE, PATH), USER (LEAF), REQUEST (LEAF) },
    PASSES,
    .layer = CPD_LAYER_USER },
  { "request-key-on-path", { USER (LEAF), REQUEST (ROOT) }, PASSES, .layer = CPD_LAYER_USER },
  { "report-matching", { USER (LEAF, REPORT) }, PASSES, .layer = CPD_LAYER_USER },
  { "report-mismatch", { USER (OTHER, REPORT) }, PASSES, .reports = TRUE, .unmatched = TRUE },
  { "report-beside-enforced",
    { SYSTEM (LEAF), USER (OTHER, REPORT) },
    PASSES,
    .layer = CPD_LAYER_SYSTEM,
    .reports = TRUE },
  { "report-beside-request-key",
    { USER (OTHER, REPORT), REQUEST (ROOT) },
    PASSES,
    .layer = CPD_LAYER_REQUEST,
    .position = 2,
    .reports = TRUE },
  { "junk-beside-match", { USER (LEAF) }, .server = WITH_JUNK, PASSES, .layer = CPD_LAYER_USER },

  { "paused-matching", { USER (LEAF, PAUSED) }, PASSES, .layer = CPD_LAYER_USER },
  { "paused-mismatch", { USER (OTHER, PAUSED) }, PASSES, .reports = TRUE, .unmatched = TRUE },
  { "paused-for-longest",
    { USER (OTHER, .since = TEST_PKI_NOW - CPD_PAUSE_MAX_S + 1, .until = TEST_PKI_NOW + 1) },
    PASSES,
    .reports = TRUE,
    .unmatched = TRUE },
  { "paused-beside-enforced",
    { SYSTEM (LEAF), USER (OTHER, PAUSED) },
    PASSES,
    .layer = CPD_LAYER_SYSTEM,
    .reports = TRUE },
  { "paused-beside-request-key",
    { USER (OTHER, PAUSED), REQUEST (ROOT) },
    PASSES,
    .layer = CPD_LAYER_REQUEST,
    .position = 2,
    .reports = TRUE },

  { "paused-until-now", { USER (OTHER, WAS_PAUSED) }, REFUSES (PIN_MISMATCH, USER, "wrong-key") },
  { "paused-from-later",
    { USER (OTHER, .since = TEST_PKI_NOW + 1, .until = TEST_PKI_NOW + 100) },
    REFUSES (PIN_MISMATCH, USER, "wrong-key") },
  { "paused-for-too-long",
    { USER (OTHER, .since = TEST_PKI_NOW, .until = TEST_PKI_NOW + CPD_PAUSE_MAX_S + 1) },
    REFUSES (PIN_MISMATCH, USER, "wrong-key") },
  { "paused-beside-mismatch",
    { SYSTEM (OTHER, PAUSED), USER (OTHER) },
    REFUSES (PIN_MISMATCH, USER, "wrong-key") },
  { "mismatch-beside-paused",
    { FILES (OTHER), SYSTEM (LEAF, PAUSED), USER (LEAF, PAUSED) },
    REFUSES (PIN_MISMATCH, FILES, "wrong-key") },
  { "paused-beside-wrong-request-key",
    { USER (OTHER, PAUSED), REQUEST (OTHER) },
    REFUSES (PIN_MISMATCH, REQUEST, "wrong-key") },
  { "paused-beside-blocked",
    { SYSTEM (.blocked = TRUE), USER (LEAF, PAUSED) },
    REFUSES (BLOCKED, SYSTEM, "blocked") },
  { "paused-block", { USER (.blocked = TRUE, PAUSED) }, REFUSES (BLOCKED, USER, "blocked") },
  { "paused-expired", { USER (OTHER, PAST, PAUSED) }, REFUSES (PIN_EXPIRED, USER, "pin-expired") },
  { "paused-untrusted",
    { USER (OTHER, PAUSED) },
    .server = EXPIRED,
    REFUSES (UNTRUSTED, USER, "expired") },
  { "paused-self-signed",
    { USER (OTHER, PAUSED) },
    .server = SELF_SIGNED,
    REFUSES (UNTRUSTED, USER, "self-signed") },
  { "paused-wrong-name",
    { USER (OTHER, PAUSED) },
    .server = WRONG_NAME,
    REFUSES (UNTRUSTED, USER, "captive-portal") },

  { "nothing-pinned", { { 0 } }, REFUSES (NOT_PINNED, USER, "not-pinned") },
  { "only-request-keys", { REQUEST (LEAF) }, REFUSES (NOT_PINNED, USER, "not-pinned") },
  { "blocked", { USER (.blocked = TRUE) }, REFUSES (BLOCKED, USER, "blocked") },
  { "blocked-in-one-layer",
    { SYSTEM (.blocked = TRUE), USER (LEAF) },
    REFUSES (BLOCKED, SYSTEM, "blocked") },
  { "blocked-report", { USER (.blocked = TRUE, REPORT) }, REFUSES (BLOCKED, USER, "blocked") },
  { "expired-pin", { USER (LEAF, PAST) }, REFUSES (PIN_EXPIRED, USER, "pin-expired") },
  { "expired-report", { USER (LEAF, PAST, REPORT) }, REFUSES (PIN_EXPIRED, USER, "pin-expired") },
  { "expired-in-one-layer",
    { FILES (LEAF), SYSTEM (LEAF, PAST), USER (LEAF) },
    REFUSES (PIN_EXPIRED, SYSTEM, "pin-expired") },
  { "system-before-user",
    { SYSTEM (LEAF, PAST), USER (.blocked = TRUE) },
    REFUSES (PIN_EXPIRED, SYSTEM, "pin-expired") },
  { "blocked-before-untrusted",
    { USER (.blocked = TRUE) },
    .server = EXPIRED,
    REFUSES (BLOCKED, USER, "blocked") },

  { "untrusted-expired", { USER (LEAF) }, .server = EXPIRED, REFUSES (UNTRUSTED, USER, "expired") },
  { "untrusted-future",
    { USER (LEAF) },
    .server = FUTURE,
    REFUSES (UNTRUSTED, USER, "not-yet-valid") },
  { "untrusted-name", { USER (LEAF) }, .server = WRONG_NAME, REFUSES (UNTRUSTED, USER, "name") },
  { "untrusted-self-signed",
    { USER (LEAF) },
    .server = SELF_SIGNED,
    REFUSES (UNTRUSTED, USER, "self-signed") },
  { "untrusted-nothing",
    { USER (LEAF) },
    .server = NOTHING,
    REFUSES (UNTRUSTED, USER, "malformed") },
  { "untrusted-report",
    { USER (LEAF, REPORT) },
    .server = EXPIRED,
    REFUSES (UNTRUSTED, USER, "expired") },
  { "untrusted-by-own-anchors",
    { USER (LEAF, .other_anchors = TRUE) },
    REFUSES (UNTRUSTED, USER, "untrusted-path") },
  { "untrusted-by-one-layer",
    { SYSTEM (LEAF, .other_anchors = TRUE), USER (LEAF) },
    REFUSES (UNTRUSTED, SYSTEM, "untrusted-path") },
  { "untrusted-before-mismatch",
    { SYSTEM (OTHER), USER (LEAF, .other_anchors = TRUE) },
    REFUSES (UNTRUSTED, USER, "untrusted-path") },
  { "untrusted-and-mismatched",
    { USER (OTHER, .other_anchors = TRUE) },
    REFUSES (UNTRUSTED, USER, "unknown-issuer") },
  { "untrusted-name-and-mismatched",
    { USER (OTHER) },
    .server = WRONG_NAME,
    REFUSES (UNTRUSTED, USER, "captive-portal") },

  { "mismatch", { USER (OTHER) }, REFUSES (PIN_MISMATCH, USER, "wrong-key") },
  { "mismatch-files", { FILES (OTHER), USER (LEAF) }, REFUSES (PIN_MISMATCH, FILES, "wrong-key") },
  { "mismatch-system",
    { SYSTEM (OTHER), USER (LEAF) },
    REFUSES (PIN_MISMATCH, SYSTEM, "wrong-key") },
  { "mismatch-user", { SYSTEM (LEAF), USER (OTHER) }, REFUSES (PIN_MISMATCH, USER, "wrong-key") },
  { "mismatch-request",
    { USER (LEAF), REQUEST (OTHER) },
    REFUSES (PIN_MISMATCH, REQUEST, "wrong-key") },
  { "mismatch-request-under-report",
    { USER (OTHER, REPORT), REQUEST (OTHER) },
    REFUSES (PIN_MISMATCH, REQUEST, "wrong-key") },
  { "mismatch-first-layer",
    { SYSTEM (OTHER), USER (OTHER) },
    REFUSES (PIN_MISMATCH, SYSTEM, "wrong-key") },
  { "report-does-not-loosen",
    { SYSTEM (OTHER, REPORT), USER (OTHER) },
    REFUSES (PIN_MISMATCH, USER, "wrong-key") },
  { "leaf-is-not-path", { USER (MIDDLE | ROOT) }, REFUSES (PIN_MISMATCH, USER, "wrong-key") },
  { "junk-is-on-no-path",
    { USER (JUNK, PATH) },
    .server = WITH_JUNK,
    REFUSES (PIN_MISMATCH, USER, "wrong-key") },
  { "junk-request-key",
    { USER (LEAF), REQUEST (JUNK) },
    .server = WITH_JUNK,
    REFUSES (PIN_MISMATCH, REQUEST, "wrong-key") },
};

static const Case *
find_case (const char *name)
{
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    if (g_str_equal (cases[i].name, name))
      return &cases[i];
  g_assert_not_reached ();
}

/* Before any server is asked, the policy alone says the same. */
static void
test_policy_alone (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (CpdPolicy) policy = verdict_make_policy (cases[i].layers);
      g_autoptr (CpdVerdict) verdict = cpd_verdict_of_policy (policy, TEST_PKI_NOW);
      gboolean by_policy = cases[i].error == CERTPIN_ERROR_NOT_PINNED
                           || cases[i].error == CERTPIN_ERROR_BLOCKED
                           || cases[i].error == CERTPIN_ERROR_PIN_EXPIRED;

      g_test_message ("%s", cases[i].name);
      g_assert_cmpint (verdict->passed, ==, !by_policy);
      if (by_policy)
        verdict_assert_refusal (verdict, &cases[i]);
    }
}

static void
test_path_keys (void)
{
  g_autoptr (CpdVerdict) verdict = verdict_judge (find_case ("path-anchor"));
  TestIdentity *const path[] = { verdict_world.leaf, verdict_world.middle, verdict_world.root };

  g_assert_cmpuint (verdict->path_keys->len, ==, G_N_ELEMENTS (path));
  for (unsigned int i = 0; i < G_N_ELEMENTS (path); i++)
    {
      g_autoptr (CertpinKey) key = verdict_key_of (path[i]);
      g_assert_true (certpin_key_equal (verdict->path_keys->pdata[i], key));
    }
}

static void
test_report_has_the_evidence (void)
{
  g_autoptr (CpdVerdict) verdict = verdict_judge (find_case ("report-mismatch"));
  const CpdVerdict *report = verdict->report;

  g_assert_cmpint (report->error, ==, CERTPIN_ERROR_PIN_MISMATCH);
  g_assert_false (report->passed);
  g_assert_cmpint (report->layer, ==, CPD_LAYER_USER);
  g_assert_null (verdict->matched_key);
}

/* Returns: (transfer full): the verdict of a case whose pins in these layers only report */
static CpdVerdict *
judge_lenient (const Case *given, unsigned int layers, gboolean paused)
{
  Case lenient = *given;

  for (int layer = 0; layer < CPD_LAYER_REQUEST; layer++)
    if (layers & (1u << layer))
      {
        lenient.layers[layer].mode = paused ? CPD_MODE_ENFORCE : CPD_MODE_REPORT;
        lenient.layers[layer].since = paused ? TEST_PKI_NOW - 1 : 0;
        lenient.layers[layer].until = paused ? TEST_PKI_NOW + 1 : 0;
      }
  return verdict_judge (&lenient);
}

/* Whatever the server and the other layers are, and whichever layers are paused. */
static void
test_paused_is_like_report (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    for (unsigned int layers = 1; layers < 1u << CPD_LAYER_REQUEST; layers++)
      {
        g_autoptr (CpdVerdict) paused = judge_lenient (&cases[i], layers, TRUE);
        g_autoptr (CpdVerdict) reports = judge_lenient (&cases[i], layers, FALSE);

        g_test_message ("%s, layers %u", cases[i].name, layers);
        g_assert_cmpint (paused->passed, ==, reports->passed);
        g_assert_cmpint (paused->error, ==, reports->error);
        g_assert_cmpint (paused->layer, ==, reports->layer);
        g_assert_cmpstr (paused->reason, ==, reports->reason);
        g_assert_cmpuint (paused->matched_position, ==, reports->matched_position);
        g_assert_cmpint (paused->report == NULL, ==, reports->report == NULL);
      }
}

/* Until when, whether or not the pin matched; of several pauses, the one that lasts longest. */
static void
test_pause_is_told (void)
{
  const Case given = { .layers = { SYSTEM (LEAF, .since = TEST_PKI_NOW, .until = TEST_PKI_NOW + 9),
                                   USER (LEAF, PAUSED) } };
  g_autoptr (CpdVerdict) two = verdict_judge (&given);
  g_autoptr (CpdVerdict) matching = verdict_judge (find_case ("paused-matching"));
  g_autoptr (CpdVerdict) over = verdict_judge (find_case ("paused-until-now"));
  g_autoptr (CpdVerdict) none = verdict_judge (find_case ("leaf"));
  g_autoptr (CpdVerdict) policy = cpd_verdict_of_policy (two->policy, TEST_PKI_NOW);

  g_assert_cmpint (two->paused_until, ==, TEST_PKI_NOW + 9);
  g_assert_cmpint (policy->paused_until, ==, TEST_PKI_NOW + 9);
  g_assert_cmpint (matching->paused_until, ==, TEST_PKI_NOW + 1);
  g_assert_cmpint (over->paused_until, ==, 0);
  g_assert_cmpint (none->paused_until, ==, 0);
}

/* Only a report says that the request was sent, and why. */
static void
test_advice_tells_what_happened (void)
{
  g_autoptr (CpdVerdict) paused = verdict_judge (find_case ("paused-mismatch"));
  g_autoptr (CpdVerdict) reports = verdict_judge (find_case ("report-mismatch"));
  g_autoptr (CpdVerdict) over = verdict_judge (find_case ("paused-until-now"));
  const CpdVerdict *report = paused->report, *other = reports->report;

  g_assert_true (report->reported);
  g_assert_nonnull (strstr (report->advice, "sent, because the pin is paused"));
  g_assert_true (other->reported);
  g_assert_nonnull (strstr (other->advice, "sent, because the pin is report-only"));
  g_assert_false (over->reported);
  g_assert_nonnull (strstr (over->advice, "nothing was sent"));
}

static void
test_first_report_is_told (void)
{
  const Case given = { .layers = { SYSTEM (OTHER, REPORT), USER (JUNK, REPORT) } };
  g_autoptr (CpdVerdict) verdict = verdict_judge (&given);

  g_assert_true (verdict->passed);
  g_assert_cmpint (((CpdVerdict *)verdict->report)->layer, ==, CPD_LAYER_SYSTEM);
}

static void
test_mismatch_names_the_offered_key (void)
{
  g_autoptr (CpdVerdict) verdict = verdict_judge (find_case ("mismatch"));
  g_autoptr (CertpinKey) key = verdict_key_of (verdict_world.leaf);
  g_autofree char *text = certpin_key_to_text (key);

  g_assert_nonnull (strstr (verdict->message, text));
}

static void
test_rotated_key_is_told_apart (void)
{
  const Layer layers[CPD_N_LAYERS] = { 0 };
  g_autoptr (TestIdentity) old
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = verdict_world.middle);
  g_autoptr (CpdCertificate) certificate = test_certificate (old);
  g_autoptr (CpdPolicy) policy = verdict_make_policy (layers);
  g_autoptr (CpdPeer) peer = verdict_make_peer (GOOD);
  g_autoptr (CpdVerdict) verdict = NULL;
  CpdPin *pin = cpd_pin_new (verdict_world.target, CPD_LAYER_USER);

  cpd_pin_take_certificate (pin, certificate, TEST_PKI_NOW);
  cpd_policy_take_pin (policy, pin);
  verdict = cpd_verdict_of_peer (policy, peer, verdict_world.system, TEST_PKI_NOW);
  g_assert_cmpint (verdict->error, ==, CERTPIN_ERROR_PIN_MISMATCH);
  g_assert_cmpstr (verdict->reason, ==, "key-rotated");
}

/* A pin of bare keys does not know which authority it was made under. */
static void
test_bare_keys_blame_no_authority (void)
{
  g_autoptr (CpdVerdict) verdict = verdict_judge (find_case ("mismatch"));

  g_assert_null (strstr (verdict->likely_cause, "another authority"));
}

static void
test_blocked_names_the_reason (void)
{
  g_autoptr (CpdVerdict) verdict = verdict_judge (find_case ("blocked"));

  g_assert_nonnull (strstr (verdict->message, "given as PEM"));
}

static void
test_untrusted_names_the_reason (void)
{
  g_autoptr (CpdVerdict) verdict = verdict_judge (find_case ("untrusted-expired"));

  g_assert_nonnull (strstr (verdict->message, "expired"));
}

static void
test_same_connection_under_another_policy (void)
{
  g_autoptr (CpdPolicy) first = verdict_make_policy (find_case ("leaf")->layers);
  g_autoptr (CpdPolicy) second = verdict_make_policy (find_case ("mismatch")->layers);
  g_autoptr (CpdPeer) peer = verdict_make_peer (GOOD);
  g_autoptr (CpdVerdict) before
      = cpd_verdict_of_peer (first, peer, verdict_world.system, TEST_PKI_NOW);
  g_autoptr (CpdVerdict) after
      = cpd_verdict_of_peer (second, peer, verdict_world.system, TEST_PKI_NOW);

  g_assert_true (before->passed);
  g_assert_cmpint (after->error, ==, CERTPIN_ERROR_PIN_MISMATCH);
}

/* One validation for each set of anchors, and again for a set that is new. */
static void
test_missing_validations (void)
{
  const Layer one[CPD_N_LAYERS]
      = { [CPD_LAYER_SYSTEM] = { .keys = LEAF }, [CPD_LAYER_USER] = { .keys = LEAF } };
  const Layer two[CPD_N_LAYERS] = {
    [CPD_LAYER_SYSTEM] = { .keys = LEAF }, [CPD_LAYER_USER] = { .keys = LEAF, .own_anchors = TRUE }
  };
  const Layer none[CPD_N_LAYERS] = { 0 };
  g_autoptr (CpdPolicy) first = verdict_make_policy (one);
  g_autoptr (CpdPolicy) second = verdict_make_policy (two);
  g_autoptr (CpdPolicy) unpinned = verdict_make_policy (none);
  g_autoptr (CpdAnchors) reloaded = test_anchors (verdict_world.root, NULL);
  g_autoptr (CpdPeer) peer = verdict_make_peer (GOOD);

  g_assert_cmpuint (verdict_validate_missing (unpinned, peer), ==, 0);
  g_assert_true (cpd_verdict_find_missing (first, peer, verdict_world.system, TEST_PKI_NOW)
                 == verdict_world.system);
  g_assert_cmpuint (verdict_validate_missing (first, peer), ==, 1);
  g_assert_cmpuint (verdict_validate_missing (second, peer), ==, 1);
  g_assert_cmpuint (verdict_validate_missing (second, peer), ==, 0);
  g_assert_true (cpd_verdict_find_missing (first, peer, reloaded, TEST_PKI_NOW) == reloaded);
}

static void
add_evidence (void)
{
  g_test_add_func ("/core/verdict/policy-alone", test_policy_alone);
  g_test_add_func ("/core/verdict/missing-validations", test_missing_validations);
  g_test_add_func ("/core/verdict/evidence/path-keys", test_path_keys);
  g_test_add_func ("/core/verdict/evidence/report", test_report_has_the_evidence);
  g_test_add_func ("/core/verdict/paused-is-like-report", test_paused_is_like_report);
  g_test_add_func ("/core/verdict/evidence/pause", test_pause_is_told);
  g_test_add_func ("/core/verdict/evidence/advice", test_advice_tells_what_happened);
  g_test_add_func ("/core/verdict/evidence/first-report", test_first_report_is_told);
  g_test_add_func ("/core/verdict/evidence/offered-key", test_mismatch_names_the_offered_key);
  g_test_add_func ("/core/verdict/evidence/rotated-key", test_rotated_key_is_told_apart);
  g_test_add_func ("/core/verdict/evidence/bare-keys-blame-no-authority",
                   test_bare_keys_blame_no_authority);
  g_test_add_func ("/core/verdict/evidence/block", test_blocked_names_the_reason);
  g_test_add_func ("/core/verdict/evidence/untrusted", test_untrusted_names_the_reason);
  g_test_add_func ("/core/verdict/same-server-under-another-policy",
                   test_same_connection_under_another_policy);
}

int
main (int argc, char *argv[])
{
  int status;

  g_test_init (&argc, &argv, NULL);
  verdict_world_make ();
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/core/verdict/table/", cases[i].name, NULL);
      g_test_add_data_func (path, &cases[i], verdict_test_case);
    }
  add_evidence ();
  status = g_test_run ();
  verdict_world_unmake ();
  return status;
}
