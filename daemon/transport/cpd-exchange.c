/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One attempt at one request. Here is the second of the two places where a server is judged:
 * libsoup emits `starting` when a connection is chosen, new or kept alive, and no byte of the
 * request is written yet; and again before each time that it writes the request anew. What is
 * refused there is cancelled, which on HTTP/1.1 lets not one byte out. The outcome is what is
 * recorded here, never guessed from libsoup's error. */

#include "config.h"

#include "daemon/transport/cpd-exchange.h"

#include "daemon/transport/cpd-connection.h"
#include "daemon/transport/cpd-fetch-error.h"
#include "daemon/transport/cpd-message.h"

#define CHUNK_BYTES         (64 * 1024)
#define INTERIM_ANSWERS_MAX 8

struct _CpdExchange
{
  GObject parent;

  CpdExchangeSettings settings; /* with references of its own */
  SoupMessage *message;
  GCancellable *cancellable; /* of libsoup's part */
  GInputStream *stream;
  GByteArray *body;
  guint64 taken; /* of the budget */

  CpdStage stage;
  gboolean new_connection;
  GTlsConnection *connection; /* that one, until something is sent over it */
  gboolean settled;
  unsigned int interim_answers;

  CpdEnding ending;
  CpdVerdict *verdict;
  GError *error;
  CpdAnswer answer;
};

G_DEFINE_FINAL_TYPE (CpdExchange, cpd_exchange, G_TYPE_OBJECT)

enum
{
  SETTLED,
  ENDED,
  N_SIGNALS
};

static unsigned int signals[N_SIGNALS];

static void
cpd_exchange_finalize (GObject *object)
{
  CpdExchange *exchange = CPD_EXCHANGE (object);

  g_clear_object (&exchange->message);
  g_clear_object (&exchange->cancellable);
  g_clear_object (&exchange->connection);
  g_clear_object (&exchange->stream);
  g_clear_pointer (&exchange->body, g_byte_array_unref);
  g_clear_object (&exchange->settings.session);
  g_clear_object (&exchange->settings.database);
  g_clear_object (&exchange->settings.store);
  cpd_sockets_unref (exchange->settings.sockets);
  cpd_reading_unref (exchange->settings.reading);
  cpd_host_unref (exchange->settings.target);
  certpin_request_unref (exchange->settings.request);
  g_clear_pointer (&exchange->settings.require_keys, g_ptr_array_unref);
  cpd_budget_give_back (exchange->settings.bodies, exchange->taken);
  cpd_budget_unref (exchange->settings.bodies);
  cpd_verdict_unref (exchange->verdict);
  g_clear_error (&exchange->error);
  cpd_answer_clear (&exchange->answer);
  G_OBJECT_CLASS (cpd_exchange_parent_class)->finalize (object);
}

