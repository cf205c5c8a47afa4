/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One warm channel: an owner's connections to one host and port, through one proxy or none. It
 * shares nothing with any other, and takes only as many attempts at a time as it may have
 * connections. It holds no policy: whoever judges asks for the one in force. When that changes, a
 * channel is closed as a whole if one of its connections is refused. */

#include "config.h"

#include "daemon/transport/cpd-channel.h"

struct _CpdChannel
{
  GObject parent;

  CpdChannelSettings settings; /* with references of its own */
  GQueue *kept;                /* of CpdConnection: nothing is on them; the last used one first */
  GQueue *running;             /* of CpdAttempt */
  GQueue *streaming;           /* of CpdAttempt: their bodies go through descriptors */
  GQueue *waiting;             /* of CpdAttempt */
  gboolean closed;

  /* To be shown only. */
  gint64 since; /* Unix seconds */
  guint64 requests;
  CpdTraffic traffic;
  CertpinKey *matched_key; /* NULL: none */
};

G_DEFINE_FINAL_TYPE (CpdChannel, cpd_channel, G_TYPE_OBJECT)

enum
{
  CLOSED,
  IDLE,
  N_SIGNALS
};

static unsigned int signals[N_SIGNALS];

static void
close_connection (gpointer data)
{
  CpdConnection *connection = data;

  cpd_tls_close (connection->tls);
  cpd_connection_free (connection);
}

static void
cpd_channel_finalize (GObject *object)
{
  CpdChannel *channel = CPD_CHANNEL (object);

  g_queue_free_full (channel->kept, close_connection);
  g_queue_free_full (channel->running, g_object_unref);
  g_queue_free_full (channel->streaming, g_object_unref);
  g_queue_free_full (channel->waiting, g_object_unref);
  g_clear_object (&channel->settings.store);
  cpd_workers_unref (channel->settings.workers);
  g_clear_object (&channel->settings.gate);
  cpd_reading_unref (channel->settings.reading);
  cpd_address_rules_unref (channel->settings.rules);
  cpd_host_unref (channel->settings.target);
  cpd_proxy_unref (channel->settings.proxy);
  g_clear_pointer (&channel->matched_key, certpin_key_unref);
  G_OBJECT_CLASS (cpd_channel_parent_class)->finalize (object);
}

static void
cpd_channel_class_init (CpdChannelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cpd_channel_finalize;
  signals[CLOSED] = g_signal_new ("closed", CPD_TYPE_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                  NULL, G_TYPE_NONE, 0);
  signals[IDLE] = g_signal_new ("idle", CPD_TYPE_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                G_TYPE_NONE, 0);
}

static void
cpd_channel_init (CpdChannel *channel)
{
  channel->kept = g_queue_new ();
  channel->running = g_queue_new ();
  channel->streaming = g_queue_new ();
  channel->waiting = g_queue_new ();
}

/* Drops the connections that nobody has used for long, and those for which another has no room. */
static void
trim (CpdChannel *channel)
{
  gint64 since_us = g_get_monotonic_time () - (gint64)channel->settings.idle_s * G_TIME_SPAN_SECOND;
  CpdConnection *oldest;

  while (
      (oldest = g_queue_peek_tail (channel->kept)) != NULL
      && (oldest->used_us < since_us
          || channel->kept->length + channel->running->length > channel->settings.max_connections))
    close_connection (g_queue_pop_tail (channel->kept));
}

/* Returns: (transfer full) (nullable): the last used one that the attempt takes */
static CpdConnection *
take_kept (CpdChannel *channel, CpdAttempt *attempt)
{
  CpdConnection *connection = g_queue_peek_head (channel->kept);

  if (connection == NULL || !cpd_attempt_takes (attempt, connection))
    return NULL;
  return g_queue_pop_head (channel->kept);
}

/* Returns: whether it was started, or at least ended */
static gboolean
start (CpdChannel *channel, CpdAttempt *attempt)
{
  CpdConnection *connection = take_kept (channel, attempt);

  if (connection == NULL && !cpd_gate_enter (channel->settings.gate))
    return FALSE;
  g_queue_remove (channel->waiting, attempt);
  g_queue_push_tail (channel->running, attempt);
  channel->requests++;
  trim (channel);
  if (connection != NULL)
    cpd_attempt_use (attempt, connection);
  else
    cpd_attempt_connect (attempt, channel->settings.gate);
  return TRUE;
}

static void
start_waiting (CpdChannel *channel)
{
  gboolean started = TRUE;

  while (started && !channel->closed && !g_queue_is_empty (channel->waiting)
         && channel->running->length < channel->settings.max_connections)
    started = start (channel, g_queue_peek_head (channel->waiting));
}

