/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what is warned about, by what was seen of a pin's servers. */

#include "config.h"

#include "daemon/core/pins/cpd-pin-advice.h"
#include "tests/lib/test-core.h"

#include <string.h>

#define NOW TEST_PKI_NOW
#define DAY TEST_PKI_DAY

/* A key that was seen, by what it is filled with; the end of the list: 0. */
typedef struct
{
  guint8 fill;
  gint64 first, last;
} Seen;

/* `urgent`, `others`: a part of each sentence, joined by “|”; NULL: none. */
static const struct
{
  const char *name;
  const char *keys;
  gboolean of_certificate;
  CpdMatch match;
  gint64 age; /* of the pin */
  Seen seen[3];
  gint64 left; /* of the served certificate; 0: nothing was seen */
  const char *urgent, *others;
  CpdMode mode;
} cases[] = {
  { "new", "ab", TRUE },
  { "only-key", "a", TRUE, .others = "no backup key" },
  { "only-key-of-a-report", "a", TRUE, .mode = CPD_MODE_REPORT },
  { "old-and-unseen", "ab", TRUE, .age = DAY, .others = "no key of this pin has been seen" },
  { "not-yet-old", "ab", TRUE, .age = DAY - 1 },
  { "in-use", "ab", TRUE, .age = DAY, .seen = { { 'a', NOW, NOW } }, .left = 90 * DAY },
  { "backup", "ab", TRUE, .seen = { { 'b', NOW - DAY, NOW } }, .left = 90 * DAY,
    .urgent = "has used the backup key" },
  { "backup-after-first", "ab", FALSE, .seen = { { 'a', 1, NOW - DAY }, { 'b', NOW, NOW } },
    .left = 90 * DAY, .urgent = "has used the backup key" },
  { "both-in-turn", "ab", TRUE, .seen = { { 'a', 1, NOW }, { 'b', NOW - 60, NOW - 60 } },
    .left = 90 * DAY, .urgent = "has used the backup key" },
  { "back-again", "ab", TRUE, .seen = { { 'a', 1, NOW }, { 'b', NOW - DAY, NOW - DAY } },
    .left = 90 * DAY },
  { "keys-in-any-order", "ab", FALSE, .seen = { { 'b', NOW, NOW } }, .left = 90 * DAY,
    .others = "first key" },
  { "path-together", "ab", TRUE, CPD_MATCH_PATH, .seen = { { 'a', 1, NOW }, { 'b', 1, NOW } },
    .left = 90 * DAY },
  { "path-changed", "ab", TRUE, CPD_MATCH_PATH, .seen = { { 'a', 1, NOW - 1 }, { 'b', NOW, NOW } },
    .left = 90 * DAY, .urgent = "has used the backup key" },
  { "ends", "ab", TRUE, .seen = { { 'a', NOW, NOW } }, .left = 21 * DAY - 1, .urgent = "ends on" },
  { "ends-later", "ab", TRUE, .seen = { { 'a', NOW, NOW } }, .left = 21 * DAY },
  { "ended", "ab", TRUE, .seen = { { 'a', NOW, NOW } }, .left = -1, .urgent = "ended on" },
  { "forgotten", "ab", TRUE, .age = 90 * DAY, .seen = { { 'a', NOW, NOW } }, .left = 90 * DAY,
    .others = "make sure that you still have it" },
  { "not-yet-forgotten", "ab", TRUE, .age = 90 * DAY - 1, .seen = { { 'a', NOW, NOW } },
    .left = 90 * DAY },
  { "reports-another", "ab", TRUE, .left = 90 * DAY, .others = "only reports, and ‘h.example’ had",
    .mode = CPD_MODE_REPORT },
  { "reports-another-since", "ab", TRUE, .seen = { { 'a', 1, NOW - 1 } }, .left = 90 * DAY,
    .others = "only reports", .mode = CPD_MODE_REPORT },
  { "reports-nothing", "ab", TRUE, .seen = { { 'a', 1, NOW } }, .left = 90 * DAY,
    .mode = CPD_MODE_REPORT },
  { "was-paused", "ab", TRUE, .seen = { { 'a', 1, NOW - 1 } }, .left = 90 * DAY },
  { "reports-unseen", "ab", TRUE, .mode = CPD_MODE_REPORT },
  { "reports-pinned-since", "ab", TRUE, .age = -1, .left = 90 * DAY, .mode = CPD_MODE_REPORT },
  { "all", "ab", TRUE, .age = 90 * DAY, .seen = { { 'b', NOW, NOW } }, .left = DAY,
    .urgent = "has used the backup key|ends on" },
};

