/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves the heart: what comes of policy, server and time. One table holds the cases; the tests
 * below it look at the evidence. */

#include "config.h"

#include "daemon/core/verdict/cpd-verdict.h"
#include "tests/lib/test-core.h"

#include <string.h>

/* Keys by name, to be combined. */
enum
{
  LEAF = 1,
  MIDDLE = 2,
  ROOT = 4,
  OTHER = 8, /* of nobody */
  JUNK = 16, /* of a certificate that is sent, but on no path */
};

/* What a server presents. */
typedef enum
{
  GOOD,
  WITH_JUNK, /* the good chain and an unrelated certificate */
  EXPIRED,
  FUTURE,
  WRONG_NAME,
  SELF_SIGNED,
  NOTHING,
} Server;

/* One layer's pin; keys == 0 and not blocked: it has none. */
typedef struct
{
  unsigned int keys;
  CpdMatch match;
  CpdMode mode;
  gboolean blocked;
  gint64 expires;
  gboolean other_anchors; /* judged against a root that nobody uses */
  gboolean own_anchors;   /* judged against the good root, explicitly */
} Layer;

typedef struct
{
  const char *name;
  Layer layers[CPD_N_LAYERS];
  Server server;
  int error; /* -1: it passes */
  CpdLayer layer;
  const char *reason;
  unsigned int position;
  gboolean reports;
  gboolean unmatched; /* though it passes */
} Case;

#define PASSES       .error = -1
#define USER(...)    [CPD_LAYER_USER] = { __VA_ARGS__ }
#define SYSTEM(...)  [CPD_LAYER_SYSTEM] = { __VA_ARGS__ }
#define FILES(...)   [CPD_LAYER_FILES] = { __VA_ARGS__ }
#define REQUEST(...) [CPD_LAYER_REQUEST] = { __VA_ARGS__, .match = CPD_MATCH_PATH }
#define PATH         .match = CPD_MATCH_PATH
#define REPORT       .mode = CPD_MODE_REPORT
#define PAST         .expires = TEST_PKI_NOW
#define REFUSES(code, which, why)                                                                  \
  .error = CERTPIN_ERROR_##code, .layer = CPD_LAYER_##which, .reason = why

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

static struct
{
  TestIdentity *root, *middle, *leaf, *junk, *expired, *future, *misnamed, *own;
  CpdAnchors *system, *unused;
  CpdHost *target;
} world;

static void
make_world (void)
{
  world.root = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE);
  world.middle = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = world.root);
  world.leaf = TEST_IDENTITY (.dns = { "h.example" }, .issuer = world.middle);
  world.junk = TEST_IDENTITY (.subject = "Junk", .is_ca = TRUE);
  world.expired = TEST_IDENTITY (.dns = { "h.example" }, .issuer = world.middle,
                                 .key_of = world.leaf, .not_after = TEST_PKI_NOW - 1);
  world.future = TEST_IDENTITY (.dns = { "h.example" }, .issuer = world.middle,
                                .key_of = world.leaf, .not_before = TEST_PKI_NOW + 1);
  world.misnamed
      = TEST_IDENTITY (.dns = { "other.example" }, .issuer = world.middle, .key_of = world.leaf);
  world.own = TEST_IDENTITY (.dns = { "h.example" }, .key_of = world.leaf);
  world.system = test_anchors (world.root, NULL);
  world.unused = test_anchors (world.junk, NULL);
  world.target = test_host ("h.example:443");
}

static void
unmake_world (void)
{
  TestIdentity *all[] = { world.root,    world.middle, world.leaf,     world.junk,
                          world.expired, world.future, world.misnamed, world.own };

  for (size_t i = 0; i < G_N_ELEMENTS (all); i++)
    test_identity_unref (all[i]);
  cpd_anchors_unref (world.system);
  cpd_anchors_unref (world.unused);
  cpd_host_unref (world.target);
}

