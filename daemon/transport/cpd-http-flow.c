/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Moves one request to a server, and its answer from there: into memory, or to a caller's
 * descriptor. It reads while it sends: a server may answer before it has all of the request (RFC
 * 9112, section 9.3). Nothing here ever waits, and nothing knows a main loop. */

#include "config.h"

#include "daemon/transport/cpd-http-flow.h"

#include "client-lib/certpin-error.h"
#include "client-lib/certpin-status.h"
#include "daemon/core/base/cpd-refuse.h"
#include "daemon/transport/cpd-http-sender.h"
#include "daemon/transport/cpd-redirect.h"

#include <string.h>

/* How much is sent in one move, and read into memory. */
#define PIECE_BYTES (32 * 1024)

/* How much of what is read from a descriptor is sent in one move, which is in a thread. */
#define UPLOADED_BYTES (64 * 1024)

/* What is gathered for a descriptor before it is given: one large send () instead of many. */
#define GATHERED_BYTES (256 * 1024)

/* The most that one record has, so that none is left half in GnuTLS. */
#define RECORD_BYTES (16 * 1024)

struct _CpdHttpFlow
{
  CpdTls *tls; /* the owner's */

  CpdHttpSender *sender;
  gboolean stopped; /* sending: the server wants no more, or takes no more */
  GError *send_error;

  CpdHttpReader *reader;
  gboolean may_stream; /* then the owner decides how much goes into memory */
  guint64 max_body_bytes, max_inline_bytes;
  guint64 received;    /* bytes of the answer's body */
  GByteArray *content; /* those in memory */
  CpdBudget *bodies;
  guint64 taken; /* of them */

  CpdPair *pair;         /* NULL: the answer goes into memory, or its descriptor was closed */
  CpdTransfer *transfer; /* NULL: no body goes through a descriptor */
  char *gathered;        /* with a descriptor: what it is to be given */
  gsize begin, end;      /* of what is left there */

  gboolean seen;       /* the owner knows the head of the answer */
  guint64 pause_bytes; /* a larger body than that waits for the owner */
  gboolean complete;   /* the answer was read to its end */
  GError *broken;      /* the answer, behind what was gathered of it; NULL: it is not */
  GError *error;
  gint64 sent_us, begun_us; /* monotonic; 0: not yet */
  gint64 moved_us;          /* monotonic: when a byte last moved */
};

/* Returns: (transfer full): nothing is sent yet */
CpdHttpFlow *
cpd_http_flow_new (const CpdHttpFlowSettings *settings)
{
  CpdHttpFlow *flow = g_new0 (CpdHttpFlow, 1);
  const CpdHttpSenderSettings sender = {
    .request = settings->request,
    .host = cpd_peer_get_host (settings->connection->peer),
    .upload = settings->upload,
    .plain = settings->plain,
  };

  flow->tls = settings->connection->tls;
  flow->may_stream = settings->may_stream;
  flow->max_body_bytes = settings->max_body_bytes;
  flow->max_inline_bytes = settings->max_inline_bytes;
  flow->bodies = cpd_budget_ref (settings->bodies);
  flow->content = g_byte_array_new ();
  flow->reader = cpd_http_reader_new (certpin_request_get_method (settings->request));
  flow->sender = cpd_http_sender_new (&sender);
  flow->transfer = settings->transfer != NULL ? g_object_ref (settings->transfer) : NULL;
  flow->sent_us = flow->moved_us = g_get_monotonic_time ();
  return flow;
}

/* On the main loop. `flow`: (nullable) */
void
cpd_http_flow_free (CpdHttpFlow *flow)
{
  if (flow == NULL)
    return;
  cpd_http_sender_free (flow->sender);
  cpd_http_reader_free (flow->reader);
  g_byte_array_unref (flow->content);
  cpd_budget_give_back (flow->bodies, flow->taken);
  cpd_budget_unref (flow->bodies);
  cpd_pair_free (flow->pair);
  g_clear_object (&flow->transfer);
  g_free (flow->gathered);
  g_clear_error (&flow->send_error);
  g_clear_error (&flow->broken);
  g_clear_error (&flow->error);
  g_free (flow);
}

/* The first error counts. `error`: (transfer full) */
void
cpd_http_flow_fail (CpdHttpFlow *flow, GError *error)
{
  if (flow->error == NULL)
    flow->error = error;
  else
    g_error_free (error);
}

/* Sending */

/* `count`: of the next bytes, which were sent */
static void
note_sent (CpdHttpFlow *flow, gsize count)
{
  flow->moved_us = g_get_monotonic_time ();
  if (cpd_http_sender_skip (flow->sender, count))
    cpd_transfer_note_sent (flow->transfer, count);
}

