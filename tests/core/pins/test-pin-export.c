/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a pin of every kind comes back from its exported text, and that what is set at run
 * time by a text is limited like a single pin. */

#include "config.h"

#include "daemon/core/base/cpd-text.h"
#include "daemon/core/pins/cpd-pin-file.h"
#include "tests/lib/test-core.h"

#include <string.h>

#define KEY "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define PIN "[Pin File]\nVersion=1\n[Pin]\nHost=h.example\nKeys=" KEY "\n"

static GPtrArray *
parse (const char *text, gboolean at_run_time, GError **error)
{
  const CpdPinFileContext context = { .layer = CPD_LAYER_USER, .at_run_time = at_run_time };
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
  g_autoptr (GPtrArray) hosts = NULL;

  return cpd_pin_file_parse (bytes, &context, &hosts, error);
}

/* Returns: (transfer full): the text without what says who made it */
static GBytes *
export_again (const CpdPin *pin)
{
  g_autoptr (CpdPin) copy = cpd_pin_copy (pin);

  copy->created = 0;
  g_clear_pointer (&copy->created_by, g_free);
  return cpd_pin_file_export (copy);
}

static void
assert_exported (const CpdPin *pin)
{
  const CpdPinFileContext context = { .layer = CPD_LAYER_USER, .at_run_time = TRUE };
  g_autoptr (GBytes) text = cpd_pin_file_export (pin), first = export_again (pin), second = NULL;
  g_autoptr (GPtrArray) hosts = NULL, pins = NULL;
  g_autoptr (GError) error = NULL;

  g_test_message ("%s", (const char *)g_bytes_get_data (text, NULL));
  pins = cpd_pin_file_parse (text, &context, &hosts, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (pins->len, ==, 1);
  g_assert_true (cpd_pin_shows_the_same (pins->pdata[0], pin));
  g_assert_cmpstr (((CpdPin *)pins->pdata[0])->note, ==, pin->note);
  g_assert_cmpint (((CpdPin *)pins->pdata[0])->created, ==, pin->created);
  second = export_again (pins->pdata[0]);
  g_assert_cmpmem (g_bytes_get_data (first, NULL), g_bytes_get_size (first),
                   g_bytes_get_data (second, NULL), g_bytes_get_size (second));
}

static CpdPin *
new_full_pin (const char *host)
{
  g_autoptr (TestIdentity) ca = TEST_IDENTITY (.subject = "Cá; \\ = [CA]", .is_ca = TRUE);
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.subject = "h.example", .issuer = ca);
  g_autoptr (CpdCertificate) certificate = test_certificate (leaf);
  CpdPin *pin = test_pin (host, CPD_LAYER_USER, 1);

  cpd_pin_take_certificate (pin, certificate, TEST_PKI_NOW);
  pin->match = CPD_MATCH_PATH;
  pin->mode = CPD_MODE_REPORT;
  pin->expires = 4102444800;
  pin->anchors = test_anchors (ca, NULL);
  pin->note = g_strdup ("  a note; # with “quotes”, \\ and [brackets]  ");
  pin->created = TEST_PKI_NOW;
  pin->created_by = g_strdup ("program (uid 1000)");
  return pin;
}

static void
test_export_of_every_kind (void)
{
  static const char *const hosts[]
      = { "h.example", "*.h.example",   "**.h.example:8443", "xn--bcher-kva.example",
          "192.0.2.1", "192.0.2.1:443", "2001:db8::1",       "[2001:db8::1]:443" };

  for (size_t i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      g_autoptr (CpdPin) full = new_full_pin (hosts[i]);
      g_autoptr (CpdPin) plain = test_pin (hosts[i], CPD_LAYER_USER, 1);
      g_autoptr (CpdPin) block
          = cpd_pin_new_blocked (full->host, CPD_LAYER_USER, "  stolen; [ask] \\ \"us\"  ");

      assert_exported (full);
      assert_exported (plain);
      assert_exported (block);
    }
}

