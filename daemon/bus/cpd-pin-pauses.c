/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The methods of the Pins interface that let a pin only report for a while: PausePin, ResumePin.
 * Whoever may do the one may do the other. */

#include "config.h"

#include "daemon/bus/cpd-audit.h"
#include "daemon/bus/cpd-describe.h"
#include "daemon/bus/cpd-methods.h"
#include "daemon/bus/cpd-pin-order.h"
#include "daemon/core/base/cpd-refuse.h"
#include "dbus/certpin-names.h"

/* `order`: (transfer full) */
static void
want (CpdCall *call, CpdPinOrder *order, CpdCallAct act)
{
  cpd_call_take_data (call, order, (GDestroyNotify)cpd_pin_order_free);
  call->action
      = order->pin->layer == CPD_LAYER_SYSTEM ? CERTPIN_ACTION_PAUSE : CERTPIN_ACTION_OWN_PINS;
  call->host = g_strdup (cpd_host_get_text (order->pin->host));
  call->act = act;
}

/* `edit`: of the pause */
static void
edit (CpdCall *call, CpdPinEdit *edit, GAsyncReadyCallback callback)
{
  const CpdPinOrder *order = call->data;

  cpd_store_edit_pin_async (call->parts->store, order->pin->layer, call->asker.owner,
                            order->pin->host, edit, callback, call);
}

/* Returns: (transfer full) (nullable): the pin that is in force now; NULL: the call is answered
 * with what went wrong */
static CpdPin *
finish (CpdCall *call, GObject *source, GAsyncResult *result, const char *remedy)
{
  GError *error = NULL;
  CpdPin *pin = cpd_store_change_finish (CPD_STORE (source), result, &error);

  if (pin == NULL)
    cpd_call_fail (call,
                   cpd_pin_order_explain_file (call->data, call->parts->store, error, remedy));
  return pin;
}

static void
reply (CpdCall *call, const CpdPin *pin)
{
  cpd_call_return (call, g_variant_new ("(@a{sv})", cpd_describe_stored_pin (call->parts->store,
                                                                             call->asker.owner, pin,
                                                                             cpd_call_now_s ())));
}

static void
pause_on_stored (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdCall *call = user_data;
  g_autoptr (CpdPin) pin
      = finish (call, source, result, "write Mode=report into that file, and call Reload");

  if (pin == NULL)
    return;
  cpd_audit_pin_paused (call->parts->audit, call->caller, pin);
  reply (call, pin);
}

/* Its time runs from when it is authorised: a password dialog can take minutes. */
static void
act_pause (CpdCall *call)
{
  const CpdPinOrder *order = call->data;
  gint64 now = cpd_call_now_s ();
  g_autofree char *who = cpd_caller_describe (call->caller);
  CpdUptime uptime;
  g_autoptr (CpdPause) pause = NULL;
  g_autoptr (CpdPinEdit) begin = NULL;

  cpd_uptime_read (&uptime);
  pause = cpd_pause_new (now, now + order->pause_s, order->reason, who, &uptime);
  begin = cpd_pin_edit_new_pause (pause);
  edit (call, begin, pause_on_stored);
}

static gboolean
parse_pause (CpdCall *call, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) options = NULL;
  const char *host;
  CpdPinOrder *order;

  g_variant_get (arguments, "(&s@a{sv})", &host, &options);
  call->asker.only_looks = TRUE;
  order = cpd_pin_order_new_pause (&call->asker, host, options, error);
  if (order == NULL)
    return FALSE;
  if (order->pin->layer == CPD_LAYER_TRANSIENT)
    {
      cpd_pin_order_free (order);
      return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                         "a transient pin cannot be paused; pin the host again, with the mode "
                         "‘report’");
    }
  want (call, order, act_pause);
  call->pause_s = order->pause_s;
  return TRUE;
}

static void
resume_on_stored (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdCall *call = user_data;
  g_autoptr (CpdPin) pin = finish (call, source, result, "change that file, and call Reload");
  const CpdPin *old = pin != NULL ? cpd_store_change_get_old (result) : NULL;

  if (pin == NULL)
    return;
  if (old != NULL && old->pause != NULL)
    cpd_audit_pin_resumed (call->parts->audit, call->caller, old);
  reply (call, pin);
}

static void
act_resume (CpdCall *call)
{
  g_autoptr (CpdPinEdit) end = cpd_pin_edit_new_resume (cpd_call_now_s ());

  edit (call, end, resume_on_stored);
}

static gboolean
parse_resume (CpdCall *call, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) options = NULL;
  const char *host;
  CpdPinOrder *order;

  g_variant_get (arguments, "(&s@a{sv})", &host, &options);
  call->asker.only_looks = TRUE;
  order = cpd_pin_order_new_host (&call->asker, host, options, error);
  if (order == NULL)
    return FALSE;
  want (call, order, act_resume);
  return TRUE;
}

const CpdMethod cpd_pin_pauses[] = {
  { "PausePin", parse_pause },
  { "ResumePin", parse_resume },
  { NULL },
};
