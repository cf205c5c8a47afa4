/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The methods of the Pins interface that change pins: PinCertificate, PinKeys, AddKeys, RemoveKeys,
 * Unpin, BlockHost, Reload. Each parses its arguments, says what must be authorised, and changes
 * the store. */

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

#define REASON_MAX_BYTES CPD_PIN_TEXT_MAX_BYTES

static const char *
action_of (CpdLayer layer)
{
  return layer == CPD_LAYER_SYSTEM ? CERTPIN_ACTION_SYSTEM_PINS : CERTPIN_ACTION_OWN_PINS;
}

/* Of every method here but Reload, what was parsed is an order: its pin says at least which host it
 * is about, and in which layer. */
static CpdPin *
pin_of (const CpdCall *call)
{
  const CpdPinOrder *order = call->data;

  return order->pin;
}

/* `order`: (transfer full) */
static void
want (CpdCall *call, CpdPinOrder *order, CpdCallAct act)
{
  cpd_call_take_data (call, order, (GDestroyNotify)cpd_pin_order_free);
  call->action = action_of (order->pin->layer);
  call->host = g_strdup (cpd_host_get_text (order->pin->host));
  call->act = act;
}

static gboolean
check_room (CpdCall *call, GError **error)
{
  const CpdPin *pin = pin_of (call);

  return cpd_store_check_room (call->parts->store, pin->layer, call->asker.owner, pin->host, error);
}

/* Stores the pin, or block, as made by the caller and now. */
static void
set_pin (CpdCall *call, CpdPin *pin, GAsyncReadyCallback callback, gpointer user_data)
{
  pin->created = cpd_call_now_s ();
  pin->created_by = cpd_caller_describe (call->caller);
  cpd_store_set_pin_async (call->parts->store, call->asker.owner, pin, callback, user_data);
}

/* Returns: (floating) */
static GVariant *
describe (CpdCall *call, const CpdPin *pin)
{
  return cpd_describe_stored_pin (call->parts->store, call->asker.owner, pin, cpd_call_now_s ());
}

/* PinCertificate, PinKeys */

/* Returns: (transfer full) (nullable): the pin, or block, that is in force now; NULL: the call is
 * answered with what went wrong */
static CpdPin *
finish_setting (CpdCall *call, GObject *source, GAsyncResult *result)
{
  GError *error = NULL;
  CpdPin *pin = cpd_store_change_finish (CPD_STORE (source), result, &error);

  if (pin != NULL)
    cpd_audit_pin_changed (call->parts->audit, call->caller, cpd_store_change_get_old (result),
                           pin);
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
    cpd_call_return (call, g_variant_new ("(@a{sv})", describe (call, pin)));
}

/* A failed pinning has left a block, which is in force in memory even if it could not be stored. */
static void
failed_on_blocked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdCall *call = user_data;
  const CpdPinOrder *order = call->data;
  g_autoptr (CpdPin) block = cpd_store_change_finish (CPD_STORE (source), result, NULL);

  if (block != NULL)
    cpd_audit_pin_changed (call->parts->audit, call->caller, cpd_store_change_get_old (result),
                           block);
  cpd_call_fail (call, g_error_new (order->failure->domain, order->failure->code,
                                    "%s; the host ‘%s’ is blocked until it is pinned or unpinned",
                                    order->failure->message, call->host));
}

/* A failed pinning leaves what is there. */
static void
keep (CpdCall *call, const CpdPin *pin, const GError *failure)
{
  cpd_audit_pin_kept (call->parts->audit, call->caller, pin, failure);
  cpd_call_fail (call, g_error_new (failure->domain, failure->code, "%s; nothing was changed",
                                    failure->message));
}

static void
block (CpdCall *call, const CpdPin *pin, const GError *failure)
{
  g_autofree char *reason
      = cpd_text_shorten (failure->message, strlen (failure->message), REASON_MAX_BYTES);
  g_autoptr (CpdPin) block = cpd_pin_new_blocked (pin->host, pin->layer, reason);

  set_pin (call, block, failed_on_blocked, call);
}