/* Sends a piece, as far as the socket takes it. A server that takes no more may have answered
 * before: that is read first. */
void
cpd_http_flow_send (CpdHttpFlow *flow)
{
  gsize piece_left = cpd_http_flow_uploads (flow) ? UPLOADED_BYTES : PIECE_BYTES;

  while (!flow->stopped && flow->error == NULL && piece_left > 0)
    {
      GError *error = NULL;
      gsize length;
      const char *data;
      gssize sent;

      if (!cpd_http_sender_take (flow->sender, &error))
        {
          cpd_http_flow_fail (flow, error);
          return;
        }
      data = cpd_http_sender_peek (flow->sender, &length);
      sent = cpd_tls_send (flow->tls, data, MIN (length, piece_left), &flow->send_error);
      if (sent < 0)
        {
          if (g_error_matches (flow->send_error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
            g_clear_error (&flow->send_error);
          else
            flow->stopped = TRUE;
        }
      if (sent <= 0)
        return;
      note_sent (flow, (gsize)sent);
      piece_left -= (gsize)sent;
    }
}

gboolean
cpd_http_flow_wants_to_send (const CpdHttpFlow *flow)
{
  gsize length;

  if (flow->stopped)
    return FALSE;
  cpd_http_sender_peek (flow->sender, &length);
  return length > 0 || cpd_tls_has_unsent (flow->tls);
}

/* Whether the body waits for the server to say that it wants it. */
gboolean
cpd_http_flow_withholds (const CpdHttpFlow *flow)
{
  return cpd_http_sender_withholds (flow->sender);
}

void
cpd_http_flow_release_body (CpdHttpFlow *flow)
{
  cpd_http_sender_release (flow->sender);
}

static gboolean
is_sent (const CpdHttpFlow *flow)
{
  return cpd_http_sender_is_complete (flow->sender) && !cpd_tls_has_unsent (flow->tls);
}

/* Receiving */

/* A server that refuses, or does not want the body, gets nothing more. One that begins to answer
 * may need the rest of the request for the rest of its answer. What need not be the last answer
 * comes whole: a redirect, which may be followed, and what makes the request go again.
 * RFC 9110, section 15: there are five classes of status codes. */
static gboolean
take_final_head (CpdHttpFlow *flow, GError **error)
{
  unsigned int status = cpd_http_reader_get_head (flow->reader)->status;

  flow->stopped |= cpd_http_flow_withholds (flow) || status >= 300;
  flow->may_stream &= !cpd_redirect_is_one (cpd_http_reader_get_head (flow->reader))
                      && !cpd_http_flow_was_declined (flow);
  return CERTPIN_IS_FINAL_STATUS (status)
         || cpd_http_refuse (error, "the status %u has no meaning", status);
}

/* Whether that many bytes more may be kept in memory. */
static gboolean
take_room (CpdHttpFlow *flow, gsize length, GError **error)
{
  if (flow->content->len + length > flow->max_inline_bytes && !flow->may_stream)
    return cpd_refuse (error, CERTPIN_ERROR_BODY_TOO_LARGE,
                       "sent a response body of more than the %" G_GUINT64_FORMAT
                       " bytes that fit into a reply; give the option ‘stream’ as ‘auto’",
                       flow->max_inline_bytes);
  if (!cpd_budget_take (flow->bodies, length))
    return cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED,
                       "sent a response that exceeds the memory for your bodies; make fewer "
                       "requests at a time");
  flow->taken += length;
  return TRUE;
}

static gboolean
take_content (CpdHttpFlow *flow, const CpdHttpSpan *span, GError **error)
{
  flow->received += span->length;
  if (!cpd_http_flow_check_size (flow, error))
    return FALSE;
  if (flow->gathered != NULL)
    {
      /* it was received there, and framing may have stood in front of it */
      memmove (flow->gathered + flow->end, span->data, span->length);
      flow->end += span->length;
      return TRUE;
    }
  if (!take_room (flow, span->length, error))
    return FALSE;
  g_byte_array_append (flow->content, (const guint8 *)span->data, (unsigned int)span->length);
  return TRUE;
}

/* `part`: was read. Returns: FALSE on error */
static gboolean
take_part (CpdHttpFlow *flow, CpdHttpPart part, const CpdHttpSpan *span, GError **error)
{
  switch (part)
    {
    case CPD_HTTP_PART_INTERIM:
      if (cpd_http_reader_get_head (flow->reader)->status == 100)
        cpd_http_flow_release_body (flow);
      return TRUE;
    case CPD_HTTP_PART_HEAD:
      return take_final_head (flow, error);
    case CPD_HTTP_PART_CONTENT:
      return take_content (flow, span, error);
    case CPD_HTTP_PART_END:
      flow->complete = TRUE;
      return TRUE;
    case CPD_HTTP_PART_NONE:
      break;
    }
  return TRUE;
}

static gboolean
read_bytes (CpdHttpFlow *flow, const char *data, gsize length, GError **error)
{
  CpdHttpPart part;
  CpdHttpSpan span;

  if (flow->begun_us == 0)
    flow->begun_us = g_get_monotonic_time ();
  do
    if (!cpd_http_reader_read (flow->reader, &data, &length, &part, &span, error)
        || !take_part (flow, part, &span, error))
      return FALSE;
  while (part != CPD_HTTP_PART_NONE && part != CPD_HTTP_PART_END);
  return TRUE;
}

/* The answer is broken. What came before that is still given to a descriptor.
 * `error`: (transfer full) */
static void
break_answer (CpdHttpFlow *flow, GError *error)
{
  if (flow->gathered != NULL && flow->broken == NULL)
    flow->broken = error;
  else
    cpd_http_flow_fail (flow, error);
}

/* Whether there is no more to tell of it than that it was cut. */
static gboolean
is_cut (const GError *reason)
{
  return reason == NULL || g_error_matches (reason, G_TLS_ERROR, G_TLS_ERROR_EOF);
}

/* Whether the server has ended its answer by an alert of TLS, which is a cut, too. */
static gboolean
is_ended_by_alert (const CpdHttpFlow *flow, const GError *reason)
{
  return cpd_http_flow_has_begun (flow) && !is_cut (reason) && cpd_tls_was_alerted (flow->tls);
}

/* `missing`: (transfer full): what an answer lacks. `reason`: (nullable): of the end
 * Returns: (transfer full): why it is not whole */
static GError *
explain (const CpdHttpFlow *flow, GError *missing, const GError *reason)
{
  g_autoptr (GError) error = missing;

  if (is_ended_by_alert (flow, reason))
    return g_error_new (error->domain, error->code, "%s (%s)", error->message, reason->message);
  if (!is_cut (reason))
    return g_error_copy (reason);
  return is_cut (flow->send_error) ? g_steal_pointer (&error) : g_error_copy (flow->send_error);
}

/* The connection has ended, or is broken. `reason`: (nullable): NULL: TLS ended it. */
static void
take_end (CpdHttpFlow *flow, const GError *reason)
{
  GError *missing = NULL;

  flow->complete = cpd_http_reader_end (flow->reader, reason == NULL, &missing);
  if (missing != NULL)
    break_answer (flow, explain (flow, missing, reason));
}

/* Returns: whether it is to be received on */
static gboolean
receive_into (CpdHttpFlow *flow, char *buffer, gsize size, gsize *received)
{
  g_autoptr (GError) error = NULL;
  gssize length = cpd_tls_receive (flow->tls, buffer, size, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return FALSE;
  flow->moved_us = g_get_monotonic_time ();
  *received = (gsize)MAX (length, 0);
  if (length <= 0)
    take_end (flow, error);
  else if (!read_bytes (flow, buffer, (gsize)length, &error))
    break_answer (flow, g_steal_pointer (&error));
  return !flow->complete && flow->broken == NULL && flow->error == NULL;
}

static void
receive_into_memory (CpdHttpFlow *flow)
{
  char buffer[PIECE_BYTES];
  gsize left = PIECE_BYTES, received = 0;

  while (left > 0 && receive_into (flow, buffer, left, &received))
    left -= received;
}

/* As much as there is, or fits. */
static void
gather (CpdHttpFlow *flow)
{
  gsize received;

  while (GATHERED_BYTES - flow->end >= RECORD_BYTES
         && receive_into (flow, flow->gathered + flow->end, GATHERED_BYTES - flow->end, &received))
    ;
}

/* Gives the caller what was gathered, as far as it has room. */
static void
give (CpdHttpFlow *flow)
{
  gssize given;

  if (flow->begin == flow->end || flow->pair == NULL)
    return;
  given = cpd_pair_give (flow->pair, flow->gathered + flow->begin, flow->end - flow->begin);
  if (given < 0)
    cpd_http_flow_fail (flow, g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED,
                                                   "the descriptor of the response was closed"));
  if (given <= 0)
    return;
  flow->begin += (gsize)given;
  flow->moved_us = g_get_monotonic_time ();
  cpd_transfer_note_received (flow->transfer, (guint64)given);
  if (flow->begin == flow->end)
    flow->begin = flow->end = 0;
}

static void
receive_into_stream (CpdHttpFlow *flow)
{
  if (flow->end == 0 && !flow->complete)
    gather (flow);
  give (flow);
  if (flow->broken != NULL && flow->end == 0)
    cpd_http_flow_fail (flow, g_steal_pointer (&flow->broken));
  if (flow->error == NULL && flow->pair != NULL && cpd_pair_is_left (flow->pair))
    cpd_http_flow_fail (flow, g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED,
                                                   "the descriptor of the response was closed"));
  if (flow->error != NULL)
    cpd_http_flow_cut (flow);
}

