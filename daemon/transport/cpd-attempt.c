/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One attempt at one request, and the second of the two places where a server is judged: when its
 * connection is there, new or kept, and nothing of the request is sent. The first byte follows the
 * verdict with nothing in between. Where the server has to be validated before it can be judged,
 * the attempt waits until that is done; if the request was sent already, not a byte moves
 * meanwhile. */

#include "config.h"

#include "daemon/transport/cpd-attempt.h"

#include "daemon/transport/cpd-fetch-error.h"
#include "daemon/transport/cpd-http-request.h"
#include "daemon/transport/cpd-proxy-tunnel.h"

/* A request that must not be sent twice takes a kept connection only if it was used so recently:
 * one that has been idle for longer, its server may be about to close. */
#define JUST_USED_US G_TIME_SPAN_SECOND

/* How long a kept connection may leave a request unacknowledged that can be sent again over a new
 * one. Longer than three packets lost in a row take, on a path of half a second. */
#define DEAD_MS 3000

struct _CpdAttempt
{
  GObject parent;

  CpdAttemptSettings settings; /* with references of its own */
  GCancellable *connecting;    /* NULL: no connection is being made */
  CpdConnection *connection;
  gboolean kept;     /* the connection, from an earlier request */
  gboolean reusable; /* the connection, by a later one */
  gboolean sent;     /* maybe not all of it */
  gboolean streams;  /* the body of the answer, to a descriptor */
  CpdHttpExchange *exchange;
  CpdJob *validating; /* the server; NULL: nothing is awaited */

  CpdEnding ending;
  CpdVerdict *verdict;
  char *no_longer; /* why what has passed does not pass any more; NULL: it does, or nobody knows */
  GError *error;
  CpdAnswer answer;
};

G_DEFINE_FINAL_TYPE (CpdAttempt, cpd_attempt, G_TYPE_OBJECT)

enum
{
  ENDED,
  UPLOADS,
  STREAMS,
  N_SIGNALS
};

static unsigned int signals[N_SIGNALS];

static void
cpd_attempt_finalize (GObject *object)
{
  CpdAttempt *attempt = CPD_ATTEMPT (object);

  g_clear_pointer (&attempt->validating, cpd_job_stop);
  g_clear_object (&attempt->connecting);
  if (attempt->exchange != NULL)
    cpd_http_exchange_stop (attempt->exchange);
  g_clear_object (&attempt->exchange);
  cpd_connection_free (attempt->connection);
  g_clear_object (&attempt->settings.store);
  cpd_workers_unref (attempt->settings.workers);
  cpd_reading_unref (attempt->settings.reading);
  cpd_host_unref (attempt->settings.target);
  cpd_proxy_unref (attempt->settings.proxy);
  certpin_request_unref (attempt->settings.request);
  cpd_upload_unref (attempt->settings.upload);
  cpd_order_unref (attempt->settings.order);
  cpd_budget_unref (attempt->settings.bodies);
  cpd_address_rules_unref (attempt->settings.rules);
  cpd_verdict_unref (attempt->verdict);
  g_free (attempt->no_longer);
  g_clear_error (&attempt->error);
  g_clear_pointer (&attempt->answer.head, cpd_http_head_unref);
  g_clear_pointer (&attempt->answer.body, g_bytes_unref);
  G_OBJECT_CLASS (cpd_attempt_parent_class)->finalize (object);
}

