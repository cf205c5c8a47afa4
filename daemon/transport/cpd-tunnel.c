/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One tunnel: a connection of its own, whose plaintext a caller has as a descriptor. Its server is
 * judged before the caller gets that, at every change of pins or anchors, and, since dates count,
 * whenever bytes move in another second than before. While the server has to be validated anew, not
 * a byte moves. */

#include "config.h"

#include "daemon/transport/cpd-tunnel.h"

#include "daemon/core/base/cpd-vardict.h"
#include "daemon/transport/cpd-connector.h"
#include "daemon/transport/cpd-deadline.h"
#include "daemon/transport/cpd-fetch-error.h"
#include "daemon/transport/cpd-proxy-tunnel.h"
#include "daemon/transport/cpd-relay.h"

struct _CpdTunnel
{
  GObject parent;

  CpdTunnelSettings settings; /* with references of its own */
  GSource *deadline;          /* of opening it; NULL: it is open, or over */
  gulong gate_id;             /* waits there; 0: it does not */
  gint64 sent_us;             /* monotonic: when it was let through the gate */
  GCancellable *connecting;   /* NULL: no connection is being made */
  CpdConnection *connection;
  CpdJob *validating; /* the server; NULL: nothing is awaited */
  CpdRelay *relay;    /* NULL: it is not open */
  gint64 judged_s;    /* Unix seconds: when its server passed */
  gboolean held;

  gboolean over;
  GError *error; /* NULL: it ended in order */
  CpdVerdict *verdict;
};

G_DEFINE_FINAL_TYPE (CpdTunnel, cpd_tunnel, G_TYPE_OBJECT)

enum
{
  OPENED,
  ENDED,
  N_SIGNALS
};

static unsigned int signals[N_SIGNALS];

/* Whatever could still call back. */
static void
stop (CpdTunnel *tunnel)
{
  cpd_deadline_stop (&tunnel->deadline);
  g_clear_signal_handler (&tunnel->gate_id, tunnel->settings.gate);
  if (tunnel->connecting != NULL)
    g_cancellable_cancel (tunnel->connecting);
  g_clear_pointer (&tunnel->validating, cpd_job_stop);
  if (tunnel->relay != NULL)
    cpd_relay_stop (tunnel->relay);
}

static void
cpd_tunnel_finalize (GObject *object)
{
  CpdTunnel *tunnel = CPD_TUNNEL (object);

  stop (tunnel);
  g_clear_object (&tunnel->connecting);
  g_clear_object (&tunnel->relay);
  cpd_connection_free (tunnel->connection);
  g_object_unref (tunnel->settings.store);
  cpd_workers_unref (tunnel->settings.workers);
  g_object_unref (tunnel->settings.gate);
  cpd_reading_unref (tunnel->settings.reading);
  cpd_edges_unref (tunnel->settings.edges);
  cpd_address_rules_unref (tunnel->settings.rules);
  cpd_tunnel_order_unref (tunnel->settings.order);
  cpd_proxy_unref (tunnel->settings.proxy);
  g_clear_error (&tunnel->error);
  cpd_verdict_unref (tunnel->verdict);
  G_OBJECT_CLASS (cpd_tunnel_parent_class)->finalize (object);
}

static void
cpd_tunnel_class_init (CpdTunnelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cpd_tunnel_finalize;
  signals[OPENED] = g_signal_new ("opened", CPD_TYPE_TUNNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 1, G_TYPE_POINTER);
  signals[ENDED] = g_signal_new ("ended", CPD_TYPE_TUNNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                 G_TYPE_NONE, 0);
}

static void
cpd_tunnel_init (CpdTunnel *tunnel)
{
}

CpdTunnel *
cpd_tunnel_new (const CpdTunnelSettings *settings)
{
  CpdTunnel *tunnel = g_object_new (CPD_TYPE_TUNNEL, NULL);

  tunnel->settings = *settings;
  g_object_ref (settings->store);
  cpd_workers_ref (settings->workers);
  g_object_ref (settings->gate);
  cpd_reading_ref (settings->reading);
  cpd_edges_ref (settings->edges);
  cpd_address_rules_ref (settings->rules);
  cpd_tunnel_order_ref (settings->order);
  cpd_proxy_ref (settings->proxy);
  return tunnel;
}

static const char *
get_name (CpdTunnel *tunnel)
{
  return cpd_host_get_name (tunnel->settings.order->target);
}

/* The first end counts. `error`: (transfer full) (nullable): NULL: in order. Otherwise, the caller
 * and the server both see a cut. */
