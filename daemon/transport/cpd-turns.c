/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Connections that never keep the main loop, and so everybody else, waiting.
 *
 * They are read by turns. What is no answer yet, such as the tickets of TLS 1.3, GnuTLS and libsoup
 * read in one go, for as long as there is more of it: a server may send it without end. So a socket
 * seems to have nothing more once one turn of the main loop has read its share.
 *
 * Once hands are shaken nothing is waited for on them. Two things would be. libsoup ends TLS in the
 * main loop, and a server that takes no more just as both kernels' buffers are full would stop all:
 * what is not taken at once is not written. And in TLS 1.2 a server may ask for another handshake,
 * which holds one of GIO's few threads for as long as the server likes: no second one is read (as
 * in TLS 1.3 and in HTTP/2, RFC 9113, section 9.2.1).
 *
 * Neither libsoup nor TLS lets one put a stream of one's own under it, and to register another type
 * for TCP's connections GLib 2.74 is not fit (it frees a key that it goes on to use). So it is the
 * methods of GIO's own streams that are replaced; that changes nothing for those not named here. */

#include "config.h"

#include "daemon/transport/cpd-turns.h"

/* Of one connection; both of its streams have it. */
typedef struct
{
  gboolean handshaken;
  gint64 turn_us; /* the main loop's time in the last turn that read */
  gsize taken;    /* in that turn */
} Turns;

/* What GIO's own methods were: those of one type of streams. */
typedef struct
{
  gssize (*read_nonblocking) (GPollableInputStream *stream, void *buffer, gsize count,
                              GError **error);
  gssize (*read) (GInputStream *stream, void *buffer, gsize count, GCancellable *cancellable,
                  GError **error);
  gssize (*write) (GOutputStream *stream, const void *buffer, gsize count,
                   GCancellable *cancellable, GError **error);
} Originals;

static G_DEFINE_QUARK (cpd_turns, turns);
static G_DEFINE_QUARK (cpd_turns_originals, originals);

static Turns *
get_turns (gpointer stream)
{
  return g_object_get_qdata (G_OBJECT (stream), turns_quark ());
}

static const Originals *
get_originals (gpointer stream)
{
  return g_type_get_qdata (G_OBJECT_TYPE (stream), originals_quark ());
}

/* Returns: how many of `count` bytes may be read in this turn */
static gsize
share_left (Turns *turns, GSource *turn, gsize count)
{
  gint64 turn_us = g_source_get_time (turn);

  if (turn_us != turns->turn_us)
    turns->taken = 0;
  turns->turn_us = turn_us;
  return MIN (count, CPD_TURN_BYTES - turns->taken);
}

/* Hands are shaken by waiting, in a thread. */
static gssize
read_share (GPollableInputStream *stream, void *buffer, gsize count, GError **error)
{
  const Originals *originals = get_originals (stream);
  Turns *turns = get_turns (stream);
  GSource *turn = g_main_current_source ();
  gssize length;

  if (turns == NULL || turn == NULL)
    return originals->read_nonblocking (stream, buffer, count, error);
  turns->handshaken = TRUE;
  count = share_left (turns, turn, count);
  if (count == 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "it is others’ turn");
      return -1;
    }
  length = originals->read_nonblocking (stream, buffer, count, error);
  turns->taken += (gsize)MAX (length, 0);
  return length;
}

static void
set_handshake_error (GError **error)
{
  g_set_error_literal (error, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE, "renegotiation is not accepted");
}

static gssize
read_first_handshake (GInputStream *stream, void *buffer, gsize count, GCancellable *cancellable,
                      GError **error)
{
  Turns *turns = get_turns (stream);

  if (turns == NULL || !turns->handshaken)
    return get_originals (stream)->read (stream, buffer, count, cancellable, error);
  set_handshake_error (error);
  return -1;
}

/* Where the kernel takes nothing at present, that is an end. A handshake that failed with
 * G_IO_ERROR_WOULD_BLOCK would be the answer to all that is read or written from then on: libsoup
 * would ask again and again, and not even notice that its socket was cut. */
static gssize
write_at_once (GOutputStream *stream, const void *buffer, gsize count, GCancellable *cancellable,
               GError **error)
{
  Turns *turns = get_turns (stream);
  g_autoptr (GError) reason = NULL;
  gssize length;

  if (turns == NULL || !turns->handshaken)
    return get_originals (stream)->write (stream, buffer, count, cancellable, error);
  length = g_pollable_output_stream_write_nonblocking (G_POLLABLE_OUTPUT_STREAM (stream), buffer,
                                                       count, cancellable, &reason);
  if (g_error_matches (reason, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    set_handshake_error (error);
  else if (reason != NULL)
    g_propagate_error (error, g_steal_pointer (&reason));
  return length;
}

static void
keep (gpointer stream, Originals originals)
{
  g_type_set_qdata (G_OBJECT_TYPE (stream), originals_quark (),
                    g_memdup2 (&originals, sizeof originals));
}

static void
replace_methods (GInputStream *input, GOutputStream *output)
{
  GPollableInputStreamInterface *pollable = G_POLLABLE_INPUT_STREAM_GET_INTERFACE (input);
  GInputStreamClass *reading = G_INPUT_STREAM_GET_CLASS (input);
  GOutputStreamClass *writing = G_OUTPUT_STREAM_GET_CLASS (output);

  if (get_originals (input) != NULL)
    return;
  keep (input,
        (Originals){ .read_nonblocking = pollable->read_nonblocking, .read = reading->read_fn });
  keep (output, (Originals){ .write = writing->write_fn });
  pollable->read_nonblocking = read_share;
  reading->read_fn = read_first_handshake;
  writing->write_fn = write_at_once;
}

/* Before hands are shaken. */
void
cpd_turns_apply (GSocketConnection *connection)
{
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  GOutputStream *output = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  Turns *turns = g_atomic_rc_box_new0 (Turns);

  replace_methods (input, output);
  g_object_set_qdata_full (G_OBJECT (input), turns_quark (), turns, g_atomic_rc_box_release);
  g_object_set_qdata_full (G_OBJECT (output), turns_quark (), g_atomic_rc_box_acquire (turns),
                           g_atomic_rc_box_release);
}