static GPtrArray *
make_chain (Server server)
{
  switch (server)
    {
    case GOOD:
      return test_ders (world.leaf, world.middle, NULL);
    case WITH_JUNK:
      return test_ders (world.leaf, world.junk, world.middle, NULL);
    case EXPIRED:
      return test_ders (world.expired, world.middle, NULL);
    case FUTURE:
      return test_ders (world.future, world.middle, NULL);
    case WRONG_NAME:
      return test_ders (world.misnamed, world.middle, NULL);
    case SELF_SIGNED:
      return test_ders (world.own, NULL);
    case NOTHING:
      return test_ders (NULL, NULL);
    }
  g_assert_not_reached ();
}

static CpdPeer *
make_peer (Server server)
{
  g_autoptr (GPtrArray) ders = make_chain (server);

  return cpd_peer_new (world.target, ders, /* stapled= */ NULL);
}

static CertpinKey *
key_of (TestIdentity *identity)
{
  g_autoptr (CpdCertificate) certificate = test_certificate (identity);

  return certpin_key_ref (cpd_certificate_get_key (certificate));
}

static void
add_keys (CpdPin *pin, unsigned int keys)
{
  TestIdentity *const holders[] = { world.leaf, world.middle, world.root, NULL, world.junk };

  for (unsigned int i = 0; i < G_N_ELEMENTS (holders); i++)
    if (keys & (1u << i))
      {
        g_autoptr (CertpinKey) key = holders[i] != NULL ? key_of (holders[i]) : test_key (7);
        cpd_pin_add_key (pin, key);
      }
}

static CpdPin *
make_pin (const Layer *wanted, CpdLayer layer)
{
  g_autoptr (CpdHost) host = test_host ("h.example");
  CpdPin *pin;

  if (wanted->blocked)
    pin = cpd_pin_new_blocked (host, layer, "given as PEM");
  else
    pin = cpd_pin_new (host, layer);
  add_keys (pin, wanted->keys);
  pin->match = wanted->match;
  pin->mode = wanted->mode;
  pin->expires = wanted->expires;
  if (wanted->other_anchors)
    pin->anchors = cpd_anchors_ref (world.unused);
  if (wanted->own_anchors)
    pin->anchors = test_anchors (world.root, NULL);
  return pin;
}

static CpdPolicy *
make_policy (const Layer layers[CPD_N_LAYERS])
{
  CpdPolicy *policy = cpd_policy_new (world.target, 1);

  for (int layer = 0; layer < CPD_N_LAYERS; layer++)
    if (layers[layer].keys != 0 || layers[layer].blocked)
      cpd_policy_take_pin (policy, make_pin (&layers[layer], (CpdLayer)layer));
  return policy;
}

/* As the service does it: what is missing is asked for first, one set of anchors after the other.
 * Returns: how many were missing */
static unsigned int
validate_missing (CpdPolicy *policy, CpdPeer *peer)
{
  CpdAnchors *missing;
  unsigned int count = 0;

  while ((missing = cpd_verdict_find_missing (policy, peer, world.system, TEST_PKI_NOW)) != NULL)
    {
      g_autoptr (CpdValidation) validation = cpd_peer_ask (peer, missing, TEST_PKI_NOW);

      cpd_peer_record (peer, validation);
      g_assert_cmpuint (++count, <=, CPD_LAYER_REQUEST);
    }
  return count;
}

static CpdVerdict *
judge (const Case *given)
{
  g_autoptr (CpdPolicy) policy = make_policy (given->layers);
  g_autoptr (CpdPeer) peer = make_peer (given->server);

  validate_missing (policy, peer);
  return cpd_verdict_of_peer (policy, peer, world.system, TEST_PKI_NOW);
}

static const Case *
find_case (const char *name)
{
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    if (g_str_equal (cases[i].name, name))
      return &cases[i];
  g_assert_not_reached ();
}

