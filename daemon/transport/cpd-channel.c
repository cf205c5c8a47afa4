/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One warm channel: a session of libsoup's for one uid and one host and port, which shares nothing
 * with any other, has no cookies, credentials, cache or proxy, and takes only as many exchanges at
 * a time as it has connections, since what waits inside libsoup cannot be cancelled. It holds no
 * policy: whoever judges asks for the one in force. When that changes, a channel goes on if all its
 * connections still pass, and else is closed as a whole. */

#include "config.h"

#include "daemon/transport/cpd-channel.h"

#include "daemon/transport/cpd-address.h"

struct _CpdChannel
{
  GObject parent;

  CpdStore *store;
  CpdGate *gate;
  CpdHost *target;
  guint32 uid;
  unsigned int max_connections;

  SoupSession *session;
  CpdTlsDatabase *database;
  CpdSockets *sockets;
  CpdReading *reading;
  GQueue *running; /* of CpdExchange */
  GQueue *waiting; /* of CpdExchange */
  gboolean closed;
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
cpd_channel_finalize (GObject *object)
{
  CpdChannel *channel = CPD_CHANNEL (object);

  g_clear_object (&channel->session);
  g_clear_object (&channel->database);
  g_clear_object (&channel->store);
  g_clear_object (&channel->gate);
  cpd_host_unref (channel->target);
  cpd_sockets_unref (channel->sockets);
  cpd_reading_unref (channel->reading);
  g_queue_free_full (channel->running, g_object_unref);
  g_queue_free_full (channel->waiting, g_object_unref);
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
  channel->sockets = cpd_sockets_new ();
  channel->running = g_queue_new ();
  channel->waiting = g_queue_new ();
}

/* `timeout` is off: it is one between two reads, which a server that drips never reaches. Deadlines
 * are set by those who ask. */
static SoupSession *
new_session (CpdChannel *channel, unsigned int idle_s)
{
  g_autoptr (GSocketConnectable) address = cpd_address_new (
      cpd_host_get_name (channel->target), cpd_host_get_port (channel->target), channel->gate);
  SoupSession *session = soup_session_new_with_options (
      "remote-connectable", address, "max-conns", (int)channel->max_connections,
      "max-conns-per-host", (int)channel->max_connections, "idle-timeout", idle_s, "timeout", 0,
      NULL);

  soup_session_set_proxy_resolver (session, NULL);
  soup_session_set_tls_database (session, G_TLS_DATABASE (channel->database));
  soup_session_remove_feature_by_type (session, SOUP_TYPE_CONTENT_DECODER);
  return session;
}

/* What is under way may need a connection, as long as it has none. */
static void
start_waiting (CpdChannel *channel)
{
  while (!channel->closed && channel->running->length < channel->max_connections
         && !g_queue_is_empty (channel->waiting) && cpd_gate_enter (channel->gate))
    {
      CpdExchange *exchange = g_queue_pop_head (channel->waiting);

      g_signal_connect_object (exchange, "settled", G_CALLBACK (cpd_gate_leave), channel->gate,
                               G_CONNECT_SWAPPED);
      g_queue_push_tail (channel->running, exchange);
      cpd_exchange_start (exchange);
    }
}

CpdChannel *
cpd_channel_new (const CpdChannelSettings *settings)
{
  CpdChannel *channel = g_object_new (CPD_TYPE_CHANNEL, NULL);

  channel->store = g_object_ref (settings->store);
  channel->gate = g_object_ref (settings->gate);
  channel->reading = cpd_reading_ref (settings->reading);
  channel->target = cpd_host_ref (settings->target);
  channel->uid = settings->uid;
  channel->max_connections = settings->max_connections;
  channel->database = cpd_tls_database_new (settings->store, settings->uid, settings->target);
  channel->session = new_session (channel, settings->idle_s);
  g_signal_connect_object (channel->gate, "opened", G_CALLBACK (start_waiting), channel,
                           G_CONNECT_SWAPPED);
  return channel;
}

guint32
cpd_channel_get_uid (CpdChannel *channel)
{
  return channel->uid;
}

/* Returns: (transfer none) */
CpdHost *
cpd_channel_get_target (CpdChannel *channel)
{
  return channel->target;
}

gboolean
cpd_channel_is_busy (CpdChannel *channel)
{
  return !g_queue_is_empty (channel->running) || !g_queue_is_empty (channel->waiting);
}

static void
on_ended (CpdChannel *channel, CpdExchange *exchange)
{
  g_autoptr (CpdChannel) alive = g_object_ref (channel);

  if (g_queue_remove (channel->running, exchange) || g_queue_remove (channel->waiting, exchange))
    g_object_unref (exchange);
  start_waiting (channel);
  if (!cpd_channel_is_busy (channel))
    g_signal_emit (channel, signals[IDLE], 0);
}

/* `bodies`: what the uid may hold of them. `request`: the order's, or what a redirect made of it.
 * `fresh`: on a new connection.
 * Returns: (transfer full): an exchange that starts when a connection is free for it */
CpdExchange *
cpd_channel_send (CpdChannel *channel, const CpdOrder *order, CpdBudget *bodies,
                  CertpinRequest *request, gboolean fresh)
{
  const CpdExchangeSettings settings = {
    .session = channel->session,
    .database = channel->database,
    .store = channel->store,
    .sockets = channel->sockets,
    .reading = channel->reading,
    .target = channel->target,
    .request = request,
    .require_keys = order->require_keys,
    .uid = channel->uid,
    .max_body_bytes = order->max_body_bytes,
    .bodies = bodies,
    .fresh = fresh,
  };
  CpdExchange *exchange = cpd_exchange_new (&settings);

  g_signal_connect_object (exchange, "ended", G_CALLBACK (on_ended), channel, G_CONNECT_SWAPPED);
  g_queue_push_tail (channel->waiting, g_object_ref (exchange));
  start_waiting (channel);
  return exchange;
}

/* Leaves everything under way, each to go where it belongs, and cuts all connections. */
void
cpd_channel_close (CpdChannel *channel)
{
  g_autoptr (CpdChannel) alive = g_object_ref (channel);
  CpdExchange *exchange;

  if (channel->closed)
    return;
  channel->closed = TRUE;
  cpd_sockets_cut_all (channel->sockets);
  g_signal_emit (channel, signals[CLOSED], 0);
  while ((exchange = g_queue_peek_head (channel->running)) != NULL
         || (exchange = g_queue_peek_head (channel->waiting)) != NULL)
    cpd_exchange_close (exchange);
}

/* Something has changed: the channel is closed unless every connection that it has still passes. */
void
cpd_channel_reconsider (CpdChannel *channel)
{
  g_autoptr (GPtrArray) peers = cpd_tls_database_list_peers (channel->database);
  g_autoptr (CpdVerdict) host = cpd_judge_host (channel->store, channel->uid, channel->target);
  gboolean passes = host->passed;

  for (unsigned int i = 0; passes && i < peers->len; i++)
    {
      g_autoptr (CpdVerdict) verdict
          = cpd_judge_peer (channel->store, channel->uid, peers->pdata[i], NULL);
      passes = verdict->passed;
    }
  if (!passes)
    cpd_channel_close (channel);
}
