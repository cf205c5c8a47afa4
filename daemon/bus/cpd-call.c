/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pipeline that every method runs through, in this order: parse, identify, check, authorise,
 * act, reply. */

#include "config.h"

#include "daemon/bus/cpd-call.h"

#include "client-lib/certpin-error.h"
#include "daemon/bus/cpd-audit.h"
#include "daemon/core/cpd-text.h"
#include "dbus/certpin-names.h"

#include <string.h>

/* The time that describes and stamps things, in Unix seconds. */
gint64
cpd_call_now_s (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

#define MESSAGE_MAX_BYTES 2048

/* An error must fit into a message of the bus whatever it quotes: the bus drops a service that
 * sends too much. `error`: (transfer full). Returns: (transfer full) */
static GError *
fit (GError *error)
{
  if (strlen (error->message) > MESSAGE_MAX_BYTES)
    {
      char *text = cpd_text_shorten (error->message, strlen (error->message), MESSAGE_MAX_BYTES);

      g_free (error->message);
      error->message = text;
    }
  return error;
}

/* Answers a call that could not even be parsed. `error`: (transfer full). Returns: that it is
 * handled */
gboolean
cpd_call_refuse (GDBusMethodInvocation *invocation, GError *error)
{
  g_dbus_method_invocation_take_error (invocation, fit (error));
  return TRUE;
}

#define CALLS_MAX      512
#define CALL_BYTES_MAX (128 * 1024 * 1024)

/* Counts the call among those of its connection, which hold their messages until they are answered.
 */
static gboolean
count_call (CpdCall *call, GError **error)
{
  CpdCaller *caller = call->caller;

  call->bytes = g_variant_get_size (g_dbus_method_invocation_get_parameters (call->invocation));
  caller->calls++;
  caller->call_bytes += call->bytes;
  if (caller->calls <= CALLS_MAX && caller->call_bytes <= CALL_BYTES_MAX)
    return TRUE;
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED,
               "this program has %u calls with %" G_GUINT64_FORMAT
               " bytes under way; wait for some to be answered",
               caller->calls, caller->call_bytes);
  return FALSE;
}

static void
call_free (CpdCall *call)
{
  if (call->caller != NULL)
    {
      call->caller->calls--;
      call->caller->call_bytes -= call->bytes;
    }

  g_object_unref (call->invocation);
  cpd_caller_unref (call->caller);
  g_free (call->host);
  g_free (call->keys);
  if (call->data != NULL && call->free_data != NULL)
    call->free_data (call->data);
  g_free (call);
}

/* `reply`: a tuple, sunk if floating; NULL: an empty one. Frees the call. */
void
cpd_call_return (CpdCall *call, GVariant *reply)
{
  g_dbus_method_invocation_return_value (call->invocation, reply);
  call_free (call);
}

/* `error`: (transfer full). Frees the call. What is no error of certpin is told without its
 * details. */
void
cpd_call_fail (CpdCall *call, GError *error)
{
  if (error->domain != CERTPIN_ERROR)
    {
      g_debug ("internal error: %s", error->message);
      g_clear_error (&error);
      error = g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
                                   "the service failed internally");
    }
  g_dbus_method_invocation_take_error (call->invocation, fit (error));
  call_free (call);
}

static void
call_on_authorised (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdCall *call = user_data;
  GError *error = NULL;

  call->caller->authorising--;
  if (cpd_authority_check_finish (call->parts->authority, result, &error))
    {
      call->act (call);
      return;
    }
  cpd_audit_denied (call->caller, call->action);
  cpd_call_fail (call, error);
}

static gboolean
call_is_interactive (CpdCall *call)
{
  GDBusMessage *message = g_dbus_method_invocation_get_message (call->invocation);

  return (g_dbus_message_get_flags (message) & G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION)
         != 0;
}

static void
call_authorise (CpdCall *call)
{
  const CpdAuthorityQuestion question = { .caller = call->caller,
                                          .action = call->action,
                                          .host = call->host,
                                          .keys = call->keys,
                                          .interactive = call_is_interactive (call) };

  if (call->action == NULL
      || (call->caller->authorising == 0
          && cpd_authority_allows_now (call->parts->authority, &question)))
    {
      call->act (call);
      return;
    }
  call->caller->authorising++;
  cpd_authority_check_async (call->parts->authority, &question, call_on_authorised, call);
}

static void
call_identified (CpdCall *call)
{
  GError *error = NULL;

  g_debug ("%s (%s) calls %s", call->caller->program, call->caller->sender,
           g_dbus_method_invocation_get_method_name (call->invocation));
  if (!count_call (call, &error))
    ;
  else if (call->caller->confinement != NULL)
    g_set_error (&error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_AUTHORIZED,
                 "this program may not use certpin: %s", call->caller->confinement);
  else if (call->check != NULL)
    call->check (call, &error);
  if (error == NULL)
    call_authorise (call);
  else
    cpd_call_fail (call, error);
}

static void
call_on_identified (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdCall *call = user_data;
  GError *error = NULL;

  call->caller = cpd_callers_identify_finish (call->parts->callers, result, &error);
  if (call->caller != NULL)
    call_identified (call);
  else
    cpd_call_fail (call, error);
}

/* A call that its handler has yet to fill in. The invocation stays the bus's until it is answered.
 */
CpdCall *
cpd_call_new (const CpdBusParts *parts, GDBusMethodInvocation *invocation, CpdCallAct act)
{
  CpdCall *call = g_new0 (CpdCall, 1);

  call->parts = parts;
  call->invocation = g_object_ref (invocation);
  call->act = act;
  return call;
}

/* `call`: (transfer full). Of a known caller it is acted upon at once. */
void
cpd_call_run (CpdCall *call)
{
  const char *sender = g_dbus_method_invocation_get_sender (call->invocation);

  call->caller = cpd_callers_lookup (call->parts->callers, sender);
  if (call->caller != NULL)
    call_identified (call);
  else
    cpd_callers_identify_async (call->parts->callers, sender, call_on_identified, call);
}

/* Sends a signal of the Pins interface to every connection of a uid, or of all, that has called the
 * service; to each by itself, since a broadcast would tell everybody. `arguments`: sunk if
 * floating. */
void
cpd_bus_parts_emit (const CpdBusParts *parts, guint32 uid, const char *signal, GVariant *arguments)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (arguments);
  g_autoptr (GPtrArray) callers = cpd_callers_list (parts->callers);

  for (unsigned int i = 0; i < callers->len; i++)
    {
      const CpdCaller *caller = callers->pdata[i];

      if (caller->confinement == NULL && (uid == CPD_ALL_UIDS || uid == caller->uid))
        g_dbus_connection_emit_signal (parts->connection, caller->sender, CERTPIN_OBJECT_PATH,
                                       CERTPIN_PINS_IFACE, signal, owned, NULL);
    }
}
