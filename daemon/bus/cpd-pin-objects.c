/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The objects of pins, for people who look at the bus with its own tools. A caller can only name
 * its own user's pins and the system's: there is no path to any other. */

#include "config.h"

#include "daemon/bus/cpd-pin-objects.h"

#include "certpin-dbus.h"
#include "daemon/bus/cpd-describe.h"
#include "daemon/bus/cpd-label.h"
#include "dbus/certpin-names.h"

#include <string.h>

/* A byte of a host takes up to three in its label. */
#define LABEL_MAX_BYTES (3 * CPD_HOST_TEXT_MAX_BYTES)

/* A host may have a pin in each layer, and each has a path. */
static const char *const scopes[CPD_LAYER_REQUEST + 1] = {
  [CPD_LAYER_FILES] = "files",
  [CPD_LAYER_SYSTEM] = "system",
  [CPD_LAYER_APP] = "app",
  [CPD_LAYER_USER] = "user",
  NULL,
};

/* Returns: (transfer container): of the layers that a caller may see, up to a NULL */
const char **
cpd_pin_objects_list_scopes (const CpdCaller *caller)
{
  const char **list = g_new0 (const char *, CPD_LAYER_REQUEST);
  CpdLayer own = cpd_layer_of_owner (caller->owner);
  size_t count = 0;

  for (int layer = 0; layer < CPD_LAYER_REQUEST; layer++)
    if (layer <= CPD_LAYER_SYSTEM || layer == (int)own)
      list[count++] = scopes[layer];
  return list;
}

/* Returns: (transfer full) */
char *
cpd_pin_objects_make_path (const CpdPin *pin)
{
  GString *path = g_string_new (CERTPIN_PIN_PATH "/");

  g_string_append_printf (path, "%s/", scopes[pin->layer]);
  cpd_label_append (path, cpd_host_get_text (pin->host));
  return g_string_free (path, FALSE);
}

/* Returns: (transfer none) (nullable): what follows the scope in the path: nothing, or `/` and
 * more; NULL: it has none */
static const char *
skip_scope (const char *path, CpdLayer *layer)
{
  if (!g_str_has_prefix (path, CERTPIN_PIN_PATH "/"))
    return NULL;
  path += strlen (CERTPIN_PIN_PATH "/");
  for (size_t i = 0; scopes[i] != NULL; i++)
    {
      size_t length = strlen (scopes[i]);

      if (strncmp (path, scopes[i], length) == 0 && (path[length] == '/' || path[length] == '\0'))
        {
          *layer = (CpdLayer)i;
          return path + length;
        }
    }
  return NULL;
}

/* Whether it is the parent of a layer's pins. */
gboolean
cpd_pin_objects_is_scope (const char *path, CpdLayer *layer)
{
  const char *rest = skip_scope (path, layer);

  return rest != NULL && *rest == '\0';
}

/* Returns: (transfer full) (nullable): the pattern; NULL: no pin has this label */
static CpdHost *
parse_host (const char *label)
{
  g_autofree char *text = NULL;
  g_autoptr (CpdHost) host = NULL;

  if (strlen (label) > LABEL_MAX_BYTES)
    return NULL;
  text = cpd_label_parse (label);
  host = text != NULL ? cpd_host_new (text, NULL) : NULL;
  /* Other spellings of a host are other paths, where nothing is. */
  if (host == NULL || !g_str_equal (cpd_host_get_text (host), text))
    return NULL;
  return g_steal_pointer (&host);
}

/* Returns: (transfer full) (nullable): the pin that this path stands for, to this caller */
CpdPin *
cpd_pin_objects_find (const CpdBusParts *parts, const CpdCaller *caller, const char *path)
{
  CpdLayer layer;
  const char *rest = skip_scope (path, &layer);
  g_autoptr (CpdHost) host = NULL;

  if (rest == NULL || *rest != '/' || caller->confinement != NULL)
    return NULL;
  host = parse_host (rest + 1);
  return host != NULL ? cpd_store_get_pin (parts->store, layer, caller->owner, host) : NULL;
}