static void
assert_refusal (const CpdVerdict *verdict, const Case *expected)
{
  g_autoptr (GError) error = cpd_verdict_to_error (verdict);

  g_test_message ("%s", verdict->message);
  g_assert_error (error, CERTPIN_ERROR, expected->error);
  g_assert_cmpint (verdict->layer, ==, expected->layer);
  g_assert_cmpstr (verdict->reason, ==, expected->reason);
  g_assert_nonnull (verdict->likely_cause);
  g_assert_nonnull (verdict->advice);
  g_assert_null (verdict->matched_key);
  g_assert_nonnull (strstr (verdict->message, "h.example"));
  g_assert_cmpint (verdict->pin == NULL, ==, expected->error == CERTPIN_ERROR_NOT_PINNED);
}

static void
test_case (gconstpointer user_data)
{
  const Case *expected = user_data;
  g_autoptr (CpdVerdict) verdict = judge (expected);

  g_assert_cmpint (verdict->passed, ==, expected->error == -1);
  if (!verdict->passed)
    {
      assert_refusal (verdict, expected);
      return;
    }
  g_assert_null (verdict->message);
  g_assert_cmpint (verdict->report != NULL, ==, expected->reports);
  g_assert_nonnull (verdict->path_keys);
  g_assert_cmpint (verdict->matched_key == NULL, ==, expected->unmatched);
  if (expected->unmatched)
    return;
  g_assert_cmpint (verdict->layer, ==, expected->layer);
  g_assert_cmpuint (verdict->matched_position, ==, expected->position);
  g_assert_true (certpin_key_equal (verdict->matched_key,
                                    verdict->path_keys->pdata[verdict->matched_position]));
}

/* Before any server is asked, the policy alone says the same. */
static void
test_policy_alone (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (CpdPolicy) policy = make_policy (cases[i].layers);
      g_autoptr (CpdVerdict) verdict = cpd_verdict_of_policy (policy, TEST_PKI_NOW);
      gboolean by_policy = cases[i].error == CERTPIN_ERROR_NOT_PINNED
                           || cases[i].error == CERTPIN_ERROR_BLOCKED
                           || cases[i].error == CERTPIN_ERROR_PIN_EXPIRED;

      g_test_message ("%s", cases[i].name);
      g_assert_cmpint (verdict->passed, ==, !by_policy);
      if (by_policy)
        assert_refusal (verdict, &cases[i]);
    }
}

static void
test_path_keys (void)
{
  g_autoptr (CpdVerdict) verdict = judge (find_case ("path-anchor"));
  TestIdentity *const path[] = { world.leaf, world.middle, world.root };

  g_assert_cmpuint (verdict->path_keys->len, ==, G_N_ELEMENTS (path));
  for (unsigned int i = 0; i < G_N_ELEMENTS (path); i++)
    {
      g_autoptr (CertpinKey) key = key_of (path[i]);
      g_assert_true (certpin_key_equal (verdict->path_keys->pdata[i], key));
    }
}

static void
test_report_has_the_evidence (void)
{
  g_autoptr (CpdVerdict) verdict = judge (find_case ("report-mismatch"));
  const CpdVerdict *report = verdict->report;

  g_assert_cmpint (report->error, ==, CERTPIN_ERROR_PIN_MISMATCH);
  g_assert_false (report->passed);
  g_assert_cmpint (report->layer, ==, CPD_LAYER_USER);
  g_assert_null (verdict->matched_key);
}

static void
test_first_report_is_told (void)
{
  const Case given = { .layers = { SYSTEM (OTHER, REPORT), USER (JUNK, REPORT) } };
  g_autoptr (CpdVerdict) verdict = judge (&given);

  g_assert_true (verdict->passed);
  g_assert_cmpint (((CpdVerdict *)verdict->report)->layer, ==, CPD_LAYER_SYSTEM);
}

static void
test_mismatch_names_the_offered_key (void)
{
  g_autoptr (CpdVerdict) verdict = judge (find_case ("mismatch"));
  g_autoptr (CertpinKey) key = key_of (world.leaf);
  g_autofree char *text = certpin_key_to_text (key);

  g_assert_nonnull (strstr (verdict->message, text));
}

