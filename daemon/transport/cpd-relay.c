/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Both directions of a tunnel. Each moves only what its other end takes: at most one piece is held
 * in between. Each ends on its own: what the caller shuts down becomes TLS's close_notify, and the
 * other way round. Pieces are moved in turn with those of other users (cpd-reading).
 *
 * A caller that closes its end reads no more, so what still comes for it is dropped. What it sent
 * before that goes to the server, within a limit of time. The connection is closed only after the
 * server has closed it: the kernel resets one that is closed while data still comes, and forgets
 * what it has not sent (RFC 1122, section 4.2.2.13). And only after everything has left: until
 * then, a change can still cut it. */

#include "config.h"

#include "daemon/transport/cpd-relay.h"

#include "daemon/transport/cpd-pair.h"

#include <errno.h>
#include <poll.h>

/* How much is moved in one turn in each direction: with less, the ends are woken more often. */
#define PIECE_BYTES (256 * 1024)

/* How long a caller's last bytes may take after it has left, and how long the kernel may send none
 * of them. */
#define LAST_BYTES_S 10

/* How often the kernel is asked what it has sent. */
#define ASK_MS 20

struct _CpdRelay
{
  GObject parent;

  CpdRelaySettings settings;  /* with references of its own, but for the connection */
  const CpdRelayFuncs *funcs; /* NULL: it is over */
  gpointer user_data;
  CpdPair *pair;
  CpdEdge *edge;   /* tells of changes at the pair */
  CpdRecords down; /* what was taken from the server, and not given to the caller */
  gboolean up_ended, down_ended;
  gboolean left;         /* the caller has closed its end, or reads no more */
  gboolean changed;      /* the caller may have sent something, or left */
  gboolean queued;       /* waits for its turn */
  gboolean wants_room;   /* is told when the caller has made room */
  GError *send_error;    /* nothing more can be sent; NULL: none */
  GError *receive_error; /* nothing more comes; NULL: none */
  gboolean silent;       /* nothing came, last */
  unsigned int last_bytes_timer;

  /* When there is nothing more to be moved. */
  unsigned int asking; /* a timer; 0: none */
  gsize queued_bytes;  /* that the kernel has not sent */
  gint64 progress_us;  /* monotonic: when they became fewer, last */
};

G_DEFINE_FINAL_TYPE (CpdRelay, cpd_relay, G_TYPE_OBJECT)

static void
cpd_relay_finalize (GObject *object)
{
  CpdRelay *relay = CPD_RELAY (object);

  g_clear_pointer (&relay->edge, cpd_edge_free);
  cpd_pair_free (relay->pair);
  cpd_records_clear (&relay->down);
  g_clear_error (&relay->send_error);
  g_clear_error (&relay->receive_error);
  cpd_edges_unref (relay->settings.edges);
  cpd_reading_unref (relay->settings.reading);
  g_object_unref (relay->settings.transfer);
  G_OBJECT_CLASS (cpd_relay_parent_class)->finalize (object);
}

static void
cpd_relay_class_init (CpdRelayClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cpd_relay_finalize;
}

static void
cpd_relay_init (CpdRelay *relay)
{
}

/* Nothing calls back from here on. The caller sees a cut. */
void
cpd_relay_stop (CpdRelay *relay)
{
  if (relay->funcs == NULL)
    return;
  relay->funcs = NULL;
  g_clear_handle_id (&relay->last_bytes_timer, g_source_remove);
  g_clear_handle_id (&relay->asking, g_source_remove);
  cpd_tls_watch (relay->settings.connection->tls, 0, NULL, NULL);
  cpd_reading_forget (relay->settings.reading, relay->settings.uid, relay);
  g_clear_pointer (&relay->edge, cpd_edge_free);
  g_clear_pointer (&relay->pair, cpd_pair_free);
}

/* `error`: (transfer full) (nullable): NULL: in order */
static void
finish (CpdRelay *relay, GError *error)
{
  const CpdRelayFuncs *funcs = relay->funcs;

  g_clear_pointer (&relay->edge, cpd_edge_free);
  if (error == NULL)
    cpd_pair_close (relay->pair);
  cpd_relay_stop (relay);
  funcs->ended (error, relay->user_data);
  g_clear_error (&error);
}

/* Whether the kernel has all that the caller will ever send. */
static gboolean
is_sent (CpdRelay *relay)
{
  return relay->up_ended && !cpd_tls_has_unsent (relay->settings.connection->tls);
}

static GError *
new_late_error (void)
{
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                              "it did not take what was sent before the tunnel was closed");
}

static gboolean
is_dead (CpdTls *tls)
{
  struct pollfd state = { .fd = cpd_tls_get_fd (tls) };

  return poll (&state, 1, 0) == 1;
}

/* Returns: whether it has used up its time */
static gboolean
note_queued (CpdRelay *relay, gsize count)
{
  gint64 now_us = g_get_monotonic_time ();

  if (count < relay->queued_bytes)
    relay->progress_us = now_us;
  relay->queued_bytes = count;
  return now_us - relay->progress_us >= LAST_BYTES_S * G_TIME_SPAN_SECOND;
}

