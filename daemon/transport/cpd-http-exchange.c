/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Drives one request and its answer on one connection. The start sends what can be sent at once
 * before it returns: nothing can happen between the verdict and that.
 *
 * The first piece of an answer is read when it arrives. What comes behind it, and what is left of a
 * large request, is moved in turns with other users' (cpd-reading). While a body comes from a
 * descriptor, or goes to one, a thread moves all (cpd-stream). */

#include "config.h"

#include "daemon/transport/cpd-http-exchange.h"

#include "client-lib/certpin-error.h"
#include "daemon/transport/cpd-stream.h"

/* How long the server may take to say that it wants a large body. */
#define EXPECT_MS 1000

struct _CpdHttpExchange
{
  GObject parent;

  CpdConnection *connection; /* the owner's */
  const CpdOrder *order;     /* the owner's */
  CpdReading *reading;
  unsigned int stream_idle_s;
  const CpdHttpExchangeFuncs *funcs; /* NULL: it is over */
  gpointer user_data;

  CpdHttpFlow *flow;
  CpdUpload *upload; /* the owner's; NULL: none */
  CpdStream *stream; /* NULL: nothing goes through a descriptor */
  gboolean threaded; /* only the stream's thread may move anything */
  gboolean held;
  gboolean uploading;
  gboolean queued;    /* waits for its turn */
  guint64 auto_bytes; /* of an answer that is large, and comes by a descriptor, there are more */
  unsigned int expect_timer;
};

G_DEFINE_FINAL_TYPE (CpdHttpExchange, cpd_http_exchange, G_TYPE_OBJECT)

static void
cpd_http_exchange_finalize (GObject *object)
{
  CpdHttpExchange *exchange = CPD_HTTP_EXCHANGE (object);

  cpd_stream_free (exchange->stream);
  cpd_http_flow_free (exchange->flow);
  cpd_reading_unref (exchange->reading);
  G_OBJECT_CLASS (cpd_http_exchange_parent_class)->finalize (object);
}

static void
cpd_http_exchange_class_init (CpdHttpExchangeClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cpd_http_exchange_finalize;
}

static void
cpd_http_exchange_init (CpdHttpExchange *exchange)
{
}

/* Nothing calls back from here on, and nothing moves any more. */
void
cpd_http_exchange_stop (CpdHttpExchange *exchange)
{
  if (exchange->funcs == NULL)
    return;
  exchange->funcs = NULL;
  g_clear_handle_id (&exchange->expect_timer, g_source_remove);
  g_clear_pointer (&exchange->stream, cpd_stream_free);
  cpd_http_flow_cut (exchange->flow);
  cpd_tls_watch (exchange->connection->tls, 0, NULL, NULL);
  cpd_reading_forget (exchange->reading, cpd_owner_get_uid (exchange->order->owner), exchange);
}

/* Whoever counts the time has to know, since another attempt may follow. */
static void
leave_upload (CpdHttpExchange *exchange)
{
  if (!exchange->uploading)
    return;
  exchange->uploading = FALSE;
  exchange->funcs->uploads (FALSE, exchange->user_data);
}

static void
finish (CpdHttpExchange *exchange)
{
  const CpdHttpExchangeFuncs *funcs = exchange->funcs;
  CpdHttpFlow *flow = exchange->flow;
  g_autoptr (GBytes) body = cpd_http_flow_steal_content (flow);
  const CpdHttpOutcome outcome = {
    .error = cpd_http_flow_get_error (flow),
    .begun = cpd_http_flow_has_begun (flow),
    .reusable = cpd_http_flow_is_reusable (flow),
    .unfinished = cpd_http_flow_is_unfinished (flow),
    .declined = cpd_http_flow_was_declined (flow),
    .head = cpd_http_flow_get_head (flow),
    .body = body,
    .first_byte_us = cpd_http_flow_get_first_byte_us (flow),
  };

  leave_upload (exchange);
  cpd_http_flow_end_stream (flow);
  cpd_http_exchange_stop (exchange);
  funcs->done (&outcome, exchange->user_data);
}

static gboolean
is_to_stream (CpdHttpExchange *exchange)
{
  return cpd_http_flow_can_stream (exchange->flow)
         && (exchange->order->stream == CPD_STREAM_ALWAYS
             || cpd_http_flow_exceeds (exchange->flow, exchange->auto_bytes));
}

/* Whether a large body comes in the reply all the same: where all descriptors that its caller may
 * have are in use, and it fits there, as far as is known. */
