/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* OpenConnection: a connection is opened at once or refused, and its caller gets a descriptor and
 * the evidence. Until the reply, it ends if its caller leaves; from then on, it belongs to whoever
 * has the descriptor, and its end is its transfer's. */

#include "config.h"

#include "daemon/bus/cpd-connect-order.h"
#include "daemon/bus/cpd-describe.h"
#include "daemon/bus/cpd-errand.h"
#include "daemon/bus/cpd-methods.h"
#include "daemon/bus/cpd-refusals.h"
#include "daemon/core/base/cpd-vardict.h"
#include "dbus/certpin-names.h"

/* A connection that is being opened; belongs to its call. */
typedef struct
{
  CpdErrand errand;
  CpdTunnelOrder *order;
  gint64 deadline_us; /* monotonic: of the reply */
} Opening;

static void
opening_free (gpointer data)
{
  Opening *opening = data;

  cpd_errand_clear (&opening->errand);
  cpd_tunnel_order_unref (opening->order);
  g_free (opening);
}

/* Whom a refusal after the reply is told; belongs to the transfer. */
typedef struct
{
  const CpdBusParts *parts;
  CpdCaller *caller;
} Owner;

static void
owner_free (gpointer data, GClosure *closure)
{
  Owner *owner = data;

  cpd_caller_unref (owner->caller);
  g_free (owner);
}

static void
on_ended (CpdTransfer *transfer, Owner *owner)
{
  const CpdVerdict *refusal = cpd_transfer_get_refusal (transfer);

  if (refusal != NULL)
    cpd_refusals_note (owner->parts, owner->caller, refusal);
}

/* Returns: (transfer full) */
static CpdTransfer *
new_transfer (CpdCall *call)
{
  CpdTransfer *transfer
      = cpd_transfer_new (call->parts->tunnels, call->caller->owner, "connections");
  Owner *owner = g_new0 (Owner, 1);

  owner->parts = call->parts;
  owner->caller = cpd_caller_ref (call->caller);
  g_signal_connect_data (transfer, "ended", G_CALLBACK (on_ended), owner, owner_free, 0);
  return transfer;
}

/* `error`: (transfer full) */
static void
open_fail (CpdCall *call, GError *error)
{
  Opening *opening = call->data;

  cpd_errand_stop (&opening->errand);
  cpd_transfer_end (opening->order->transfer, error);
  cpd_call_fail (call, error);
}

/* `known`: by the fetcher.
 * Returns: (transfer full): the descriptor, that, and what the verdict proves */
static CpdPacket *
new_reply (CpdCall *call, GVariant *known, const CpdVerdict *verdict)
{
  const Opening *opening = call->data;
  CpdPacket *reply = cpd_packet_new_reply (
      call->arrival->message, "ha{sv}", cpd_transfer_steal_descriptor (opening->order->transfer));
  CpdMarshal *body = cpd_packet_get_body (reply);
  CpdMarshalArray info;

  cpd_marshal_number (body, 0);
  info = cpd_marshal_begin_array (body, 8);
  cpd_marshal_name (body, "request", "o");
  cpd_marshal_text (body, opening->errand.path);
  cpd_marshal_children (body, known);
  cpd_describe_evidence (verdict, body);
  cpd_describe_report (verdict->report, cpd_call_now_s (), body);
  cpd_marshal_end_array (body, info);
  return reply;
}

static void
answer (CpdCall *call, GVariant *known, const CpdVerdict *verdict)
{
  Opening *opening = call->data;
  CpdPacket *reply = new_reply (call, known, verdict);

  cpd_refusals_note_reports (call->parts, call->caller, verdict);
  cpd_errand_stop (&opening->errand);
  cpd_errand_keep_object (&opening->errand, /* deadline_us= */ 0);
  cpd_call_return_packet (call, reply, 0, opening->deadline_us);
}

static void
on_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdCall *call = user_data;
  g_autoptr (CpdVerdict) verdict = NULL;
  GError *error = NULL;
  g_autoptr (GVariant) known
      = cpd_fetcher_tunnel_finish (CPD_FETCHER (source), result, &verdict, &error);

  if (known != NULL)
    {
      answer (call, known, verdict);
      return;
    }
  if (verdict != NULL && !verdict->passed
      && g_error_matches (error, CERTPIN_ERROR, (int)verdict->error))
    cpd_refusals_note (call->parts, call->caller, verdict);
  open_fail (call, error);
}

/* A connection may last for ever, so that nobody waits for its end. */
static void
act_open_connection (CpdCall *call)
{
  Opening *opening = call->data;
  gint64 started_us = g_get_monotonic_time ();
  GError *error = NULL;

  cpd_status_count_request (call->parts->status, call->asker.self);
  if (!cpd_transfer_enter (opening->order->transfer, &error))
    {
      open_fail (call, error);
      return;
    }
  opening->deadline_us = started_us + (gint64)opening->order->timeout_ms * 1000;
  cpd_fetcher_tunnel_async (call->parts->fetcher, opening->order, started_us,
                            opening->errand.cancellable, on_opened, call);
}

static gboolean
parse_open_connection (CpdCall *call, GVariant *arguments, GError **error)
{
  CpdConnectExtras extras;
  CpdTunnelOrder *order = cpd_connect_order_parse (
      arguments, cpd_arrival_steal_descriptor (call->arrival), call->asker.owner, &extras, error);
  g_autofree char *token = extras.token;
  Opening *opening;

  if (order == NULL)
    return FALSE;
  order->apart = cpd_call_get_apart (call);
  order->transfer = new_transfer (call);
  opening = g_new0 (Opening, 1);
  opening->order = order;
  cpd_errand_init (&opening->errand, call, /* funcs= */ NULL);
  cpd_call_take_data (call, opening, opening_free);
  call->action = CERTPIN_ACTION_SECURE_REQUEST;
  call->host = g_strdup (cpd_host_get_name (order->target));
  call->tells_cause = extras.tells_cause;
  call->check = cpd_errand_follow_caller;
  call->act = act_open_connection;
  return cpd_errand_add_object (
      &opening->errand,
      (CpdRequestObject){ .token = token, .transfer = order->transfer, .outlives_caller = TRUE },
      error);
}

const CpdMethod cpd_connect[] = { { "OpenConnection", parse_open_connection }, { NULL } };
