/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any text as one element of an object path, and back, as sd_bus_path_encode () does it: other
 * programs have functions for that. Each text has one label, so that an object has one path. */

#include "config.h"

#include "daemon/bus/cpd-label.h"

/* A label has no other bytes, but `_` (D-Bus specification, “Valid object paths”). */
static gboolean
is_plain (const char *byte, gboolean first)
{
  return g_ascii_isalpha (*byte) || (g_ascii_isdigit (*byte) && !first);
}

/* Of the empty text, the label is `_`. */
void
cpd_label_append (GString *path, const char *text)
{
  static const char digits[] = "0123456789abcdef";

  if (*text == '\0')
    g_string_append_c (path, '_');
  for (const char *byte = text; *byte != '\0'; byte++)
    if (is_plain (byte, byte == text))
      g_string_append_c (path, *byte);
    else
      {
        const guint8 value = (guint8)*byte;
        const char code[] = { '_', digits[value >> 4], digits[value & 15] };

        g_string_append_len (path, code, sizeof code);
      }
}

/* Returns: (transfer full) (nullable): what the label means, however it is spelled; or NULL */
static char *
decode (const char *label)
{
  GString *text = g_string_new (NULL);

  for (const char *byte = label; *byte != '\0'; byte++)
    if (*byte != '_')
      g_string_append_c (text, *byte);
    else if (g_ascii_isxdigit (byte[1]) && g_ascii_isxdigit (byte[2]))
      {
        g_string_append_c (
            text, (char)(g_ascii_xdigit_value (byte[1]) * 16 + g_ascii_xdigit_value (byte[2])));
        byte += 2;
      }
    else if (label[1] != '\0')
      return g_string_free (text, TRUE);
  return g_string_free (text, FALSE);
}

/* Returns: (transfer full) (nullable): the text, which need not be UTF-8; NULL: no text has this
 * label */
char *
cpd_label_parse (const char *label)
{
  g_autofree char *text = decode (label);
  g_autoptr (GString) again = g_string_new (NULL);

  if (text == NULL)
    return NULL;
  cpd_label_append (again, text);
  return g_str_equal (again->str, label) ? g_steal_pointer (&text) : NULL;
}
