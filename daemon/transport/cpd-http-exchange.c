/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One request and its answer, read while the request is still being written: a server may answer
 * before it has all of it (RFC 9112, section 9.3). The start sends what can be sent at once before
 * it returns: nothing can happen between the verdict and that.
 *
 * The first piece of an answer is read when it arrives. What comes behind it, and what is left of a
 * large request, is moved in turns with other users' (cpd-reading). */

#include "config.h"

#include "daemon/transport/cpd-http-exchange.h"

#include "client-lib/certpin-error.h"
#include "client-lib/certpin-status.h"
#include "daemon/transport/cpd-http-request.h"

/* How much is sent in one turn, and read at a time. */
#define PIECE_BYTES (32 * 1024)

/* A request with a larger body waits that long for the server to say that it wants it. */
#define EXPECT_MIN_BYTES (1024 * 1024)
#define EXPECT_MS        1000

/* A small body goes in one record with the head. */
#define TOGETHER_MAX_BYTES (8 * 1024)

struct _CpdHttpExchange
{
  GObject parent;

  CpdConnection *connection; /* the owner's */
  CpdReading *reading;
  guint32 uid;
  CpdHttpDoneFunc done; /* NULL: it is over */
  gpointer user_data;

  GString *head;     /* of the request; with its body, where that is small */
  GBytes *body;      /* NULL: it has none, or the head has it */
  gsize sent;        /* of both */
  gboolean withheld; /* the body, until the server says that it wants it */
  gboolean stopped;  /* sending: the server wants no more, or takes no more */
  gboolean queued;   /* waits for its turn */
  unsigned int expect_timer;

  CpdHttpReader *reader;
  GByteArray *content;
  guint64 max_body_bytes;
  CpdBudget *bodies;
  guint64 taken; /* of them */
  GError *send_error;
  gint64 sent_us, begun_us; /* monotonic; 0: not yet */
};

G_DEFINE_FINAL_TYPE (CpdHttpExchange, cpd_http_exchange, G_TYPE_OBJECT)

static void
cpd_http_exchange_finalize (GObject *object)
{
  CpdHttpExchange *exchange = CPD_HTTP_EXCHANGE (object);

  cpd_reading_unref (exchange->reading);
  g_string_free (exchange->head, TRUE);
  g_clear_pointer (&exchange->body, g_bytes_unref);
  cpd_http_reader_free (exchange->reader);
  g_byte_array_unref (exchange->content);
  cpd_budget_give_back (exchange->bodies, exchange->taken);
  cpd_budget_unref (exchange->bodies);
  g_clear_error (&exchange->send_error);
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
  exchange->content = g_byte_array_new ();
}

/* Nothing calls back from here on. */
void
cpd_http_exchange_stop (CpdHttpExchange *exchange)
{
  if (exchange->done == NULL)
    return;
  exchange->done = NULL;
  g_clear_handle_id (&exchange->expect_timer, g_source_remove);
  cpd_tls_watch (exchange->connection->tls, 0, NULL, NULL);
  cpd_reading_forget (exchange->reading, exchange->uid, exchange);
}

static gsize
count_left (CpdHttpExchange *exchange)
{
  gsize body = exchange->body != NULL ? g_bytes_get_size (exchange->body) : 0;

  return exchange->head->len + body - exchange->sent;
}

static gboolean
is_sent (CpdHttpExchange *exchange)
{
  return count_left (exchange) == 0 && !cpd_tls_has_unsent (exchange->connection->tls);
}

/* RFC 9110, section 15.5.18 */
static gboolean
was_declined (CpdHttpExchange *exchange)
{
  return exchange->withheld && cpd_http_reader_get_head (exchange->reader)->status == 417;
}

/* `error`: (transfer full) (nullable): NULL: the answer is whole */
static void
finish (CpdHttpExchange *exchange, GError *error)
{
  CpdHttpDoneFunc done = exchange->done;
  g_autoptr (GError) owned = error;
  g_autoptr (GBytes) body = NULL;
  CpdHttpOutcome outcome = {
    .error = error,
    .begun = exchange->begun_us != 0,
    .reusable
    = error == NULL && is_sent (exchange) && cpd_http_reader_is_reusable (exchange->reader),
    .declined = error == NULL && was_declined (exchange),
    .head = cpd_http_reader_get_head (exchange->reader),
    .first_byte_us
    = exchange->begun_us != 0 ? (guint64)(exchange->begun_us - exchange->sent_us) : 0,
  };

  cpd_http_exchange_stop (exchange);
  body = g_byte_array_free_to_bytes (g_steal_pointer (&exchange->content));
  exchange->content = g_byte_array_new ();
  outcome.body = body;
  done (&outcome, exchange->user_data);
}

