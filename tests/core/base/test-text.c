/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that what strangers wrote is shown without what would make it read otherwise. */

#include "config.h"

#include "daemon/core/base/cpd-text.h"

#include <string.h>

/* Each is left out alone. */
static const gunichar unfit[] = {
  0x01,   '\t',   '\n',   '\r',   0x1B,   0x7F,   0x85,   0x061C, 0x200E,  0x200F,
  0x2028, 0x2029, 0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066, 0x2067,  0x2068,
  0x2069, 0xAD,   0x180E, 0x200B, 0x2060, 0x206A, 0xFEFF, 0xFFF9, 0xE0001, 0xE0041,
};

/* They stand beside an unfit one, and stay. */
static const gunichar fit[]
    = { ' ', '~', 0xA0, 0x061B, 0x061D, 0x200C, 0x200D, 0x2010, 0x2027, 0x202F, 0x2065, 0x1F512 };

static char *
surround (gunichar c)
{
  char utf8[7] = { 0 };

  g_unichar_to_utf8 (c, utf8);
  return g_strconcat ("a", utf8, "b", NULL);
}

static void
test_unfit (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (unfit); i++)
    {
      g_autofree char *text = surround (unfit[i]);
      g_autofree char *clean = cpd_text_sanitize (text, strlen (text));

      g_assert_cmpstr (clean, ==, "ab");
      g_assert_false (cpd_text_is_plain (text));
    }
}

static void
test_fit (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (fit); i++)
    {
      g_autofree char *text = surround (fit[i]);
      g_autofree char *clean = cpd_text_sanitize (text, strlen (text));

      g_assert_cmpstr (clean, ==, text);
      g_assert_true (cpd_text_is_plain (text));
    }
}

static void
test_escape (void)
{
  static const struct
  {
    const char *text, *escaped;
  } cases[] = {
    { "a\x1b[31m\n\x7f b", "a\\x1b[31m\\x0a\\x7f b" },
    { "a\xe2\x80\xae\xc2\x85", "a\\u202e\\u0085" },
    { "\xf3\xa0\x80\x81", "\\U000e0001" },
    { "bücher \xe2\x80\x8d é漢", "bücher \xe2\x80\x8d é漢" },
    { "a\xff", "a\xef\xbf\xbd" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *escaped = cpd_text_escape (cases[i].text, strlen (cases[i].text));

      g_assert_cmpstr (escaped, ==, cases[i].escaped);
      g_assert_true (cpd_text_is_plain (escaped));
    }
}

static void
test_what_is_no_text (void)
{
  g_autofree char *clean = cpd_text_sanitize ("a\xff\0b", 4);

  g_assert_true (g_utf8_validate (clean, -1, NULL));
  g_assert_true (g_str_has_prefix (clean, "a"));
  g_assert_true (g_str_has_suffix (clean, "b"));
}

static void
test_shorten (void)
{
  static const struct
  {
    const char *text;
    size_t most;
    const char *expected;
  } cases[] = {
    { "abc", 3, "abc" },
    { "abcd", 3, "…" },
    { "abcdefg", 6, "abc…" },
    { "ab\302\240cde", 6, "ab…" },         /* in the middle of two bytes … */
    { "ab\360\237\224\222cde", 8, "ab…" }, /* … and of four */
    { "a\nbcdef", 6, "ab…" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text
          = cpd_text_shorten (cases[i].text, strlen (cases[i].text), cases[i].most);

      g_assert_cmpstr (text, ==, cases[i].expected);
      g_assert_cmpuint (strlen (text), <=, cases[i].most);
    }
}

static void
test_date (void)
{
  g_autofree char *day = cpd_text_date (1800000000), *late = cpd_text_date (G_MAXINT64);

  g_assert_cmpstr (day, ==, "2027-01-15");
  g_assert_cmpstr (late, ==, "the far future");
}

static void
test_number (void)
{
  static const char *const wrong[]
      = { "", " 1", "1 ", "+", "1x", "0x1", "1.0", "9223372036854775808", "-9223372036854775809" };
  gint64 number = 7;

  for (size_t i = 0; i < G_N_ELEMENTS (wrong); i++)
    g_assert_false (cpd_text_parse_number (wrong[i], &number));
  g_assert_cmpint (number, ==, 7);
  g_assert_true (cpd_text_parse_number ("9223372036854775807", &number));
  g_assert_cmpint (number, ==, G_MAXINT64);
  g_assert_true (cpd_text_parse_number ("-12", &number));
  g_assert_cmpint (number, ==, -12);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/text/unfit", test_unfit);
  g_test_add_func ("/core/text/fit", test_fit);
  g_test_add_func ("/core/text/what-is-no-text", test_what_is_no_text);
  g_test_add_func ("/core/text/escape", test_escape);
  g_test_add_func ("/core/text/shorten", test_shorten);
  g_test_add_func ("/core/text/date", test_date);
  g_test_add_func ("/core/text/number", test_number);
  return g_test_run ();
}
