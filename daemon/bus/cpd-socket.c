/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Blocking Unix stream sockets with descriptors, for threads: unix(7). Descriptors arrive with the
 * first byte with which they were sent, never with an earlier one. */

#include "config.h"

#include "daemon/bus/cpd-socket.h"

#include "daemon/core/base/cpd-closer.h"
#include "daemon/core/base/cpd-rights.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define BUFFER_BYTES (64 * 1024)

/* Before the kernel is asked for memory again. */
#define MEMORY_PAUSE_US 10000

/* `socket`: closed with the source; -1: none yet */
void
cpd_source_init (CpdSource *source, int socket)
{
  source->socket = socket;
  source->bytes = g_malloc (BUFFER_BYTES);
  source->begin = source->end = 0;
  source->n_read = source->n_received = 0;
  source->fds = cpd_closer_new_array ();
  source->fd_ends = g_array_new (FALSE, FALSE, sizeof (guint64));
}

void
cpd_source_clear (CpdSource *source)
{
  if (source->socket >= 0)
    g_close (source->socket, NULL);
  source->socket = -1;
  g_clear_pointer (&source->bytes, g_free);
  g_clear_pointer (&source->fds, g_array_unref);
  g_clear_pointer (&source->fd_ends, g_array_unref);
}

/* The kernel wakes whoever waits in recvmsg () also for what others send on the socket, each time
 * that the bus reads it. */
static void
wait_for_data (const CpdSource *source)
{
  struct pollfd there = { .fd = source->socket, .events = POLLIN };

  while (poll (&there, 1, -1) < 0 && errno == EINTR)
    ;
}

/* Returns: how many bytes arrived, which may be fewer than there is room for; 0: the end */
static gsize
receive (CpdSource *source, guint8 *bytes, gsize size)
{
  struct iovec part = { .iov_base = bytes, .iov_len = size };
  gssize n;

  wait_for_data (source);
  do
    n = cpd_rights_receive (source->socket, &part, 1, 0, source->fds);
  while (n < 0 && errno == EINTR);
  if (n <= 0)
    return 0;
  source->n_received += (gsize)n;
  while (source->fd_ends->len < source->fds->len)
    g_array_append_val (source->fd_ends, source->n_received);
  return (gsize)n;
}

/* Waits for data, and leaves it in the buffer.
 * Returns: how many bytes there are; 0: the end. `bytes`: (out) (transfer none) */
gsize
cpd_source_peek (CpdSource *source, const guint8 **bytes)
{
  if (source->begin == source->end)
    {
      source->begin = 0;
      source->end = receive (source, source->bytes, BUFFER_BYTES);
    }
  *bytes = source->bytes + source->begin;
  return source->end - source->begin;
}

/* Waits until there are this many bytes. Large data bypasses the buffer. */
gboolean
cpd_source_read (CpdSource *source, guint8 *bytes, gsize size)
{
  while (size > 0)
    {
      const guint8 *there;
      gsize n;

      if (source->begin == source->end && size >= BUFFER_BYTES)
        n = receive (source, bytes, size);
      else
        {
          n = MIN (cpd_source_peek (source, &there), size);
          memcpy (bytes, there, n);
          source->begin += n;
        }
      if (n == 0)
        return FALSE;
      source->n_read += n;
      bytes += n;
      size -= n;
    }
  return TRUE;
}

gboolean
cpd_source_skip (CpdSource *source, gsize size)
{
  while (size > 0)
    {
      const guint8 *there;
      gsize n = MIN (cpd_source_peek (source, &there), size);

      if (n == 0)
        return FALSE;
      source->begin += n;
      source->n_read += n;
      size -= n;
    }
  return TRUE;
}

/* The first ones that arrived.
 * Returns: (transfer full) (nullable): this many, if there are enough; closed with the array */
GArray *
cpd_source_take_fds (CpdSource *source, unsigned int count)
{
  GArray *taken = NULL;

  count = MIN (count, source->fds->len);
  if (count == 0)
    return NULL;
  taken = cpd_closer_new_array ();
  g_array_append_vals (taken, source->fds->data, count);
  for (unsigned int i = 0; i < count; i++)
    g_array_index (source->fds, int, i) = -1; /* which is not closed */
  g_array_remove_range (source->fds, 0, count);
  g_array_remove_range (source->fd_ends, 0, count);
  return taken;
}

/* Between two messages: closes descriptors of earlier ones that were not taken, so that they are
 * not mistaken for those of a later one. The kernel ends each read after the bytes with which
 * descriptors were sent. */
void
cpd_source_drop_old_fds (CpdSource *source)
{
  unsigned int count = 0;
  GArray *old;

  while (count < source->fd_ends->len
         && g_array_index (source->fd_ends, guint64, count) <= source->n_read)
    count++;
  old = cpd_source_take_fds (source, count);
  if (old != NULL)
    g_array_unref (old);
}

/* The kernel had no memory for it just then, which says nothing of the other end. */
static gboolean
is_short_of_memory (int code)
{
  return code == ENOBUFS || code == ENOMEM;
}

/* `fds`: (nullable): go along with the first byte; at most CPD_RIGHTS_MAX.
 * Returns: how many bytes were sent, which may be fewer than there are; 0: there is no room, and it
 * may not wait; -1: the other end is gone */
gssize
cpd_socket_send_some (int socket, const CpdSocketParts *parts, GArray *fds, gboolean wait)
{
  int flags = wait ? 0 : MSG_DONTWAIT;
  gssize n;

  while ((n = cpd_rights_send (socket, parts->vector, parts->count, flags, fds)) < 0)
    if (wait && is_short_of_memory (errno))
      g_usleep (MEMORY_PAUSE_US); /* nothing announces that there is some again */
    else if (errno != EINTR)
      break;
  if (n > 0)
    return n;
  return !wait && n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || is_short_of_memory (errno))
             ? 0
             : -1;
}

/* All of it. `fds`: as above */
gboolean
cpd_socket_send (int socket, const guint8 *bytes, gsize size, GArray *fds)
{
  while (size > 0)
    {
      const CpdSocketParts parts = { { { (guint8 *)bytes, size } }, 1 };
      gssize n = cpd_socket_send_some (socket, &parts, fds, /* wait= */ TRUE);

      if (n < 0)
        return FALSE;
      fds = NULL;
      bytes += n;
      size -= (gsize)n;
    }
  return TRUE;
}

gboolean
cpd_socket_is_stream (int fd)
{
  int type = 0;
  socklen_t size = sizeof type;

  return getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}
