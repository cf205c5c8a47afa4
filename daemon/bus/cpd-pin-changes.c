/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The methods of the Pins interface that change pins: PinCertificate, PinKeys, Unpin, BlockHost,
 * Reload. Each is parsed, names what must be authorised, and changes the store. */

#include "config.h"

#include "daemon/bus/cpd-audit.h"
#include "daemon/bus/cpd-describe.h"
#include "daemon/bus/cpd-methods.h"
#include "daemon/bus/cpd-options.h"
#include "daemon/bus/cpd-pin-order.h"
#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/base/cpd-text.h"
#include "dbus/certpin-names.h"

#include <string.h>

#define REASON_MAX_BYTES 1024

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

  return cpd_store_check_room (call->parts->store, order->layer, call->caller->uid, order->host,
                               error);
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
  failed->error = g_error_new (error->domain, error->code,
                               "%s; the host ‘%s’ is blocked until it is pinned or unpinned",
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
 * others pass beside it; and none where other keys would only be reported.
 * Returns: (transfer full) (nullable): none where pinning would fail */
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

/* `order`: (transfer full) */
static void
want_pin (CpdCall *call, CpdPinOrder *order)
{
  cpd_call_take_data (call, order, (GDestroyNotify)cpd_pin_order_free);
  call->action = action_of (order->layer);
  call->host = g_strdup (cpd_host_get_text (order->host));
  if (order->layer == CPD_LAYER_SYSTEM && order->mode == CPD_MODE_ENFORCE)
    call->keys = list_keys (order);
  call->check = check_room;
  call->act = act_pin;
}

static gboolean
parse_pin_certificate (CpdCall *call, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) certificate = NULL, options = NULL;
  const char *host;
  CpdPinOrder *order;

  g_variant_get (arguments, "(&s@ay@a{sv})", &host, &certificate, &options);
  order = cpd_pin_order_new (host, options, cpd_call_now_s (), error);
  if (order == NULL)
    return FALSE;
  order->certificate = g_variant_get_data_as_bytes (certificate);
  want_pin (call, order);
  return TRUE;
}

static gboolean
parse_pin_keys (CpdCall *call, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) keys = NULL, options = NULL;
  g_autoptr (CpdPinOrder) order = NULL;
  const char *host;

  g_variant_get (arguments, "(&s@as@a{sv})", &host, &keys, &options);
  order = cpd_pin_order_new (host, options, cpd_call_now_s (), error);
  if (order == NULL || !cpd_pin_order_take_keys (order, keys, error))
    return FALSE;
  want_pin (call, g_steal_pointer (&order));
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

/* `order`: (transfer full) */
static void
want_host (CpdCall *call, CpdPinOrder *order, CpdCallAct act)
{
  cpd_call_take_data (call, order, (GDestroyNotify)cpd_pin_order_free);
  call->action = action_of (order->layer);
  call->host = g_strdup (cpd_host_get_text (order->host));
  call->act = act;
}

/* The system's scope is the run-time pins and the files, but only the former can be changed
 * here. */
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
parse_unpin (CpdCall *call, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) options = NULL;
  const char *host;
  CpdPinOrder *order;

  g_variant_get (arguments, "(&s@a{sv})", &host, &options);
  order = parse_host_in_scope (host, options, error);
  if (order == NULL)
    return FALSE;
  want_host (call, order, act_unpin);
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
parse_block_host (CpdCall *call, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) options = NULL;
  g_autoptr (CpdPinOrder) order = NULL;
  const char *host, *reason;

  g_variant_get (arguments, "(&s&s@a{sv})", &host, &reason, &options);
  order = parse_host_in_scope (host, options, error);
  if (order == NULL)
    return FALSE;
  if (strlen (reason) > REASON_MAX_BYTES || !cpd_text_is_plain (reason))
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "the reason must be plain text of at most 1024 bytes");
  order->note = g_strdup (reason);
  want_host (call, g_steal_pointer (&order), act_block);
  call->check = check_room;
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
parse_reload (CpdCall *call, GVariant *arguments, GError **error)
{
  call->action = CERTPIN_ACTION_SYSTEM_PINS;
  call->act = act_reload;
  return TRUE;
}

const CpdMethod cpd_pin_changes[] = {
  { "PinCertificate", parse_pin_certificate },
  { "PinKeys", parse_pin_keys },
  { "Unpin", parse_unpin },
  { "BlockHost", parse_block_host },
  { "Reload", parse_reload },
  { NULL },
};
