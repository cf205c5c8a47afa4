/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The methods that every object on a bus has, but for those of properties: Introspect, Ping,
 * GetMachineId. What they say is not secret, or the caller's own, so they need no rights; but they
 * take turns like all others. */

#include "config.h"

#include "daemon/bus/cpd-methods.h"
#include "daemon/bus/cpd-objects.h"
#include "dbus/certpin-names.h"

/* Introspectable */

static void
act_introspect (CpdCall *call)
{
  cpd_call_return (call, g_variant_new ("(s)", call->data));
}

static gboolean
parse_introspect (CpdCall *call, GVariant *arguments, GError **error)
{
  cpd_call_take_data (
      call, cpd_objects_introspect (call->parts, call->caller, cpd_call_get_path (call)), g_free);
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
