/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Drives one request and its answer on one connection. The start sends what can be sent at once
 * before it returns: nothing can happen between the verdict and that.
 *
 * The first piece of an answer is read when it arrives. What comes behind it, and what is left of a
 * large request, is moved in turns with other users' (cpd-reading). A body that goes to a
 * descriptor is moved by a thread of its own (cpd-stream). */

#include "config.h"

#include "daemon/transport/cpd-http-exchange.h"

#include "client-lib/certpin-error.h"
#include "daemon/transport/cpd-redirect.h"
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
  CpdStream *stream; /* NULL: nothing goes through a descriptor */
  gboolean queued;   /* waits for its turn */
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
  cpd_reading_forget (exchange->reading, exchange->order->uid, exchange);
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
    .declined = cpd_http_flow_was_declined (flow),
    .head = cpd_http_flow_get_head (flow),
    .body = body,
    .first_byte_us = cpd_http_flow_get_first_byte_us (flow),
  };

  cpd_http_exchange_stop (exchange);
  funcs->done (&outcome, exchange->user_data);
}

/* Whoever is told of the end may drop the last reference. */
static void
on_paused (gpointer user_data)
{
  g_autoptr (CpdHttpExchange) exchange = g_object_ref (user_data);

  finish (exchange);
}

/* A redirect comes whole, since it may be followed. */
static gboolean
is_to_stream (CpdHttpExchange *exchange)
{
  const CpdHttpHead *head = cpd_http_flow_get_head (exchange->flow);

  if (exchange->order->stream == CPD_STREAM_NEVER || head == NULL || cpd_redirect_is_one (head)
      || cpd_http_flow_get_error (exchange->flow) != NULL)
    return FALSE;
  return exchange->order->stream == CPD_STREAM_ALWAYS
         || cpd_http_flow_exceeds (exchange->flow, CPD_STREAM_AUTO_BYTES);
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

static gboolean
check_length (CpdHttpExchange *exchange, GError **error)
{
  guint64 most = exchange->order->max_body_bytes;

  if (!cpd_http_flow_exceeds (exchange->flow, most))
    return TRUE;
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_BODY_TOO_LARGE,
               "sent a response body of more than the %" G_GUINT64_FORMAT " bytes allowed", most);
  return FALSE;
}

/* Returns: (transfer full) (nullable): ready to run, with the caller's end in the transfer */
static CpdStream *
set_up_stream (CpdHttpExchange *exchange, GError **error)
{
  CpdTransfer *transfer = exchange->order->transfer;
  g_autoptr (CpdPair) pair = NULL;
  CpdStream *stream = NULL;

  if (check_length (exchange, error) && cpd_transfer_enter (transfer, error))
    pair = cpd_pair_new (error);
  if (pair != NULL)
    stream = cpd_stream_new (exchange->flow, exchange->stream_idle_s, on_paused, exchange, error);
  if (stream == NULL)
    return NULL;
  cpd_transfer_begin_receiving (transfer, cpd_pair_steal_other (pair),
                                count_expected (cpd_http_flow_get_head (exchange->flow)));
  cpd_http_flow_stream (exchange->flow, g_steal_pointer (&pair), transfer);
  return stream;
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

  cpd_tls_watch (exchange->connection->tls, 0, NULL, NULL);
  exchange->stream = set_up_stream (exchange, &error);
  if (exchange->stream == NULL)
    {
      cpd_http_flow_fail (exchange->flow, error);
      finish (exchange);
      return;
    }
  exchange->funcs->streams (&outcome, exchange->user_data);
  if (!cpd_stream_start (exchange->stream, &error))
    {
      cpd_http_flow_fail (exchange->flow, error);
      finish (exchange);
    }
}

static void wait_for_turn (gpointer user_data);

static void
watch (CpdHttpExchange *exchange, CpdTlsReadyFunc ready)
{
  gboolean sends = cpd_http_flow_wants_to_send (exchange->flow);

  cpd_tls_watch (exchange->connection->tls, sends ? G_IO_IN | G_IO_OUT : G_IO_IN, ready, exchange);
}

/* Whoever is told of the end may drop the last reference. */
static void
move (gpointer user_data)
{
  g_autoptr (CpdHttpExchange) exchange = g_object_ref (user_data);

  exchange->queued = FALSE;
  cpd_http_flow_move (exchange->flow);
  if (!cpd_http_flow_withholds (exchange->flow) || cpd_http_flow_get_head (exchange->flow) != NULL)
    g_clear_handle_id (&exchange->expect_timer, g_source_remove);
  if (is_to_stream (exchange))
    begin_stream (exchange);
  else if (cpd_http_flow_is_over (exchange->flow))
    finish (exchange);
  else
    watch (exchange, wait_for_turn);
}

static void
wait_for_turn (gpointer user_data)
{
  CpdHttpExchange *exchange = user_data;

  exchange->queued = TRUE;
  cpd_tls_watch (exchange->connection->tls, 0, NULL, NULL);
  cpd_reading_wait (exchange->reading, exchange->order->uid, move, exchange);
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
    .plain = settings->plain,
    .max_body_bytes = settings->order->max_body_bytes,
    .max_inline_bytes = settings->order->max_inline_bytes,
    .bodies = settings->bodies,
  };

  exchange->connection = connection;
  exchange->order = settings->order;
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

static void
let_stream_run (CpdHttpExchange *exchange)
{
  GError *error = NULL;

  if (cpd_stream_start (exchange->stream, &error))
    return;
  cpd_http_flow_fail (exchange->flow, error);
  on_paused (exchange);
}

/* While it is held, not a byte moves. */
void
cpd_http_exchange_hold (CpdHttpExchange *exchange, gboolean held)
{
  if (exchange->stream != NULL && held)
    cpd_stream_stop (exchange->stream);
  cpd_tls_hold (exchange->connection->tls, held);
  if (exchange->stream != NULL && !held)
    let_stream_run (exchange);
}

/* The networks of this machine have changed. */
void
cpd_http_exchange_check_network (CpdHttpExchange *exchange)
{
  if (exchange->stream != NULL)
    cpd_stream_stop (exchange->stream);
  cpd_tls_check_network (exchange->connection->tls);
  if (exchange->stream != NULL)
    let_stream_run (exchange);
}