static CpdPin *
make_pin (size_t i)
{
  g_autoptr (CpdHost) host = test_host ("h.example");
  CpdPin *pin = cpd_pin_new (host, CPD_LAYER_USER);

  for (const char *fill = cases[i].keys; *fill != '\0'; fill++)
    {
      g_autoptr (CertpinKey) key = test_key ((guint8)*fill);
      cpd_pin_add_key (pin, key);
    }
  pin->match = cases[i].match;
  pin->mode = cases[i].mode;
  pin->subject = cases[i].of_certificate ? g_strdup ("CN=h.example") : NULL;
  pin->not_after = cases[i].of_certificate ? NOW + 90 * DAY : 0;
  pin->created = NOW - cases[i].age;
  return pin;
}

/* Returns: (transfer full) (nullable) */
static CpdSighting *
make_sighting (size_t i, CpdHost *host)
{
  CpdSighting *sighting;

  if (cases[i].left == 0)
    return NULL;
  sighting = cpd_sighting_new (host);
  for (const Seen *seen = cases[i].seen; seen->fill != 0; seen++)
    {
      const CpdSightingKey key = { test_key (seen->fill), seen->first, seen->last };
      g_array_append_val (sighting->keys, key);
    }
  sighting->seen = NOW;
  sighting->not_after = NOW + cases[i].left;
  return sighting;
}

/* `warnings`: (nullable) (transfer full) */
static void
assert_says (GStrv warnings, const char *expected)
{
  g_auto (GStrv) owned = warnings;
  g_auto (GStrv) parts = g_strsplit (expected, "|", -1);

  for (size_t i = 0; warnings != NULL && warnings[i] != NULL; i++)
    g_test_message ("%s", warnings[i]);
  g_assert_cmpuint (warnings != NULL ? g_strv_length (warnings) : 0, ==, g_strv_length (parts));
  for (size_t i = 0; parts[i] != NULL; i++)
    g_assert_nonnull (strstr (warnings[i], parts[i]));
}

static void
test_case (gconstpointer user_data)
{
  size_t i = GPOINTER_TO_SIZE (user_data);
  g_autoptr (CpdPin) pin = make_pin (i);
  g_autoptr (CpdSighting) sighting = make_sighting (i, pin->host);
  const char *urgent = cases[i].urgent != NULL ? cases[i].urgent : "";
  const char *others = cases[i].others != NULL ? cases[i].others : "";
  g_autofree char *all
      = g_strconcat (urgent, *urgent != '\0' && *others != '\0' ? "|" : "", others, NULL);

  assert_says (cpd_pin_advice_urgent (pin, sighting, NOW), urgent);
  assert_says (cpd_pin_advice (pin, sighting, NOW), all);
}

/* The dates of the pinned certificate matter until a server is seen. */
static void
test_renewed (void)
{
  g_autoptr (CpdPin) pin = make_pin (0);
  g_autoptr (CpdSighting) sighting = cpd_sighting_new (pin->host);
  const char *const stored[] = { "the certificate expires soon, on 2027-01-01; the pin …",
                                 "the certificate does not name the host", NULL };

  pin->warnings = g_strdupv ((GStrv)stored);
  assert_says (cpd_pin_advice (pin, NULL, NOW), "expires soon|does not name");
  sighting->seen = NOW;
  sighting->not_after = NOW + 90 * DAY;
  pin->created = NOW;
  assert_says (cpd_pin_advice (pin, sighting, NOW), "does not name");
}

/* The pin was made when the certificate had long to go. */
static void
test_pinned_certificate_ends (void)
{
  g_autoptr (CpdPin) pin = make_pin (0);

  pin->not_after = NOW + DAY;
  assert_says (cpd_pin_advice (pin, NULL, NOW), "the pinned certificate ends on");
  assert_says (cpd_pin_advice_urgent (pin, NULL, NOW), "");
}

/* There is nothing to do about a pin that is not in force. */
static void
test_not_in_force (void)
{
  g_autoptr (CpdPin) pin = make_pin (1), blocked = NULL;

  pin->expires = NOW;
  assert_says (cpd_pin_advice (pin, NULL, NOW), "");
  blocked = cpd_pin_new_blocked (pin->host, CPD_LAYER_USER, "why");
  assert_says (cpd_pin_advice (blocked, NULL, NOW), "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/core/pin-advice/", cases[i].name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_case);
    }
  g_test_add_func ("/core/pin-advice/renewed", test_renewed);
  g_test_add_func ("/core/pin-advice/pinned-certificate-ends", test_pinned_certificate_ends);
  g_test_add_func ("/core/pin-advice/not-in-force", test_not_in_force);
  return g_test_run ();
}