/* Whether that many bytes more may be kept. */
static gboolean
take_room (CpdHttpExchange *exchange, gsize length, GError **error)
{
  if (exchange->content->len + length > exchange->max_body_bytes)
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_BODY_TOO_LARGE,
                 "sent a response body of more than the %" G_GUINT64_FORMAT " bytes allowed",
                 exchange->max_body_bytes);
  else if (!cpd_budget_take (exchange->bodies, length))
    g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED,
                         "sent a response that exceeds the memory for your bodies; make fewer "
                         "requests at a time");
  else
    {
      exchange->taken += length;
      return TRUE;
    }
  return FALSE;
}

/* Returns: the next bytes that may be sent; at most a piece of them */
static const char *
next_piece (CpdHttpExchange *exchange, gsize *length)
{
  gsize head = exchange->head->len, all;
  const char *body;

  if (exchange->sent < head)
    {
      *length = MIN (head - exchange->sent, PIECE_BYTES);
      return exchange->head->str + exchange->sent;
    }
  if (exchange->body == NULL || exchange->withheld)
    {
      *length = 0;
      return NULL;
    }
  body = g_bytes_get_data (exchange->body, &all);
  *length = MIN (all - (exchange->sent - head), PIECE_BYTES);
  return body + (exchange->sent - head);
}

/* Sends a piece, as far as the socket takes it. A server that takes no more may have answered
 * before: that is read first. */
