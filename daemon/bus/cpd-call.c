/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pipeline of every method, in its turn: parse, check, authorise, act, reply. */

#include "config.h"

#include "daemon/bus/cpd-call.h"

#include "client-lib/certpin-cause.h"
#include "client-lib/certpin-error.h"
#include "daemon/bus/cpd-audit.h"
#include "daemon/bus/cpd-credit.h"
#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/base/cpd-text.h"
#include "dbus/certpin-names.h"

#include <string.h>

#define MESSAGE_MAX_BYTES 2048

/* The bus adds the service's name to the header. */
#define SENDER_BYTES 64

/* Threads for each stream and tunnel that a user may have. */
#define APART_FACTOR 2

/* The time for descriptions and time stamps, in Unix seconds. */
gint64
cpd_call_now_s (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

/* Returns: how many threads its user may have that other programs can hold up. Mostly, each ends in
 * a moment after what it is for */
CpdApart
cpd_call_get_apart (const CpdCall *call)
{
  const CpdConfig *config = call->parts->config;

  return (CpdApart){
    .owner = call->caller->owner,
    .most = (unsigned int)(APART_FACTOR * (config->streams_per_uid + config->tunnels_per_uid)),
  };
}

/* `caller`, `arrival`: (transfer full) */
CpdCall *
cpd_call_new (const CpdBusParts *parts, CpdCaller *caller, CpdArrival *arrival)
{
  CpdCall *call = g_new0 (CpdCall, 1);

  call->parts = parts;
  call->caller = caller;
  call->asker = (CpdAsker){ .store = parts->store,
                            .self = caller->owner,
                            .now = cpd_call_now_s (),
                            .owner = cpd_caller_get_owner (caller),
                            .connection = &caller->connection };
  call->arrival = arrival;
  return call;
}

/* The rest of the call is no work: others need not wait for it. */
void
cpd_call_end_turn (CpdCall *call)
{
  g_clear_pointer (&call->place, cpd_place_leave);
}

static void
call_free (gpointer data)
{
  CpdCall *call = data;

  cpd_call_end_turn (call);
  g_free (call->host);
  g_free (call->keys);
  if (call->data != NULL && call->free_data != NULL)
    call->free_data (call->data);
  if (call->held_in != NULL)
    cpd_apps_release (call->held_in, call->asker.owner);
  cpd_apps_unref (call->held_in);
  cpd_caller_unref (call->caller);
  cpd_arrival_free (call->arrival);
  g_free (call);
}

/* `data`: (transfer full): what was parsed */
void
cpd_call_take_data (CpdCall *call, gpointer data, GDestroyNotify free_data)
{
  call->data = data;
  call->free_data = free_data;
}

/* Returns: (transfer none): of the object that was called */
const char *
cpd_call_get_path (const CpdCall *call)
{
  return g_dbus_message_get_path (call->arrival->message);
}

/* `reply`: of its packet, which is taken, `bytes` and more. The call, and everything that it holds,
 * lives until the packet has left. */
static void
send_reply (CpdCall *call, CpdReply reply)
{
  cpd_call_end_turn (call); /* before the caller has read the reply, which may take long */
  reply.call = call->arrival->message;
  reply.sent = call_free;
  reply.data = call;
  cpd_delivery_reply (call->parts->delivery, call->caller, &reply);
}

/* `message`: (transfer full) */
static void
send_message (CpdCall *call, GDBusMessage *message)
{
  guint64 bytes = cpd_delivery_estimate (g_dbus_message_get_body (message));

  send_reply (call, (CpdReply){ .packet = cpd_packet_new (message), .bytes = bytes });
}

static gboolean
wants_no_reply (const CpdCall *call)
{
  return (g_dbus_message_get_flags (call->arrival->message)
          & G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED)
         != 0;
}

static void
fail_too_large (CpdCall *call)
{
  cpd_call_fail_as (call, CERTPIN_ERROR_PREFIX "LimitExceeded",
                    "the reply does not fit into one D-Bus message");
}

/* `reply`: a tuple, sunk if floating; NULL: an empty one. Frees the call. */
void
cpd_call_return (CpdCall *call, GVariant *reply)
{
  g_autoptr (GVariant) owned = reply != NULL ? g_variant_ref_sink (reply) : NULL;
  GDBusMessage *message;

  if (wants_no_reply (call))
    {
      call_free (call);
      return;
    }
  if (cpd_delivery_estimate (owned) > CPD_CREDIT_MESSAGE_BYTES)
    {
      fail_too_large (call);
      return;
    }
  message = g_dbus_message_new_method_reply (call->arrival->message);
  if (owned != NULL)
    g_dbus_message_set_body (message, owned);
  send_message (call, message);
}

/* `reply`: (transfer full). `body_bytes`: this part of the reply is a body, which a budget limits.
 * `deadline_us`: monotonic: a reply that has not left by then becomes an error; 0: none. Frees the
 * call. */
void
cpd_call_return_packet (CpdCall *call, CpdPacket *reply, guint64 body_bytes, gint64 deadline_us)
{
  guint64 bytes = cpd_packet_get_size (reply) + SENDER_BYTES;

  if (wants_no_reply (call))
    {
      cpd_packet_free (reply);
      call_free (call);
    }
  else if (bytes > CPD_CREDIT_MESSAGE_BYTES)
    {
      cpd_packet_free (reply);
      fail_too_large (call);
    }
  else
    send_reply (call, (CpdReply){ .packet = reply,
                                  .bytes = bytes,
                                  .budgeted = body_bytes > 0,
                                  .deadline_us = deadline_us });
}

/* An error must fit into a bus message whatever it quotes: the bus disconnects a service that sends
 * too large a message. What is unfit to be shown comes from the caller's own arguments; text of
 * servers and files was cleaned before.
 * Returns: (transfer full): one line */
static char *
make_line (const char *text)
{
  g_autofree char *escaped = cpd_text_escape (text, strlen (text));

  return cpd_text_shorten (escaped, strlen (escaped), MESSAGE_MAX_BYTES);
}

/* `cause`: (nullable) */
static void
fail_because (CpdCall *call, const char *error_name, const char *message, const char *cause)
{
  g_autofree char *line = make_line (message);
  g_autofree char *second = cause != NULL ? make_line (cause) : NULL;
  g_autofree char *text = second != NULL ? g_strconcat (line, "\n", second, NULL) : g_strdup (line);

  if (wants_no_reply (call))
    call_free (call);
  else
    send_message (
        call, g_dbus_message_new_method_error_literal (call->arrival->message, error_name, text));
}

/* As cpd_call_fail (), with an error's full name. */
void
cpd_call_fail_as (CpdCall *call, const char *error_name, const char *message)
{
  fail_because (call, error_name, message, /* cause= */ NULL);
}

/* `error`: (transfer full). Frees the call. The details of errors that are not certpin's are not
 * sent. */
void
cpd_call_fail (CpdCall *call, GError *error)
{
  g_autoptr (GError) owned = error;
  g_autofree char *name = NULL, *text = NULL;
  const GError *cause;

  if (error->domain != CERTPIN_ERROR)
    {
      g_debug ("internal error: %s", error->message);
      cpd_call_fail_as (call, CERTPIN_ERROR_PREFIX "Failed", "the service failed internally");
      return;
    }
  name = g_strconcat (CERTPIN_ERROR_PREFIX, certpin_error_get_name ((CertpinError)error->code),
                      NULL);
  cause = call->tells_cause ? certpin_error_get_cause (error) : NULL;
  if (cause != NULL)
    text = certpin_cause_to_text (cause);
  fail_because (call, name, error->message, text);
}

/* Work of which one at a time is done for a user. `start`: gets the call, now or later */
void
cpd_call_take_turn (CpdCall *call, CpdPlaceFunc start)
{
  GError *error = NULL;

  call->place = cpd_place_new (call->parts->judgements, call->caller->owner, start, call);
  if (!cpd_place_enter (call->place, &error))
    cpd_call_fail (call, error);
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
  if (g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_AUTHORIZED))
    cpd_audit_denied (call->parts->audit, call->caller, call->action);
  cpd_call_fail (call, error);
}