static void
end (CpdTunnel *tunnel, GError *error)
{
  g_autoptr (CpdTunnel) alive = g_object_ref (tunnel);

  if (tunnel->over)
    {
      g_clear_error (&error);
      return;
    }
  tunnel->over = TRUE;
  tunnel->error = error;
  stop (tunnel);
  if (tunnel->connection != NULL && error == NULL)
    cpd_tls_close (tunnel->connection->tls);
  else if (tunnel->connection != NULL)
    cpd_tls_cut (tunnel->connection->tls);
  g_signal_emit (tunnel, signals[ENDED], 0);
  if (tunnel->relay != NULL)
    cpd_transfer_end (tunnel->settings.order->transfer, error);
}

static void
take_verdict (CpdTunnel *tunnel, CpdVerdict *verdict)
{
  cpd_verdict_unref (tunnel->verdict);
  tunnel->verdict = verdict;
}

/* `verdict`: (transfer full) */
static void
refuse (CpdTunnel *tunnel, CpdVerdict *verdict)
{
  take_verdict (tunnel, verdict);
  end (tunnel, cpd_verdict_to_error (verdict));
}

/* Whether the host may be connected to at all. If not, the tunnel has ended. */
static gboolean
judge_host (CpdTunnel *tunnel)
{
  const CpdTunnelOrder *order = tunnel->settings.order;
  CpdVerdict *verdict = cpd_judge_host (tunnel->settings.store, order->owner, order->target);
  gboolean passed = verdict->passed;

  if (passed)
    cpd_verdict_unref (verdict);
  else
    refuse (tunnel, verdict);
  return passed;
}

static void on_validated (gpointer user_data);

/* Judges the connection. Where somebody has to be validated first, that is begun, and
 * on_validated () judges again.
 * Returns: (transfer full) */
static CpdJudgement
judge (CpdTunnel *tunnel)
{
  const CpdTunnelSettings *settings = &tunnel->settings;
  CpdJudgement judgement = cpd_judge_connection (settings->store, settings->order->owner,
                                                 tunnel->connection, settings->order->require_keys);

  if (judgement.unknown != NULL && tunnel->validating == NULL)
    {
      const CpdValidationOrder order
          = { settings->order->owner, judgement.unknown, judgement.missing, on_validated, tunnel };

      tunnel->validating = cpd_validation_start (settings->workers, &order);
    }
  return judgement;
}

/* The pin that let it lead to its address may have gone. Returns: whether the tunnel has ended */
static gboolean
leave_denied (CpdTunnel *tunnel, CpdStage stage)
{
  const CpdTunnelSettings *settings = &tunnel->settings;
  g_autoptr (GError) error = NULL;

  if (cpd_judge_address (settings->store, settings->order->owner, settings->order->target,
                         settings->rules, tunnel->connection->address, &error))
    return FALSE;
  end (tunnel, cpd_fetch_error_map (error, stage, get_name (tunnel)));
  return TRUE;
}