static gboolean
stays_in_memory (CpdHttpExchange *exchange)
{
  if (exchange->order->stream == CPD_STREAM_ALWAYS
      || cpd_http_flow_exceeds (exchange->flow, exchange->order->max_inline_bytes)
      || cpd_transfer_enter (exchange->order->transfer, NULL))
    return FALSE;
  exchange->auto_bytes = exchange->order->max_inline_bytes;
  return TRUE;
}

static guint64
count_expected (const CpdHttpHead *head)
{
  switch (head->framing)
    {
    case CPD_HTTP_FRAMING_NONE:
      return 0;
    case CPD_HTTP_FRAMING_LENGTH:
      return head->length;
    default:
      return CPD_TRANSFER_UNKNOWN;
    }
}

static void on_paused (gpointer user_data);

/* From now on, only a thread may move anything.
 * `error`: (transfer full) (nullable): NULL: nothing has failed before */
static void
let_thread_move (CpdHttpExchange *exchange, GError *error)
{
  cpd_tls_watch (exchange->connection->tls, 0, NULL, NULL);
  if (error == NULL && exchange->stream == NULL)
    exchange->stream
        = cpd_stream_new (exchange->flow, exchange->stream_idle_s, on_paused, exchange, &error);
  exchange->threaded = TRUE;
  if (error == NULL && cpd_stream_start (exchange->stream, &error))
    return;
  cpd_http_flow_fail (exchange->flow, error);
  finish (exchange);
}

/* Its error goes on behind the name of the host. */
static gboolean
enter_transfer (CpdTransfer *transfer, GError **error)
{
  if (cpd_transfer_enter (transfer, error))
    return TRUE;
  g_prefix_error (error, "sent a response that needs a stream, but ");
  return FALSE;
}

/* Returns: whether the body of the answer has a descriptor, the other end of which is in the
 * transfer */
static gboolean
set_up_stream (CpdHttpExchange *exchange, GError **error)
{
  CpdTransfer *transfer = exchange->order->transfer;
  g_autoptr (CpdPair) pair = NULL;

  if (cpd_http_flow_check_size (exchange->flow, error) && enter_transfer (transfer, error))
    pair = cpd_pair_new (error);
  if (pair == NULL)
    return FALSE;
  cpd_transfer_begin_receiving (transfer, cpd_pair_steal_other (pair),
                                count_expected (cpd_http_flow_get_head (exchange->flow)));
  cpd_http_flow_stream (exchange->flow, g_steal_pointer (&pair));
  return TRUE;
}

static void
begin_stream (CpdHttpExchange *exchange)
{
  g_autoptr (GBytes) nothing = g_bytes_new_static ("", 0);
  const CpdHttpOutcome outcome = {
    .head = cpd_http_flow_get_head (exchange->flow),
    .body = nothing,
    .first_byte_us = cpd_http_flow_get_first_byte_us (exchange->flow),
  };
  GError *error = NULL;

  if (set_up_stream (exchange, &error))
    exchange->funcs->streams (&outcome, exchange->user_data);
  if (exchange->funcs != NULL)
    let_thread_move (exchange, error);
}

/* Tells when the sending of a body from a descriptor begins, and when it is over. */
static void
note_upload (CpdHttpExchange *exchange)
{
  gboolean uploads = cpd_http_flow_uploads (exchange->flow);

  if (uploads == exchange->uploading)
    return;
  exchange->uploading = uploads;
  if (uploads)
    cpd_transfer_begin_sending (exchange->order->transfer,
                                cpd_upload_count_left (exchange->upload));
  exchange->funcs->uploads (uploads, exchange->user_data);
}

static void wait_for_turn (gpointer user_data);

static void
watch (CpdHttpExchange *exchange, CpdTlsReadyFunc ready)
{
  CpdHttpFlow *flow = exchange->flow;
  gboolean at_once = cpd_http_flow_wants_to_send (flow) || cpd_http_flow_uploads (flow)
                     || cpd_http_flow_is_over (flow);

  cpd_tls_watch (exchange->connection->tls, at_once ? G_IO_IN | G_IO_OUT : G_IO_IN, ready,
                 exchange);
}

static guint64
get_pause_bytes (CpdHttpExchange *exchange)
{
  return exchange->order->stream == CPD_STREAM_AUTO ? exchange->auto_bytes : G_MAXUINT64;
}