static void
cpd_attempt_class_init (CpdAttemptClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cpd_attempt_finalize;
  signals[ENDED] = g_signal_new ("ended", CPD_TYPE_ATTEMPT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                 G_TYPE_NONE, 0);
  signals[UPLOADS] = g_signal_new ("uploads", CPD_TYPE_ATTEMPT, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 1, G_TYPE_BOOLEAN);
  signals[STREAMS] = g_signal_new ("streams", CPD_TYPE_ATTEMPT, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
}

static void
cpd_attempt_init (CpdAttempt *attempt)
{
}

CpdAttempt *
cpd_attempt_new (const CpdAttemptSettings *settings)
{
  CpdAttempt *attempt = g_object_new (CPD_TYPE_ATTEMPT, NULL);

  attempt->settings = *settings;
  g_object_ref (settings->store);
  cpd_workers_ref (settings->workers);
  cpd_reading_ref (settings->reading);
  cpd_host_ref (settings->target);
  cpd_proxy_ref (settings->proxy);
  certpin_request_ref (settings->request);
  if (settings->upload != NULL)
    cpd_upload_ref (settings->upload);
  cpd_order_ref (settings->order);
  cpd_budget_ref (settings->bodies);
  cpd_address_rules_ref (settings->rules);
  return attempt;
}

/* The first ending counts. What is on a connection whose answer is not whole is over, too. */
static void
end (CpdAttempt *attempt, CpdEnding ending)
{
  if (attempt->ending != CPD_ENDING_NONE)
    return;
  attempt->ending = ending;
  if (attempt->connecting != NULL)
    g_cancellable_cancel (attempt->connecting);
  g_clear_pointer (&attempt->validating, cpd_job_stop);
  if (attempt->exchange != NULL)
    cpd_http_exchange_stop (attempt->exchange);
  if (attempt->connection != NULL && ending != CPD_ENDING_ANSWERED)
    cpd_tls_cut (attempt->connection->tls);
  if (attempt->streams)
    cpd_transfer_end (attempt->settings.order->transfer, attempt->error);
  g_signal_emit (attempt, signals[ENDED], 0);
}

/* `error`: (transfer full) */
void
cpd_attempt_fail (CpdAttempt *attempt, GError *error)
{
  if (attempt->ending == CPD_ENDING_NONE)
    attempt->error = error;
  else
    g_error_free (error);
  end (attempt, CPD_ENDING_FAILED);
}

/* What it is connected to is no longer accepted, or what others of its channel are. */
void
cpd_attempt_close (CpdAttempt *attempt)
{
  const char *why = attempt->no_longer != NULL ? attempt->no_longer
                                               : "pins or trust anchors changed after the request "
                                                 "was sent";

  if (attempt->sent)
    cpd_attempt_fail (
        attempt, g_error_new (CERTPIN_ERROR, CERTPIN_ERROR_PIN_CHANGED,
                              "host ‘%s’ no longer passes: %s; the server may have processed the "
                              "request that was sent before",
                              cpd_host_get_name (attempt->settings.target), why));
  else
    end (attempt, CPD_ENDING_MOVED);
}

/* This machine has lost a network. A connection that is being made may wait for one that cannot
 * come; made anew, it takes the way that there is now. */
void
cpd_attempt_check_network (CpdAttempt *attempt)
{
  if (!attempt->sent)
    end (attempt, CPD_ENDING_MOVED);
  else if (attempt->ending == CPD_ENDING_NONE)
    cpd_http_exchange_check_network (attempt->exchange);
}

static void
take_answer (CpdAttempt *attempt, const CpdHttpOutcome *outcome)
{
  const CpdConnection *connection = attempt->connection;

  attempt->answer = (CpdAnswer){
    .head = cpd_http_head_ref (outcome->head),
    .body = g_bytes_ref (outcome->body),
    .tls_version = cpd_tls_get_version (connection->tls),
    .tls_cipher = cpd_tls_get_cipher (connection->tls),
    .reused = attempt->kept,
    .resolve_us = attempt->kept ? 0 : connection->resolve_us,
    .connect_us = attempt->kept ? 0 : connection->connect_us,
    .tls_us = attempt->kept ? 0 : connection->tls_us,
    .first_byte_us = outcome->first_byte_us,
  };
}

static void
on_stop (CpdAttempt *attempt, const GError *reason)
{
  cpd_attempt_fail (attempt, g_error_copy (reason));
}

/* It lasts until all of the body has moved; whoever waits for the answer need not. */
static void
on_streams (const CpdHttpOutcome *outcome, gpointer user_data)
{
  CpdAttempt *attempt = user_data;

  attempt->streams = TRUE;
  take_answer (attempt, outcome);
  g_signal_connect_object (attempt->settings.order->transfer, "stop", G_CALLBACK (on_stop), attempt,
                           G_CONNECT_SWAPPED);
  g_signal_emit (attempt, signals[STREAMS], 0);
}

/* What the kernel holds of a request that goes no further would go on without any verdict. */
static void
close_connection (CpdTls *tls, gboolean unfinished)
{
  if (unfinished)
    cpd_tls_cut (tls);
  else
    cpd_tls_close (tls);
}

static void
complete (CpdAttempt *attempt, const CpdHttpOutcome *outcome)
{
  attempt->reusable = outcome->reusable;
  if (!attempt->streams)
    take_answer (attempt, outcome);
  attempt->connection->used_us = g_get_monotonic_time ();
  if (!attempt->reusable)
    close_connection (attempt->connection->tls, outcome->unfinished);
  end (attempt, CPD_ENDING_ANSWERED);
}

static void
on_uploads (gboolean begun, gpointer user_data)
{
  g_signal_emit (user_data, signals[UPLOADS], 0, begun);
}

/* Whether it makes no difference if a server gets the request twice, and all of it is still there
 * to be sent. */
static gboolean
may_go_twice (CpdAttempt *attempt)
{
  const CpdUpload *upload = attempt->settings.upload;

  return cpd_http_request_may_go_twice (attempt->settings.request)
         && (upload == NULL || cpd_upload_is_untouched (upload));
}

static void
on_done (const CpdHttpOutcome *outcome, gpointer user_data)
{
  CpdAttempt *attempt = user_data;

  if (outcome->declined)
    end (attempt, CPD_ENDING_DECLINED);
  else if (outcome->error == NULL)
    complete (attempt, outcome);
  else if (attempt->kept && !outcome->begun && may_go_twice (attempt))
    end (attempt, CPD_ENDING_STALE);
  else
    cpd_attempt_fail (attempt, cpd_fetch_error_map (outcome->error, CPD_STAGE_SENT,
                                                    cpd_host_get_name (attempt->settings.target)));
}

static void on_validated (gpointer user_data);

/* Judges the connection. Where somebody has to be validated first, that is begun, and
 * on_validated () judges again.
 * `require_keys`: (nullable).
 * Returns: (transfer full) */
static CpdJudgement
judge (CpdAttempt *attempt, GPtrArray *require_keys)
{
  const CpdAttemptSettings *settings = &attempt->settings;
  CpdJudgement judgement = cpd_judge_connection (settings->store, settings->order->owner,
                                                 attempt->connection, require_keys);

  if (judgement.unknown != NULL && attempt->validating == NULL)
    {
      const CpdValidationOrder order
          = { settings->order->owner, judgement.unknown, judgement.missing, on_validated, attempt };

      attempt->validating = cpd_validation_start (settings->workers, &order);
    }
  return judgement;
}

static void
refuse (CpdAttempt *attempt)
{
  if (!attempt->kept)
    cpd_tls_refuse (attempt->connection->tls);
  end (attempt, attempt->kept ? CPD_ENDING_STALE : CPD_ENDING_REFUSED);
}

/* A server that speaks before it is asked: it is not HTTP, or that would be taken for the answer to
 * this request; or it refuses the handshake. */
static void
leave_speaker (CpdAttempt *attempt, const GError *reason)
{
  if (attempt->kept)
    end (attempt, CPD_ENDING_STALE);
  else
    cpd_attempt_fail (attempt, cpd_fetch_error_map (reason, CPD_STAGE_SENT,
                                                    cpd_host_get_name (attempt->settings.target)));
}

/* The pin that let it lead to its address may have gone. Returns: whether the attempt has ended */
static gboolean
leave_denied (CpdAttempt *attempt, CpdStage stage)
{
  const CpdAttemptSettings *settings = &attempt->settings;
  g_autoptr (GError) error = NULL;

  if (cpd_judge_address (settings->store, settings->order->owner, settings->target, settings->rules,
                         attempt->connection->address, &error))
    return FALSE;
  if (attempt->kept && !attempt->sent)
    end (attempt, CPD_ENDING_STALE);
  else
    cpd_attempt_fail (attempt,
                      cpd_fetch_error_map (error, stage, cpd_host_get_name (settings->target)));
  return TRUE;
}

/* Its https proxy may not be trusted any more. */
static void
leave_proxy (CpdAttempt *attempt, const char *distrust)
{
  if (attempt->kept)
    end (attempt, CPD_ENDING_STALE);
  else
    cpd_attempt_fail (attempt,
                      cpd_proxy_tunnel_new_distrust_error (attempt->settings.proxy, distrust));
}

/* The connection is there, and no byte of the request is sent. */
static void
go (CpdAttempt *attempt)
{
  const CpdHttpExchangeSettings settings = {
    .request = attempt->settings.request,
    .upload = attempt->settings.upload,
    .order = attempt->settings.order,
    .plain = (attempt->settings.flags & CPD_ATTEMPT_PLAIN) != 0,
    .reading = attempt->settings.reading,
    .bodies = attempt->settings.bodies,
    .stream_idle_s = attempt->settings.stream_idle_s,
  };
  static const CpdHttpExchangeFuncs funcs
      = { .uploads = on_uploads, .streams = on_streams, .done = on_done };
  g_auto (CpdJudgement) judgement = { NULL };
  g_autoptr (GError) spoken = NULL;
  const CpdVerdict *verdict;

  if (!cpd_connection_is_silent (attempt->connection, &spoken))
    {
      leave_speaker (attempt, spoken);
      return;
    }
  if (leave_denied (attempt, CPD_STAGE_HANDSHAKING))
    return;
  judgement = judge (attempt, attempt->settings.order->require_keys);
  if (judgement.unknown != NULL)
    {
      cpd_tls_watch (attempt->connection->tls, 0, NULL, NULL); /* no longer as an idle one */
      return;
    }
  if (judgement.distrust != NULL)
    {
      leave_proxy (attempt, judgement.distrust);
      return;
    }
  cpd_verdict_unref (attempt->verdict);
  verdict = attempt->verdict = g_steal_pointer (&judgement.verdict);
  if (!verdict->passed)
    refuse (attempt);
  else
    {
      cpd_judge_note (attempt->settings.store, attempt->settings.order->owner, attempt->connection,
                      attempt->verdict);
      attempt->sent = TRUE;
      attempt->exchange = cpd_http_exchange_start (attempt->connection, &settings, &funcs, attempt);
    }
}

static void
on_validated (gpointer user_data)
{
  CpdAttempt *attempt = user_data;

  attempt->validating = NULL;
  if (!attempt->sent)
    go (attempt);
  else if (!cpd_attempt_reconsider (attempt))
    cpd_attempt_close (attempt);
}

static char *
explain_refusal (CpdAttempt *attempt, const CpdJudgement *judgement)
{
  g_autoptr (GError) error = NULL;

  if (judgement->distrust == NULL)
    return g_strdup (judgement->verdict->message);
  error = cpd_proxy_tunnel_new_distrust_error (attempt->settings.proxy, judgement->distrust);
  return g_strdup (error->message);
}

/* Something has changed, or time has passed. A request that was sent goes on if its server still
 * passes; until that is known, its connection is held. One that was not is judged when it is to be
 * sent.
 * Returns: whether its server is not refused, and its address not denied: that ends it */
gboolean
cpd_attempt_reconsider (CpdAttempt *attempt)
{
  g_auto (CpdJudgement) judgement = { NULL };

  if (attempt->connection == NULL || attempt->ending != CPD_ENDING_NONE
      || (attempt->sent && leave_denied (attempt, CPD_STAGE_SENT)))
    return TRUE;
  judgement = judge (attempt, /* require_keys= */ NULL);
  if (attempt->sent)
    cpd_http_exchange_hold (attempt->exchange, judgement.unknown != NULL);
  if (!cpd_judgement_refuses (&judgement))
    return TRUE;
  g_free (attempt->no_longer);
  attempt->no_longer = explain_refusal (attempt, &judgement);
  return FALSE;
}

static void
attempt_on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (CpdAttempt) attempt = CPD_ATTEMPT (user_data);
  g_autoptr (CpdVerdict) refusal = NULL;
  GError *error = NULL;
  CpdConnection *connection = cpd_connector_connect_finish (result, &refusal, &error);

  g_clear_object (&attempt->connecting);
  if (attempt->ending != CPD_ENDING_NONE)
    {
      g_clear_error (&error);
      cpd_connection_free (connection);
      return;
    }
  attempt->connection = connection;
  attempt->verdict = g_steal_pointer (&refusal);
  if (connection != NULL)
    go (attempt);
  else if (attempt->verdict != NULL)
    {
      g_error_free (error);
      end (attempt, CPD_ENDING_REFUSED);
    }
  else
    cpd_attempt_fail (attempt, error);
}

