/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The Pins interface: what is pinned, by and for whom. Each handler parses, names what must be
 * authorised, and leaves the rest to the pipeline; each act changes the store or reads it. */

#include "config.h"

#include "daemon/bus/cpd-bus-pins.h"

#include "certpin-dbus.h"
#include "client-lib/certpin-error.h"
#include "daemon/bus/cpd-audit.h"
#include "daemon/bus/cpd-describe.h"
#include "daemon/bus/cpd-options.h"
#include "daemon/bus/cpd-pin-order.h"
#include "daemon/bus/cpd-pin-judgements.h"
#include "daemon/bus/cpd-pin-queries.h"
#include "daemon/core/cpd-text.h"
#include "dbus/certpin-names.h"

#include <string.h>

#define REASON_MAX_BYTES 1024

struct _CpdBusPins
{
  GObject parent;

  const CpdBusParts *parts;
  CertpinDBusPins *skeleton;
};

G_DEFINE_FINAL_TYPE (CpdBusPins, cpd_bus_pins, G_TYPE_OBJECT)

static const char *
action_of (CpdLayer layer)
{
  return layer == CPD_LAYER_SYSTEM ? CERTPIN_ACTION_SYSTEM_PINS : CERTPIN_ACTION_OWN_PINS;
}

/* PinCertificate, PinKeys */

static gboolean
check_room (CpdCall *call, GError **error)
{
  const CpdPinOrder *order = call->data;
  CpdStore *store = call->parts->store;
  guint64 most = call->parts->config->pins_per_uid;
  g_autoptr (CpdPin) replaced
      = cpd_store_get_pin (store, order->layer, call->caller->uid, order->host);

  if (replaced != NULL || cpd_store_count_pins (store, order->layer, call->caller->uid) < most)
    return TRUE;
  g_set_error (
      error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED,
      "%" G_GUINT64_FORMAT " hosts are pinned already, which is the limit; unpin one first", most);
  return FALSE;
}

/* Returns: (transfer full) (nullable): the pin, or block, that is in force now; NULL: the call is
 * answered with what went wrong */
static CpdPin *
finish_setting (CpdCall *call, GObject *source, GAsyncResult *result)
{
  GError *error = NULL;
  CpdPin *pin = cpd_store_change_finish (CPD_STORE (source), result, &error);

  if (pin != NULL)
    cpd_audit_pin_changed (call->caller, pin);
  else
    cpd_call_fail (call, error);
  return pin;
}

static void
pin_on_stored (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdCall *call = user_data;
  g_autoptr (CpdPin) pin = finish_setting (call, source, result);

  if (pin != NULL)
    cpd_call_return (call, g_variant_new ("(@a{sv})", cpd_describe_pin (pin, cpd_call_now_s ())));
}

/* A pinning that failed and left a block. */
typedef struct
{
  CpdCall *call;
  GError *error; /* what the caller is told */
} Failed;

static void
failed_on_blocked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Failed *failed = user_data;
  g_autoptr (GError) ignored = NULL; /* the block is in force in memory all the same */
  g_autoptr (CpdPin) pin = cpd_store_change_finish (CPD_STORE (source), result, &ignored);

  if (pin != NULL)
    cpd_audit_pin_changed (failed->call->caller, pin);
  cpd_call_fail (failed->call, failed->error);
  g_free (failed);
}

static CpdPin *
new_block (CpdCall *call, CpdHost *host, CpdLayer layer, const char *reason)
{
  g_autofree char *text = cpd_text_shorten (reason, strlen (reason), REASON_MAX_BYTES);
  CpdPin *pin = cpd_pin_new_blocked (host, layer, text);

  pin->created = cpd_call_now_s ();
  pin->created_by = cpd_caller_describe (call->caller);
  return pin;
}