static gboolean
ask (gpointer user_data)
{
  CpdRelay *relay = user_data;
  CpdTls *tls = relay->settings.connection->tls;
  gboolean dead = is_dead (tls);
  gsize count = cpd_tls_count_queued (tls);

  if (count > 0 && !note_queued (relay, count) && !dead)
    return G_SOURCE_CONTINUE;
  relay->asking = 0;
  finish (relay, count > 0 ? new_late_error () : NULL);
  return G_SOURCE_REMOVE;
}

/* In order, once everything has left. */
static void
finish_in_order (CpdRelay *relay)
{
  if (relay->asking != 0)
    return;
  relay->queued_bytes = cpd_tls_count_queued (relay->settings.connection->tls);
  if (relay->queued_bytes == 0)
    {
      finish (relay, NULL);
      return;
    }
  relay->progress_us = g_get_monotonic_time ();
  relay->asking = g_timeout_add (ASK_MS, ask, relay);
  cpd_tls_watch (relay->settings.connection->tls, 0, NULL, NULL);
}

static gboolean
on_late (gpointer user_data)
{
  CpdRelay *relay = user_data;

  relay->last_bytes_timer = 0;
  if (is_sent (relay))
    finish_in_order (relay);
  else
    finish (relay, new_late_error ());
  return G_SOURCE_REMOVE;
}

static void
note_left (CpdRelay *relay)
{
  relay->left = TRUE;
  cpd_records_clear (&relay->down);
  if (relay->last_bytes_timer == 0 && cpd_pair_is_left (relay->pair))
    relay->last_bytes_timer = g_timeout_add_seconds (LAST_BYTES_S, on_late, relay);
}

static void
check_left (CpdRelay *relay)
{
  if (relay->changed && cpd_pair_is_left (relay->pair))
    note_left (relay);
}