CpdChannel *
cpd_channel_new (const CpdChannelSettings *settings)
{
  CpdChannel *channel = g_object_new (CPD_TYPE_CHANNEL, NULL);

  channel->settings = *settings;
  channel->since = g_get_real_time () / G_USEC_PER_SEC;
  g_object_ref (settings->store);
  cpd_workers_ref (settings->workers);
  g_object_ref (settings->gate);
  cpd_reading_ref (settings->reading);
  cpd_address_rules_ref (settings->rules);
  cpd_host_ref (settings->target);
  cpd_proxy_ref (settings->proxy);
  g_signal_connect_object (settings->gate, "opened", G_CALLBACK (start_waiting), channel,
                           G_CONNECT_SWAPPED);
  return channel;
}

CpdOwner
cpd_channel_get_owner (CpdChannel *channel)
{
  return channel->settings.owner;
}

/* Returns: (transfer none) */
CpdHost *
cpd_channel_get_target (CpdChannel *channel)
{
  return channel->settings.target;
}

gboolean
cpd_channel_is_busy (CpdChannel *channel)
{
  return !g_queue_is_empty (channel->running) || !g_queue_is_empty (channel->streaming)
         || !g_queue_is_empty (channel->waiting);
}

/* Returns: (transfer full) */
CpdChannelStatus *
cpd_channel_get_status (CpdChannel *channel)
{
  const CpdChannelSettings *settings = &channel->settings;
  CpdChannelStatus *status = cpd_channel_status_new (settings->number, settings->target,
                                                     cpd_proxy_get_text (settings->proxy));

  status->since = channel->since;
  status->connections
      = channel->kept->length + channel->running->length + channel->streaming->length;
  status->requests = channel->requests;
  status->bytes_sent = channel->traffic.sent;
  status->bytes_received = channel->traffic.received;
  if (channel->matched_key != NULL)
    status->matched_key = certpin_key_ref (channel->matched_key);
  return status;
}

/* Notes what is to be shown of one that has ended. */
static void
note (CpdChannel *channel, CpdAttempt *attempt)
{
  const CpdVerdict *verdict = cpd_attempt_get_verdict (attempt);
  CpdTraffic traffic = cpd_attempt_take_traffic (attempt);

  channel->traffic.sent += traffic.sent;
  channel->traffic.received += traffic.received;
  if (verdict == NULL || !verdict->passed || verdict->matched_key == channel->matched_key)
    return;
  g_clear_pointer (&channel->matched_key, certpin_key_unref);
  if (verdict->matched_key != NULL)
    channel->matched_key = certpin_key_ref (verdict->matched_key);
}

/* One that is closed by its server, or says something unasked. */
static void
on_kept_ended (CpdConnection *connection, gpointer user_data)
{
  CpdChannel *channel = user_data;

  g_queue_remove (channel->kept, connection);
  close_connection (connection);
}

/* `connection`: (transfer full) */
static void
keep (CpdChannel *channel, CpdConnection *connection)
{
  if (channel->closed)
    {
      cpd_connection_free (connection);
      return;
    }
  g_queue_push_head (channel->kept, connection);
  cpd_connection_watch_idle (connection, on_kept_ended, channel);
}

static void
on_ended (CpdChannel *channel, CpdAttempt *attempt)
{
  g_autoptr (CpdChannel) alive = g_object_ref (channel);
  CpdConnection *connection;

  note (channel, attempt);
  connection = cpd_attempt_steal_connection (attempt);
  if (connection != NULL)
    keep (channel, connection);
  if (g_queue_remove (channel->running, attempt) || g_queue_remove (channel->streaming, attempt)
      || g_queue_remove (channel->waiting, attempt))
    g_object_unref (attempt);
  trim (channel);
  start_waiting (channel);
  if (!cpd_channel_is_busy (channel))
    g_signal_emit (channel, signals[IDLE], 0);
}

/* A body can take hours: its connection does not count among those that requests share. */
static void
on_streams (CpdChannel *channel, CpdAttempt *attempt)
{
  g_autoptr (CpdChannel) alive = g_object_ref (channel);

  if (!g_queue_remove (channel->running, attempt))
    return;
  g_queue_push_tail (channel->streaming, attempt);
  start_waiting (channel);
}

/* That of the request as well as that of the answer. */
static void
on_uploads (CpdChannel *channel, gboolean begun, CpdAttempt *attempt)
{
  if (begun)
    on_streams (channel, attempt);
}

/* `bodies`: the uid's budget for bodies. `hop`: the order's request, or that of a redirect.
 * Returns: (transfer full): an attempt that starts when a connection is free for it */
