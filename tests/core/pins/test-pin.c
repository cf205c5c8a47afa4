/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what a pin says of the certificate it is made from, and when two pins are the same to
 * every connection. */

#include "config.h"

#include "tests/lib/test-core.h"

#include <string.h>

#define DAY TEST_PKI_DAY
#define NOW TEST_PKI_NOW

static CpdPin *
make_pin (const char *host, const TestIdentityOptions *options)
{
  g_autoptr (CpdHost) parsed = test_host (host);
  g_autoptr (TestIdentity) ca = TEST_IDENTITY (.subject = "CA", .is_ca = TRUE);
  TestIdentityOptions issued = *options;
  g_autoptr (TestIdentity) identity = NULL;
  g_autoptr (CpdCertificate) certificate = NULL;
  CpdPin *pin;

  issued.issuer = ca;
  identity = test_identity_new (&issued);
  certificate = test_certificate (identity);
  pin = cpd_pin_new (parsed, CPD_LAYER_USER);
  cpd_pin_take_certificate (pin, certificate, NOW);
  return pin;
}

/* What is warned about, by a part of the one sentence; NULL: nothing. */
static const struct
{
  const char *name;
  const char *host;
  TestIdentityOptions options;
  const char *warning;
} warnings[] = {
  { "good", "h.example", { .dns = { "h.example" } }, NULL },
  { "expired", "h.example", { .dns = { "h.example" }, .not_after = NOW - 1 }, "expired on" },
  { "last-second", "h.example", { .dns = { "h.example" }, .not_after = NOW }, "expires soon" },
  { "soon", "h.example", { .dns = { "h.example" }, .not_after = NOW + 30 * DAY - 1 }, "soon" },
  { "not-soon", "h.example", { .dns = { "h.example" }, .not_after = NOW + 30 * DAY }, NULL },
  { "early", "h.example", { .dns = { "h.example" }, .not_before = NOW + 1 }, "not valid yet" },
  { "first-second", "h.example", { .dns = { "h.example" }, .not_before = NOW }, NULL },
  { "weak", "h.example", { .dns = { "h.example" }, .rsa_bits = 1024 }, "size" },
  { "strong", "h.example", { .dns = { "h.example" }, .rsa_bits = 2048 }, NULL },
  { "huge", "h.example", { .dns = { "h.example" }, .rsa_bits = 16384 }, "size" },
  { "other-host", "h.example", { .dns = { "b.example" } }, "does not name the host" },
  { "pattern", "*.h.example", { .dns = { "b.example" } }, NULL },
  { "authority", "h.example", { .is_ca = TRUE }, NULL },
};

static void
test_warning (gconstpointer user_data)
{
  const char *host = warnings[GPOINTER_TO_SIZE (user_data)].host;
  const char *expected = warnings[GPOINTER_TO_SIZE (user_data)].warning;
  g_autoptr (CpdPin) pin = make_pin (host, &warnings[GPOINTER_TO_SIZE (user_data)].options);

  g_assert_cmpuint (g_strv_length (pin->warnings), ==, expected != NULL ? 1 : 0);
  if (expected != NULL)
    g_assert_nonnull (strstr (pin->warnings[0], expected));
}

static void
test_takes_what_the_certificate_says (void)
{
  g_autoptr (TestIdentity) ca = TEST_IDENTITY (.subject = "CA", .is_ca = TRUE);
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.subject = "Leaf", .issuer = ca, .not_after = NOW + 90 * DAY);
  g_autoptr (CpdCertificate) certificate = test_certificate (leaf);
  g_autoptr (CpdPin) pin = test_pin ("*.h.example", CPD_LAYER_USER, 1);

  cpd_pin_take_certificate (pin, certificate, NOW);
  g_assert_cmpuint (pin->keys->len, ==, 2);
  g_assert_true (certpin_key_equal (pin->keys->pdata[0], cpd_certificate_get_key (certificate)));
  g_assert_nonnull (strstr (pin->subject, "Leaf"));
  g_assert_nonnull (strstr (pin->issuer, "CA"));
  g_assert_cmpint (pin->not_after, ==, NOW + 90 * DAY);
}

