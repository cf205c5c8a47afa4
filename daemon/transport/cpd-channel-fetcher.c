/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One order from the first attempt to the response. Each hop gets its policy, is sent over its
 * channel, is tried again if nothing was sent yet, and is followed if it redirects. One deadline
 * limits all this. */

#include "config.h"

#include "daemon/transport/cpd-channel-fetcher.h"

#include "daemon/transport/cpd-deadline.h"
#include "daemon/transport/cpd-redirect.h"

struct _CpdChannelFetcher
{
  GObject parent;

  CpdStore *store;
  CpdChannels *channels;
  CpdProxies *proxies;
  CpdWorkers *workers;
};

/* One order in progress; belongs to its task. */
typedef struct
{
  CpdChannelFetcher *fetcher; /* borrowed from the task */
  CpdOrder *order;
  gint64 started_us; /* monotonic: when it was authorised */
  CpdBudget *bodies; /* what the uid may hold of them */
  CpdHop hop;
  CpdProxy *proxy;       /* of this hop; NULL: none */
  CpdAttemptFlags flags; /* of the next attempt at it */
  CpdAttempt *attempt;   /* under way */
  CpdVerdict *verdict;   /* the last */
  unsigned int redirects;
  gint64 sent_us;           /* monotonic: when the first attempt was given to its channel */
  GSource *deadline;        /* NULL: it does not count now */
  GSource *stream_deadline; /* NULL: there is none */
  gulong cancelled_id;
} Fetch;

static void cpd_channel_fetcher_fetcher_init (CpdFetcherInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (CpdChannelFetcher, cpd_channel_fetcher, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (CPD_TYPE_FETCHER,
                                                      cpd_channel_fetcher_fetcher_init))

static void
fetch_free (gpointer data)
{
  Fetch *fetch = data;

  cpd_order_unref (fetch->order);
  cpd_budget_unref (fetch->bodies);
  cpd_hop_clear (&fetch->hop);
  cpd_proxy_unref (fetch->proxy);
  g_clear_object (&fetch->attempt);
  cpd_verdict_unref (fetch->verdict);
  g_free (fetch);
}

/* Disconnects everything that could still call back, before the task returns. */
static void
fetch_done (GTask *task)
{
  Fetch *fetch = g_task_get_task_data (task);

  if (fetch->attempt != NULL)
    g_signal_handlers_disconnect_by_data (fetch->attempt, task);
  cpd_deadline_stop (&fetch->deadline);
  cpd_deadline_stop (&fetch->stream_deadline);
  if (fetch->cancelled_id != 0)
    g_signal_handler_disconnect (g_task_get_cancellable (task), fetch->cancelled_id);
  fetch->cancelled_id = 0;
}

/* `error`: (transfer full) */
static void
fetch_fail (GTask *task, GError *error)
{
  fetch_done (task);
  g_task_return_error (task, error);
  g_object_unref (task);
}

/* The caller did not name the host that the error names. `error`: (transfer full) */
static void
fetch_fail_at_hop (GTask *task, GError *error)
{
  const Fetch *fetch = g_task_get_task_data (task);

  if (fetch->redirects > 0 && !g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED))
    g_prefix_error_literal (&error, "after a redirect: ");
  fetch_fail (task, error);
}

static void
take_verdict (Fetch *fetch, CpdVerdict *verdict)
{
  cpd_verdict_unref (fetch->verdict);
  fetch->verdict = verdict;
}

/* Whether the body of the answer comes by a descriptor, or has come there already. */
static gboolean
is_streaming (const Fetch *fetch)
{
  CpdTransfer *transfer = fetch->order->transfer;

  return transfer != NULL && cpd_transfer_get_state (transfer) == CPD_TRANSFER_RECEIVING;
}

/* Returns: (transfer full): names and values in turn */
static GStrv
list_headers (const CpdHttpHead *head)
{
  GStrv headers = g_new (char *, 2 * (gsize)head->n_fields + 1);

  for (unsigned int i = 0; i < head->n_fields; i++)
    {
      headers[2 * i] = g_strdup (head->fields[i].name);
      headers[2 * i + 1] = g_strdup (head->fields[i].value);
    }
  headers[2 * head->n_fields] = NULL;
  return headers;
}