static void
test_rotated_key_is_told_apart (void)
{
  const Layer layers[CPD_N_LAYERS] = { 0 };
  g_autoptr (TestIdentity) old = TEST_IDENTITY (.dns = { "h.example" }, .issuer = world.middle);
  g_autoptr (CpdCertificate) certificate = test_certificate (old);
  g_autoptr (CpdPolicy) policy = make_policy (layers);
  g_autoptr (CpdPeer) peer = make_peer (GOOD);
  g_autoptr (CpdVerdict) verdict = NULL;
  CpdPin *pin = cpd_pin_new (world.target, CPD_LAYER_USER);

  cpd_pin_take_certificate (pin, certificate, TEST_PKI_NOW);
  cpd_policy_take_pin (policy, pin);
  verdict = cpd_verdict_of_peer (policy, peer, world.system, TEST_PKI_NOW);
  g_assert_cmpint (verdict->error, ==, CERTPIN_ERROR_PIN_MISMATCH);
  g_assert_cmpstr (verdict->reason, ==, "key-rotated");
}

/* A pin of bare keys does not know which authority it was made under. */
static void
test_bare_keys_blame_no_authority (void)
{
  g_autoptr (CpdVerdict) verdict = judge (find_case ("mismatch"));

  g_assert_null (strstr (verdict->likely_cause, "another authority"));
}

static void
test_blocked_names_the_reason (void)
{
  g_autoptr (CpdVerdict) verdict = judge (find_case ("blocked"));

  g_assert_nonnull (strstr (verdict->message, "given as PEM"));
}

static void
test_untrusted_names_the_reason (void)
{
  g_autoptr (CpdVerdict) verdict = judge (find_case ("untrusted-expired"));

  g_assert_nonnull (strstr (verdict->message, "expired"));
}

static void
test_same_connection_under_another_policy (void)
{
  g_autoptr (CpdPolicy) first = make_policy (find_case ("leaf")->layers);
  g_autoptr (CpdPolicy) second = make_policy (find_case ("mismatch")->layers);
  g_autoptr (CpdPeer) peer = make_peer (GOOD);
  g_autoptr (CpdVerdict) before = cpd_verdict_of_peer (first, peer, world.system, TEST_PKI_NOW);
  g_autoptr (CpdVerdict) after = cpd_verdict_of_peer (second, peer, world.system, TEST_PKI_NOW);

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
  g_autoptr (CpdPolicy) first = make_policy (one);
  g_autoptr (CpdPolicy) second = make_policy (two);
  g_autoptr (CpdPolicy) unpinned = make_policy (none);
  g_autoptr (CpdAnchors) reloaded = test_anchors (world.root, NULL);
  g_autoptr (CpdPeer) peer = make_peer (GOOD);

  g_assert_cmpuint (validate_missing (unpinned, peer), ==, 0);
  g_assert_true (cpd_verdict_find_missing (first, peer, world.system, TEST_PKI_NOW)
                 == world.system);
  g_assert_cmpuint (validate_missing (first, peer), ==, 1);
  g_assert_cmpuint (validate_missing (second, peer), ==, 1);
  g_assert_cmpuint (validate_missing (second, peer), ==, 0);
  g_assert_true (cpd_verdict_find_missing (first, peer, reloaded, TEST_PKI_NOW) == reloaded);
}

static void
add_evidence (void)
{
  g_test_add_func ("/core/verdict/policy-alone", test_policy_alone);
  g_test_add_func ("/core/verdict/missing-validations", test_missing_validations);
  g_test_add_func ("/core/verdict/evidence/path-keys", test_path_keys);
  g_test_add_func ("/core/verdict/evidence/report", test_report_has_the_evidence);
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
  make_world ();
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/core/verdict/table/", cases[i].name, NULL);
      g_test_add_data_func (path, &cases[i], test_case);
    }
  add_evidence ();
  status = g_test_run ();
  unmake_world ();
  return status;
}