/* `error`: (transfer full) */
static void
pin_failed (CpdCall *call, GError *error)
{
  const CpdPinOrder *order = call->data;
  g_autoptr (CpdPin) block = NULL;
  Failed *failed;

  if (!g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_WRONG_FORMAT)
      && !g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_SELF_SIGNED))
    {
      cpd_call_fail (call, error);
      return;
    }
  failed = g_new0 (Failed, 1);
  failed->call = call;
  failed->error = error;
  block = new_block (call, order->host, order->layer, error->message);
  failed->error
      = g_error_new (error->domain, error->code, "%s; the host ‘%s’ is blocked until it is pinned",
                     error->message, cpd_host_get_text (order->host));
  g_error_free (error);
  cpd_store_set_pin_async (call->parts->store, call->caller->uid, block, failed_on_blocked, failed);
}

static void
act_pin (CpdCall *call)
{
  GError *error = NULL;
  g_autoptr (CpdPin) pin = cpd_pin_order_make_pin (call->data, cpd_call_now_s (), &error);

  if (pin == NULL)
    {
      pin_failed (call, error);
      return;
    }
  pin->created_by = cpd_caller_describe (call->caller);
  cpd_store_set_pin_async (call->parts->store, call->caller->uid, pin, pin_on_stored, call);
}

/* For the dialog and the rules: every key, since a rule that knew of the first alone would let
 * others pass beside it; and none where other keys would only be reported. Returns: (transfer full)
 * (nullable): none where pinning would fail */
static char *
list_keys (CpdPinOrder *order)
{
  g_autoptr (CpdPin) pin = cpd_pin_order_make_pin (order, cpd_call_now_s (), NULL);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

  if (pin == NULL)
    return NULL;
  for (unsigned int i = 0; i < pin->keys->len; i++)
    g_ptr_array_add (texts, certpin_key_to_text (pin->keys->pdata[i]));
  g_ptr_array_add (texts, NULL);
  return g_strjoinv (" ", (char **)texts->pdata);
}

static void
run_pin (CpdBusPins *pins, GDBusMethodInvocation *invocation, CpdPinOrder *order)
{
  CpdCall *call = cpd_call_new (pins->parts, invocation, act_pin);

  call->action = action_of (order->layer);
  call->host = g_strdup (cpd_host_get_text (order->host));
  if (order->layer == CPD_LAYER_SYSTEM && order->mode == CPD_MODE_ENFORCE)
    call->keys = list_keys (order);
  call->check = check_room;
  call->data = order;
  call->free_data = (GDestroyNotify)cpd_pin_order_free;
  cpd_call_run (call);
}

static gboolean
handle_pin_certificate (CpdBusPins *pins, GDBusMethodInvocation *invocation, const char *host,
                        GVariant *certificate, GVariant *options)
{
  GError *error = NULL;
  CpdPinOrder *order = cpd_pin_order_new (host, options, cpd_call_now_s (), &error);

  if (order == NULL)
    return cpd_call_refuse (invocation, error);
  order->certificate = g_variant_get_data_as_bytes (certificate);
  run_pin (pins, invocation, order);
  return TRUE;
}

static gboolean
handle_pin_keys (CpdBusPins *pins, GDBusMethodInvocation *invocation, const char *host,
                 const char *const *keys, GVariant *options)
{
  GError *error = NULL;
  g_autoptr (CpdPinOrder) order = cpd_pin_order_new (host, options, cpd_call_now_s (), &error);

  if (order == NULL || !cpd_pin_order_take_keys (order, keys, &error))
    return cpd_call_refuse (invocation, error);
  run_pin (pins, invocation, g_steal_pointer (&order));
  return TRUE;
}

/* Unpin, BlockHost: each wants a host in a layer, as an order without keys. */

static CpdPinOrder *
parse_host_in_scope (const char *host, GVariant *options, GError **error)
{
  const char *scope = NULL;
  const CpdOption table[] = { { "scope", "s", &scope, 1, 16 } };
  g_autoptr (CpdPinOrder) order = g_new0 (CpdPinOrder, 1);

  order->host = cpd_host_new (host, error);
  if (order->host == NULL || !cpd_options_parse (options, table, G_N_ELEMENTS (table), error)
      || !cpd_pin_order_parse_scope (scope, &order->layer, error))
    return NULL;
  return g_steal_pointer (&order);
}

