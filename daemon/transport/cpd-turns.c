/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Connections that are read by turns. What is no answer yet, such as the tickets of TLS 1.3, GnuTLS
 * and libsoup read in one go, for as long as there is more of it: a server that sends it without
 * end would keep everybody else waiting, and deadlines from passing. So a socket seems to have
 * nothing more once one turn of the main loop has read its share.
 *
 * Neither libsoup nor TLS lets one put a stream of one's own under it, and to register another type
 * for TCP's connections GLib 2.74 is not fit (it frees a key that it goes on to use). So it is the
 * method of GIO's own stream that is replaced; it changes nothing for those not named here. */

#include "config.h"

#include "daemon/transport/cpd-turns.h"

/* What one stream has read. */
typedef struct
{
  gint64 turn_us; /* the main loop's time in the last turn that read */
  gsize taken;    /* in that turn */
} Share;

/* What GIO's own method was. */
typedef struct
{
  gssize (*read) (GPollableInputStream *stream, void *buffer, gsize count, GError **error);
} Original;

static G_DEFINE_QUARK (cpd - turns - share, share);
static G_DEFINE_QUARK (cpd - turns - original, original);

/* Returns: how many of `count` bytes may be read in this turn */
static gsize
share_left (Share *share, GSource *turn, gsize count)
{
  gint64 turn_us = g_source_get_time (turn);

  if (turn_us != share->turn_us)
    share->taken = 0;
  share->turn_us = turn_us;
  return MIN (count, CPD_TURN_BYTES - share->taken);
}

static gssize
read_share (GPollableInputStream *stream, void *buffer, gsize count, GError **error)
{
  const Original *original = g_type_get_qdata (G_OBJECT_TYPE (stream), original_quark ());
  Share *share = g_object_get_qdata (G_OBJECT (stream), share_quark ());
  GSource *turn = g_main_current_source ();
  gssize length;

  if (share == NULL || turn == NULL)
    return original->read (stream, buffer, count, error);
  count = share_left (share, turn, count);
  if (count == 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "it is others’ turn");
      return -1;
    }
  length = original->read (stream, buffer, count, error);
  share->taken += (gsize)MAX (length, 0);
  return length;
}

/* From here on. */
void
cpd_turns_apply (GSocketConnection *connection)
{
  GInputStream *stream = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  GPollableInputStreamInterface *iface = G_POLLABLE_INPUT_STREAM_GET_INTERFACE (stream);

  if (iface->read_nonblocking != read_share)
    {
      Original *original = g_new0 (Original, 1);

      original->read = iface->read_nonblocking;
      g_type_set_qdata (G_OBJECT_TYPE (stream), original_quark (), original);
      iface->read_nonblocking = read_share;
    }
  g_object_set_qdata_full (G_OBJECT (stream), share_quark (), g_new0 (Share, 1), g_free);
}