/* Sends a piece, and receives one. Returns: whether something was moved */
gboolean
cpd_http_flow_move (CpdHttpFlow *flow)
{
  gint64 before_us = flow->moved_us;

  if (cpd_http_flow_is_over (flow))
    return TRUE;
  cpd_http_flow_send (flow);
  if (flow->gathered != NULL)
    receive_into_stream (flow);
  else
    receive_into_memory (flow);
  return flow->moved_us != before_us || cpd_http_flow_is_over (flow);
}

gboolean
cpd_http_flow_is_over (const CpdHttpFlow *flow)
{
  return flow->error != NULL || (flow->complete && (flow->end == 0 || flow->pair == NULL));
}

/* `polls`: (out): what it waits for, where nothing could be moved.
 * Returns: how many there are; at most CPD_HTTP_FLOW_POLLS */
unsigned int
cpd_http_flow_get_polls (const CpdHttpFlow *flow, struct pollfd *polls)
{
  short events = cpd_http_flow_wants_to_send (flow) ? POLLOUT : 0;
  int source = cpd_http_sender_get_fd (flow->sender);
  unsigned int count = 0;

  if (flow->end == 0 && !flow->complete)
    events |= POLLIN;
  if (events != 0)
    polls[count++] = (struct pollfd){ .fd = cpd_tls_get_fd (flow->tls), .events = events };
  if (!flow->stopped && source >= 0)
    polls[count++] = (struct pollfd){ .fd = source, .events = POLLIN };
  if (flow->pair != NULL)
    polls[count++] = (struct pollfd){ .fd = cpd_pair_get_fd (flow->pair),
                                      .events = flow->end > 0 ? POLLOUT : 0 };
  return count;
}

