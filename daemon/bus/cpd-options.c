/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checks the options of a method, an a{sv}, against the table of known ones. An unknown option is
 * refused: it may have been meant as a protection. */

#include "config.h"

#include "daemon/bus/cpd-options.h"

#include "daemon/core/base/cpd-refuse.h"

#include <string.h>

/* Stores the value, and tells what of it is bounded. */
static guint64
store (const CpdOption *option, GVariant *value)
{
  switch (option->type[0])
    {
    case 's':
      *(const char **)option->value = g_variant_get_string (value, NULL);
      return strlen (*(const char **)option->value);
    case 'b':
      *(gboolean *)option->value = g_variant_get_boolean (value);
      return 0;
    case 'u':
      return *(guint32 *)option->value = g_variant_get_uint32 (value);
    case 't':
      return *(guint64 *)option->value = g_variant_get_uint64 (value);
    case 'h':
      *(gint32 *)option->value = g_variant_get_handle (value);
      return 0;
    case 'x':
      *(gint64 *)option->value = g_variant_get_int64 (value);
      return g_variant_get_int64 (value) < 0 ? G_MAXUINT64 : (guint64)g_variant_get_int64 (value);
    default:
      *(GVariant **)option->value = g_variant_ref (value);
      return g_variant_n_children (value);
    }
}

/* Returns: the unit of the option's range */
static const char *
unit_of (const CpdOption *option)
{
  if (option->type[0] == 's')
    return " bytes";
  return option->type[0] == 'a' ? " elements" : "";
}

/* `measure`: of the value that was stored. Returns FALSE. */
static gboolean
refuse_measure (const CpdOption *option, guint64 measure, GError **error)
{
  const char *unit = unit_of (option);
  g_autofree char *shown = option->type[0] == 'x' ? g_strdup_printf ("%" G_GINT64_FORMAT,
                                                                     *(const gint64 *)option->value)
                                                  : g_strdup_printf ("%" G_GUINT64_FORMAT, measure);

  return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                     "option ‘%s’ %s %s%s; give %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
                     option->name, *unit != '\0' ? "has" : "is", shown, unit, option->least,
                     option->most);
}

static gboolean
parse_one (const char *name, GVariant *value, const CpdOption *options, size_t n_options,
           GError **error)
{
  for (size_t i = 0; i < n_options; i++)
    {
      const CpdOption *option = &options[i];
      guint64 measure;

      if (!g_str_equal (option->name, name))
        continue;
      if (!g_str_equal (g_variant_get_type_string (value), option->type))
        return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                           "option ‘%s’ must be of the D-Bus type %s, not %s", name, option->type,
                           g_variant_get_type_string (value));
      measure = store (option, value);
      if (strchr ("bh", option->type[0]) == NULL
          && (measure < option->least || measure > option->most))
        return refuse_measure (option, measure, error);
      return TRUE;
    }
  return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                     "option ‘%s’ is not known to this method", name);
}

/* Errors: CERTPIN_ERROR_INVALID_ARGUMENT; values stored before the error stay. */
gboolean
cpd_options_parse (GVariant *dictionary, const CpdOption *options, size_t n_options, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  GVariantIter iter;
  const char *name;
  GVariant *value;

  g_variant_iter_init (&iter, dictionary);
  while (g_variant_iter_next (&iter, "{&sv}", &name, &value))
    {
      g_autoptr (GVariant) owned = value;

      if (!g_hash_table_add (seen, (gpointer)name))
        return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT, "option ‘%s’ is given twice",
                           name);
      if (!parse_one (name, value, options, n_options, error))
        return FALSE;
    }
  return TRUE;
}

/* `value`: NULL: not given, and `chosen` is not changed. `choices`: up to a NULL. `chosen`: gets
 * the index of the value. */
gboolean
cpd_options_take_choice (const char *name, const char *value, const char *const *choices,
                         int *chosen, GError **error)
{
  g_autofree char *list = NULL;

  if (value == NULL)
    return TRUE;
  for (int i = 0; choices[i] != NULL; i++)
    if (g_str_equal (choices[i], value))
      {
        *chosen = i;
        return TRUE;
      }
  list = g_strjoinv ("’ or ‘", (GStrv)choices);
  return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT, "option ‘%s’ is ‘%s’; give ‘%s’", name,
                     value, list);
}

/* `array`: aay, or NULL. Returns: (transfer full): of GBytes */
GPtrArray *
cpd_options_to_bytes (GVariant *array)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);

  for (gsize i = 0; array != NULL && i < g_variant_n_children (array); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (array, i);
      g_ptr_array_add (list, g_variant_get_data_as_bytes (child));
    }
  return list;
}

/* `array`: the aay of the option ‘trust-anchors’, or NULL: then `anchors` is not changed.
 * Errors: CERTPIN_ERROR_INVALID_ARGUMENT. */
gboolean
cpd_options_to_anchors (GVariant *array, CpdAnchors **anchors, GError **error)
{
  g_autoptr (GPtrArray) ders = cpd_options_to_bytes (array);
  g_autoptr (GError) reason = NULL;

  if (array == NULL)
    return TRUE;
  *anchors = cpd_anchors_new_of_pin (ders, &reason);
  return *anchors != NULL
         || cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT, "option ‘trust-anchors’: %s",
                        reason->message);
}

/* Errors: CERTPIN_ERROR_INVALID_HOST.
 * Returns: (transfer full): one host, with or without port */
CpdHost *
cpd_options_take_host (const char *text, GError **error)
{
  g_autoptr (CpdHost) host = cpd_host_new (text, error);

  if (host == NULL || cpd_host_get_kind (host) == CPD_HOST_EXACT)
    return g_steal_pointer (&host);
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_HOST,
               "host ‘%s’ is a pattern; give a single host", text);
  return NULL;
}

/* `host`: an argument, with or without port. `port`: the option; 0: not given.
 * Errors: CERTPIN_ERROR_INVALID_HOST.
 * Returns: (transfer full): one host with a port */
CpdHost *
cpd_options_take_target (const char *host, guint16 port, GError **error)
{
  g_autoptr (CpdHost) parsed = cpd_host_new (host, error);
  guint16 own = parsed != NULL ? cpd_host_get_port (parsed) : 0;

  if (parsed == NULL)
    return NULL;
  if (cpd_host_get_kind (parsed) == CPD_HOST_EXACT && (own == 0 || port == 0 || own == port))
    return cpd_host_new_target (cpd_host_get_name (parsed),
                                MAX (own, port) > 0 ? MAX (own, port) : CPD_HTTPS_PORT, error);
  if (cpd_host_get_kind (parsed) != CPD_HOST_EXACT)
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_HOST,
                 "‘%s’ is not a single host; leave the asterisk out, and name one", host);
  else
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_HOST,
                 "‘%s’ has another port than the option ‘port’; leave one of them out", host);
  return NULL;
}