static CpdTimings
get_timings (const Fetch *fetch, const CpdAnswer *answer)
{
  return (CpdTimings){
    .queue = (guint64)MAX (fetch->sent_us - fetch->started_us, 0),
    .resolve = answer->resolve_us,
    .connect = answer->connect_us,
    .tls = answer->tls_us,
    .first_byte = answer->first_byte_us,
    .total = (guint64)(g_get_monotonic_time () - fetch->started_us),
  };
}

/* Returns: (transfer full) */
static CpdResponse *
new_response (Fetch *fetch, const CpdAnswer *answer)
{
  CpdResponse *response = g_new0 (CpdResponse, 1);

  response->status = answer->head->status;
  response->headers = list_headers (answer->head);
  response->body = g_bytes_ref (answer->body);
  response->streams = is_streaming (fetch);
  response->url = g_uri_to_string (certpin_request_get_uri (fetch->hop.request));
  response->tls_version = answer->tls_version;
  response->tls_cipher = answer->tls_cipher;
  response->proxy = fetch->proxy != NULL ? g_strdup (cpd_proxy_get_text (fetch->proxy)) : NULL;
  response->reused = answer->reused;
  response->redirects = fetch->redirects;
  response->timings = get_timings (fetch, answer);
  return response;
}

static void
fetch_answer (GTask *task, const CpdAnswer *answer)
{
  CpdResponse *response = new_response (g_task_get_task_data (task), answer);

  fetch_done (task);
  g_task_return_pointer (task, response, (GDestroyNotify)cpd_response_free);
  g_object_unref (task);
}

static GError *
new_late_error (const Fetch *fetch)
{
  g_autoptr (GString) message = g_string_new (NULL);
  g_autofree char *received = cpd_attempt_describe_received (fetch->attempt);

  g_string_printf (message, "host ‘%s’", cpd_host_get_name (fetch->hop.target));
  if (fetch->proxy != NULL)
    g_string_append_printf (message, ", or proxy ‘%s’,", cpd_proxy_get_text (fetch->proxy));
  if (received != NULL)
    g_string_append_printf (message, " did not send all of its response in the time allowed: %s",
                            received);
  else
    g_string_append (message, " did not answer in the time allowed");
  return g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_TIMED_OUT, message->str);
}

static gboolean
fetch_on_deadline (gpointer user_data)
{
  Fetch *fetch = g_task_get_task_data (G_TASK (user_data));

  cpd_attempt_fail (fetch->attempt, new_late_error (fetch));
  return G_SOURCE_REMOVE;
}

/* How long a body takes that is read from a descriptor is up to the caller and the server; the time
 * for the answer counts from its end. */
static void
fetch_on_uploads (GTask *task, gboolean begun)
{
  Fetch *fetch = g_task_get_task_data (task);

  cpd_deadline_stop (&fetch->deadline);
  if (!begun)
    fetch->deadline = cpd_deadline_start (g_get_monotonic_time (), fetch->order->timeout_ms,
                                          fetch_on_deadline, task);
}

static void fetch_hop (GTask *task);

/* A response has arrived: the end, or one more hop. */
static void
fetch_on_answer (GTask *task)
{
  Fetch *fetch = g_task_get_task_data (task);
  const CpdAnswer *answer = cpd_attempt_get_answer (fetch->attempt);
  CpdHop next;
  GError *error = NULL;
  gboolean goes_on = fetch->redirects < fetch->order->max_redirects
                     && cpd_redirect_is_one (answer->head)
                     && cpd_redirect_follow (&fetch->hop, answer->head, &next, &error);

  if (error != NULL)
    fetch_fail (task, error);
  else if (!goes_on)
    fetch_answer (task, answer);
  else
    {
      cpd_hop_clear (&fetch->hop);
      fetch->hop = next;
      fetch->flags = 0;
      fetch->redirects++;
      fetch_hop (task);
    }
}

static void
take_verdict_of_attempt (Fetch *fetch)
{
  CpdVerdict *verdict = cpd_attempt_get_verdict (fetch->attempt);

  if (verdict != NULL)
    take_verdict (fetch, cpd_verdict_ref (verdict));
}

/* The attempt goes on without this order: it has all that it needs. */
static void
fetch_on_streams (GTask *task)
{
  Fetch *fetch = g_task_get_task_data (task);

  take_verdict_of_attempt (fetch);
  fetch_answer (task, cpd_attempt_get_answer (fetch->attempt));
}