static void
cpd_exchange_class_init (CpdExchangeClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cpd_exchange_finalize;
  signals[SETTLED] = g_signal_new ("settled", CPD_TYPE_EXCHANGE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
  signals[ENDED] = g_signal_new ("ended", CPD_TYPE_EXCHANGE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                 G_TYPE_NONE, 0);
}

static void
cpd_exchange_init (CpdExchange *exchange)
{
  exchange->cancellable = g_cancellable_new ();
  exchange->body = g_byte_array_new ();
}

CpdExchange *
cpd_exchange_new (const CpdExchangeSettings *settings)
{
  CpdExchange *exchange = g_object_new (CPD_TYPE_EXCHANGE, NULL);

  exchange->settings = *settings;
  g_object_ref (settings->session);
  g_object_ref (settings->database);
  g_object_ref (settings->store);
  cpd_sockets_ref (settings->sockets);
  cpd_reading_ref (settings->reading);
  cpd_host_ref (settings->target);
  certpin_request_ref (settings->request);
  cpd_budget_ref (settings->bodies);
  if (settings->require_keys != NULL)
    g_ptr_array_ref (settings->require_keys);
  return exchange;
}

static void
settle (CpdExchange *exchange)
{
  if (exchange->message == NULL || exchange->settled)
    return;
  exchange->settled = TRUE;
  g_signal_emit (exchange, signals[SETTLED], 0);
}

/* Ends what is under way in libsoup, and its connection. One that was sent may be without: on its
 * way to another connection, since the kept-alive one was dead. */
static void
stop (CpdExchange *exchange)
{
  if (exchange->stage != CPD_STAGE_SENT
      || !cpd_sockets_cut (exchange->settings.sockets,
                           soup_message_get_connection_id (exchange->message)))
    g_cancellable_cancel (exchange->cancellable);
}

/* The first ending counts. */
static void
end (CpdExchange *exchange, CpdEnding ending)
{
  if (exchange->ending != CPD_ENDING_NONE)
    return;
  exchange->ending = ending;
  cpd_reading_forget (exchange->settings.reading, exchange->settings.uid, exchange);
  if (ending != CPD_ENDING_ANSWERED)
    stop (exchange);
  settle (exchange);
  g_signal_emit (exchange, signals[ENDED], 0);
}

/* `error`: (transfer full) */
void
cpd_exchange_fail (CpdExchange *exchange, GError *error)
{
  if (exchange->ending == CPD_ENDING_NONE)
    exchange->error = error;
  else
    g_error_free (error);
  end (exchange, CPD_ENDING_FAILED);
}

G_GNUC_PRINTF (3, 4)
static void
fail (CpdExchange *exchange, CertpinError code, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  cpd_exchange_fail (exchange, g_error_new (CERTPIN_ERROR, (int)code, "host ‘%s’ %s",
                                            cpd_host_get_name (exchange->settings.target), text));
}

static void
fail_truncated (CpdExchange *exchange)
{
  fail (exchange, CERTPIN_ERROR_TRUNCATED, "ended the connection before its response was complete");
}

/* The channel goes away, since the policy no longer accepts what it is connected to. */
void
cpd_exchange_close (CpdExchange *exchange)
{
  if (exchange->stage == CPD_STAGE_SENT)
    fail (exchange, CERTPIN_ERROR_PIN_CHANGED,
          "no longer passes: pins or trust anchors changed after the request was sent, and the "
          "server "
          "may have processed it");
  else
    end (exchange, CPD_ENDING_MOVED);
}

static void
take_verdict (CpdExchange *exchange, CpdVerdict *verdict)
{
  cpd_verdict_unref (exchange->verdict);
  exchange->verdict = verdict;
}

/* A connection is being made for this exchange; else it is given one that was kept alive. */
static void
on_network_event (CpdExchange *exchange, GSocketClientEvent event, GIOStream *stream)
{
  GTlsConnection *connection;

  exchange->new_connection = TRUE;
  if (event != G_SOCKET_CLIENT_TLS_HANDSHAKING)
    return;
  exchange->stage = CPD_STAGE_HANDSHAKING;
  connection = G_TLS_CONNECTION (stream);
  cpd_connection_set_up (connection);
  cpd_sockets_add (exchange->settings.sockets, soup_message_get_connection_id (exchange->message),
                   cpd_connection_get_socket (connection));
  g_set_object (&exchange->connection, connection);
}

/* Whether what libsoup is about to write on is the protocol that all of this was measured on. */
static gboolean
check_protocol (CpdExchange *exchange)
{
  g_autoptr (GTlsConnection) connection = g_steal_pointer (&exchange->connection);
  GTlsProtocolVersion version = soup_message_get_tls_protocol_version (exchange->message);

  if (version != G_TLS_PROTOCOL_VERSION_TLS_1_2 && version != G_TLS_PROTOCOL_VERSION_TLS_1_3)
    fail (exchange, CERTPIN_ERROR_TLS_FAILED,
          "speaks a TLS version older than 1.2, which is not accepted");
  else if (soup_message_get_http_version (exchange->message) != SOUP_HTTP_1_1)
    fail (exchange, CERTPIN_ERROR_PROTOCOL_ERROR, "negotiated a protocol other than HTTP/1.1");
  else if (connection != NULL && cpd_connection_speaks_unasked (connection))
    fail (exchange, CERTPIN_ERROR_PROTOCOL_ERROR, "sent data before the request");
  return exchange->ending == CPD_ENDING_NONE;
}

/* Judges the server behind the message's connection. Returns: whether it passed */
static gboolean
judge (CpdExchange *exchange, GTlsCertificate *certificate)
{
  g_autoptr (CpdPeer) peer = cpd_tls_database_get_peer (exchange->settings.database, certificate);

  take_verdict (exchange, cpd_judge_peer (exchange->settings.store, exchange->settings.uid, peer,
                                          exchange->settings.require_keys));
  return exchange->verdict->passed;
}

/* No byte is written yet. */
static void
on_starting (CpdExchange *exchange)
{
  GTlsCertificate *certificate = soup_message_get_tls_peer_certificate (exchange->message);

  settle (exchange);
  if (exchange->ending != CPD_ENDING_NONE)
    g_cancellable_cancel (exchange->cancellable);
  else if (certificate == NULL)
    fail (exchange, CERTPIN_ERROR_TLS_FAILED, "showed no certificate");
  else if (!check_protocol (exchange))
    return;
  else if (judge (exchange, certificate))
    exchange->stage = CPD_STAGE_SENT;
  else
    end (exchange, exchange->new_connection ? CPD_ENDING_REFUSED : CPD_ENDING_STALE);
}

/* libsoup reads interim answers (RFC 9110, section 15.2) in one go and without end. */
static void
on_interim_answer (CpdExchange *exchange)
{
  if (++exchange->interim_answers > INTERIM_ANSWERS_MAX)
    fail (exchange, CERTPIN_ERROR_PROTOCOL_ERROR,
          "sent too many interim responses before the final one");
}

/* A kept-alive connection turned out dead, and libsoup is about to write the request anew. That is
 * for another exchange, with its body, its turn at the gate and the policy of then. On a connection
 * of its own the message only meets that it is cancelled; on one that is there libsoup would take
 * the failure of the first attempt, of which it is still about to be told, for that of the second,
 * and use the message when it is freed. libsoup forgets interim answers: where there was one, the
 * server has the request. And it has more methods that may go twice. */
static void
on_restarted (CpdExchange *exchange)
{
  soup_message_add_flags (exchange->message, SOUP_MESSAGE_NEW_CONNECTION);
  g_cancellable_cancel (exchange->cancellable);
  if (exchange->interim_answers > 0 || !cpd_message_may_go_twice (exchange->message))
    fail_truncated (exchange);
  else
    end (exchange, CPD_ENDING_STALE);
}

static void
finish_body (CpdExchange *exchange)
{
  if (!cpd_answer_has_length (&exchange->answer, exchange->message, exchange->body->len))
    {
      fail_truncated (exchange);
      return;
    }
  exchange->answer.body = g_byte_array_free_to_bytes (g_steal_pointer (&exchange->body));
  end (exchange, CPD_ENDING_ANSWERED);
}

/* Whether that many bytes more may be kept. */
static gboolean
take_room (CpdExchange *exchange, gsize length)
{
  if (exchange->body->len + length > exchange->settings.max_body_bytes)
    fail (exchange, CERTPIN_ERROR_BODY_TOO_LARGE,
          "sent a response body of more than the %" G_GUINT64_FORMAT " bytes allowed",
          exchange->settings.max_body_bytes);
  else if (!cpd_budget_take (exchange->settings.bodies, length))
    fail (exchange, CERTPIN_ERROR_LIMIT_EXCEEDED,
          "sent a response that exceeds the memory for your bodies; make fewer requests at a "
          "time");
  else
    exchange->taken += length;
  return exchange->ending == CPD_ENDING_NONE;
}

static void read_more (CpdExchange *exchange);

static void
exchange_on_body (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (CpdExchange) exchange = CPD_EXCHANGE (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) chunk
      = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &error);
  gsize length;
  const guint8 *data;

  if (exchange->ending != CPD_ENDING_NONE)
    return;
  if (chunk == NULL)
    {
      cpd_exchange_fail (exchange,
                         cpd_fetch_error_map (error, exchange->stage,
                                              cpd_host_get_name (exchange->settings.target)));
      return;
    }
  data = g_bytes_get_data (chunk, &length);
  if (length == 0)
    {
      finish_body (exchange);
      return;
    }
  if (!take_room (exchange, length))
    return;
  g_byte_array_append (exchange->body, data, (unsigned int)length);
  read_more (exchange);
}