static CpdCall *
new_host_call (CpdBusPins *pins, GDBusMethodInvocation *invocation, CpdPinOrder *order,
               CpdCallAct act)
{
  CpdCall *call = cpd_call_new (pins->parts, invocation, act);

  call->action = action_of (order->layer);
  call->host = g_strdup (cpd_host_get_text (order->host));
  call->data = order;
  call->free_data = (GDestroyNotify)cpd_pin_order_free;
  return call;
}

/* The system's scope is the run-time pins and the files, but only the former can be changed here.
 */
static GError *
explain_file (CpdCall *call, GError *error)
{
  const CpdPinOrder *order = call->data;
  g_autoptr (CpdPin) of_file
      = cpd_store_get_pin (call->parts->store, CPD_LAYER_FILES, 0, order->host);

  if (order->layer != CPD_LAYER_SYSTEM || of_file == NULL
      || !g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED))
    return error;
  g_error_free (error);
  return g_error_new (
      CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
      "the pin of ‘%s’ is from the file ‘%s’; remove that, or hide it with an empty file of "
      "the same name in /etc/certpin/pins.d",
      cpd_host_get_text (order->host), of_file->source);
}

static void
unpin_on_stored (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdCall *call = user_data;
  const CpdPinOrder *order = call->data;
  GError *error = NULL;

  cpd_store_change_finish (CPD_STORE (source), result, &error);
  if (error != NULL)
    {
      cpd_call_fail (call, explain_file (call, error));
      return;
    }
  cpd_audit_pin_removed (call->caller, order->host, order->layer);
  cpd_call_return (call, NULL);
}

static void
act_unpin (CpdCall *call)
{
  const CpdPinOrder *order = call->data;

  cpd_store_remove_pin_async (call->parts->store, order->layer, call->caller->uid, order->host,
                              unpin_on_stored, call);
}

static gboolean
handle_unpin (CpdBusPins *pins, GDBusMethodInvocation *invocation, const char *host,
              GVariant *options)
{
  GError *error = NULL;
  CpdPinOrder *order = parse_host_in_scope (host, options, &error);

  if (order == NULL)
    return cpd_call_refuse (invocation, error);
  cpd_call_run (new_host_call (pins, invocation, order, act_unpin));
  return TRUE;
}

static void
block_on_stored (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdCall *call = user_data;
  g_autoptr (CpdPin) pin = finish_setting (call, source, result);

  if (pin != NULL)
    cpd_call_return (call, NULL);
}

static void
act_block (CpdCall *call)
{
  const CpdPinOrder *order = call->data;
  g_autoptr (CpdPin) pin = new_block (call, order->host, order->layer, order->note);

  cpd_store_set_pin_async (call->parts->store, call->caller->uid, pin, block_on_stored, call);
}

static gboolean
handle_block_host (CpdBusPins *pins, GDBusMethodInvocation *invocation, const char *host,
                   const char *reason, GVariant *options)
{
  GError *error = NULL;
  CpdPinOrder *order = parse_host_in_scope (host, options, &error);
  CpdCall *call;

  if (order == NULL)
    return cpd_call_refuse (invocation, error);
  if (strlen (reason) > REASON_MAX_BYTES || !cpd_text_is_plain (reason))
    {
      cpd_pin_order_free (order);
      return cpd_call_refuse (
          invocation, g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                                           "the reason must be plain text of at most 1024 bytes"));
    }
  order->note = g_strdup (reason);
  call = new_host_call (pins, invocation, order, act_block);
  call->check = check_room;
  cpd_call_run (call);
  return TRUE;
}

/* Reload */