static void
fetch_on_ended (GTask *task)
{
  Fetch *fetch = g_task_get_task_data (task);

  take_verdict_of_attempt (fetch);
  switch (cpd_attempt_get_ending (fetch->attempt))
    {
    case CPD_ENDING_ANSWERED:
      fetch_on_answer (task);
      break;
    case CPD_ENDING_REFUSED:
      fetch_fail_at_hop (task, cpd_verdict_to_error (fetch->verdict));
      break;
    case CPD_ENDING_DECLINED:
      fetch->flags |= CPD_ATTEMPT_FRESH | CPD_ATTEMPT_PLAIN;
      fetch_hop (task);
      break;
    case CPD_ENDING_STALE:
      fetch->flags |= CPD_ATTEMPT_FRESH;
      fetch_hop (task);
      break;
    case CPD_ENDING_MOVED:
      fetch_hop (task);
      break;
    case CPD_ENDING_FAILED:
      fetch_fail_at_hop (task, g_error_copy (cpd_attempt_get_error (fetch->attempt)));
      break;
    case CPD_ENDING_NONE:
      break;
    }
}

/* Gives the hop to the channel of its host and proxy. */
static void
fetch_send (GTask *task)
{
  Fetch *fetch = g_task_get_task_data (task);
  CpdHost *target = fetch->hop.target;
  CpdProxy *proxy = cpd_proxies_choose (fetch->fetcher->proxies, fetch->order->proxy,
                                        cpd_host_get_name (target), cpd_host_get_port (target));
  g_autoptr (CpdChannel) channel
      = cpd_channels_get (fetch->fetcher->channels, fetch->order->owner, target, proxy);

  cpd_proxy_unref (fetch->proxy);
  fetch->proxy = cpd_proxy_ref (proxy);
  g_clear_object (&fetch->attempt);
  if (fetch->sent_us == 0)
    fetch->sent_us = g_get_monotonic_time ();
  fetch->attempt
      = cpd_channel_send (channel, fetch->order, fetch->bodies, &fetch->hop, fetch->flags);
  g_signal_connect_swapped (fetch->attempt, "uploads", G_CALLBACK (fetch_on_uploads), task);
  g_signal_connect_swapped (fetch->attempt, "streams", G_CALLBACK (fetch_on_streams), task);
  g_signal_connect_swapped (fetch->attempt, "ended", G_CALLBACK (fetch_on_ended), task);
  if (cpd_attempt_get_ending (fetch->attempt) != CPD_ENDING_NONE)
    fetch_on_ended (task);
}

/* One more attempt at the request of this hop, with the current policy. */
static void
fetch_hop (GTask *task)
{
  Fetch *fetch = g_task_get_task_data (task);

  take_verdict (fetch,
                cpd_judge_host (fetch->fetcher->store, fetch->order->owner, fetch->hop.target));
  if (!fetch->verdict->passed)
    fetch_fail_at_hop (task, cpd_verdict_to_error (fetch->verdict));
  else
    fetch_send (task);
}

static void
fetch_on_cancelled (GTask *task)
{
  Fetch *fetch = g_task_get_task_data (task);

  cpd_attempt_fail (fetch->attempt, g_error_new (CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED,
                                                 "the request was cancelled"));
}

/* From now on, the order ends at its deadline, or when the caller cancels it. */
static void
watch_end (GTask *task)
{
  Fetch *fetch = g_task_get_task_data (task);

  fetch->deadline
      = cpd_deadline_start (fetch->started_us, fetch->order->timeout_ms, fetch_on_deadline, task);
  if (fetch->order->stream_timeout_ms != 0)
    fetch->stream_deadline = cpd_deadline_start (fetch->started_us, fetch->order->stream_timeout_ms,
                                                 fetch_on_deadline, task);
  if (g_task_get_cancellable (task) != NULL)
    fetch->cancelled_id = g_signal_connect_swapped (g_task_get_cancellable (task), "cancelled",
                                                    G_CALLBACK (fetch_on_cancelled), task);
}