static void
test_a_key_is_there_once (void)
{
  g_autoptr (CpdPin) pin = test_pin ("h.example", CPD_LAYER_USER, 1);
  g_autoptr (CertpinKey) same = test_key (1), other = test_key (2);

  cpd_pin_add_key (pin, same);
  g_assert_cmpuint (pin->keys->len, ==, 1);
  cpd_pin_add_key (pin, other);
  g_assert_cmpuint (pin->keys->len, ==, 2);
}

static void
test_expires_at_its_second (void)
{
  g_autoptr (CpdPin) pin = test_pin ("h.example", CPD_LAYER_USER, 1);

  g_assert_false (cpd_pin_is_expired (pin, G_MAXINT64));
  pin->expires = NOW;
  g_assert_false (cpd_pin_is_expired (pin, NOW - 1));
  g_assert_true (cpd_pin_is_expired (pin, NOW));
}

static CpdPin *
make_same (void)
{
  return test_pin ("h.example", CPD_LAYER_USER, 1);
}

static void
assert_says (const CpdPin *one, const CpdPin *another, gboolean same)
{
  g_assert_true (cpd_pin_says_the_same (one, another) == same);
  g_assert_true (cpd_pin_says_the_same (another, one) == same);
}

static void
test_who_made_it_does_not_matter (void)
{
  g_autoptr (CpdPin) one = make_same (), another = make_same ();

  another->note = g_strdup ("note");
  another->created = NOW;
  another->created_by = g_strdup ("somebody");
  another->generation = 7;
  assert_says (one, another, TRUE);
}

static void
test_what_it_judges_by_matters (void)
{
  g_autoptr (CpdPin) one = make_same ();
  g_autoptr (CpdPin) host = test_pin ("b.example", CPD_LAYER_USER, 1);
  g_autoptr (CpdPin) layer = test_pin ("h.example", CPD_LAYER_SYSTEM, 1);
  g_autoptr (CpdPin) key = test_pin ("h.example", CPD_LAYER_USER, 2);
  g_autoptr (CpdPin) more_keys = make_same (), state = make_same (), match = make_same ();
  g_autoptr (CpdPin) mode = make_same (), expires = make_same ();
  g_autoptr (CertpinKey) other_key = test_key (2);
  CpdPin *const others[] = { host, layer, key, more_keys, state, match, mode, expires };

  cpd_pin_add_key (more_keys, other_key);
  state->state = CPD_STATE_BLOCKED;
  match->match = CPD_MATCH_PATH;
  mode->mode = CPD_MODE_REPORT;
  expires->expires = NOW;
  for (size_t i = 0; i < G_N_ELEMENTS (others); i++)
    assert_says (one, others[i], FALSE);
}

static void
test_anchors_are_compared_by_what_they_hold (void)
{
  g_autoptr (TestIdentity) ca = TEST_IDENTITY (.subject = "CA", .is_ca = TRUE);
  g_autoptr (TestIdentity) other_ca = TEST_IDENTITY (.subject = "CA", .is_ca = TRUE);
  g_autoptr (CpdPin) one = make_same (), same = make_same (), other = make_same ();
  g_autoptr (CpdPin) more = make_same (), none = make_same ();

  one->anchors = test_anchors (ca, NULL);
  same->anchors = test_anchors (ca, NULL);
  other->anchors = test_anchors (other_ca, NULL);
  more->anchors = test_anchors (ca, other_ca, NULL);
  assert_says (one, same, TRUE);
  assert_says (one, other, FALSE);
  assert_says (one, more, FALSE);
  assert_says (one, none, FALSE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (warnings); i++)
    {
      g_autofree char *path = g_strconcat ("/core/pin/warning/", warnings[i].name, NULL);
      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_warning);
    }
  g_test_add_func ("/core/pin/of-a-certificate", test_takes_what_the_certificate_says);
  g_test_add_func ("/core/pin/a-key-is-there-once", test_a_key_is_there_once);
  g_test_add_func ("/core/pin/expires-at-its-second", test_expires_at_its_second);
  g_test_add_func ("/core/pin/same/who-made-it", test_who_made_it_does_not_matter);
  g_test_add_func ("/core/pin/same/what-it-judges-by", test_what_it_judges_by_matters);
  g_test_add_func ("/core/pin/same/anchors", test_anchors_are_compared_by_what_they_hold);
  return g_test_run ();
}