static gboolean
would_block (GError **error)
{
  if (!g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return FALSE;
  g_clear_error (error);
  return TRUE;
}

/* From the caller. Returns: how many bytes were taken */
static gsize
take (CpdRelay *relay, guint8 *buffer)
{
  gsize count = 0;
  gssize length = -1;

  while (relay->changed && !relay->up_ended && count < PIECE_BYTES)
    {
      length = cpd_pair_take (relay->pair, buffer + count, PIECE_BYTES - count);
      count += (gsize)MAX (length, 0);
      relay->up_ended = length == 0;
      if (length <= 0)
        break;
    }
  if (length <= 0)
    check_left (relay);
  relay->changed = length > 0;
  return count;
}

/* From the caller to the server. Nothing is taken before all that was taken has left. An error is
 * kept: the server may have said why before it closed the connection.
 * Returns: whether there may be more than fits into this turn */
static gboolean
send_piece (CpdRelay *relay)
{
  CpdTls *tls = relay->settings.connection->tls;
  gboolean was_ended = relay->up_ended;
  guint8 buffer[PIECE_BYTES];
  gsize length;

  if (relay->send_error != NULL
      || (cpd_tls_has_unsent (tls) && cpd_tls_send (tls, NULL, 0, &relay->send_error) < 0))
    {
      would_block (&relay->send_error);
      check_left (relay);
      return FALSE;
    }
  length = take (relay, buffer);
  if (length > 0 && !cpd_tls_send_much (tls, buffer, length, &relay->send_error))
    return FALSE;
  cpd_transfer_note_sent (relay->settings.transfer, length);
  if (relay->up_ended && !was_ended)
    cpd_tls_end_sending (tls);
  return relay->changed && !cpd_tls_has_unsent (tls);
}

static void
give (CpdRelay *relay)
{
  CpdRecords *down = &relay->down;
  gssize given = relay->left ? -1 : cpd_pair_give_parts (relay->pair, down->parts, down->count);

  if (given < 0)
    {
      note_left (relay);
      return;
    }
  cpd_transfer_note_received (relay->settings.transfer, (guint64)given);
  cpd_records_skip (down, (gsize)given);
}

/* Nobody is left who would miss what a cut connection did not bring. */
static gboolean
is_end_after_all (CpdRelay *relay)
{
  if (!relay->left || !g_error_matches (relay->receive_error, G_TLS_ERROR, G_TLS_ERROR_EOF))
    return FALSE;
  g_clear_error (&relay->receive_error);
  return TRUE;
}

/* From the server to the caller. An error is kept until the caller has what came before. */
static void
receive_piece (CpdRelay *relay)
{
  gssize length = 1;

  if (relay->down.bytes > 0)
    give (relay);
  if (relay->down.bytes > 0 || relay->down_ended || relay->receive_error != NULL)
    return;
  while (length > 0 && cpd_records_has_room (&relay->down, PIECE_BYTES))
    length = cpd_tls_receive_record (relay->settings.connection->tls, &relay->down,
                                     &relay->receive_error);
  if (length < 0)
    would_block (&relay->receive_error);
  relay->down_ended = length == 0 || is_end_after_all (relay);
  relay->silent = relay->down.bytes == 0;
  if (relay->down.bytes > 0)
    give (relay);
}

/* The caller reads the end of file, once it has everything. */
static void
end_giving (CpdRelay *relay)
{
  if (relay->down_ended && relay->down.bytes == 0 && !relay->left)
    cpd_pair_end_giving (relay->pair);
}

/* Returns: (nullable): why it is broken, now that the caller has everything that came before */
static GError *
steal_error (CpdRelay *relay)
{
  if (relay->down.bytes > 0)
    return NULL;
  if (relay->receive_error != NULL)
    return g_steal_pointer (&relay->receive_error);
  return relay->silent || relay->down_ended ? g_steal_pointer (&relay->send_error) : NULL;
}

static void wait_for_turn (CpdRelay *relay);

/* Whether there is nothing more to be moved. */
static gboolean
is_over (CpdRelay *relay)
{
  return is_sent (relay) && relay->down_ended && relay->down.bytes == 0;
}

static void on_ready (gpointer user_data);

static void
want_room (CpdRelay *relay, gboolean wanted)
{
  if (relay->wants_room != wanted)
    cpd_edge_want_room (relay->edge, wanted);
  relay->wants_room = wanted;
}

static void
watch (CpdRelay *relay)
{
  CpdTls *tls = relay->settings.connection->tls;
  GIOCondition condition = 0;

  if (!relay->down_ended && relay->down.bytes == 0)
    condition |= G_IO_IN;
  if (cpd_tls_has_unsent (tls))
    condition |= G_IO_OUT;
  cpd_tls_watch (tls, condition, on_ready, relay);
  want_room (relay, relay->down.bytes > 0);
}

/* One turn. Not a byte moves without a verdict of this moment. Whoever is told of the end may drop
 * the last reference. */
static void
move (gpointer user_data)
{
  g_autoptr (CpdRelay) relay = g_object_ref (user_data);
  GError *error;
  gboolean more;

  relay->queued = FALSE;
  if (!relay->funcs->may_move (relay->user_data))
    return;
  more = send_piece (relay);
  receive_piece (relay);
  end_giving (relay);
  error = steal_error (relay);
  if (error != NULL)
    finish (relay, error);
  else if (is_over (relay))
    finish_in_order (relay);
  else if (more)
    wait_for_turn (relay);
  else
    watch (relay);
}

static void
wait_for_turn (CpdRelay *relay)
{
  if (relay->queued)
    return;
  relay->queued = TRUE;
  cpd_tls_watch (relay->settings.connection->tls, 0, NULL, NULL);
  cpd_reading_wait (relay->settings.reading, relay->settings.uid, move, relay);
}

/* Its turn may be now. */
static void
on_ready (gpointer user_data)
{
  g_autoptr (CpdRelay) relay = g_object_ref (user_data);

  if (relay->queued)
    return;
  relay->queued = TRUE;
  cpd_reading_take_turn (relay->settings.reading, relay->settings.uid, move, relay);
  if (relay->queued && relay->funcs != NULL)
    cpd_tls_watch (relay->settings.connection->tls, 0, NULL, NULL);
}

static void
on_pair_changed (gpointer user_data)
{
  CpdRelay *relay = user_data;

  relay->changed = TRUE;
  on_ready (relay);
}

static gboolean
watch_pair (CpdRelay *relay, GError **error)
{
  relay->edge
      = cpd_edge_new (relay->settings.edges, cpd_pair_get_fd (relay->pair), on_pair_changed, relay);
  if (relay->edge != NULL)
    return TRUE;
  g_set_error (error, G_IO_ERROR, (int)g_io_error_from_errno (errno), "cannot watch a socket: %s",
               g_strerror (errno));
  return FALSE;
}

/* `settings->connection`: judged just now. `funcs`: static.
 * Returns: (transfer full) */
CpdRelay *
cpd_relay_new (const CpdRelaySettings *settings, const CpdRelayFuncs *funcs, gpointer user_data,
               GError **error)
{
  CpdRelay *relay = g_object_new (CPD_TYPE_RELAY, NULL);

  relay->settings = *settings;
  cpd_edges_ref (settings->edges);
  cpd_reading_ref (settings->reading);
  g_object_ref (settings->transfer);
  relay->user_data = user_data;
  relay->pair = cpd_pair_new (error);
  if (relay->pair == NULL || !watch_pair (relay, error))
    {
      g_object_unref (relay);
      return NULL;
    }
  relay->funcs = funcs;
  relay->changed = TRUE;
  cpd_tls_expect_much (settings->connection->tls);
  watch (relay);
  return relay;
}

/* After the connection was held. */
void
cpd_relay_go_on (CpdRelay *relay)
{
  if (relay->funcs != NULL)
    wait_for_turn (relay);
}

/* Returns: (transfer full): the caller's end */
int
cpd_relay_steal_descriptor (CpdRelay *relay)
{
  return cpd_pair_steal_other (relay->pair);
}
