/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the method that a message calls. GDBus would look up the object when a message arrives, on
 * a thread, and queue the call without limits or turns. So objects are not exported, but looked up
 * here, in the call's turn. */

#include "config.h"

#include "daemon/bus/cpd-dispatch.h"

#include "certpin-dbus.h"
#include "client-lib/certpin-error.h"
#include "daemon/bus/cpd-methods.h"
#include "daemon/bus/cpd-objects.h"
#include "dbus/certpin-names.h"

#include <string.h>

/* The methods of each interface, in one table or several. */
static const struct
{
  const char *interface;
  const CpdMethod *methods;
} tables[] = {
  { CERTPIN_PINS_IFACE, cpd_pin_changes },
  { CERTPIN_PINS_IFACE, cpd_pin_imports },
  { CERTPIN_PINS_IFACE, cpd_pin_pauses },
  { CERTPIN_PINS_IFACE, cpd_pin_queries },
  { CERTPIN_PINS_IFACE, cpd_service_queries },
  { CERTPIN_PINS_IFACE, cpd_pin_judgements },
  { CERTPIN_PINS_IFACE, cpd_subscriptions },
  { CERTPIN_REQUESTS_IFACE, cpd_requests },
  { CERTPIN_REQUESTS_IFACE, cpd_connect },
  { CERTPIN_REQUESTS_IFACE, cpd_fetch_chain },
  { CERTPIN_REQUEST_IFACE, cpd_request_control },
  { "org.freedesktop.DBus.Introspectable", cpd_introspectable },
  { "org.freedesktop.DBus.Properties", cpd_properties },
  { "org.freedesktop.DBus.Peer", cpd_peer },
};

/* Returns: (transfer none) (nullable) */
static const CpdMethod *
find_in_table (const CpdMethod *table, const char *name)
{
  for (const CpdMethod *method = table; method->name != NULL; method++)
    if (g_str_equal (method->name, name))
      return method;
  return NULL;
}

/* Returns: (transfer none) (nullable) */
static const CpdMethod *
find_method (const CpdInterface *interface, const char *name)
{
  const CpdMethod *method = NULL;

  for (size_t i = 0; method == NULL && i < G_N_ELEMENTS (tables); i++)
    if (g_str_equal (tables[i].interface, interface->info->name))
      method = find_in_table (tables[i].methods, name);
  return method;
}

/* Whether the arguments of the message have the types in the interface: no type begins with another
 * one. */
static gboolean
has_arguments (const CpdInterface *interface, const char *name, GVariant *arguments)
{
  const GDBusMethodInfo *method = g_dbus_interface_info_lookup_method (interface->info, name);
  const char *types = g_variant_get_type_string (arguments) + strlen ("(");

  for (gsize i = 0; method->in_args != NULL && method->in_args[i] != NULL; i++)
    {
      const char *type = method->in_args[i]->signature;

      if (!g_str_has_prefix (types, type))
        return FALSE;
      types += strlen (type);
    }
  return g_str_equal (types, ")");
}

G_GNUC_PRINTF (3, 4)
static void
fail (CpdCall *call, const char *error_name, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list arguments;

  va_start (arguments, format);
  message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  cpd_call_fail_as (call, error_name, message);
}

static void
run (CpdCall *call, const CpdInterface *interface, const CpdMethod *method)
{
  GVariant *body = g_dbus_message_get_body (call->arrival->message);
  g_autoptr (GVariant) arguments
      = body != NULL ? g_variant_ref (body) : g_variant_ref_sink (g_variant_new_tuple (NULL, 0));

  if (!has_arguments (interface, method->name, arguments))
    fail (call, DBUS_ERROR_PREFIX "InvalidArgs", "%s.%s does not take arguments of the types %s",
          interface->info->name, method->name, g_variant_get_type_string (arguments));
  else if (interface->ours && call->caller->confinement != NULL)
    fail (call, CERTPIN_ERROR_PREFIX "NotAuthorized", "this program may not use certpin: %s",
          call->caller->confinement);
  else
    cpd_call_run (call, method->parse, arguments);
}

/* A message may omit the interface: then the first one with the method counts. */
static void
look_up (CpdCall *call, const CpdInterface *const *interfaces)
{
  GDBusMessage *message = call->arrival->message;
  const char *wanted = g_dbus_message_get_interface (message);
  const char *name = g_dbus_message_get_member (message);
  gboolean found = FALSE;

  for (size_t i = 0; interfaces[i] != NULL; i++)
    {
      const CpdMethod *method;

      if (wanted != NULL && !g_str_equal (wanted, interfaces[i]->info->name))
        continue;
      found = TRUE;
      method = find_method (interfaces[i], name);
      if (method != NULL)
        {
          run (call, interfaces[i], method);
          return;
        }
    }
  if (found)
    fail (call, DBUS_ERROR_PREFIX "UnknownMethod", "there is no method ‘%s’", name);
  else
    fail (call, DBUS_ERROR_PREFIX "UnknownInterface", "object ‘%s’ has no interface ‘%s’",
          g_dbus_message_get_path (message), wanted);
}

/* `caller`, `arrival`: (transfer full): of a call whose turn has come */
void
cpd_dispatch (const CpdBusParts *parts, CpdCaller *caller, CpdArrival *arrival)
{
  CpdCall *call = cpd_call_new (parts, caller, arrival);
  const char *path = g_dbus_message_get_path (arrival->message);
  const CpdInterface *const *interfaces = cpd_objects_find (parts, caller, path);

  g_debug ("%s (%s) calls %s", caller->program, caller->sender,
           g_dbus_message_get_member (arrival->message));
  if (arrival->refusal != NULL)
    fail (call, CERTPIN_ERROR_PREFIX "LimitExceeded", "%s", arrival->refusal);
  else if (interfaces == NULL)
    fail (call, DBUS_ERROR_PREFIX "UnknownObject", "there is no object ‘%s’", path);
  else
    look_up (call, interfaces);
}
