/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The Requests interface: a request waits for its turn, is fetched, and is answered with its
 * evidence. It ends early at its deadline, by Cancel, or when its caller leaves. */

#include "config.h"

#include "daemon/bus/cpd-describe.h"
#include "daemon/bus/cpd-methods.h"
#include "daemon/bus/cpd-refusals.h"
#include "daemon/bus/cpd-request-order.h"
#include "daemon/core/base/cpd-refuse.h"
#include "dbus/certpin-names.h"

/* One request in progress; belongs to its call. */
typedef struct
{
  CpdOrder *order;
  CpdRequestObjects *objects;
  char *path; /* of its object; NULL: without a token */
  GCancellable *cancellable;
  GCancellable *gone; /* the caller's; NULL before it is identified */
  gulong cancelled_id, gone_id;
  CpdPlace *place;    /* NULL before it is authorised */
  gboolean fetching;  /* the fetcher has it, and ends it */
  unsigned int timer; /* of a deadline while it waits for its turn */
  guint64 taken;      /* of the uid's budget for bodies */
  gint64 started_us;  /* monotonic: when it was authorised */
} Request;

/* Whatever could begin it now, or end it a second time: it may last until its caller reads the
 * reply. */
static void
stop_watching (Request *request)
{
  g_clear_handle_id (&request->timer, g_source_remove);
  if (request->place != NULL)
    cpd_place_rest (request->place);
  g_clear_signal_handler (&request->cancelled_id, request->cancellable);
  if (request->gone != NULL)
    g_clear_signal_handler (&request->gone_id, request->gone);
}

/* How its transfer ended, unless that has, or goes on without the call. `error`: (nullable) */
static void
end_transfer (Request *request, const GError *error)
{
  if (request->order->transfer != NULL && request->path != NULL)
    cpd_transfer_end (request->order->transfer, error);
}

static void
request_free (gpointer data)
{
  Request *request = data;

  stop_watching (request);
  if (request->place != NULL)
    {
      cpd_budget_give_back (cpd_place_get_bodies (request->place), request->taken);
      cpd_place_leave (request->place);
    }
  end_transfer (request, NULL);
  if (request->path != NULL)
    cpd_request_objects_remove (request->objects, request->path);
  g_free (request->path);
  cpd_order_unref (request->order);
  g_clear_object (&request->gone);
  g_object_unref (request->cancellable);
  g_free (request);
}

/* `error`: (transfer full) */
static void
request_fail (CpdCall *call, GError *error)
{
  stop_watching (call->data);
  end_transfer (call->data, error);
  cpd_call_fail (call, error);
}

static gint64
deadline_of (const Request *request)
{
  return request->started_us + (gint64)request->order->timeout_ms * 1000;
}

/* Charges the body to the user's budget until the call ends. The reply itself waits in
 * cpd-delivery, if its caller does not read. */
static void
charge_body (Request *request, guint64 bytes)
{
  cpd_budget_charge (cpd_place_get_bodies (request->place), bytes);
  request->taken += bytes;
}

/* What is known of the connection, and what the verdict proves. */
static void
write_info (const Request *request, const CpdResponse *response, const CpdVerdict *verdict,
            gboolean streams, CpdMarshal *to)
{
  CpdMarshalArray info = cpd_marshal_begin_array (to, 8);

  cpd_describe_connection (response, to);
  cpd_describe_evidence (verdict, to);
  cpd_describe_report (verdict->report, cpd_call_now_s (), to);
  if (streams)
    {
      cpd_marshal_name (to, "body", "h");
      cpd_marshal_number (to, 0);
      cpd_marshal_name (to, "request", "o");
      cpd_marshal_text (to, request->path);
    }
  cpd_marshal_end_array (to, info);
}