/* Whether it can go on, although no descriptor of these tells: through a session over another one,
 * something may have come that was no data. */
gboolean
cpd_http_flow_has_pending (const CpdHttpFlow *flow)
{
  return flow->end == 0 && !flow->complete && cpd_tls_has_pending (flow->tls);
}

/* Returns: monotonic: when a byte last moved */
gint64
cpd_http_flow_get_moved_us (const CpdHttpFlow *flow)
{
  return flow->moved_us;
}

/* Whether a body is being taken from a descriptor. */
gboolean
cpd_http_flow_uploads (const CpdHttpFlow *flow)
{
  return cpd_http_sender_uploads (flow->sender) && !cpd_http_flow_withholds (flow) && !flow->stopped
         && !is_sent (flow);
}

/* Whether there is something to be decided, where others move it: what is done with the answer, or
 * what is done until it comes. */
gboolean
cpd_http_flow_waits_for_owner (CpdHttpFlow *flow)
{
  if (cpd_http_flow_is_over (flow))
    return TRUE;
  if (flow->gathered != NULL)
    return FALSE;
  if (!cpd_http_flow_uploads (flow))
    return TRUE;
  return cpd_http_flow_get_head (flow) != NULL
         && (!flow->seen || cpd_http_flow_exceeds (flow, flow->pause_bytes));
}

/* The owner has decided to let it go on into memory. `pause_bytes`: it decides again if the body of
 * the answer has more */
void
cpd_http_flow_go_on (CpdHttpFlow *flow, guint64 pause_bytes)
{
  flow->seen = cpd_http_flow_get_head (flow) != NULL;
  flow->pause_bytes = pause_bytes;
}

/* From now on the body of the answer goes to a descriptor, with what is in memory first.
 * `pair`: (transfer full) */
void
cpd_http_flow_stream (CpdHttpFlow *flow, CpdPair *pair)
{
  flow->pair = pair;
  flow->gathered = g_malloc (MAX (GATHERED_BYTES, flow->content->len));
  if (flow->content->len > 0) /* without any, its data is NULL */
    memcpy (flow->gathered, flow->content->data, flow->content->len);
  flow->end = flow->content->len;
  g_byte_array_set_size (flow->content, 0);
  cpd_budget_give_back (flow->bodies, flow->taken);
  flow->taken = 0;
}