/* What is done next, after something has moved. */
static void
decide (CpdHttpExchange *exchange)
{
  CpdHttpFlow *flow = exchange->flow;

  if (!cpd_http_flow_withholds (flow) || cpd_http_flow_get_head (flow) != NULL)
    g_clear_handle_id (&exchange->expect_timer, g_source_remove);
  note_upload (exchange);
  if (is_to_stream (exchange) && !stays_in_memory (exchange))
    begin_stream (exchange);
  else if (cpd_http_flow_is_over (flow))
    finish (exchange);
  else if (exchange->uploading)
    {
      cpd_http_flow_go_on (flow, get_pause_bytes (exchange));
      let_thread_move (exchange, NULL);
    }
  else
    watch (exchange, wait_for_turn);
}

/* The thread has stopped by itself. Whoever is told of the end may drop the last reference. */
static void
on_paused (gpointer user_data)
{
  g_autoptr (CpdHttpExchange) exchange = g_object_ref (user_data);

  exchange->threaded = FALSE;
  decide (exchange);
}

/* Whoever is told of the end may drop the last other reference, and then still read the outcome. */
static void
move (gpointer user_data)
{
  g_autoptr (CpdHttpExchange) exchange = g_object_ref (user_data);

  exchange->queued = FALSE;
  cpd_http_flow_move (exchange->flow);
  decide (exchange);
}

static void
wait_for_turn (gpointer user_data)
{
  CpdHttpExchange *exchange = user_data;

  exchange->queued = TRUE;
  cpd_tls_watch (exchange->connection->tls, 0, NULL, NULL);
  cpd_reading_wait (exchange->reading, cpd_owner_get_uid (exchange->order->owner), move, exchange);
}

/* A server that does not know the expectation says nothing (RFC 9110, section 10.1.1). */
static gboolean
on_nothing_said (gpointer user_data)
{
  CpdHttpExchange *exchange = user_data;

  exchange->expect_timer = 0;
  cpd_http_flow_release_body (exchange->flow);
  if (!exchange->queued)
    watch (exchange, wait_for_turn);
  return G_SOURCE_REMOVE;
}

/* Begins to send at once. `connection`: judged just now; it must outlive the exchange.
 * `funcs`: static.
 * Returns: (transfer full) */
CpdHttpExchange *
cpd_http_exchange_start (CpdConnection *connection, const CpdHttpExchangeSettings *settings,
                         const CpdHttpExchangeFuncs *funcs, gpointer user_data)
{
  CpdHttpExchange *exchange = g_object_new (CPD_TYPE_HTTP_EXCHANGE, NULL);
  const CpdHttpFlowSettings flow = {
    .connection = connection,
    .request = settings->request,
    .upload = settings->upload,
    .transfer = settings->order->transfer,
    .plain = settings->plain,
    .may_stream = settings->order->stream != CPD_STREAM_NEVER,
    .max_body_bytes = settings->order->max_body_bytes,
    .max_inline_bytes = settings->order->max_inline_bytes,
    .bodies = settings->bodies,
  };

  exchange->connection = connection;
  exchange->order = settings->order;
  exchange->auto_bytes = settings->order->auto_bytes;
  exchange->upload = settings->upload;
  exchange->reading = cpd_reading_ref (settings->reading);
  exchange->stream_idle_s = settings->stream_idle_s;
  exchange->funcs = funcs;
  exchange->user_data = user_data;
  exchange->flow = cpd_http_flow_new (&flow);
  cpd_http_flow_send (exchange->flow);
  if (cpd_http_flow_withholds (exchange->flow))
    exchange->expect_timer = g_timeout_add (EXPECT_MS, on_nothing_said, exchange);
  watch (exchange, move);
  return exchange;
}

/* Returns: (transfer full) (nullable): how much of the answer has come, for a message; NULL:
 * nothing, or only the thread knows */
char *
cpd_http_exchange_describe_received (CpdHttpExchange *exchange)
{
  return exchange->threaded ? NULL : cpd_http_flow_describe_received (exchange->flow);
}

/* While it is held, not a byte moves. */
void
cpd_http_exchange_hold (CpdHttpExchange *exchange, gboolean held)
{
  g_autoptr (CpdHttpExchange) alive = g_object_ref (exchange);

  if (held == exchange->held)
    return;
  exchange->held = held;
  if (exchange->threaded)
    cpd_stream_stop (exchange->stream);
  cpd_tls_hold (exchange->connection->tls, held);
  if (exchange->threaded && !held)
    let_thread_move (exchange, NULL);
}

/* The networks of this machine have changed. */
void
cpd_http_exchange_check_network (CpdHttpExchange *exchange)
{
  g_autoptr (CpdHttpExchange) alive = g_object_ref (exchange);

  if (exchange->threaded)
    cpd_stream_stop (exchange->stream);
  cpd_tls_check_network (exchange->connection->tls);
  if (exchange->threaded && !exchange->held)
    let_thread_move (exchange, NULL);
}