CpdAttempt *
cpd_channel_send (CpdChannel *channel, CpdOrder *order, CpdBudget *bodies, const CpdHop *hop,
                  CpdAttemptFlags flags)
{
  const CpdAttemptSettings settings = {
    .store = channel->settings.store,
    .workers = channel->settings.workers,
    .reading = channel->settings.reading,
    .rules = channel->settings.rules,
    .target = channel->settings.target,
    .proxy = channel->settings.proxy,
    .request = hop->request,
    .upload = hop->upload,
    .order = order,
    .bodies = bodies,
    .stream_idle_s = channel->settings.stream_idle_s,
    .flags = flags,
  };
  CpdAttempt *attempt = cpd_attempt_new (&settings);

  g_signal_connect_object (attempt, "ended", G_CALLBACK (on_ended), channel, G_CONNECT_SWAPPED);
  g_signal_connect_object (attempt, "streams", G_CALLBACK (on_streams), channel, G_CONNECT_SWAPPED);
  g_signal_connect_object (attempt, "uploads", G_CALLBACK (on_uploads), channel, G_CONNECT_SWAPPED);
  g_queue_push_tail (channel->waiting, g_object_ref (attempt));
  start_waiting (channel);
  return attempt;
}

static void
cut_kept (CpdChannel *channel)
{
  CpdConnection *connection;

  while ((connection = g_queue_pop_head (channel->kept)) != NULL)
    cpd_connection_free (connection);
}

static void
on_left_ended (CpdConnection *connection, gpointer user_data)
{
}

/* No request uses the connections that it keeps any more.
 * `left`: of CpdConnection: takes them */
void
cpd_channel_leave_idle (CpdChannel *channel, GQueue *left)
{
  CpdConnection *connection;

  while ((connection = g_queue_pop_head (channel->kept)) != NULL)
    {
      cpd_connection_watch_idle (connection, on_left_ended, NULL);
      g_queue_push_tail (left, connection);
    }
}

/* Returns: (transfer full): of CpdAttempt: all that have a connection, or are to get one now */
static GQueue *
list_running (CpdChannel *channel)
{
  GQueue *list = g_queue_copy (channel->running);

  for (GList *link = channel->streaming->head; link != NULL; link = link->next)
    g_queue_push_tail (list, link->data);
  g_queue_foreach (list, (GFunc)g_object_ref, NULL);
  return list;
}

/* This machine has lost a network: what is under way on it ends, or begins anew. */
void
cpd_channel_check_network (CpdChannel *channel)
{
  g_autoptr (CpdChannel) alive = g_object_ref (channel);
  GQueue *running = list_running (channel);
  CpdAttempt *attempt;

  while ((attempt = g_queue_pop_head (running)) != NULL)
    {
      cpd_attempt_check_network (attempt);
      g_object_unref (attempt);
    }
  g_queue_free (running);
}

/* Abandons all exchanges, each with its own outcome, and cuts all connections. */
void
cpd_channel_close (CpdChannel *channel)
{
  g_autoptr (CpdChannel) alive = g_object_ref (channel);
  CpdAttempt *attempt;

  if (channel->closed)
    return;
  channel->closed = TRUE;
  cut_kept (channel);
  g_signal_emit (channel, signals[CLOSED], 0);
  while ((attempt = g_queue_peek_head (channel->streaming)) != NULL
         || (attempt = g_queue_peek_head (channel->running)) != NULL
         || (attempt = g_queue_peek_head (channel->waiting)) != NULL)
    cpd_attempt_close (attempt);
}

/* One that has to be validated first is judged when somebody needs it. */
static gboolean
is_refused (CpdChannel *channel, const CpdConnection *connection)
{
  g_auto (CpdJudgement) judgement
      = cpd_judge_connection (channel->settings.store, channel->settings.owner, connection,
                              /* require_keys= */ NULL);

  return cpd_judgement_refuses (&judgement);
}

/* Time has passed: a pin, or a certificate, may have expired. What is under way on a connection
 * that no longer passes ends; a connection with a newer certificate stays. */
void
cpd_channel_check_time (CpdChannel *channel)
{
  g_autoptr (CpdChannel) alive = g_object_ref (channel);
  GQueue *running = list_running (channel);
  CpdAttempt *attempt;

  while ((attempt = g_queue_pop_head (running)) != NULL)
    {
      if (!cpd_attempt_reconsider (attempt))
        cpd_attempt_close (attempt);
      g_object_unref (attempt);
    }
  g_queue_free (running);
}

static gboolean
is_any_under_way_refused (CpdChannel *channel)
{
  GQueue *running = list_running (channel);
  gboolean refused = FALSE;

  for (GList *link = running->head; link != NULL && !refused; link = link->next)
    refused = !cpd_attempt_reconsider (link->data);
  g_queue_free_full (running, g_object_unref);
  return refused;
}

static gboolean
is_any_refused (CpdChannel *channel)
{
  g_autoptr (CpdVerdict) host
      = cpd_judge_host (channel->settings.store, channel->settings.owner, channel->settings.target);

  if (!host->passed)
    return TRUE;
  for (GList *link = channel->kept->head; link != NULL; link = link->next)
    if (is_refused (channel, link->data))
      return TRUE;
  return is_any_under_way_refused (channel);
}

/* Something has changed: closes the channel unless all its connections still pass. */
void
cpd_channel_reconsider (CpdChannel *channel)
{
  if (is_any_refused (channel))
    cpd_channel_close (channel);
}