/* Whether the body of the answer can still get a descriptor. */
gboolean
cpd_http_flow_can_stream (CpdHttpFlow *flow)
{
  return flow->may_stream && flow->gathered == NULL && flow->error == NULL
         && cpd_http_flow_get_head (flow) != NULL;
}

/* Whoever reads the descriptor gets the end of file, if all of the body is there. The owner says
 * when: nothing can fail any more that somebody already takes for whole. */
void
cpd_http_flow_end_stream (CpdHttpFlow *flow)
{
  if (flow->pair == NULL || flow->error != NULL || !cpd_http_flow_is_over (flow))
    return;
  cpd_pair_close (flow->pair);
  g_clear_pointer (&flow->pair, cpd_pair_free);
}

/* Whoever reads the descriptor gets an error, behind what it was given before. */
void
cpd_http_flow_cut (CpdHttpFlow *flow)
{
  g_clear_pointer (&flow->pair, cpd_pair_free);
}

/* What came of it */

/* Returns: (nullable) (transfer none): of the final answer */
CpdHttpHead *
cpd_http_flow_get_head (CpdHttpFlow *flow)
{
  CpdHttpHead *head = cpd_http_reader_get_head (flow->reader);

  return head != NULL && !cpd_http_head_is_interim (head) ? head : NULL;
}

/* Whether the body of the answer has, or is announced to have, more bytes than that. */
gboolean
cpd_http_flow_exceeds (CpdHttpFlow *flow, guint64 bytes)
{
  const CpdHttpHead *head = cpd_http_flow_get_head (flow);

  return flow->received > bytes
         || (head != NULL && head->framing == CPD_HTTP_FRAMING_LENGTH && head->length > bytes);
}

/* Whether the caller allows a body of the size that it has, or is announced to have. */
gboolean
cpd_http_flow_check_size (CpdHttpFlow *flow, GError **error)
{
  return !cpd_http_flow_exceeds (flow, flow->max_body_bytes)
         || cpd_refuse (error, CERTPIN_ERROR_BODY_TOO_LARGE,
                        "sent a response body of more than the %" G_GUINT64_FORMAT
                        " bytes that the option ‘max-body’ allows",
                        flow->max_body_bytes);
}

/* Returns: (transfer none) (nullable): NULL: the answer is whole, or it is not over */
const GError *
cpd_http_flow_get_error (const CpdHttpFlow *flow)
{
  return flow->error;
}

/* Whether the server does not take `Expect` (RFC 9110, section 15.5.18), and got nothing of the
 * body. */
gboolean
cpd_http_flow_was_declined (CpdHttpFlow *flow)
{
  return flow->error == NULL && cpd_http_flow_withholds (flow)
         && cpd_http_reader_get_head (flow->reader)->status == 417;
}

/* Whether some of the request was not sent, other than a body for which the server was asked. */
gboolean
cpd_http_flow_is_unfinished (const CpdHttpFlow *flow)
{
  return !is_sent (flow) && !cpd_http_flow_withholds (flow);
}

/* Whether the connection may carry another request. */
gboolean
cpd_http_flow_is_reusable (CpdHttpFlow *flow)
{
  return flow->error == NULL && is_sent (flow) && cpd_http_reader_is_reusable (flow->reader);
}

/* Whether at least one byte of an answer has come. */
gboolean
cpd_http_flow_has_begun (const CpdHttpFlow *flow)
{
  return flow->begun_us != 0;
}

/* Returns: (transfer full) (nullable): how much of an answer that is not whole has come, for a
 * message; NULL: nothing */
char *
cpd_http_flow_describe_received (CpdHttpFlow *flow)
{
  const CpdHttpHead *head = cpd_http_flow_get_head (flow);

  if (!cpd_http_flow_has_begun (flow))
    return NULL;
  if (head == NULL)
    return g_strdup ("its head is not complete");
  if (head->framing == CPD_HTTP_FRAMING_LENGTH)
    return g_strdup_printf ("the body has %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " bytes",
                            flow->received, head->length);
  return g_strdup_printf ("the body has %" G_GUINT64_FORMAT " bytes, but its end is missing",
                          flow->received);
}

/* Returns: how long the first byte of the answer took, from the first byte sent; 0: none came */
guint64
cpd_http_flow_get_first_byte_us (const CpdHttpFlow *flow)
{
  return flow->begun_us != 0 ? (guint64)(flow->begun_us - flow->sent_us) : 0;
}

/* Returns: (transfer full): the body of the answer that is in memory */
GBytes *
cpd_http_flow_steal_content (CpdHttpFlow *flow)
{
  GBytes *content = g_byte_array_free_to_bytes (flow->content);

  flow->content = g_byte_array_new ();
  return content;
}
