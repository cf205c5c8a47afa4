/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that the parts of a text have all of its pins, each once and at its line, and are no
 * larger than they may be. */

#include "config.h"

#include "client-lib/certpin-split.h"

#include <string.h>

#define HEADER "# made by hand\n\n[Pin File]\nVersion=1\n\n"

static char *
make_text (unsigned int pins)
{
  GString *text = g_string_new (HEADER);

  for (unsigned int i = 0; i < pins; i++)
    g_string_append_printf (text, "  [pin %u]\nHost=h%u.example\n# [none]\n%s", i, i,
                            i % 2 == 0 ? "\n" : "");
  return g_string_free (text, FALSE);
}

/* Each line of a part that is not empty is in the same place of the whole text; the parts have all
 * of its lines.
 * Returns: how many pins the part has */
static unsigned int
check_part (const char *part, char **whole, gboolean *seen)
{
  g_auto (GStrv) lines = g_strsplit (part, "\n", -1);
  unsigned int pins = 0;

  for (size_t i = 0; lines[i] != NULL; i++)
    {
      pins += g_str_has_prefix (lines[i], "  [pin");
      if (*lines[i] == '\0')
        continue;
      g_assert_cmpuint (i, <, g_strv_length (whole));
      g_assert_cmpstr (lines[i], ==, whole[i]);
      g_assert_true (i < 4 || !seen[i]); /* the header is in each */
      seen[i] = TRUE;
    }
  return pins;
}

static void
assert_split (const char *text, unsigned int most_pins, gsize most_bytes, unsigned int n_parts)
{
  g_autoptr (GPtrArray) parts = certpin_split_pins (text, most_pins, most_bytes);
  g_auto (GStrv) whole = g_strsplit (text, "\n", -1);
  g_autofree gboolean *seen = g_new0 (gboolean, g_strv_length (whole) + 1);

  g_assert_cmpuint (parts->len, ==, n_parts);
  for (unsigned int i = 0; i < parts->len; i++)
    g_assert_cmpuint (check_part (parts->pdata[i], whole, seen), <=, most_pins);
  for (unsigned int i = 0; whole[i] != NULL; i++)
    g_assert_true (seen[i] || *whole[i] == '\0');
}

static void
test_by_pins (void)
{
  static const struct
  {
    unsigned int pins, parts;
  } cases[] = { { 0, 1 }, { 1, 1 }, { 200, 1 }, { 201, 2 }, { 400, 2 }, { 1001, 6 } };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = make_text (cases[i].pins);

      assert_split (text, 200, G_MAXSIZE, cases[i].parts);
    }
}

static void
test_by_bytes (void)
{
  g_autofree char *text = make_text (10);

  assert_split (text, 200, strlen (text), 1);
  assert_split (text, 200, 1, 10); /* a pin is never cut */
}

static void
test_what_is_no_pin_file (void)
{
  static const char *const texts[]
      = { "", "\n", "nonsense", "[", "[a]", "a=1\n[Pin File]\n", "[Pin File]\n[a]\n[b]" };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GPtrArray) parts = certpin_split_pins (texts[i], 200, G_MAXSIZE);

      g_assert_cmpuint (parts->len, ==, 1);
      g_assert_cmpstr (parts->pdata[0], ==, texts[i]);
    }
}

/* A line that is empty, is a comment or belongs to another part counts. */
static void
test_place_of_a_host (void)
{
  static const char text[] = HEADER "[a]\nNote=Host=\n\tHost = a.example\n\n[b]\nHosts=b\nKeys=b\n"
                                    "# Host=b.example\n  [c]\nHost=c.example";
  g_autoptr (GPtrArray) parts = certpin_split_pins (text, 2, G_MAXSIZE);

  g_assert_cmpuint (parts->len, ==, 2);
  g_assert_cmpuint (certpin_split_find_host (parts->pdata[0], 0), ==, 8);
  g_assert_cmpuint (certpin_split_find_host (parts->pdata[0], 1), ==, 10);
  g_assert_cmpuint (certpin_split_find_host (parts->pdata[0], 2), ==, 0);
  g_assert_cmpuint (certpin_split_find_host (parts->pdata[1], 0), ==, 15);
  g_assert_cmpuint (certpin_split_find_host ("", 0), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/split/by-pins", test_by_pins);
  g_test_add_func ("/client/split/by-bytes", test_by_bytes);
  g_test_add_func ("/client/split/what-is-no-pin-file", test_what_is_no_pin_file);
  g_test_add_func ("/client/split/place-of-a-host", test_place_of_a_host);
  return g_test_run ();
}