/* What a method that sets one pin refuses. */
static void
test_limits_at_run_time (void)
{
  g_autofree char *long_text = g_strnfill (CPD_PIN_TEXT_MAX_BYTES + 1, 'x');
  g_autofree char *long_note = g_strconcat (PIN "Note=", long_text, "\n", NULL);
  g_autofree char *long_warnings = g_strconcat (PIN "Warnings=a;", long_text, "\n", NULL);
  const struct
  {
    const char *text;
    const char *told;
  } cases[] = {
    { long_note, "line 6: Note=: it has more than 1024 bytes" },
    { long_warnings, "line 6: Warnings=: it has more than 1024 bytes" },
    { PIN "[b]\nHost=H.example\nKeys=" KEY "\n", "line 7: Host=: ‘h.example’ is pinned twice" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) pins = NULL, anywhere = NULL;
      g_autoptr (GError) error = NULL;

      anywhere = parse (cases[i].text, FALSE, NULL);
      g_assert_nonnull (anywhere);
      pins = parse (cases[i].text, TRUE, &error);
      g_assert_null (pins);
      g_test_message ("%s", error->message);
      g_assert_true (g_str_has_prefix (error->message, cases[i].told));
    }
}

/* What the service shortens to the most that is allowed has no more. */
static void
test_shortened_note (void)
{
  g_autoptr (CpdPin) pin = test_pin ("h.example", CPD_LAYER_USER, 1);
  g_autofree char *text = g_strnfill (CPD_PIN_TEXT_MAX_BYTES + 1, 'x');

  pin->note = cpd_text_shorten (text, strlen (text), CPD_PIN_TEXT_MAX_BYTES);
  g_assert_cmpuint (strlen (pin->note), ==, CPD_PIN_TEXT_MAX_BYTES);
  assert_exported (pin);
}

static void
assert_measured (const CpdPin *pin)
{
  g_autoptr (GBytes) text = cpd_pin_file_print (pin, NULL);

  g_assert_cmpuint (cpd_pin_file_measure (pin), ==, g_bytes_get_size (text));
}

/* Anchors of each length modulo 3. */
static void
test_measure (void)
{
  g_autoptr (CpdPin) plain = test_pin ("h.example", CPD_LAYER_USER, 1);

  assert_measured (plain);
  for (unsigned int n = 1; n <= 6; n++)
    {
      g_autofree char *name = g_strnfill (n, 'a');
      g_autoptr (TestIdentity) one = TEST_IDENTITY (.subject = name, .is_ca = TRUE);
      g_autoptr (TestIdentity) two = TEST_IDENTITY (.subject = "b", .is_ca = TRUE);
      g_autoptr (CpdPin) full = new_full_pin ("*.h.example");

      cpd_anchors_unref (full->anchors);
      full->anchors = test_anchors (one, two, NULL);
      assert_measured (full);
    }
}

static void
test_origin (void)
{
  g_autoptr (CpdPin) pin = test_pin ("h.example", CPD_LAYER_USER, 1);
  g_autofree char *none = cpd_pin_describe_origin (pin), *time = NULL, *both = NULL;

  g_assert_null (none);
  pin->created = 4102444800;
  time = cpd_pin_describe_origin (pin);
  g_assert_cmpstr (time, ==, "pinned on 2100-01-01");
  pin->created_by = g_strdup ("program (uid 1000)");
  both = cpd_pin_describe_origin (pin);
  g_assert_cmpstr (both, ==, "pinned on 2100-01-01 by program (uid 1000)");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/pin-export/every-kind", test_export_of_every_kind);
  g_test_add_func ("/core/pin-export/limits-at-run-time", test_limits_at_run_time);
  g_test_add_func ("/core/pin-export/shortened-note", test_shortened_note);
  g_test_add_func ("/core/pin-export/measure", test_measure);
  g_test_add_func ("/core/pin-export/origin", test_origin);
  return g_test_run ();
}