/* Whether it would go on this kept connection. What is read from a descriptor can be sent once. */
gboolean
cpd_attempt_takes (CpdAttempt *attempt, const CpdConnection *connection)
{
  return (attempt->settings.flags & CPD_ATTEMPT_FRESH) == 0
         && ((cpd_http_request_may_go_twice (attempt->settings.request)
              && attempt->settings.upload == NULL)
             || g_get_monotonic_time () - connection->used_us <= JUST_USED_US);
}

/* Starts on a new connection. `gate`: was entered for it. */
void
cpd_attempt_connect (CpdAttempt *attempt, CpdGate *gate)
{
  static const char *const protocols[] = { "http/1.1", NULL };
  const CpdConnectorSettings settings = {
    .target = attempt->settings.target,
    .proxy = attempt->settings.proxy,
    .protocols = protocols,
    .starttls = -1,
    .owner = attempt->settings.order->owner,
    .store = attempt->settings.store,
    .workers = attempt->settings.workers,
    .gate = gate,
    .rules = attempt->settings.rules,
  };

  attempt->connecting = g_cancellable_new ();
  cpd_connector_connect_async (&settings, attempt->connecting, attempt_on_connected,
                               g_object_ref (attempt));
}

/* Starts on a kept one. `connection`: (transfer full) */
void
cpd_attempt_use (CpdAttempt *attempt, CpdConnection *connection)
{
  gboolean again = may_go_twice (attempt) && attempt->settings.upload == NULL;

  attempt->connection = connection;
  attempt->kept = TRUE;
  cpd_tls_limit_silence (connection->tls, again ? DEAD_MS : 0);
  go (attempt);
}

