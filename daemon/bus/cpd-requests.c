/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The Requests interface: a request waits for its turn, is fetched, and is answered with its
 * evidence. It ends early at its deadline, by Cancel, or when its caller leaves. */

#include "config.h"

#include "daemon/bus/cpd-describe.h"
#include "daemon/bus/cpd-methods.h"
#include "daemon/bus/cpd-refusals.h"
#include "daemon/bus/cpd-request-order.h"
#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/base/cpd-vardict.h"
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

/* Disconnects everything that could end it a second time. */
static void
stop_watching (Request *request)
{
  g_clear_signal_handler (&request->cancelled_id, request->cancellable);
  if (request->gone != NULL)
    g_clear_signal_handler (&request->gone_id, request->gone);
}

static void
request_free (gpointer data)
{
  Request *request = data;

  stop_watching (request);
  g_clear_handle_id (&request->timer, g_source_remove);
  if (request->place != NULL)
    {
      cpd_budget_give_back (cpd_place_get_bodies (request->place), request->taken);
      cpd_place_leave (request->place);
    }
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

/* Returns: (floating): what the fetcher tells, and what the verdict proves */
static GVariant *
new_info (CpdCall *call, CertpinResponse *response, const CpdVerdict *verdict)
{
  GVariantBuilder info;

  cpd_vardict_begin (&info);
  cpd_vardict_add_all (&info, certpin_response_get_info (response));
  cpd_describe_evidence (verdict, &info);
  if (verdict->report != NULL)
    cpd_vardict_add (&info, "report", cpd_describe_failure (verdict->report, cpd_call_now_s ()));
  return g_variant_builder_end (&info);
}

static void
answer (CpdCall *call, CertpinResponse *response, const CpdVerdict *verdict)
{
  GBytes *body = certpin_response_get_body (response);
  GVariant *const reply[] = {
    g_variant_new_uint32 (certpin_response_get_status (response)),
    certpin_response_get_headers (response),
    g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, body, TRUE),
    new_info (call, response, verdict),
  };

  if (verdict->report != NULL)
    cpd_refusals_note_report (call->parts, call->caller, verdict->report);
  stop_watching (call->data);
  charge_body (call->data, g_bytes_get_size (body));
  cpd_call_return_body (call, g_variant_new_tuple (reply, G_N_ELEMENTS (reply)),
                        g_bytes_get_size (body), deadline_of (call->data));
}

static void
request_on_fetched (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdCall *call = user_data;
  g_autoptr (CpdVerdict) verdict = NULL;
  GError *error = NULL;
  g_autoptr (CertpinResponse) response
      = cpd_fetcher_fetch_finish (CPD_FETCHER (source), result, &verdict, &error);

  cpd_place_rest (((Request *)call->data)->place);
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
  if (!take_body (request, &error) || !cpd_place_enter (request->place, &error))
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

static gboolean
parse_secure_request (CpdCall *call, GVariant *arguments, GError **error)
{
  g_autofree char *token = NULL;
  CpdOrder *order
      = cpd_request_order_parse (arguments, call->caller->uid, call->parts->config, &token, error);
  Request *request;

  if (order == NULL)
    return FALSE;
  request = new_request (call, order);
  cpd_call_take_data (call, request, request_free);
  call->action = CERTPIN_ACTION_SECURE_REQUEST;
  call->host = g_strdup (g_uri_get_host (certpin_request_get_uri (order->request)));
  call->check = watch_caller;
  call->act = act_secure_request;
  if (token != NULL)
    request->path = cpd_request_objects_add (request->objects, call->caller->sender, token,
                                             request->cancellable, error);
  return token == NULL || request->path != NULL;
}

const CpdMethod cpd_requests[] = { { "SecureRequest", parse_secure_request }, { NULL } };

/* Cancel, of a request's object */

static void
act_cancel (CpdCall *call)
{
  CpdRequestObjects *objects = call->parts->request_objects;
  g_autofree char *path = g_strdup (cpd_call_get_path (call));

  cpd_call_return (call, NULL);
  cpd_request_objects_cancel (objects, path);
}

static gboolean
parse_cancel (CpdCall *call, GVariant *arguments, GError **error)
{
  call->act = act_cancel;
  return cpd_request_objects_check_owner (cpd_call_get_path (call), call->caller->sender, error);
}

const CpdMethod cpd_request_object[] = { { "Cancel", parse_cancel }, { NULL } };