static void
send_piece (CpdHttpExchange *exchange)
{
  gsize piece_left = PIECE_BYTES;

  while (!exchange->stopped && piece_left > 0)
    {
      gsize length;
      const char *data = next_piece (exchange, &length);
      gssize sent = cpd_tls_send (exchange->connection->tls, data, MIN (length, piece_left),
                                  &exchange->send_error);

      if (sent < 0)
        {
          if (g_error_matches (exchange->send_error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
            g_clear_error (&exchange->send_error);
          else
            exchange->stopped = TRUE;
        }
      if (sent <= 0)
        return;
      exchange->sent += (gsize)sent;
      piece_left -= (gsize)sent;
    }
}

static gboolean
wants_to_send (CpdHttpExchange *exchange)
{
  gsize length;

  if (exchange->stopped)
    return FALSE;
  next_piece (exchange, &length);
  return length > 0 || cpd_tls_has_unsent (exchange->connection->tls);
}

static void
release_body (CpdHttpExchange *exchange)
{
  exchange->withheld = FALSE;
  g_clear_handle_id (&exchange->expect_timer, g_source_remove);
}

/* A server that refuses, or does not want the body, gets nothing more. One that begins to answer
 * may need the rest of the request for the rest of its answer. */
static void
take_final_head (CpdHttpExchange *exchange)
{
  exchange->stopped
      |= exchange->withheld || cpd_http_reader_get_head (exchange->reader)->status >= 300;
  g_clear_handle_id (&exchange->expect_timer, g_source_remove);
}

/* RFC 9110, section 15: there are five classes. */
static gboolean
check_status (CpdHttpExchange *exchange, GError **error)
{
  unsigned int status = cpd_http_reader_get_head (exchange->reader)->status;

  if (CERTPIN_IS_FINAL_STATUS (status))
    return TRUE;
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR, "the status %u has no meaning",
               status);
  return FALSE;
}

/* `part`: was read. Returns: FALSE on error */
static gboolean
take_part (CpdHttpExchange *exchange, CpdHttpPart part, const CpdHttpSpan *span, GError **error)
{
  switch (part)
    {
    case CPD_HTTP_PART_INTERIM:
      if (cpd_http_reader_get_head (exchange->reader)->status == 100)
        release_body (exchange);
      return TRUE;
    case CPD_HTTP_PART_HEAD:
      take_final_head (exchange);
      return check_status (exchange, error);
    case CPD_HTTP_PART_CONTENT:
      if (!take_room (exchange, span->length, error))
        return FALSE;
      g_byte_array_append (exchange->content, (const guint8 *)span->data,
                           (unsigned int)span->length);
      return TRUE;
    case CPD_HTTP_PART_NONE:
    case CPD_HTTP_PART_END:
      break;
    }
  return TRUE;
}

/* Returns: FALSE on error. `end`: (out): whether the answer is complete */
static gboolean
read_bytes (CpdHttpExchange *exchange, const char *data, gsize length, gboolean *end,
            GError **error)
{
  CpdHttpPart part;
  CpdHttpSpan span;

  if (exchange->begun_us == 0)
    exchange->begun_us = g_get_monotonic_time ();
  do
    if (!cpd_http_reader_read (exchange->reader, &data, &length, &part, &span, error)
        || !take_part (exchange, part, &span, error))
      return FALSE;
  while (part != CPD_HTTP_PART_NONE && part != CPD_HTTP_PART_END);
  *end = part == CPD_HTTP_PART_END;
  return TRUE;
}

/* Whether there is no more to tell of it than that it was cut. */
static gboolean
is_cut (const GError *reason)
{
  return reason == NULL || g_error_matches (reason, G_TLS_ERROR, G_TLS_ERROR_EOF);
}

/* The connection has ended, or is broken. `reason`: (transfer full) (nullable): NULL: TLS ended
 * it. */
static void
finish_at_end (CpdHttpExchange *exchange, GError *reason)
{
  GError *error = NULL;

  cpd_http_reader_end (exchange->reader, reason == NULL, &error);
  if (error != NULL && (!is_cut (reason) || !is_cut (exchange->send_error)))
    {
      g_error_free (error);
      error = g_error_copy (!is_cut (reason) ? reason : exchange->send_error);
    }
  g_clear_error (&reason);
  finish (exchange, error);
}

/* Reads a piece. Returns: whether it is not over */
static gboolean
receive_piece (CpdHttpExchange *exchange)
{
  char buffer[PIECE_BYTES];
  gsize piece_left = PIECE_BYTES;

  while (piece_left > 0)
    {
      GError *error = NULL;
      gboolean end = FALSE;
      gssize length = cpd_tls_receive (exchange->connection->tls, buffer, piece_left, &error);

      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        {
          g_error_free (error);
          return TRUE;
        }
      if (length <= 0)
        {
          finish_at_end (exchange, error);
          return FALSE;
        }
      if (!read_bytes (exchange, buffer, (gsize)length, &end, &error) || end)
        {
          finish (exchange, error);
          return FALSE;
        }
      piece_left -= (gsize)length;
    }
  return TRUE;
}

static void wait_for_turn (gpointer user_data);

static void
watch (CpdHttpExchange *exchange)
{
  cpd_tls_watch (exchange->connection->tls, wants_to_send (exchange) ? G_IO_IN | G_IO_OUT : G_IO_IN,
                 wait_for_turn, exchange);
}

/* Whoever is told of the end may drop the last other reference, and then still read the outcome. */
static void
move (gpointer user_data)
{
  g_autoptr (CpdHttpExchange) exchange = g_object_ref (user_data);

  exchange->queued = FALSE;
  send_piece (exchange);
  if (receive_piece (exchange))
    watch (exchange);
}

static void
wait_for_turn (gpointer user_data)
{
  CpdHttpExchange *exchange = user_data;

  exchange->queued = TRUE;
  cpd_tls_watch (exchange->connection->tls, 0, NULL, NULL);
  cpd_reading_wait (exchange->reading, exchange->uid, move, exchange);
}

/* A server that does not know the expectation says nothing (RFC 9110, section 10.1.1). */
static gboolean
on_nothing_said (gpointer user_data)
{
  CpdHttpExchange *exchange = user_data;

  exchange->expect_timer = 0;
  release_body (exchange);
  if (!exchange->queued)
    watch (exchange);
  return G_SOURCE_REMOVE;
}

static void
write_request (CpdHttpExchange *exchange, CertpinRequest *request, gboolean plain)
{
  GBytes *body = certpin_request_get_body (request);
  gsize length;
  const char *data = g_bytes_get_data (body, &length);

  exchange->withheld = length > EXPECT_MIN_BYTES && !plain;
  exchange->head = cpd_http_request_write_head (
      request, cpd_peer_get_host (exchange->connection->peer), exchange->withheld);
  if (length <= TOGETHER_MAX_BYTES)
    g_string_append_len (exchange->head, data, (gssize)length);
  else
    exchange->body = g_bytes_ref (body);
  if (exchange->withheld)
    exchange->expect_timer = g_timeout_add (EXPECT_MS, on_nothing_said, exchange);
}

/* Begins to send at once. `connection`: judged just now; it must outlive the exchange.
 * `done`: called once, from the main loop, unless the exchange is stopped before.
 * Returns: (transfer full) */
CpdHttpExchange *
cpd_http_exchange_start (CpdConnection *connection, const CpdHttpExchangeSettings *settings,
                         CpdHttpDoneFunc done, gpointer user_data)
{
  CpdHttpExchange *exchange = g_object_new (CPD_TYPE_HTTP_EXCHANGE, NULL);

  exchange->connection = connection;
  exchange->reading = cpd_reading_ref (settings->reading);
  exchange->uid = settings->uid;
  exchange->max_body_bytes = settings->max_body_bytes;
  exchange->bodies = cpd_budget_ref (settings->bodies);
  exchange->done = done;
  exchange->user_data = user_data;
  exchange->reader = cpd_http_reader_new (certpin_request_get_method (settings->request));
  write_request (exchange, settings->request, settings->plain);
  exchange->sent_us = g_get_monotonic_time ();
  send_piece (exchange);
  cpd_tls_watch (connection->tls, wants_to_send (exchange) ? G_IO_IN | G_IO_OUT : G_IO_IN, move,
                 exchange);
  return exchange;
}