static void
pin_failed (CpdCall *call, const CpdPinOrder *order)
{
  const GError *failure = order->failure;

  if (!g_error_matches (failure, CERTPIN_ERROR, CERTPIN_ERROR_WRONG_FORMAT)
      && !g_error_matches (failure, CERTPIN_ERROR, CERTPIN_ERROR_SELF_SIGNED))
    cpd_call_fail (call, g_error_copy (failure));
  else if (order->keeps)
    keep (call, order->pin, failure);
  else
    block (call, order->pin, failure);
}

static void
act_pin (CpdCall *call)
{
  const CpdPinOrder *order = call->data;

  if (order->failure != NULL)
    pin_failed (call, order);
  else
    set_pin (call, order->pin, pin_on_stored, call);
}

/* For the dialog and the rules: every key, since a rule that knew of the first alone would let
 * others pass beside it.
 * Returns: (transfer full) */
static char *
list_keys (const CpdPin *pin)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

  for (unsigned int i = 0; i < pin->keys->len; i++)
    g_ptr_array_add (texts, certpin_key_to_text (pin->keys->pdata[i]));
  g_ptr_array_add (texts, NULL);
  return g_strjoinv (" ", (char **)texts->pdata);
}

/* `order`: (transfer full). No keys are named where other keys would only be reported, nor where
 * pinning will fail. */
static void
want_pin (CpdCall *call, CpdPinOrder *order)
{
  const CpdPin *pin = order->pin;

  want (call, order, act_pin);
  if (pin->layer == CPD_LAYER_SYSTEM && pin->mode == CPD_MODE_ENFORCE && order->failure == NULL)
    call->keys = list_keys (pin);
  call->check = check_room;
}

static gboolean
parse_pin_certificate (CpdCall *call, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) certificate = NULL, options = NULL;
  g_autoptr (GBytes) der = NULL;
  const char *host;
  CpdPinOrder *order;

  g_variant_get (arguments, "(&s@ay@a{sv})", &host, &certificate, &options);
  der = g_variant_get_data_as_bytes (certificate);
  order = cpd_pin_order_new_certificate (&call->asker, host, der, options, error);
  if (order == NULL)
    return FALSE;
  want_pin (call, order);
  return TRUE;
}

static gboolean
parse_pin_keys (CpdCall *call, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) keys = NULL, options = NULL;
  const char *host;
  CpdPinOrder *order;

  g_variant_get (arguments, "(&s@as@a{sv})", &host, &keys, &options);
  order = cpd_pin_order_new_keys (&call->asker, host, keys, options, error);
  if (order == NULL)
    return FALSE;
  want_pin (call, order);
  return TRUE;
}

/* AddKeys, RemoveKeys */

static void
edit_on_stored (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdCall *call = user_data;
  GError *error = NULL;
  g_autoptr (CpdPin) pin = cpd_store_change_finish (CPD_STORE (source), result, &error);

  if (pin == NULL)
    {
      cpd_call_fail (call, cpd_pin_order_explain_file (call->data, call->parts->store, error,
                                                       "change that file, and call Reload"));
      return;
    }
  cpd_audit_pin_changed (call->parts->audit, call->caller, cpd_store_change_get_old (result), pin);
  cpd_call_return (call, g_variant_new ("(@a{sv})", describe (call, pin)));
}

static void
edit (CpdCall *call, CpdEditKind kind)
{
  const CpdPin *pin = pin_of (call);
  g_autofree char *who = cpd_caller_describe (call->caller);
  g_autoptr (GPtrArray) keys = cpd_pin_keys_list (pin->keys);
  g_autoptr (CpdPinEdit) edit = cpd_pin_edit_new (kind, keys, cpd_call_now_s (), who);

  cpd_store_edit_pin_async (call->parts->store, pin->layer, call->asker.owner, pin->host, edit,
                            edit_on_stored, call);
}