static gboolean
is_interactive (const CpdCall *call)
{
  return (g_dbus_message_get_flags (call->arrival->message)
          & G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION)
         != 0;
}

/* The rights of an app are its own, and fewer.
 * Errors: CERTPIN_ERROR_NOT_AUTHORIZED: no app may do that. */
static gboolean
limit_app (CpdCall *call, GError **error)
{
  const CpdCaller *caller = call->caller;

  if (g_strcmp0 (call->action, CERTPIN_ACTION_OWN_PINS) == 0)
    call->action = CERTPIN_ACTION_APP_PINS;
  else if (g_strcmp0 (call->action, CERTPIN_ACTION_SECURE_REQUEST) == 0)
    call->action = CERTPIN_ACTION_APP_REQUEST;
  else if (call->action != NULL && !g_str_equal (call->action, CERTPIN_ACTION_APP_REQUEST))
    return cpd_refuse (error, CERTPIN_ERROR_NOT_AUTHORIZED,
                       "‘%s’ is a sandboxed app, which has no right to ‘%s’; one of its user's own "
                       "programs has to ask for that",
                       caller->app, call->action);
  if (g_strcmp0 (call->action, CERTPIN_ACTION_APP_REQUEST) == 0 && !caller->networked)
    return cpd_refuse (
        error, CERTPIN_ERROR_NOT_AUTHORIZED,
        g_str_has_prefix (caller->app, "snap:")
            ? "certpin makes no requests for ‘%s’: it cannot tell whether a snap may "
              "use the network"
            : "certpin makes no requests for ‘%s’: the app has no network of its own; "
              "give it --share=network",
        caller->app);
  return TRUE;
}

