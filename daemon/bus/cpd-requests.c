/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The Requests interface: a request waits for its turn, is fetched, and is answered with its
 * evidence. It ends early at its deadline, by Cancel, or when its caller leaves. */

#include "config.h"

#include "daemon/bus/cpd-describe.h"
#include "daemon/bus/cpd-errand.h"
#include "daemon/bus/cpd-methods.h"
#include "daemon/bus/cpd-refusals.h"
#include "daemon/bus/cpd-request-order.h"
#include "daemon/core/base/cpd-refuse.h"
#include "dbus/certpin-names.h"

/* One request in progress; belongs to its call. */
typedef struct
{
  CpdErrand errand;
  CpdOrder *order;
  guint64 taken; /* of the uid's budget for bodies */
} Request;

/* Returns: (transfer none): the user's budget for bodies, once the request has a place */
static CpdBudget *
get_bodies (const Request *request)
{
  return cpd_place_get_bodies (request->errand.place);
}

/* How its transfer ended, unless that has, or goes on without the call. `error`: (nullable) */
static void
end_transfer (Request *request, const GError *error)
{
  if (request->order->transfer != NULL && request->errand.path != NULL)
    cpd_transfer_end (request->order->transfer, error);
}

static void
request_free (gpointer data)
{
  Request *request = data;

  if (request->taken > 0)
    cpd_budget_give_back (get_bodies (request), request->taken);
  end_transfer (request, NULL);
  cpd_errand_clear (&request->errand);
  cpd_order_unref (request->order);
  g_free (request);
}

/* `error`: (transfer full) */
static void
request_fail (CpdCall *call, GError *error)
{
  cpd_errand_stop (call->data);
  end_transfer (call->data, error);
  cpd_call_fail (call, error);
}

static gint64
deadline_of (const Request *request)
{
  return request->errand.started_us + (gint64)request->order->timeout_ms * 1000;
}

/* Charges the body to the user's budget until the call ends. The reply itself waits in
 * cpd-delivery, if its caller does not read. */
static void
charge_body (Request *request, guint64 bytes)
{
  cpd_budget_charge (get_bodies (request), bytes);
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
      cpd_marshal_text (to, request->errand.path);
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

  cpd_errand_keep_object (&request->errand,
                          timeout_ms != 0 ? request->errand.started_us + (gint64)timeout_ms * 1000
                                          : 0);
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

  cpd_refusals_note_reports (call->parts, call->caller, verdict);
  cpd_errand_stop (&request->errand);
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
request_begin (CpdCall *call)
{
  Request *request = call->data;

  cpd_fetcher_fetch_async (call->parts->fetcher, request->order, request->errand.started_us,
                           get_bodies (request), request->errand.cancellable, request_on_fetched,
                           call);
}

static gboolean
take_body (Request *request, GError **error)
{
  guint64 size = g_bytes_get_size (certpin_request_get_body (request->order->request));

  if (!cpd_budget_take (get_bodies (request), size))
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

  cpd_status_count_request (call->parts->status, call->asker.self);
  /* The call may be freed on entry: its turn and its end can come at once. */
  if (!cpd_errand_take_place (&request->errand, request->order->timeout_ms, &error)
      || !take_body (request, &error) || !enter_stream (request, &error)
      || !cpd_place_enter (request->errand.place, &error))
    request_fail (call, error);
}

/* Its object on the bus, if it has one. */
static gboolean
add_object (Request *request, const char *token, GError **error)
{
  CpdTransfer *transfer = request->order->transfer;

  return (token == NULL && transfer == NULL)
         || cpd_errand_add_object (
             &request->errand, (CpdRequestObject){ .token = token, .transfer = transfer }, error);
}

/* The body that comes by the descriptor of the call, if there is one. */
static gboolean
take_upload (CpdCall *call, CpdOrder *order, const CpdRequestExtras *extras, GError **error)
{
  CpdPump pump = { .apart = cpd_call_get_apart (call), .bytes = extras->body_length };

  if (extras->body_handle < 0)
    return TRUE;
  if (g_bytes_get_size (certpin_request_get_body (order->request)) > 0)
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "there is a body besides that of the option ‘body-stream’");
  pump.from = extras->body_handle == 0 ? cpd_arrival_steal_descriptor (call->arrival) : -1;
  if (pump.from < 0)
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "option ‘body-stream’ is %d, but no such descriptor came with the call",
                       extras->body_handle);
  order->upload = cpd_upload_new (&pump, error);
  return order->upload != NULL;
}

static gboolean
parse_secure_request (CpdCall *call, GVariant *arguments, GError **error)
{
  static const CpdErrandFuncs funcs = { .begin = request_begin, .fail = request_fail };
  CpdRequestExtras extras;
  g_autoptr (CpdOrder) order
      = cpd_request_order_parse (arguments, call->asker.owner, call->parts->config, &extras, error);
  g_autofree char *token = extras.token;
  Request *request;

  if (order == NULL || !take_upload (call, order, &extras, error))
    return FALSE;
  if (order->stream != CPD_STREAM_NEVER || order->upload != NULL)
    order->transfer = cpd_transfer_new (call->parts->streams, call->caller->owner, "streams");
  request = g_new0 (Request, 1);
  request->order = cpd_order_ref (order);
  cpd_errand_init (&request->errand, call, &funcs);
  cpd_call_take_data (call, request, request_free);
  call->action = CERTPIN_ACTION_SECURE_REQUEST;
  call->host = g_strdup (g_uri_get_host (certpin_request_get_uri (order->request)));
  call->tells_cause = extras.tells_cause;
  call->check = cpd_errand_follow_caller;
  call->act = act_secure_request;
  return add_object (request, token, error);
}

const CpdMethod cpd_requests[] = { { "SecureRequest", parse_secure_request }, { NULL } };