static void
act_add (CpdCall *call)
{
  edit (call, CPD_EDIT_ADD);
}

static void
act_remove (CpdCall *call)
{
  edit (call, CPD_EDIT_REMOVE);
}

/* For the dialog and the rules, no keys are named: other keys of the pin still pass. */
static gboolean
parse_edit (CpdCall *call, GVariant *arguments, CpdCallAct act, GError **error)
{
  g_autoptr (GVariant) keys = NULL, options = NULL;
  const char *host;
  CpdPinOrder *order;

  g_variant_get (arguments, "(&s@as@a{sv})", &host, &keys, &options);
  call->asker.only_looks = TRUE;
  order = cpd_pin_order_new_edit (&call->asker, host, keys, options, error);
  if (order == NULL)
    return FALSE;
  want (call, order, act);
  return TRUE;
}

static gboolean
parse_add_keys (CpdCall *call, GVariant *arguments, GError **error)
{
  return parse_edit (call, arguments, act_add, error);
}

static gboolean
parse_remove_keys (CpdCall *call, GVariant *arguments, GError **error)
{
  return parse_edit (call, arguments, act_remove, error);
}

/* Unpin, BlockHost */

static const char remove_or_mask[] = "remove that file, or mask it with an empty file of the same "
                                     "name in /etc/certpin/pins.d";

static void
unpin_on_stored (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdCall *call = user_data;
  GError *error = NULL;

  cpd_store_change_finish (CPD_STORE (source), result, &error);
  if (error != NULL)
    {
      cpd_call_fail (
          call, cpd_pin_order_explain_file (call->data, call->parts->store, error, remove_or_mask));
      return;
    }
  cpd_audit_pin_removed (call->parts->audit, call->caller, cpd_store_change_get_old (result));
  cpd_call_return (call, NULL);
}

static void
act_unpin (CpdCall *call)
{
  const CpdPin *pin = pin_of (call);

  cpd_store_remove_pin_async (call->parts->store, pin->layer, call->asker.owner, pin->host,
                              unpin_on_stored, call);
}

static gboolean
parse_unpin (CpdCall *call, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) options = NULL;
  const char *host;
  CpdPinOrder *order;

  g_variant_get (arguments, "(&s@a{sv})", &host, &options);
  call->asker.only_looks = TRUE;
  order = cpd_pin_order_new_host (&call->asker, host, options, error);
  if (order == NULL)
    return FALSE;
  want (call, order, act_unpin);
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
  set_pin (call, pin_of (call), block_on_stored, call);
}

static gboolean
parse_block_host (CpdCall *call, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) options = NULL;
  const char *host, *reason;
  CpdPinOrder *order;

  g_variant_get (arguments, "(&s&s@a{sv})", &host, &reason, &options);
  order = cpd_pin_order_new_host (&call->asker, host, options, error);
  if (order == NULL)
    return FALSE;
  want (call, order, act_block);
  if (strlen (reason) > REASON_MAX_BYTES || !cpd_text_is_plain (reason))
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "the reason must be plain text of at most 1024 bytes");
  order->pin->state = CPD_STATE_BLOCKED;
  order->pin->reason = *reason != '\0' ? g_strdup (reason) : NULL;
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
    {
      cpd_audit_reloaded (call->caller);
      cpd_call_return (call, NULL);
    }
  else
    {
      g_autoptr (GPtrArray) problems = cpd_store_get_problems_of_files (CPD_STORE (source));
      cpd_audit_reload_failed (call->caller, problems);
      cpd_call_fail (call, error);
    }
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
  { "AddKeys", parse_add_keys },
  { "RemoveKeys", parse_remove_keys },
  { "Unpin", parse_unpin },
  { "BlockHost", parse_block_host },
  { "Reload", parse_reload },
  { NULL },
};
