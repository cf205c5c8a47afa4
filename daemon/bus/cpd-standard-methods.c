/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The methods that every object on a bus has: Introspect, Ping, GetMachineId, and those of
 * properties. Except for a request's properties, which only its caller may read, their results are
 * not secret, so they need no rights; but they take turns like all others. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/bus/cpd-methods.h"
#include "daemon/bus/cpd-objects.h"
#include "daemon/bus/cpd-request-order.h"
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
get_version (CpdCall *call, CpdTransfer *transfer)
{
  return g_variant_new_string (PACKAGE_VERSION);
}

static GVariant *
get_features (CpdCall *call, CpdTransfer *transfer)
{
  return g_variant_new_strv (NULL, 0);
}

static GVariant *
get_inline_body_max (CpdCall *call, CpdTransfer *transfer)
{
  return g_variant_new_uint64 (cpd_request_order_get_auto_bytes (call->parts->config));
}

static GVariant *
get_state (CpdCall *call, CpdTransfer *transfer)
{
  static const char *const names[] = {
    [CPD_TRANSFER_WAITING] = "waiting",     [CPD_TRANSFER_SENDING] = "sending",
    [CPD_TRANSFER_RECEIVING] = "receiving", [CPD_TRANSFER_OPEN] = "open",
    [CPD_TRANSFER_COMPLETE] = "complete",   [CPD_TRANSFER_FAILED] = "failed",
  };

  return g_variant_new_string (names[cpd_transfer_get_state (transfer)]);
}

static GVariant *
get_bytes_done (CpdCall *call, CpdTransfer *transfer)
{
  return g_variant_new_uint64 (cpd_transfer_get_progress (transfer).done);
}

static GVariant *
get_bytes_expected (CpdCall *call, CpdTransfer *transfer)
{
  return g_variant_new_uint64 (cpd_transfer_get_progress (transfer).expected);
}

static GVariant *
get_bytes_sent (CpdCall *call, CpdTransfer *transfer)
{
  return g_variant_new_uint64 (cpd_transfer_get_progress (transfer).sent);
}

/* Those of the Request interface are of one transfer, and its owner's; the others are the
 * service's. */
static const struct
{
  const char *interface;
  const char *name;
  GVariant *(*get) (CpdCall *call, CpdTransfer *transfer);
} properties[] = {
  { CERTPIN_REQUESTS_IFACE, "Version", get_version },
  { CERTPIN_REQUESTS_IFACE, "Features", get_features },
  { CERTPIN_REQUESTS_IFACE, "InlineBodyMax", get_inline_body_max },
  { CERTPIN_REQUEST_IFACE, "State", get_state },
  { CERTPIN_REQUEST_IFACE, "BytesDone", get_bytes_done },
  { CERTPIN_REQUEST_IFACE, "BytesExpected", get_bytes_expected },
  { CERTPIN_REQUEST_IFACE, "BytesSent", get_bytes_sent },
};

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

/* Whether the object has that property. `interface`: empty: whichever */
static gboolean
has_property (CpdCall *call, size_t property, const char *interface)
{
  return has_interface (call, properties[property].interface)
         && (*interface == '\0' || g_str_equal (interface, properties[property].interface));
}

/* `transfer`: (out): of a request's object; NULL for others */
static gboolean
find_transfer (CpdCall *call, CpdTransfer **transfer, GError **error)
{
  const char *path = cpd_call_get_path (call);

  *transfer = NULL;
  if (!has_interface (call, CERTPIN_REQUEST_IFACE))
    return TRUE;
  if (!cpd_request_objects_check_owner (path, call->caller->sender, error))
    return FALSE;
  *transfer = cpd_request_objects_find (call->parts->request_objects, path, error);
  return *transfer != NULL;
}

static void
act_get (CpdCall *call)
{
  GVariant *arguments = call->data;
  const char *interface, *name;
  CpdTransfer *transfer;
  GError *error = NULL;

  g_variant_get_child (arguments, 0, "&s", &interface);
  g_variant_get_child (arguments, 1, "&s", &name);
  for (size_t i = 0; i < G_N_ELEMENTS (properties); i++)
    {
      if (!has_property (call, i, interface) || !g_str_equal (properties[i].name, name))
        continue;
      if (find_transfer (call, &transfer, &error))
        cpd_call_return (call, g_variant_new ("(v)", properties[i].get (call, transfer)));
      else
        cpd_call_fail (call, error);
      return;
    }
  cpd_call_fail_as (call, DBUS_ERROR_PREFIX "InvalidArgs", "there is no such property");
}

static void
act_get_all (CpdCall *call)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  const char *interface;
  CpdTransfer *transfer;
  GError *error = NULL;

  g_variant_get_child (call->data, 0, "&s", &interface);
  if (!has_interface (call, interface))
    {
      cpd_call_fail_as (call, DBUS_ERROR_PREFIX "InvalidArgs", "there is no such interface");
      return;
    }
  if (!find_transfer (call, &transfer, &error))
    {
      cpd_call_fail (call, error);
      return;
    }
  for (size_t i = 0; i < G_N_ELEMENTS (properties); i++)
    if (has_property (call, i, interface))
      g_variant_dict_insert_value (&dict, properties[i].name, properties[i].get (call, transfer));
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
