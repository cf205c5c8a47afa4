/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* OpenConnection, and Finish: a connection is opened at once or refused, its caller gets a
 * descriptor and the evidence, and may ask how it ended. Until the reply, it ends if its caller
 * leaves; from then on, it belongs to whoever has the descriptor. */

#include "config.h"

#include "daemon/bus/cpd-connect.h"

#include "daemon/bus/cpd-connect-order.h"
#include "daemon/bus/cpd-describe.h"
#include "daemon/bus/cpd-methods.h"
#include "daemon/bus/cpd-refusals.h"
#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/base/cpd-vardict.h"
#include "dbus/certpin-names.h"

/* One connection. Its call has a reference, and so has the fetcher, until it ends. */
typedef struct
{
  const CpdBusParts *parts;
  CpdCaller *caller;
  CpdCall *call; /* that waits for it; NULL: it is open */
  CpdTunnelOrder *order;
  char *path; /* of its object */
  GCancellable *cancellable;
  GCancellable *gone; /* the caller's; NULL: it may leave */
  gulong gone_id;
  CpdPlace *place;    /* NULL: it does not count yet */
  gint64 deadline_us; /* monotonic: of the reply */
} Tunnel;

static void
stop_watching_caller (Tunnel *tunnel)
{
  if (tunnel->gone != NULL)
    g_clear_signal_handler (&tunnel->gone_id, tunnel->gone);
  g_clear_object (&tunnel->gone);
}

static void
tunnel_clear (gpointer data)
{
  Tunnel *tunnel = data;

  stop_watching_caller (tunnel);
  if (tunnel->place != NULL)
    cpd_place_leave (tunnel->place);
  if (tunnel->path != NULL)
    cpd_request_objects_remove (tunnel->parts->request_objects, tunnel->path);
  g_free (tunnel->path);
  cpd_tunnel_order_unref (tunnel->order);
  cpd_caller_unref (tunnel->caller);
  g_object_unref (tunnel->cancellable);
}

static void
tunnel_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, tunnel_clear);
}

/* Returns: (transfer full): the descriptor, and what is known of the connection */
static CpdPacket *
new_reply (const Tunnel *tunnel, const CpdOpening *opening)
{
  CpdPacket *reply
      = cpd_packet_new_reply (tunnel->call->arrival->message, "ha{sv}", opening->descriptor);
  CpdMarshal *body = cpd_packet_get_body (reply);
  CpdMarshalArray info;

  cpd_marshal_number (body, 0);
  info = cpd_marshal_begin_array (body, 8);
  cpd_marshal_name (body, "request", "o");
  cpd_marshal_text (body, tunnel->path);
  cpd_marshal_children (body, opening->info);
  cpd_describe_evidence (opening->verdict, body);
  cpd_describe_report (opening->verdict->report, cpd_call_now_s (), body);
  cpd_marshal_end_array (body, info);
  return reply;
}

static void
on_opened (const CpdOpening *opening, gpointer user_data)
{
  Tunnel *tunnel = user_data;
  CpdPacket *reply = new_reply (tunnel, opening);

  if (opening->verdict->report != NULL)
    cpd_refusals_note_report (tunnel->parts, tunnel->caller, opening->verdict->report);
  stop_watching_caller (tunnel);
  cpd_ends_expect (tunnel->parts->ends, tunnel->path, tunnel->caller);
  cpd_call_return_packet (g_steal_pointer (&tunnel->call), reply, 0, tunnel->deadline_us);
}

/* Returns: (floating) */
static GVariant *
describe_end (const CpdTunnelEnd *end)
{
  GVariantBuilder result;

  cpd_vardict_begin (&result);
  cpd_vardict_add (&result, "bytes-sent", g_variant_new_uint64 (end->sent));
  cpd_vardict_add (&result, "bytes-received", g_variant_new_uint64 (end->received));
  return g_variant_builder_end (&result);
}

/* `error`: (nullable): NULL: in order. */
static void
tell_end (Tunnel *tunnel, const CpdTunnelEnd *end, const GError *error)
{
  g_autoptr (GVariant) result = error == NULL ? g_variant_ref_sink (describe_end (end)) : NULL;

  cpd_ends_take (tunnel->parts->ends, tunnel->path, result, error);
}

