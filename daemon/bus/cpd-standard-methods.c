/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The methods that every object on a bus has: Introspect, Ping, GetMachineId, and the properties,
 * which never change. Their results are not secret, so they need no rights; but they take turns
 * like all others. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/bus/cpd-methods.h"
#include "daemon/bus/cpd-objects.h"
#include "dbus/certpin-names.h"

#define DBUS_ERROR_PREFIX "org.freedesktop.DBus.Error."

/* Introspectable */

static void
act_introspect (CpdCall *call)
{
  cpd_call_return (call, g_variant_new ("(s)", call->data));
}

static gboolean
parse_introspect (CpdCall *call, GVariant *arguments, GError **error)
{
  cpd_call_take_data (call, cpd_objects_introspect (cpd_call_get_path (call)), g_free);
  call->act = act_introspect;
  return TRUE;
}

const CpdMethod cpd_introspectable[] = { { "Introspect", parse_introspect }, { NULL } };

/* Peer */

static void
act_ping (CpdCall *call)
{
  cpd_call_return (call, NULL);
}

static gboolean
parse_ping (CpdCall *call, GVariant *arguments, GError **error)
{
  call->act = act_ping;
  return TRUE;
}

static void
act_get_machine_id (CpdCall *call)
{
  g_autofree char *id = NULL;

  if (g_file_get_contents ("/etc/machine-id", &id, NULL, NULL))
    cpd_call_return (call, g_variant_new ("(s)", g_strchomp (id)));
  else
    cpd_call_fail_as (call, DBUS_ERROR_PREFIX "Failed", "this machine has no machine ID");
}

static gboolean
parse_get_machine_id (CpdCall *call, GVariant *arguments, GError **error)
{
  call->act = act_get_machine_id;
  return TRUE;
}

const CpdMethod cpd_peer[]
    = { { "Ping", parse_ping }, { "GetMachineId", parse_get_machine_id }, { NULL } };

/* Properties */

static GVariant *
get_version (void)
{
  return g_variant_new_string (PACKAGE_VERSION);
}

static GVariant *
get_features (void)
{
  return g_variant_new_strv (NULL, 0);
}

static const struct
{
  const char *name;
  GVariant *(*get) (void);
} properties[] = { { "Version", get_version }, { "Features", get_features } };

/* Whether the object has an interface of that name, or any interface if the name is empty. */
static gboolean
has_interface (CpdCall *call, const char *name)
{
  const CpdInterface *const *interfaces = cpd_objects_find (cpd_call_get_path (call));

  for (size_t i = 0; interfaces[i] != NULL; i++)
    if (*name == '\0' || g_str_equal (interfaces[i]->info->name, name))
      return TRUE;
  return FALSE;
}

/* All properties are of the Requests interface. */
static gboolean
has_properties (CpdCall *call, const char *interface)
{
  return g_str_equal (cpd_call_get_path (call), CERTPIN_OBJECT_PATH)
         && (*interface == '\0' || g_str_equal (interface, CERTPIN_REQUESTS_IFACE));
}

static void
act_get (CpdCall *call)
{
  GVariant *arguments = call->data;
  const char *interface, *name;

  g_variant_get_child (arguments, 0, "&s", &interface);
  g_variant_get_child (arguments, 1, "&s", &name);
  for (size_t i = 0; has_properties (call, interface) && i < G_N_ELEMENTS (properties); i++)
    if (g_str_equal (properties[i].name, name))
      {
        cpd_call_return (call, g_variant_new ("(v)", properties[i].get ()));
        return;
      }
  cpd_call_fail_as (call, DBUS_ERROR_PREFIX "InvalidArgs", "there is no such property");
}

static void
act_get_all (CpdCall *call)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  const char *interface;

  g_variant_get_child (call->data, 0, "&s", &interface);
  if (!has_interface (call, interface))
    {
      cpd_call_fail_as (call, DBUS_ERROR_PREFIX "InvalidArgs", "there is no such interface");
      return;
    }
  for (size_t i = 0; has_properties (call, interface) && i < G_N_ELEMENTS (properties); i++)
    g_variant_dict_insert_value (&dict, properties[i].name, properties[i].get ());
  cpd_call_return (call, g_variant_new ("(@a{sv})", g_variant_dict_end (&dict)));
}

static void
act_set (CpdCall *call)
{
  cpd_call_fail_as (call, DBUS_ERROR_PREFIX "PropertyReadOnly", "no property can be set");
}

static gboolean
keep_arguments (CpdCall *call, GVariant *arguments, CpdCallAct act)
{
  cpd_call_take_data (call, g_variant_ref (arguments), (GDestroyNotify)g_variant_unref);
  call->act = act;
  return TRUE;
}

static gboolean
parse_get (CpdCall *call, GVariant *arguments, GError **error)
{
  return keep_arguments (call, arguments, act_get);
}

static gboolean
parse_get_all (CpdCall *call, GVariant *arguments, GError **error)
{
  return keep_arguments (call, arguments, act_get_all);
}

static gboolean
parse_set (CpdCall *call, GVariant *arguments, GError **error)
{
  return keep_arguments (call, arguments, act_set);
}

const CpdMethod cpd_properties[] = {
  { "Get", parse_get },
  { "GetAll", parse_get_all },
  { "Set", parse_set },
  { NULL },
};