static void
reload_on_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdCall *call = user_data;
  GError *error = NULL;

  if (cpd_store_reload_finish (CPD_STORE (source), result, &error))
    cpd_call_return (call, NULL);
  else
    cpd_call_fail (call, error);
}

static void
act_reload (CpdCall *call)
{
  cpd_store_reload_async (call->parts->store, reload_on_done, call);
}

static gboolean
handle_reload (CpdBusPins *pins, GDBusMethodInvocation *invocation)
{
  CpdCall *call = cpd_call_new (pins->parts, invocation, act_reload);

  call->action = CERTPIN_ACTION_SYSTEM_PINS;
  cpd_call_run (call);
  return TRUE;
}

/* PinChanged */

static const char *
describe_change (const CpdPin *pin)
{
  if (pin == NULL)
    return "removed";
  return pin->state == CPD_STATE_BLOCKED ? "blocked" : "active";
}

static void
on_store_changed (CpdBusPins *pins, unsigned int uid, CpdHost *pattern)
{
  CpdLayer layer = uid == CPD_ALL_UIDS ? CPD_LAYER_SYSTEM : CPD_LAYER_USER;
  g_autoptr (CpdPin) pin
      = pattern != NULL ? cpd_store_get_pin (pins->parts->store, layer, uid, pattern) : NULL;
  g_auto (GVariantDict) details = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&details, "scope", "s", cpd_describe_scope (layer));
  g_variant_dict_insert (&details, "state", "s",
                         pattern != NULL ? describe_change (pin) : "reloaded");
  g_variant_dict_insert (&details, "generation", "t",
                         cpd_store_get_generation (pins->parts->store, uid));
  cpd_bus_parts_emit (pins->parts, uid, "PinChanged",
                      g_variant_new ("(s@a{sv})",
                                     pattern != NULL ? cpd_host_get_text (pattern) : "",
                                     g_variant_dict_end (&details)));
}

static void
cpd_bus_pins_dispose (GObject *object)
{
  CpdBusPins *pins = CPD_BUS_PINS (object);

  g_clear_object (&pins->skeleton);
  G_OBJECT_CLASS (cpd_bus_pins_parent_class)->dispose (object);
}

static void
cpd_bus_pins_class_init (CpdBusPinsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = cpd_bus_pins_dispose;
}

static void
cpd_bus_pins_init (CpdBusPins *pins)
{
  const struct
  {
    const char *signal;
    GCallback handler;
  } handlers[] = {
    { "handle-pin-certificate", G_CALLBACK (handle_pin_certificate) },
    { "handle-pin-keys", G_CALLBACK (handle_pin_keys) },
    { "handle-unpin", G_CALLBACK (handle_unpin) },
    { "handle-block-host", G_CALLBACK (handle_block_host) },
    { "handle-reload", G_CALLBACK (handle_reload) },
  };

  pins->skeleton = certpin_dbus_pins_skeleton_new ();
  for (size_t i = 0; i < G_N_ELEMENTS (handlers); i++)
    g_signal_connect_object (pins->skeleton, handlers[i].signal, handlers[i].handler, pins,
                             G_CONNECT_SWAPPED);
}

/* `parts`: outlive it. */
CpdBusPins *
cpd_bus_pins_new (const CpdBusParts *parts)
{
  CpdBusPins *pins = g_object_new (CPD_TYPE_BUS_PINS, NULL);

  pins->parts = parts;
  cpd_pin_queries_attach (pins->skeleton, parts);
  cpd_pin_judgements_attach (pins->skeleton, parts);
  g_signal_connect_object (parts->store, "changed", G_CALLBACK (on_store_changed), pins,
                           G_CONNECT_SWAPPED);
  return pins;
}

/* Returns: (transfer none) */
GDBusInterfaceSkeleton *
cpd_bus_pins_get_skeleton (CpdBusPins *pins)
{
  return G_DBUS_INTERFACE_SKELETON (pins->skeleton);
}
