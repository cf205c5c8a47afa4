/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that each text has one label, that it is part of a valid object path, and that nothing
 * else is taken for a label. */

#include "config.h"

#include "daemon/bus/cpd-label.h"

#include <gio/gio.h>

static char *
label_of (const char *text)
{
  GString *label = g_string_new (NULL);

  cpd_label_append (label, text);
  return g_string_free (label, FALSE);
}

static void
assert_round_trip (const char *text)
{
  g_autofree char *label = label_of (text);
  g_autofree char *path = g_strconcat ("/a/", label, NULL);
  g_autofree char *again = cpd_label_parse (label);

  g_assert_true (g_variant_is_object_path (path));
  g_assert_null (strchr (label, '/'));
  g_assert_cmpstr (again, ==, text);
}

/* At the beginning, in the middle and at the end. */
static void
test_all_bytes (void)
{
  for (int byte = 1; byte <= 255; byte++)
    for (int place = 0; place < 4; place++)
      {
        char text[] = "mmmm";

        text[place] = (char)byte;
        assert_round_trip (text);
        assert_round_trip (text + place);
      }
}

static void
test_labels (void)
{
  static const char *const cases[][2] = {
    { "h.example", "h_2eexample" },
    { "*.h.example:443", "_2a_2eh_2eexample_3a443" },
    { "192.0.2.1", "_3192_2e0_2e2_2e1" },
    { "[2001:db8::1]", "_5b2001_3adb8_3a_3a1_5d" },
    { "xn--bcher-kva.example", "xn_2d_2dbcher_2dkva_2eexample" },
    { "a_b", "a_5fb" },
    { "", "_" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *label = label_of (cases[i][0]);
      g_autofree char *text = cpd_label_parse (cases[i][1]);

      g_assert_cmpstr (label, ==, cases[i][1]);
      g_assert_cmpstr (text, ==, cases[i][0]);
    }
}

static void
test_malformed (void)
{
  static const char *const labels[] = {
    "",              /* no label */
    "h_2Eexample",   /* an upper-case digit */
    "_68_2eexample", /* a letter that needs no code */
    "3h",            /* a digit at the beginning, bare */
    "h_333",         /* a digit elsewhere, encoded */
    "h_2",
    "h_",
    "_2",
    "__",
    "h__2e",
    "h_2g",
    "h_zz",
    "h.example", /* bare */
    "h/x",
    "h x",
    "\xc3\xbc",
    "_00",
    "h_00h", /* no text has it */
  };

  for (size_t i = 0; i < G_N_ELEMENTS (labels); i++)
    {
      g_autofree char *text = cpd_label_parse (labels[i]);

      g_test_message ("%s", labels[i]);
      g_assert_cmpstr (text, ==, NULL);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus/label/all-bytes", test_all_bytes);
  g_test_add_func ("/bus/label/labels", test_labels);
  g_test_add_func ("/bus/label/malformed", test_malformed);
  return g_test_run ();
}