static void
read_piece (gpointer user_data)
{
  CpdExchange *exchange = user_data;

  g_input_stream_read_bytes_async (exchange->stream, CHUNK_BYTES, G_PRIORITY_DEFAULT,
                                   exchange->cancellable, exchange_on_body,
                                   g_object_ref (exchange));
}

static void
read_more (CpdExchange *exchange)
{
  cpd_reading_wait (exchange->settings.reading, exchange->settings.uid, read_piece, exchange);
}

/* libsoup reads the body of a 421 whole into memory, to ask again: it needs to say how long it is.
 * A length that is none libsoup takes for a negative one, and the body for one without end. */
static void
on_headers (CpdExchange *exchange)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (exchange->message);
  gboolean announced = soup_message_headers_get_encoding (headers) == SOUP_ENCODING_CONTENT_LENGTH;
  goffset length = announced ? soup_message_headers_get_content_length (headers) : -1;

  if (soup_message_get_status (exchange->message) != SOUP_STATUS_MISDIRECTED_REQUEST
      || soup_message_get_method (exchange->message) == SOUP_METHOD_HEAD)
    return;
  if (length >= 0)
    take_room (exchange, (gsize)length);
  else
    fail (exchange, CERTPIN_ERROR_PROTOCOL_ERROR,
          "sent a 421 (Misdirected Request) response that does not give the length of its body");
}

