/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Text that strangers wrote, made fit to be shown: valid UTF-8 without control characters, and
 * without the invisible ones that make a line read otherwise than it is (Unicode UTS 55). */

#include "config.h"

#include "daemon/core/base/cpd-text.h"

#include "client-lib/certpin-text.h"

#include <string.h>

#define ZERO_WIDTH_NON_JOINER 0x200C
#define ZERO_WIDTH_JOINER     0x200D

/* The joiners are needed to write Persian, Hindi and many emoji. */
static gboolean
is_plain (gunichar c)
{
  return certpin_text_is_plain (c) || c == ZERO_WIDTH_NON_JOINER || c == ZERO_WIDTH_JOINER;
}

/* Returns: (transfer full): `text` without unsafe characters */
char *
cpd_text_sanitize (const char *text, size_t length)
{
  g_autofree char *valid = g_utf8_make_valid (text, (gssize)length);
  GString *clean = g_string_sized_new (length);

  for (const char *c = valid; *c != '\0'; c = g_utf8_next_char (c))
    if (is_plain (g_utf8_get_char (c)))
      g_string_append_unichar (clean, g_utf8_get_char (c));
  return g_string_free (clean, FALSE);
}

/* For what the reader wrote, who has to see what is wrong with it.
 * Returns: (transfer full): `text` with unsafe characters as \xNN, \uNNNN or \UNNNNNNNN */
char *
cpd_text_escape (const char *text, size_t length)
{
  g_autofree char *valid = g_utf8_make_valid (text, (gssize)length);
  GString *escaped = g_string_sized_new (length);

  for (const char *at = valid; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);

      if (is_plain (c))
        g_string_append_unichar (escaped, c);
      else if (c < 0x80)
        g_string_append_printf (escaped, "\\x%02x", c);
      else
        g_string_append_printf (escaped, c <= 0xffff ? "\\u%04x" : "\\U%08x", c);
    }
  return g_string_free (escaped, FALSE);
}

#define CUT_MARK "…"

/* `most`: at least the 3 bytes of the mark
 * Returns: (transfer full): `text` without unsafe characters, cut and marked as cut if it has more
 * than `most` bytes; with the mark, it has no more */
char *
cpd_text_shorten (const char *text, size_t length, size_t most)
{
  g_autofree char *cut = NULL;

  if (length <= most)
    return cpd_text_sanitize (text, length);
  cut = cpd_text_sanitize (text, most - strlen (CUT_MARK));
  while (g_str_has_suffix (cut, "\357\277\275")) /* half a character became U+FFFD */
    cut[strlen (cut) - 3] = '\0';
  return g_strconcat (cut, CUT_MARK, NULL);
}

/* `text` must be UTF-8. */
gboolean
cpd_text_is_plain (const char *text)
{
  for (const char *c = text; *c != '\0'; c = g_utf8_next_char (c))
    if (!is_plain (g_utf8_get_char (c)))
      return FALSE;
  return TRUE;
}

/* Returns: (transfer full): the day, in UTC, as in 2026-11-25. */
char *
cpd_text_date (gint64 unix_s)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (unix_s);

  return time != NULL ? g_date_time_format (time, "%Y-%m-%d") : g_strdup ("the far future");
}

/* Returns: (transfer full): a point in time, in UTC, such as 2027-01-31 12:00:00 UTC */
char *
cpd_text_time (gint64 unix_s)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (unix_s);

  return time != NULL ? g_date_time_format (time, "%Y-%m-%d %H:%M:%S UTC")
                      : g_strdup ("the far future");
}

/* A whole number in decimal, and nothing else around it. */
gboolean
cpd_text_parse_number (const char *text, gint64 *out)
{
  return g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, out, NULL);
}
