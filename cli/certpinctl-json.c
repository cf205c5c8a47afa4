/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* D-Bus values as JSON (RFC 8259) on one line. Dictionaries become objects, other arrays and
 * structures become arrays, byte arrays base64; a variant becomes its content. Text that a terminal
 * could interpret is escaped. */

#include "config.h"

#include "certpinctl-json.h"

#include "certpinctl-text.h"

#include <math.h>

static void
append_bytes (GString *json, GVariant *value)
{
  gsize length;
  const guint8 *bytes = g_variant_get_fixed_array (value, &length, sizeof (guint8));
  g_autofree char *text = g_base64_encode (bytes, length);

  ctl_text_append_json (json, text);
}

/* JSON has no infinities and no NaN. */
static void
append_double (GString *json, double number)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append (json, isfinite (number) ? g_ascii_dtostr (text, sizeof text, number) : "null");
}

static void
append_integer (GString *json, GVariant *value)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BYTE))
    g_string_append_printf (json, "%u", g_variant_get_byte (value));
  else
    g_variant_print_string (value, json, /* type_annotate= */ FALSE);
}

static void append_value (GString *json, GVariant *value);

/* In JSON, names are always strings. */
static void
append_member (GString *json, GVariant *entry)
{
  g_autoptr (GVariant) name = g_variant_get_child_value (entry, 0);
  g_autoptr (GVariant) value = g_variant_get_child_value (entry, 1);
  g_autofree char *text = g_variant_is_of_type (name, G_VARIANT_TYPE_STRING)
                              ? g_variant_dup_string (name, NULL)
                              : g_variant_print (name, FALSE);

  ctl_text_append_json (json, text);
  g_string_append_c (json, ':');
  append_value (json, value);
}

static void
append_children (GString *json, GVariant *value, const char *brackets)
{
  gboolean object = *brackets == '{';

  g_string_append_c (json, brackets[0]);
  for (gsize i = 0; i < g_variant_n_children (value); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (value, i);

      if (i > 0)
        g_string_append_c (json, ',');
      if (object)
        append_member (json, child);
      else
        append_value (json, child);
    }
  g_string_append_c (json, brackets[1]);
}

static void
append_container (GString *json, GVariant *value)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BYTESTRING))
    append_bytes (json, value);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_DICTIONARY))
    append_children (json, value, "{}");
  else
    append_children (json, value, "[]");
}

static void
append_value (GString *json, GVariant *value)
{
  g_autoptr (GVariant) child = NULL;

  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_BOOLEAN:
      g_string_append (json, g_variant_get_boolean (value) ? "true" : "false");
      break;
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
      ctl_text_append_json (json, g_variant_get_string (value, NULL));
      break;
    case G_VARIANT_CLASS_DOUBLE:
      append_double (json, g_variant_get_double (value));
      break;
    case G_VARIANT_CLASS_VARIANT:
      child = g_variant_get_variant (value);
      append_value (json, child);
      break;
    case G_VARIANT_CLASS_MAYBE:
      child = g_variant_get_maybe (value);
      if (child != NULL)
        append_value (json, child);
      else
        g_string_append (json, "null");
      break;
    case G_VARIANT_CLASS_ARRAY:
    case G_VARIANT_CLASS_TUPLE:
    case G_VARIANT_CLASS_DICT_ENTRY:
      append_container (json, value);
      break;
    default:
      append_integer (json, value);
    }
}

/* Returns: (transfer full): @value as JSON, without a newline */
char *
ctl_json_from_variant (GVariant *value)
{
  g_autoptr (GString) json = g_string_new (NULL);

  append_value (json, value);
  return g_string_free (g_steal_pointer (&json), /* free_segment= */ FALSE);
}