/* After a 421 libsoup would ask again on the same connection, whatever the method. That is for the
 * caller to decide, and on another one (RFC 9110, section 15.5.20). */
static void
on_body (CpdExchange *exchange)
{
  if (soup_message_get_status (exchange->message) == SOUP_STATUS_MISDIRECTED_REQUEST)
    g_signal_stop_emission_by_name (exchange->message, "got-body");
}

static gboolean
has_answer_begun (CpdExchange *exchange)
{
  return soup_message_metrics_get_response_start (soup_message_get_metrics (exchange->message))
         != 0;
}

/* Whether a kept connection was cut, or TLS was to begin anew, just when the request was sent and
 * before there was any answer: libsoup tries again only where it was closed. */
static gboolean
is_stale (CpdExchange *exchange, const GError *error)
{
  return exchange->stage == CPD_STAGE_SENT && !exchange->new_connection
         && cpd_message_may_go_twice (exchange->message) && !has_answer_begun (exchange)
         && (g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_EOF)
             || g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE));
}

/* libsoup could not connect, or not finish: the verdict says whether the server was refused. */
static void
fail_to_send (CpdExchange *exchange, const GError *error)
{
  GTlsCertificate *certificate = soup_message_get_tls_peer_certificate (exchange->message);

  if (exchange->stage == CPD_STAGE_HANDSHAKING && certificate != NULL
      && g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE))
    {
      /* A policy that passes it now has changed since the handshake. */
      end (exchange, judge (exchange, certificate) ? CPD_ENDING_MOVED : CPD_ENDING_REFUSED);
      return;
    }
  if (is_stale (exchange, error))
    {
      end (exchange, CPD_ENDING_STALE);
      return;
    }
  cpd_exchange_fail (exchange, cpd_fetch_error_map (error, exchange->stage,
                                                    cpd_host_get_name (exchange->settings.target)));
}

static void
exchange_on_response (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (CpdExchange) exchange = CPD_EXCHANGE (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) stream
      = soup_session_send_finish (SOUP_SESSION (source), result, &error);

  if (exchange->ending != CPD_ENDING_NONE)
    return;
  if (stream == NULL)
    {
      fail_to_send (exchange, error);
      return;
    }
  exchange->stream = g_steal_pointer (&stream);
  exchange->answer.reused = !exchange->new_connection;
  if (cpd_answer_begin (&exchange->answer, exchange->message, &error))
    read_more (exchange);
  else
    fail (exchange, CERTPIN_ERROR_PROTOCOL_ERROR, "sent a response that is not valid HTTP/1.1: %s",
          error->message);
}

void
cpd_exchange_start (CpdExchange *exchange)
{
  exchange->message = cpd_message_new (exchange->settings.request, exchange->settings.target,
                                       exchange->settings.fresh);
  g_signal_connect_object (exchange->message, "network-event", G_CALLBACK (on_network_event),
                           exchange, G_CONNECT_SWAPPED);
  g_signal_connect_object (exchange->message, "starting", G_CALLBACK (on_starting), exchange,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (exchange->message, "got-informational", G_CALLBACK (on_interim_answer),
                           exchange, G_CONNECT_SWAPPED);
  g_signal_connect_object (exchange->message, "got-headers", G_CALLBACK (on_headers), exchange,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (exchange->message, "got-body", G_CALLBACK (on_body), exchange,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (exchange->message, "restarted", G_CALLBACK (on_restarted), exchange,
                           G_CONNECT_SWAPPED);
  soup_session_send_async (exchange->settings.session, exchange->message, G_PRIORITY_DEFAULT,
                           exchange->cancellable, exchange_on_response, g_object_ref (exchange));
}

CpdEnding
cpd_exchange_get_ending (CpdExchange *exchange)
{
  return exchange->ending;
}

/* Returns: (transfer none) (nullable): the last verdict on its server */
CpdVerdict *
cpd_exchange_get_verdict (CpdExchange *exchange)
{
  return exchange->verdict;
}

/* Returns: (transfer none) (nullable) */
const GError *
cpd_exchange_get_error (CpdExchange *exchange)
{
  return exchange->error;
}

/* Returns: (transfer none): filled where it was answered */
const CpdAnswer *
cpd_exchange_get_answer (CpdExchange *exchange)
{
  return &exchange->answer;
}