static void
ask (CpdCall *call)
{
  const CpdAuthorityQuestion question = { .caller = call->caller,
                                          .action = call->action,
                                          .host = call->host,
                                          .keys = call->keys,
                                          .pause_s = call->pause_s,
                                          .imports = call->imports,
                                          .interactive = is_interactive (call) };

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

/* Carries the call out if its caller may do its action, and fails it otherwise. Whoever carries out
 * a call may have one more action authorised in this way. */
void
cpd_call_authorise (CpdCall *call)
{
  GError *error = NULL;

  if (call->caller->app != NULL && !limit_app (call, &error))
    {
      cpd_audit_denied (call->parts->audit, call->caller, call->action);
      cpd_call_fail (call, error);
      return;
    }
  ask (call);
}

/* An app that its user names must not be forgotten before the call has ended: it may have to wait,
 * for polkit or for its turn. */
static void
hold_app (CpdCall *call)
{
  CpdApps *apps = cpd_store_get_apps (call->parts->store);

  if (cpd_owner_is_connection (call->asker.owner)
      || cpd_apps_get_name (apps, call->asker.owner) == NULL)
    return;
  call->held_in = cpd_apps_ref (apps);
  cpd_apps_hold (call->held_in, call->asker.owner);
}

/* Whoever parses the call takes what its options name. */
static gboolean
refuse_descriptor (const CpdCall *call, GError **error)
{
  return call->arrival->descriptor < 0
         || cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                        "the call has a file descriptor that none of its options names; leave it "
                        "out, or give its option");
}

/* `call`: (transfer full) */
void
cpd_call_run (CpdCall *call, CpdCallParse parse, GVariant *arguments)
{
  GError *error = NULL;

  if (!parse (call, arguments, &error) || !refuse_descriptor (call, &error))
    {
      cpd_call_fail (call, error);
      return;
    }
  hold_app (call);
  if (call->check == NULL || call->check (call, &error))
    cpd_call_authorise (call);
  else
    cpd_call_fail (call, error);
}
