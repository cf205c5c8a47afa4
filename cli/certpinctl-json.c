/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* D-Bus values as JSON (RFC 8259) on one line, which json-glib writes. Dictionaries become objects,
 * other arrays and structures become arrays, byte arrays base64; a variant becomes its content.
 * Text that a terminal could interpret is escaped. */

#include "config.h"

#include "certpinctl-json.h"

#include "certpinctl-text.h"

#include <json-glib/json-glib.h>
#include <math.h>

static JsonNode *
node_of_bytes (GVariant *value)
{
  gsize length;
  const guint8 *bytes = g_variant_get_fixed_array (value, &length, sizeof (guint8));
  g_autofree char *text = g_base64_encode (bytes, length);

  return json_node_init_string (json_node_alloc (), text);
}

static JsonNode *node_of (GVariant *value);

/* In JSON, names are always strings. */
static JsonNode *
node_of_dictionary (GVariant *value)
{
  g_autoptr (JsonObject) object = json_object_new ();

  for (gsize i = 0; i < g_variant_n_children (value); i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (value, i);
      g_autoptr (GVariant) name = g_variant_get_child_value (entry, 0);
      g_autoptr (GVariant) child = g_variant_get_child_value (entry, 1);
      g_autofree char *text = g_variant_is_of_type (name, G_VARIANT_TYPE_STRING)
                                  ? g_variant_dup_string (name, NULL)
                                  : g_variant_print (name, /* type_annotate= */ FALSE);

      json_object_set_member (object, text, node_of (child));
    }
  return json_node_init_object (json_node_alloc (), object);
}

static JsonNode *
node_of_children (GVariant *value)
{
  g_autoptr (JsonArray) array = json_array_new ();

  for (gsize i = 0; i < g_variant_n_children (value); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (value, i);

      json_array_add_element (array, node_of (child));
    }
  return json_node_init_array (json_node_alloc (), array);
}

static JsonNode *
node_of_container (GVariant *value)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BYTESTRING))
    return node_of_bytes (value);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_DICTIONARY))
    return node_of_dictionary (value);
  return node_of_children (value);
}

/* JSON has no infinities and no NaN. */
static JsonNode *
node_of_double (double number)
{
  JsonNode *node = json_node_alloc ();

  return isfinite (number) ? json_node_init_double (node, number) : json_node_init_null (node);
}

/* json-glib has no integers above G_MAXINT64: they become a string of their digits. */
static JsonNode *
node_of_uint64 (guint64 number)
{
  g_autofree char *digits = g_strdup_printf ("%" G_GUINT64_FORMAT, number);

  return number <= G_MAXINT64 ? json_node_init_int (json_node_alloc (), (gint64)number)
                              : json_node_init_string (json_node_alloc (), digits);
}

/* Returns: (transfer full) */
static JsonNode *
node_of (GVariant *value)
{
  g_autoptr (GVariant) child = NULL;

  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_DOUBLE:
      return node_of_double (g_variant_get_double (value));
    case G_VARIANT_CLASS_UINT64:
      return node_of_uint64 (g_variant_get_uint64 (value));
    case G_VARIANT_CLASS_VARIANT:
      child = g_variant_get_variant (value);
      return node_of (child);
    case G_VARIANT_CLASS_ARRAY:
    case G_VARIANT_CLASS_TUPLE:
    case G_VARIANT_CLASS_DICT_ENTRY:
      return node_of_container (value);
    default:
      return json_gvariant_serialize (value);
    }
}

/* Returns: (transfer full): @value as JSON, without a newline */
char *
ctl_json_from_variant (GVariant *value)
{
  g_autoptr (JsonNode) node = node_of (value);
  g_autofree char *json = json_to_string (node, /* pretty= */ FALSE);

  return ctl_text_escape_json (json);
}