static void
on_ended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Tunnel *tunnel = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdVerdict) verdict = NULL;
  CpdTunnelEnd end;

  cpd_fetcher_tunnel_finish (CPD_FETCHER (source), result, &end, &error);
  verdict = end.verdict;
  if (verdict != NULL && !verdict->passed
      && (g_error_matches (error, CERTPIN_ERROR, (int)verdict->error)
          || g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_PIN_CHANGED)))
    cpd_refusals_note (tunnel->parts, tunnel->caller, verdict);
  if (tunnel->call != NULL)
    cpd_call_fail (g_steal_pointer (&tunnel->call), g_steal_pointer (&error));
  else
    tell_end (tunnel, &end, error);
  tunnel_unref (tunnel);
}

static void
start (gpointer user_data)
{
  Tunnel *tunnel = user_data;
  gint64 started_us = g_get_monotonic_time ();

  tunnel->deadline_us = started_us + (gint64)tunnel->order->timeout_ms * 1000;
  cpd_fetcher_tunnel_async (tunnel->parts->fetcher, tunnel->order, started_us, on_opened,
                            tunnel->cancellable, on_ended, g_atomic_rc_box_acquire (tunnel));
}

/* A connection may last for ever, so that nobody waits for its end. */
static void
act_open_connection (CpdCall *call)
{
  Tunnel *tunnel = call->data;
  g_autoptr (GError) reason = NULL;

  tunnel->place = cpd_place_new (call->parts->tunnels, call->caller->uid, start, tunnel);
  if (cpd_place_enter (tunnel->place, &reason))
    return;
  g_clear_pointer (&tunnel->place, cpd_place_leave);
  cpd_call_fail (call, g_error_new (CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED,
                                    "your programs, or those of all users together, have as many "
                                    "connections open as are allowed; close some first"));
}

static gboolean
watch_caller (CpdCall *call, GError **error)
{
  Tunnel *tunnel = call->data;

  tunnel->gone = g_object_ref (call->caller->gone);
  tunnel->gone_id = g_signal_connect_swapped (
      tunnel->gone, "cancelled", G_CALLBACK (g_cancellable_cancel), tunnel->cancellable);
  if (g_cancellable_is_cancelled (tunnel->gone))
    g_cancellable_cancel (tunnel->cancellable);
  return TRUE;
}

/* `token`: (nullable): NULL: one is chosen */
static gboolean
make_object (Tunnel *tunnel, const char *token, GError **error)
{
  const CpdRequestObject object
      = { .caller = tunnel->caller, .token = token, .cancellable = tunnel->cancellable };

  tunnel->path = cpd_request_objects_add (tunnel->parts->request_objects, &object, error);
  return tunnel->path != NULL;
}

static gboolean
parse_open_connection (CpdCall *call, GVariant *arguments, GError **error)
{
  g_autofree char *token = NULL;
  CpdTunnelOrder *order = cpd_connect_order_parse (
      arguments, cpd_arrival_steal_descriptor (call->arrival), call->caller->uid, &token, error);
  Tunnel *tunnel;

  if (order == NULL)
    return FALSE;
  tunnel = g_atomic_rc_box_new0 (Tunnel);
  tunnel->parts = call->parts;
  tunnel->caller = cpd_caller_ref (call->caller);
  tunnel->call = call;
  tunnel->order = order;
  tunnel->cancellable = g_cancellable_new ();
  cpd_call_take_data (call, tunnel, tunnel_unref);
  call->action = CERTPIN_ACTION_SECURE_REQUEST;
  call->host = g_strdup (cpd_host_get_name (order->target));
  call->check = watch_caller;
  call->act = act_open_connection;
  return make_object (tunnel, token, error);
}

const CpdMethod cpd_connect[] = { { "OpenConnection", parse_open_connection }, { NULL } };

/* Finish: cpd-request-control passes on what concerns connections */

static void
tell (gpointer waiter, GVariant *result, const GError *error)
{
  if (error != NULL)
    cpd_call_fail (waiter, g_error_copy (error));
  else
    cpd_call_return (waiter, g_variant_new ("(@a{sv})", result));
}

CpdEnds *
cpd_connect_new_ends (void)
{
  return cpd_ends_new (tell);
}