static gint64
now_s (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

/* `why`: the server, or the proxy, is refused. */
static void
cut (CpdTunnel *tunnel, const char *why)
{
  end (tunnel, g_error_new (CERTPIN_ERROR, CERTPIN_ERROR_PIN_CHANGED,
                            "host ‘%s’ no longer passes, and the connection was cut: %s",
                            get_name (tunnel), why));
}

/* Its server has passed. */
static void
note (CpdTunnel *tunnel)
{
  cpd_judge_note (tunnel->settings.store, tunnel->settings.order->owner, tunnel->connection,
                  tunnel->verdict);
}

/* An open tunnel goes on if its server, and its proxy, still pass; until that is known, it is
 * held. */
static void
judge_again (CpdTunnel *tunnel)
{
  g_auto (CpdJudgement) judgement = { NULL };
  g_autoptr (GError) distrust = NULL;

  if (leave_denied (tunnel, CPD_STAGE_OPEN))
    return;
  tunnel->judged_s = now_s ();
  judgement = judge (tunnel);
  tunnel->held = judgement.unknown != NULL;
  cpd_tls_hold (tunnel->connection->tls, tunnel->held);
  if (judgement.distrust != NULL)
    {
      distrust = cpd_proxy_tunnel_new_distrust_error (tunnel->settings.proxy, judgement.distrust);
      cut (tunnel, distrust->message);
    }
  if (judgement.verdict == NULL)
    return;
  take_verdict (tunnel, g_steal_pointer (&judgement.verdict));
  if (tunnel->verdict->passed)
    {
      note (tunnel);
      return;
    }
  cpd_transfer_set_refusal (tunnel->settings.order->transfer, tunnel->verdict);
  cut (tunnel, tunnel->verdict->message);
}

static gboolean
may_move (gpointer user_data)
{
  g_autoptr (CpdTunnel) tunnel = g_object_ref (user_data);

  if (!tunnel->held && tunnel->judged_s != now_s ())
    judge_again (tunnel);
  return !tunnel->held && !tunnel->over;
}

static void
on_relay_ended (const GError *error, gpointer user_data)
{
  CpdTunnel *tunnel = user_data;

  end (tunnel,
       error != NULL ? cpd_fetch_error_map (error, CPD_STAGE_OPEN, get_name (tunnel)) : NULL);
}

static void
add_timing (GVariantBuilder *timings, const char *name, guint64 us)
{
  g_variant_builder_add_value (
      timings, g_variant_new_dict_entry (g_variant_new_string (name), g_variant_new_uint64 (us)));
}

/* Returns: (floating) */
static GVariant *
new_timings (CpdTunnel *tunnel)
{
  const CpdConnection *connection = tunnel->connection;
  gint64 started_us = tunnel->settings.started_us;
  GVariantBuilder timings;

  g_variant_builder_init (&timings, G_VARIANT_TYPE ("a{st}"));
  add_timing (&timings, "queue", (guint64)MAX (tunnel->sent_us - started_us, 0));
  add_timing (&timings, "resolve", connection->resolve_us);
  add_timing (&timings, "connect", connection->connect_us);
  add_timing (&timings, "tls", connection->tls_us);
  add_timing (&timings, "total", (guint64)(g_get_monotonic_time () - started_us));
  return g_variant_builder_end (&timings);
}

/* Returns: (floating): what is known of the connection; the bus adds the evidence of the verdict */
static GVariant *
new_info (CpdTunnel *tunnel)
{
  CpdTls *tls = tunnel->connection->tls;
  const char *cipher = cpd_tls_get_cipher (tls);
  g_autofree char *protocol = cpd_tls_dup_protocol (tls);
  GVariantBuilder info;

  cpd_vardict_begin (&info);
  cpd_vardict_add (&info, "tls-version", g_variant_new_string (cpd_tls_get_version (tls)));
  cpd_vardict_add (&info, "tls-cipher", g_variant_new_string (cipher != NULL ? cipher : ""));
  if (tunnel->settings.proxy != NULL)
    cpd_vardict_add (&info, "proxy",
                     g_variant_new_string (cpd_proxy_get_text (tunnel->settings.proxy)));
  cpd_vardict_add (&info, "alpn", g_variant_new_string (protocol != NULL ? protocol : ""));
  cpd_vardict_add (&info, "timings", new_timings (tunnel));
  return g_variant_builder_end (&info);
}

static void
on_stop (CpdTunnel *tunnel, const GError *reason)
{
  end (tunnel, g_error_copy (reason));
}

static void
open_relay (CpdTunnel *tunnel)
{
  static const CpdRelayFuncs funcs = { .may_move = may_move, .ended = on_relay_ended };
  const CpdTunnelSettings *settings = &tunnel->settings;
  CpdTransfer *transfer = settings->order->transfer;
  const CpdRelaySettings relay = { tunnel->connection, settings->edges, settings->reading, transfer,
                                   cpd_owner_get_uid (settings->order->owner) };
  g_autoptr (GVariant) info = NULL;
  GError *error = NULL;

  tunnel->relay = cpd_relay_new (&relay, &funcs, tunnel, &error);
  if (tunnel->relay == NULL)
    {
      end (tunnel, cpd_fetch_error_map (error, CPD_STAGE_OPEN, get_name (tunnel)));
      g_error_free (error);
      return;
    }
  cpd_deadline_stop (&tunnel->deadline);
  cpd_tls_probe_silence (tunnel->connection->tls);
  info = g_variant_ref_sink (new_info (tunnel));
  g_signal_connect_object (transfer, "stop", G_CALLBACK (on_stop), tunnel, G_CONNECT_SWAPPED);
  cpd_transfer_begin_both (transfer, cpd_relay_steal_descriptor (tunnel->relay));
  g_signal_emit (tunnel, signals[OPENED], 0, info);
}

/* The connection is there, and nothing of the caller's is sent. */
static void
go (CpdTunnel *tunnel)
{
  g_auto (CpdJudgement) judgement = { NULL };
  CpdVerdict *verdict;

  if (leave_denied (tunnel, CPD_STAGE_HANDSHAKING))
    return;
  tunnel->judged_s = now_s ();
  judgement = judge (tunnel);
  verdict = g_steal_pointer (&judgement.verdict);
  if (judgement.distrust != NULL)
    end (tunnel, cpd_proxy_tunnel_new_distrust_error (tunnel->settings.proxy, judgement.distrust));
  if (verdict == NULL)
    return;
  if (verdict->passed)
    {
      take_verdict (tunnel, verdict);
      note (tunnel);
      open_relay (tunnel);
    }
  else
    {
      cpd_tls_refuse (tunnel->connection->tls);
      refuse (tunnel, verdict);
    }
}

static void
on_validated (gpointer user_data)
{
  CpdTunnel *tunnel = user_data;

  tunnel->validating = NULL;
  if (tunnel->relay == NULL)
    go (tunnel);
  else
    cpd_tunnel_reconsider (tunnel);
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (CpdTunnel) tunnel = CPD_TUNNEL (user_data);
  CpdVerdict *refusal = NULL;
  GError *error = NULL;
  CpdConnection *connection = cpd_connector_connect_finish (result, &refusal, &error);

  g_clear_object (&tunnel->connecting);
  if (tunnel->over)
    {
      g_clear_error (&error);
      cpd_verdict_unref (refusal);
      cpd_connection_free (connection);
      return;
    }
  tunnel->connection = connection;
  if (connection != NULL)
    go (tunnel);
  else
    {
      take_verdict (tunnel, refusal);
      end (tunnel, error);
    }
}

/* Where the gate is closed, it waits until there is room again. */
static void
try_connect (CpdTunnel *tunnel)
{
  const CpdTunnelSettings *settings = &tunnel->settings;
  const CpdConnectorSettings connector = {
    .target = settings->order->target,
    .proxy = settings->proxy,
    .protocols = (const char *const *)settings->order->protocols,
    .starttls = settings->order->starttls,
    .apart = settings->order->apart,
    .protocol = settings->order->protocol,
    .owner = settings->order->owner,
    .store = settings->store,
    .workers = settings->workers,
    .gate = settings->gate,
    .rules = settings->rules,
  };

  if (!cpd_gate_enter_or_wait (settings->gate, &tunnel->gate_id, G_CALLBACK (try_connect), tunnel))
    return;
  tunnel->sent_us = g_get_monotonic_time ();
  tunnel->connecting = g_cancellable_new ();
  cpd_connector_connect_async (&connector, tunnel->connecting, on_connected, g_object_ref (tunnel));
}

static gboolean
on_deadline (gpointer user_data)
{
  CpdTunnel *tunnel = user_data;

  end (tunnel, g_error_new (CERTPIN_ERROR, CERTPIN_ERROR_TIMED_OUT,
                            "the connection to host ‘%s’ was not ready in the time allowed",
                            get_name (tunnel)));
  return G_SOURCE_REMOVE;
}

void
cpd_tunnel_start (CpdTunnel *tunnel)
{
  const CpdTunnelSettings *settings = &tunnel->settings;

  tunnel->deadline
      = cpd_deadline_start (settings->started_us, settings->order->timeout_ms, on_deadline, tunnel);
  if (judge_host (tunnel))
    try_connect (tunnel);
}

void
cpd_tunnel_cancel (CpdTunnel *tunnel)
{
  end (tunnel, g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED,
                                    "the connection was cancelled"));
}