/* `descriptor`: (transfer full): -1: none. Returns: (transfer full) */
static CpdPacket *
new_reply (CpdCall *call, const CpdResponse *response, const CpdVerdict *verdict, int descriptor)
{
  CpdPacket *reply = cpd_packet_new_reply (call->arrival->message, "ua(ss)aya{sv}", descriptor);
  CpdMarshal *body = cpd_packet_get_body (reply);

  cpd_marshal_number (body, response->status);
  cpd_describe_headers (response->headers, body);
  cpd_marshal_inset (body, response->body);
  write_info (call->data, response, verdict, descriptor >= 0, body);
  return reply;
}

/* From now on, its object has the stream. */
static void
let_stream_go_on (Request *request)
{
  guint32 timeout_ms = request->order->stream_timeout_ms;
  g_autofree char *path = g_steal_pointer (&request->path);

  cpd_request_objects_keep (request->objects, path,
                            timeout_ms != 0 ? request->started_us + (gint64)timeout_ms * 1000 : 0);
}

/* Returns: (transfer full): the caller's end of the stream; -1: the answer has none */
static int
steal_descriptor (Request *request)
{
  CpdTransfer *transfer = request->order->transfer;

  return transfer != NULL ? cpd_transfer_steal_descriptor (transfer) : -1;
}

static void
answer (CpdCall *call, const CpdResponse *response, const CpdVerdict *verdict)
{
  Request *request = call->data;
  int descriptor = steal_descriptor (request);
  gsize body_bytes = g_bytes_get_size (response->body);
  CpdPacket *reply = new_reply (call, response, verdict, descriptor);

  if (verdict->report != NULL)
    cpd_refusals_note_report (call->parts, call->caller, verdict->report);
  stop_watching (request);
  if (descriptor >= 0)
    let_stream_go_on (request);
  else
    {
      end_transfer (request, NULL);
      charge_body (request, body_bytes);
    }
  cpd_call_return_packet (call, reply, descriptor >= 0 ? 0 : body_bytes, deadline_of (request));
}

static void
request_on_fetched (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdCall *call = user_data;
  g_autoptr (CpdVerdict) verdict = NULL;
  GError *error = NULL;
  g_autoptr (CpdResponse) response
      = cpd_fetcher_fetch_finish (CPD_FETCHER (source), result, &verdict, &error);

  if (response != NULL)
    {
      answer (call, response, verdict);
      return;
    }
  if (verdict != NULL && !verdict->passed
      && g_error_matches (error, CERTPIN_ERROR, (int)verdict->error))
    cpd_refusals_note (call->parts, call->caller, verdict);
  request_fail (call, error);
}

/* Its turn has come. */
static void
request_start (gpointer user_data)
{
  CpdCall *call = user_data;
  Request *request = call->data;

  g_clear_handle_id (&request->timer, g_source_remove);
  request->fetching = TRUE;
  cpd_fetcher_fetch_async (call->parts->fetcher, request->order, request->started_us,
                           cpd_place_get_bodies (request->place), request->cancellable,
                           request_on_fetched, call);
}

static gboolean
request_on_deadline (gpointer user_data)
{
  CpdCall *call = user_data;
  Request *request = call->data;

  request->timer = 0;
  request_fail (call, g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_TIMED_OUT,
                                           "the request timed out in the queue; make fewer "
                                           "requests at a time"));
  return G_SOURCE_REMOVE;
}

static gboolean
take_body (Request *request, GError **error)
{
  guint64 size = g_bytes_get_size (certpin_request_get_body (request->order->request));

  if (!cpd_budget_take (cpd_place_get_bodies (request->place), size))
    return cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED,
                       "the bodies of your requests take too much memory; let some finish first");
  request->taken = size;
  return TRUE;
}

/* What certainly needs a stream gets one before anything is sent. */
static gboolean
enter_stream (Request *request, GError **error)
{
  return (request->order->stream != CPD_STREAM_ALWAYS && request->order->upload == NULL)
         || cpd_transfer_enter (request->order->transfer, error);
}

