/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Cleans text from servers, certificates, files and arguments. It must not control a terminal,
 * begin a new line, or look like other text (Unicode UTS 55). Such characters are escaped, never
 * left out. */

#include "config.h"

#include "certpinctl-text.h"

#include "client-lib/certpin-text.h"

#include <string.h>

/* g_utf8_get_char_validated() sets this bit for bytes that are not UTF-8. */
#define NO_CHARACTER_BIT 0x80000000u

/* Reads the next character of `*text`, which is not at its end, and moves on. Returns FALSE if the
 * next byte, which is then in `*c`, is not UTF-8. */
static gboolean
next_character (const char **text, gunichar *c)
{
  *c = g_utf8_get_char_validated (*text, -1);
  if ((*c & NO_CHARACTER_BIT) != 0)
    {
      *c = (guint8) * (*text)++;
      return FALSE;
    }
  *text = g_utf8_next_char (*text);
  return TRUE;
}

/* Returns: (transfer full): `text` on one line of plain UTF-8. ASCII control characters and bytes
 * that are not UTF-8 become \xNN, other characters that must not be shown \uNNNN or \UNNNNNNNN */
char *
ctl_text_clean (const char *text)
{
  g_autoptr (GString) clean = g_string_new (NULL);

  while (*text != '\0')
    {
      gunichar c;
      gboolean valid = next_character (&text, &c);

      if (valid && certpin_text_is_plain (c))
        g_string_append_unichar (clean, c);
      else if (!valid || c < 0x80)
        g_string_append_printf (clean, "\\x%02x", c);
      else
        g_string_append_printf (clean, c <= 0xffff ? "\\u%04x" : "\\U%08x", c);
    }
  return g_string_free (g_steal_pointer (&clean), /* free_segment= */ FALSE);
}

/* RFC 8259, section 7: beyond the Basic Multilingual Plane a character is two surrogates. */
static void
append_escaped (GString *json, gunichar c)
{
  if (c <= 0xffff)
    g_string_append_printf (json, "\\u%04x", c);
  else
    g_string_append_printf (json, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
                            0xdc00 + ((c - 0x10000) & 0x3ff));
}

/* `json`: of json-glib, on one line: all characters that must not be shown are within strings.
 * Returns: (transfer full): the same, with these escaped; json-glib leaves U+001F and those beyond
 * ASCII as they are */
char *
ctl_text_escape_json (const char *json)
{
  g_autoptr (GString) escaped = g_string_sized_new (strlen (json));

  while (*json != '\0')
    {
      gunichar c = g_utf8_get_char (json);
      const char *next = g_utf8_next_char (json);

      if (certpin_text_is_plain (c))
        g_string_append_len (escaped, json, next - json);
      else
        append_escaped (escaped, c);
      json = next;
    }
  return g_string_free (g_steal_pointer (&escaped), /* free_segment= */ FALSE);
}