static void
cpd_channel_fetcher_fetch_async (CpdFetcher *fetcher, CpdOrder *order, gint64 started_us,
                                 CpdBudget *bodies, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (fetcher, cancellable, callback, user_data);
  Fetch *fetch = g_new0 (Fetch, 1);

  g_task_set_source_tag (task, cpd_channel_fetcher_fetch_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, fetch, fetch_free);
  fetch->fetcher = CPD_CHANNEL_FETCHER (fetcher);
  fetch->order = cpd_order_ref (order);
  fetch->started_us = started_us;
  fetch->bodies = cpd_budget_ref (bodies);
  fetch->hop.request = certpin_request_ref (order->request);
  fetch->hop.target = cpd_host_ref (order->target);
  fetch->hop.upload = order->upload != NULL ? cpd_upload_ref (order->upload) : NULL;
  if (g_cancellable_is_cancelled (cancellable))
    {
      fetch_fail (
          task, g_error_new (CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED, "the request was cancelled"));
      return;
    }
  watch_end (task);
  fetch_hop (task);
}

static CpdResponse *
cpd_channel_fetcher_fetch_finish (CpdFetcher *fetcher, GAsyncResult *result, CpdVerdict **verdict,
                                  GError **error)
{
  Fetch *fetch = g_task_get_task_data (G_TASK (result));

  *verdict = fetch->verdict != NULL ? cpd_verdict_ref (fetch->verdict) : NULL;
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* A tunnel that is being opened; belongs to its task. */
typedef struct
{
  CpdTunnel *tunnel;
  CpdVerdict *verdict; /* NULL: there was none */
  gulong cancelled_id;
} Opening;

static void
opening_free (gpointer data)
{
  Opening *opening = data;

  g_object_unref (opening->tunnel);
  cpd_verdict_unref (opening->verdict);
  g_free (opening);
}

/* From here on, the tunnel and its transfer go on alone. */
static void
opening_done (GTask *task)
{
  Opening *opening = g_task_get_task_data (task);
  CpdVerdict *verdict = cpd_tunnel_get_verdict (opening->tunnel);

  g_signal_handlers_disconnect_by_data (opening->tunnel, task);
  g_clear_signal_handler (&opening->cancelled_id, g_task_get_cancellable (task));
  opening->verdict = verdict != NULL ? cpd_verdict_ref (verdict) : NULL;
}

static void
on_tunnel_opened (GTask *task, GVariant *info)
{
  opening_done (task);
  g_task_return_pointer (task, g_variant_ref (info), (GDestroyNotify)g_variant_unref);
  g_object_unref (task);
}

static void
on_tunnel_ended (GTask *task)
{
  Opening *opening = g_task_get_task_data (task);

  opening_done (task);
  g_task_return_error (task, g_error_copy (cpd_tunnel_get_error (opening->tunnel)));
  g_object_unref (task);
}

/* As for a request, unless the caller has connected by itself.
 * Returns: (transfer none) (nullable) */
static CpdProxy *
choose_proxy (CpdChannelFetcher *fetcher, const CpdTunnelOrder *order)
{
  if (order->starttls >= 0)
    return NULL;
  return cpd_proxies_choose (fetcher->proxies, /* wanted= */ NULL,
                             cpd_host_get_name (order->target), cpd_host_get_port (order->target));
}

static void
cpd_channel_fetcher_tunnel_async (CpdFetcher *fetcher, CpdTunnelOrder *order, gint64 started_us,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  GTask *task = g_task_new (fetcher, cancellable, callback, user_data);
  Opening *opening = g_new0 (Opening, 1);
  CpdChannels *channels = CPD_CHANNEL_FETCHER (fetcher)->channels;

  g_task_set_source_tag (task, cpd_channel_fetcher_tunnel_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, opening, opening_free);
  opening->tunnel = cpd_channels_open_tunnel (
      channels, order, choose_proxy (CPD_CHANNEL_FETCHER (fetcher), order), started_us);
  g_signal_connect_swapped (opening->tunnel, "opened", G_CALLBACK (on_tunnel_opened), task);
  g_signal_connect_swapped (opening->tunnel, "ended", G_CALLBACK (on_tunnel_ended), task);
  opening->cancelled_id = g_signal_connect_swapped (
      cancellable, "cancelled", G_CALLBACK (cpd_tunnel_cancel), opening->tunnel);
  if (g_cancellable_is_cancelled (cancellable))
    cpd_tunnel_cancel (opening->tunnel);
  else
    cpd_tunnel_start (opening->tunnel);
}

static GVariant *
cpd_channel_fetcher_tunnel_finish (CpdFetcher *fetcher, GAsyncResult *result, CpdVerdict **verdict,
                                   GError **error)
{
  Opening *opening = g_task_get_task_data (G_TASK (result));

  *verdict = opening->verdict != NULL ? cpd_verdict_ref (opening->verdict) : NULL;
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
on_inspected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  CpdInspection *inspection = cpd_inspect_finish (result, &error);

  if (inspection != NULL)
    g_task_return_pointer (task, inspection, (GDestroyNotify)cpd_inspection_free);
  else
    g_task_return_error (task, error);
}

static void
cpd_channel_fetcher_inspect_async (CpdFetcher *fetcher, CpdInspectOrder *order, gint64 started_us,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  const CpdChannelFetcher *self = CPD_CHANNEL_FETCHER (fetcher);
  GTask *task = g_task_new (fetcher, cancellable, callback, user_data);
  CpdProxy *proxy
      = cpd_proxies_choose (self->proxies, order->proxy, cpd_host_get_name (order->target),
                            cpd_host_get_port (order->target));

  g_task_set_source_tag (task, cpd_channel_fetcher_inspect_async);
  g_task_set_check_cancellable (task, FALSE);
  cpd_channels_inspect_async (self->channels, order, proxy, started_us, cancellable, on_inspected,
                              task);
}

static CpdInspection *
cpd_channel_fetcher_inspect_finish (CpdFetcher *fetcher, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static GPtrArray *
cpd_channel_fetcher_list_channels (CpdFetcher *fetcher, CpdOwner owner)
{
  return cpd_channels_list (CPD_CHANNEL_FETCHER (fetcher)->channels, owner);
}

static void
cpd_channel_fetcher_fetcher_init (CpdFetcherInterface *iface)
{
  iface->fetch_async = cpd_channel_fetcher_fetch_async;
  iface->fetch_finish = cpd_channel_fetcher_fetch_finish;
  iface->tunnel_async = cpd_channel_fetcher_tunnel_async;
  iface->tunnel_finish = cpd_channel_fetcher_tunnel_finish;
  iface->inspect_async = cpd_channel_fetcher_inspect_async;
  iface->inspect_finish = cpd_channel_fetcher_inspect_finish;
  iface->list_channels = cpd_channel_fetcher_list_channels;
}

static void
cpd_channel_fetcher_dispose (GObject *object)
{
  CpdChannelFetcher *fetcher = CPD_CHANNEL_FETCHER (object);

  g_clear_object (&fetcher->channels);
  g_clear_pointer (&fetcher->workers, cpd_workers_leave);
  g_clear_object (&fetcher->store);
  g_clear_pointer (&fetcher->proxies, cpd_proxies_unref);
  G_OBJECT_CLASS (cpd_channel_fetcher_parent_class)->dispose (object);
}

static void
cpd_channel_fetcher_class_init (CpdChannelFetcherClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = cpd_channel_fetcher_dispose;
}

static void
cpd_channel_fetcher_init (CpdChannelFetcher *fetcher)
{
}

static void
on_worked (CpdOwner owner, gint64 took_us, gpointer user_data)
{
  cpd_fetcher_tell_worked (user_data, owner, took_us);
}

CpdChannelFetcher *
cpd_channel_fetcher_new (CpdStore *store, const CpdConfig *config)
{
  CpdChannelFetcher *fetcher = g_object_new (CPD_TYPE_CHANNEL_FETCHER, NULL);

  fetcher->store = g_object_ref (store);
  fetcher->workers = cpd_workers_new (on_worked, fetcher);
  fetcher->channels = cpd_channels_new (store, config, fetcher->workers);
  fetcher->proxies = cpd_proxies_ref (config->proxies);
  return fetcher;
}

/* The process is about to end: nothing is fetched any more, and no thread works for it. */
void
cpd_channel_fetcher_finish (CpdChannelFetcher *fetcher)
{
  cpd_workers_finish (fetcher->workers);
}

/* The machine has been asleep: no idle connection is used any more. */
void
cpd_channel_fetcher_leave_networks (CpdChannelFetcher *fetcher)
{
  cpd_channels_leave_networks (fetcher->channels);
}
