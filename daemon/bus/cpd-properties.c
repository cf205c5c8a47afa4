/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The methods of properties, which every object has. The service's are not secret; a request's,
 * only its caller may read; pins and channels that are not the caller's do not exist for it. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/bus/cpd-channel-objects.h"
#include "daemon/bus/cpd-describe.h"
#include "daemon/bus/cpd-methods.h"
#include "daemon/bus/cpd-objects.h"
#include "daemon/bus/cpd-pin-objects.h"
#include "daemon/bus/cpd-request-order.h"
#include "daemon/core/base/cpd-vardict.h"
#include "dbus/certpin-names.h"

static GVariant *
describe_service (CpdCall *call, GError **error)
{
  GVariantBuilder properties;

  cpd_vardict_begin (&properties);
  cpd_vardict_add (&properties, "Version", g_variant_new_string (PACKAGE_VERSION));
  cpd_vardict_add (&properties, "Features", g_variant_new_strv (NULL, 0));
  cpd_vardict_add (&properties, "InlineBodyMax",
                   g_variant_new_uint64 (cpd_request_order_get_auto_bytes (call->parts->config)));
  return g_variant_builder_end (&properties);
}

static GVariant *
describe_request (CpdCall *call, GError **error)
{
  static const char *const states[] = {
    [CPD_TRANSFER_WAITING] = "waiting",     [CPD_TRANSFER_SENDING] = "sending",
    [CPD_TRANSFER_RECEIVING] = "receiving", [CPD_TRANSFER_OPEN] = "open",
    [CPD_TRANSFER_COMPLETE] = "complete",   [CPD_TRANSFER_FAILED] = "failed",
  };
  const char *path = cpd_call_get_path (call);
  CpdTransfer *transfer;
  CpdProgress progress;
  GVariantBuilder properties;

  if (!cpd_request_objects_check_owner (path, call->caller->sender, error))
    return NULL;
  transfer = cpd_request_objects_find (call->parts->request_objects, path, error);
  if (transfer == NULL)
    return NULL;
  progress = cpd_transfer_get_progress (transfer);
  cpd_vardict_begin (&properties);
  cpd_vardict_add (&properties, "State",
                   g_variant_new_string (states[cpd_transfer_get_state (transfer)]));
  cpd_vardict_add (&properties, "BytesDone", g_variant_new_uint64 (progress.done));
  cpd_vardict_add (&properties, "BytesExpected", g_variant_new_uint64 (progress.expected));
  cpd_vardict_add (&properties, "BytesSent", g_variant_new_uint64 (progress.sent));
  return g_variant_builder_end (&properties);
}

/* It was found when the call's turn came, which is this one. Returns: NULL */
static GVariant *
fail_gone (GError **error)
{
  g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED, "this object has just gone");
  return NULL;
}

static GVariant *
describe_pin (CpdCall *call, GError **error)
{
  g_autoptr (CpdPin) pin
      = cpd_pin_objects_find (call->parts, call->caller, cpd_call_get_path (call));

  g_autoptr (GVariant) description = NULL;

  if (pin == NULL)
    return fail_gone (error);
  description = g_variant_ref_sink (
      cpd_describe_stored_pin (call->parts->store, call->asker.owner, pin, cpd_call_now_s ()));
  return cpd_pin_objects_describe (description);
}

static GVariant *
describe_channel (CpdCall *call, GError **error)
{
  g_autoptr (CpdChannelStatus) status
      = cpd_channel_objects_find (call->parts, call->caller, cpd_call_get_path (call));

  return status != NULL ? cpd_channel_objects_describe (status) : fail_gone (error);
}

/* The interfaces that have properties. */
static const struct
{
  const char *interface;
  GVariant *(*describe) (CpdCall *call, GError **error); /* (floating): a{sv}: all of them */
} describers[] = {
  { CERTPIN_REQUESTS_IFACE, describe_service },
  { CERTPIN_REQUEST_IFACE, describe_request },
  { CERTPIN_PIN_IFACE, describe_pin },
  { CERTPIN_CHANNEL_IFACE, describe_channel },
};

/* Returns: (transfer full) (nullable): a{sv}; of an interface without any, an empty one */
static GVariant *
describe (CpdCall *call, const CpdInterface *interface, GError **error)
{
  GVariant *properties = NULL;

  if (interface->info->properties == NULL)
    return g_variant_ref_sink (g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0));
  for (size_t i = 0; i < G_N_ELEMENTS (describers); i++)
    if (g_str_equal (describers[i].interface, interface->info->name))
      properties = describers[i].describe (call, error);
  return properties != NULL ? g_variant_ref_sink (properties) : NULL;
}

/* Whether that is the name of the interface; an empty one is that of each. */
static gboolean
is_called (const CpdInterface *interface, const char *name)
{
  return *name == '\0' || g_str_equal (interface->info->name, name);
}

/* Returns: (transfer none) (nullable): which of the object's interfaces has the property */
static const CpdInterface *
find_interface (CpdCall *call, const char *interface, const char *property)
{
  const CpdInterface *const *interfaces
      = cpd_objects_find (call->parts, call->caller, cpd_call_get_path (call));

  for (; *interfaces != NULL; interfaces++)
    if (is_called (*interfaces, interface)
        && g_dbus_interface_info_lookup_property ((*interfaces)->info, property) != NULL)
      return *interfaces;
  return NULL;
}

static void
act_get (CpdCall *call)
{
  const char *interface, *name;
  const CpdInterface *found;
  g_autoptr (GVariant) properties = NULL;
  GError *error = NULL;

  g_variant_get_child (call->data, 0, "&s", &interface);
  g_variant_get_child (call->data, 1, "&s", &name);
  found = find_interface (call, interface, name);
  if (found == NULL)
    {
      cpd_call_fail_as (call, DBUS_ERROR_PREFIX "InvalidArgs", "there is no such property");
      return;
    }
  properties = describe (call, found, &error);
  if (properties == NULL)
    cpd_call_fail (call, error);
  else
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (properties, name, NULL);

      cpd_call_return (call, g_variant_new ("(v)", value));
    }
}

/* `all`: gets all properties of an interface. */
static gboolean
collect (CpdCall *call, const CpdInterface *interface, GVariantBuilder *all, GError **error)
{
  g_autoptr (GVariant) properties = describe (call, interface, error);
  GVariantIter iter;
  GVariant *property;

  if (properties == NULL)
    return FALSE;
  g_variant_iter_init (&iter, properties);
  while ((property = g_variant_iter_next_value (&iter)) != NULL)
    {
      g_variant_builder_add_value (all, property);
      g_variant_unref (property);
    }
  return TRUE;
}

static void
act_get_all (CpdCall *call)
{
  g_auto (GVariantBuilder) all = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  const CpdInterface *const *interfaces
      = cpd_objects_find (call->parts, call->caller, cpd_call_get_path (call));
  gboolean found = FALSE;
  const char *wanted;
  GError *error = NULL;

  g_variant_get_child (call->data, 0, "&s", &wanted);
  for (; error == NULL && *interfaces != NULL; interfaces++)
    if (is_called (*interfaces, wanted))
      found = collect (call, *interfaces, &all, &error);
  if (error != NULL)
    cpd_call_fail (call, error);
  else if (!found)
    cpd_call_fail_as (call, DBUS_ERROR_PREFIX "InvalidArgs", "there is no such interface");
  else
    cpd_call_return (call, g_variant_new ("(a{sv})", &all));
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