/* Returns: (transfer full) (nullable): the connection of an answer, if another request may go over
 * it */
CpdConnection *
cpd_attempt_steal_connection (CpdAttempt *attempt)
{
  return attempt->reusable ? g_steal_pointer (&attempt->connection) : NULL;
}

/* Of one that has ended. Returns: what went over its connection */
CpdTraffic
cpd_attempt_take_traffic (CpdAttempt *attempt)
{
  return attempt->connection != NULL ? cpd_tls_take_traffic (attempt->connection->tls)
                                     : (CpdTraffic){ 0 };
}

/* Returns: (transfer full) (nullable): how much of the answer has come, for a message; NULL:
 * nothing */
char *
cpd_attempt_describe_received (CpdAttempt *attempt)
{
  return attempt->exchange != NULL ? cpd_http_exchange_describe_received (attempt->exchange) : NULL;
}

CpdEnding
cpd_attempt_get_ending (CpdAttempt *attempt)
{
  return attempt->ending;
}

/* Returns: (transfer none) (nullable): the verdict on its server */
CpdVerdict *
cpd_attempt_get_verdict (CpdAttempt *attempt)
{
  return attempt->verdict;
}

/* Returns: (transfer none) (nullable) */
const GError *
cpd_attempt_get_error (CpdAttempt *attempt)
{
  return attempt->error;
}

/* Returns: (transfer none): filled where it was answered */
const CpdAnswer *
cpd_attempt_get_answer (CpdAttempt *attempt)
{
  return &attempt->answer;
}