static void
act_secure_request (CpdCall *call)
{
  Request *request = call->data;
  GError *error = NULL;

  if (g_cancellable_is_cancelled (request->cancellable))
    {
      request_fail (call, g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED,
                                               "the request was cancelled"));
      return;
    }
  request->started_us = g_get_monotonic_time ();
  request->place = cpd_place_new (call->parts->requests, call->caller->uid, request_start, call);
  request->timer = g_timeout_add (request->order->timeout_ms, request_on_deadline, call);
  /* The call may be freed on entry: its turn and its end can come at once. */
  if (!take_body (request, &error) || !enter_stream (request, &error)
      || !cpd_place_enter (request->place, &error))
    request_fail (call, error);
}

/* While it waits, nothing else would end it. */
static void
on_cancelled (CpdCall *call)
{
  Request *request = call->data;

  if (request->place != NULL && !request->fetching)
    request_fail (call, g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED,
                                             "the request was cancelled"));
}

static gboolean
watch_caller (CpdCall *call, GError **error)
{
  Request *request = call->data;

  request->gone = g_object_ref (call->caller->gone);
  request->gone_id = g_signal_connect_swapped (
      request->gone, "cancelled", G_CALLBACK (g_cancellable_cancel), request->cancellable);
  if (g_cancellable_is_cancelled (request->gone))
    g_cancellable_cancel (request->cancellable);
  return TRUE;
}

static Request *
new_request (CpdCall *call, CpdOrder *order)
{
  Request *request = g_new0 (Request, 1);

  request->order = order;
  request->objects = call->parts->request_objects;
  request->cancellable = g_cancellable_new ();
  request->cancelled_id = g_signal_connect_swapped (request->cancellable, "cancelled",
                                                    G_CALLBACK (on_cancelled), call);
  return request;
}

/* Its object on the bus, if it has one. */
static gboolean
add_object (CpdCall *call, const char *token, GError **error)
{
  Request *request = call->data;
  const CpdRequestObject object = {
    .caller = call->caller,
    .token = token,
    .cancellable = request->cancellable,
    .transfer = request->order->transfer,
  };

  if (token == NULL && object.transfer == NULL)
    return TRUE;
  request->path = cpd_request_objects_add (request->objects, &object, error);
  return request->path != NULL;
}

/* The body that comes by the descriptor of the call, if there is one. */
static gboolean
take_upload (CpdCall *call, CpdOrder *order, const CpdRequestExtras *extras, GError **error)
{
  int descriptor;

  if (extras->body_handle < 0)
    return TRUE;
  if (g_bytes_get_size (certpin_request_get_body (order->request)) > 0)
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "there is a body besides that of the option ‘body-stream’");
  descriptor = extras->body_handle == 0 ? cpd_arrival_steal_descriptor (call->arrival) : -1;
  if (descriptor < 0)
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "option ‘body-stream’ is %d, but no such descriptor came with the call",
                       extras->body_handle);
  order->upload = cpd_upload_new (descriptor, extras->body_length, error);
  return order->upload != NULL;
}

static gboolean
parse_secure_request (CpdCall *call, GVariant *arguments, GError **error)
{
  CpdRequestExtras extras;
  g_autoptr (CpdOrder) order
      = cpd_request_order_parse (arguments, call->caller->uid, call->parts->config, &extras, error);
  g_autofree char *token = extras.token;
  Request *request;

  if (order == NULL || !take_upload (call, order, &extras, error))
    return FALSE;
  if (order->stream != CPD_STREAM_NEVER || order->upload != NULL)
    order->transfer = cpd_transfer_new (call->parts->streams, call->caller->uid, "streams");
  request = new_request (call, cpd_order_ref (order));
  cpd_call_take_data (call, request, request_free);
  call->action = CERTPIN_ACTION_SECURE_REQUEST;
  call->host = g_strdup (g_uri_get_host (certpin_request_get_uri (order->request)));
  call->check = watch_caller;
  call->act = act_secure_request;
  return add_object (call, token, error);
}

const CpdMethod cpd_requests[] = { { "SecureRequest", parse_secure_request }, { NULL } };