CpdOwner
cpd_tunnel_get_owner (CpdTunnel *tunnel)
{
  return tunnel->settings.order->owner;
}

/* Returns: (transfer none) */
CpdHost *
cpd_tunnel_get_target (CpdTunnel *tunnel)
{
  return tunnel->settings.order->target;
}

/* Something has changed. One that is not open yet is judged when it is. */
void
cpd_tunnel_reconsider (CpdTunnel *tunnel)
{
  g_autoptr (CpdTunnel) alive = g_object_ref (tunnel);
  gboolean held = tunnel->held;

  if (tunnel->over)
    return;
  if (tunnel->relay == NULL)
    judge_host (tunnel);
  else
    judge_again (tunnel);
  if (held && !tunnel->held && !tunnel->over)
    cpd_relay_go_on (tunnel->relay);
}

/* This machine has lost a network. */
void
cpd_tunnel_check_network (CpdTunnel *tunnel)
{
  if (tunnel->relay != NULL && !tunnel->over)
    cpd_tls_check_network (tunnel->connection->tls);
}

/* Returns: (transfer none) (nullable): NULL: it ended in order */
const GError *
cpd_tunnel_get_error (CpdTunnel *tunnel)
{
  return tunnel->error;
}

/* Returns: (transfer none) (nullable): the last one on its server */
CpdVerdict *
cpd_tunnel_get_verdict (CpdTunnel *tunnel)
{
  return tunnel->verdict;
}