/* Names those of one layer as child nodes. */
void
cpd_pin_objects_list (const CpdBusParts *parts, const CpdCaller *caller, CpdLayer layer,
                      GString *xml)
{
  g_autoptr (GPtrArray) pins = NULL;
  gsize most = xml->len + CPD_PIN_OBJECTS_MAX_BYTES;

  if (caller->confinement != NULL)
    return;
  pins = cpd_store_list_after (parts->store, layer, caller->owner, /* after= */ NULL,
                               CPD_PIN_OBJECTS_MAX + 1);
  for (unsigned int i = 0; i < pins->len; i++)
    {
      if (i == CPD_PIN_OBJECTS_MAX || xml->len >= most)
        {
          g_string_append (xml, "  <!-- There are more: the method ListPins has all. -->\n");
          return;
        }
      g_string_append (xml, "  <node name=\"");
      cpd_label_append (xml, cpd_host_get_text (((CpdPin *)pins->pdata[i])->host));
      g_string_append (xml, "\"/>\n");
    }
}

/* Returns: (transfer full): the name of a property as it is in a description: `not-after` for
 * NotAfter */
static char *
name_in_description (const char *property)
{
  GString *name = g_string_new (NULL);

  for (const char *letter = property; *letter != '\0'; letter++)
    {
      if (g_ascii_isupper (*letter) && letter != property)
        g_string_append_c (name, '-');
      g_string_append_c (name, g_ascii_tolower (*letter));
    }
  return g_string_free (name, FALSE);
}

/* Returns: (transfer full): an empty text or list, 0 or FALSE: what GLib reads from no data */
static GVariant *
new_empty_value (const GVariantType *type)
{
  g_autoptr (GVariant) nothing
      = g_variant_ref_sink (g_variant_new_from_data (type, NULL, 0, FALSE, NULL, NULL));

  return g_variant_get_normal_form (nothing);
}

/* All properties that the interface lists, whatever the description of the pin has.
 * Returns: (floating): a{sv} */
GVariant *
cpd_pin_objects_describe (GVariant *description)
{
  GDBusPropertyInfo *const *infos = certpin_dbus_pin_interface.properties;
  GVariantBuilder properties;

  g_variant_builder_init (&properties, G_VARIANT_TYPE_VARDICT);
  for (size_t i = 0; infos[i] != NULL; i++)
    {
      const GVariantType *type = G_VARIANT_TYPE (infos[i]->signature);
      g_autofree char *name = name_in_description (infos[i]->name);
      g_autoptr (GVariant) value = g_variant_lookup_value (description, name, type);

      if (value == NULL)
        value = new_empty_value (type);
      g_variant_builder_add (&properties, "{sv}", infos[i]->name, value);
    }
  return g_variant_builder_end (&properties);
}

static gboolean
is_announced (const GDBusPropertyInfo *info)
{
  return g_strcmp0 (g_dbus_annotation_info_lookup (
                        info->annotations, "org.freedesktop.DBus.Property.EmitsChangedSignal"),
                    "invalidates")
         == 0;
}

/* Returns: (floating): sa{sv}as: the arguments of PropertiesChanged when a pin was set or changed:
 * names without values, which whoever wants them reads as they are then */
GVariant *
cpd_pin_objects_new_invalidated (void)
{
  GDBusPropertyInfo *const *infos = certpin_dbus_pin_interface.properties;
  GVariantBuilder names;

  g_variant_builder_init (&names, G_VARIANT_TYPE_STRING_ARRAY);
  for (size_t i = 0; infos[i] != NULL; i++)
    if (is_announced (infos[i]))
      g_variant_builder_add (&names, "s", infos[i]->name);
  return g_variant_new ("(s@a{sv}as)", CERTPIN_PIN_IFACE,
                        g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0), &names);
}
