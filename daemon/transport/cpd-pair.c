/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pair of sockets whose cut does not look like an end. A Unix stream socket that is closed with
 * unread data resets the connection: the other end reads what was sent to it, and then ECONNRESET
 * instead of the end of file (unix(7) leaves this out; Linux has always done so). That also holds
 * if this process dies. So there is always one unread byte in the receive queue of our end. The
 * first one is put there before the caller has the other end. From then on, it is the last byte
 * that the caller sent: a copy has been taken, and it stays until the next one comes. To close in
 * order means to read it.
 *
 * So our end is always readable: whoever waits for the caller to send has to wait for changes,
 * which poll () does not report.
 *
 * The kernel tells of a reset once, to whoever asks first, and then of an end of file. A program
 * that is waiting to send asks before the one that reads: so a cut ends its waiting first, by
 * EPIPE, and resets a little later.
 *
 * Descriptors that the caller sends along are closed as all of a caller's (cpd-closer). */

#define _GNU_SOURCE /* POLLRDHUP */

#include "config.h"

#include "daemon/transport/cpd-pair.h"

#include "daemon/core/base/cpd-closer.h"
#include "daemon/core/base/cpd-rights.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* How much each direction holds, as far as the kernel allows; it counts twice as much. */
#define BUFFER_BYTES (256 * 1024)

/* How long a program may take to wake up that was waiting to send. */
#define WRITER_MS 100

struct _CpdPair
{
  int fd;    /* -1: closed */
  int other; /* -1: the caller has it */
};

static gboolean
make_ends (CpdPair *pair)
{
  const int bytes = BUFFER_BYTES;
  int ends[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return FALSE;
  pair->fd = ends[0];
  pair->other = ends[1];
  setsockopt (pair->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  setsockopt (pair->other, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  return send (pair->other, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

/* Returns: (transfer full) */
CpdPair *
cpd_pair_new (GError **error)
{
  g_autoptr (CpdPair) pair = g_new0 (CpdPair, 1);

  pair->fd = pair->other = -1;
  if (make_ends (pair))
    return g_steal_pointer (&pair);
  g_set_error (error, G_IO_ERROR, (int)g_io_error_from_errno (errno), "cannot make sockets: %s",
               g_strerror (errno));
  return NULL;
}

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    g_close (*fd, NULL);
  *fd = -1;
}

/* Returns: how many bytes there are that were not taken yet */
static gsize
count_new (CpdPair *pair)
{
  int count = 0;

  return ioctl (pair->fd, FIONREAD, &count) == 0 && count > 1 ? (gsize)count - 1 : 0;
}

static gboolean
cut_now (gpointer fd)
{
  cpd_closer_close (GPOINTER_TO_INT (fd));
  return G_SOURCE_REMOVE;
}

/* Only the last byte is unread. If descriptors came along with it, there are copies of them here
 * until it is closed, so that it does not close them. */
static void
cut_at_once (CpdPair *pair)
{
  g_autoptr (GArray) rights = cpd_closer_new_array ();
  char last;
  struct iovec part = { &last, 1 };

  cpd_rights_receive (pair->fd, &part, 1, MSG_PEEK | MSG_DONTWAIT, rights);
  close_fd (&pair->fd);
}

/* Who has sent what was not taken may be waiting to send more. */
static void
cut (CpdPair *pair)
{
  shutdown (pair->fd, SHUT_RD);
  if (count_new (pair) > 0)
    g_timeout_add (WRITER_MS, cut_now, GINT_TO_POINTER (pair->fd));
  else
    cut_at_once (pair);
}

/* Cuts it, unless it was closed.
 * `pair`: (nullable) */
void
cpd_pair_free (CpdPair *pair)
{
  if (pair == NULL)
    return;
  if (pair->fd >= 0)
    cut (pair);
  close_fd (&pair->other);
  g_free (pair);
}

/* Returns: (transfer full): the caller's end, which blocks */
int
cpd_pair_steal_other (CpdPair *pair)
{
  int other = pair->other;

  pair->other = -1;
  return other;
}

/* Returns: (transfer none): our end, to wait for room or for its end; -1: it was closed */
int
cpd_pair_get_fd (CpdPair *pair)
{
  return pair->fd;
}

static short
get_state (CpdPair *pair)
{
  struct pollfd state = { .fd = pair->fd, .events = POLLRDHUP };

  return poll (&state, 1, 0) == 1 ? state.revents : 0;
}

/* Returns: as of readv (2) */
static ssize_t
receive (CpdPair *pair, struct iovec *parts, gsize count)
{
  g_autoptr (GArray) rights = cpd_closer_new_array ();

  return cpd_rights_receive (pair->fd, parts, count, MSG_DONTWAIT, rights);
}

/* Reads as many bytes as are new: the old one and all new ones but the last, of which there is a
 * copy then. */
static gssize
read_new (CpdPair *pair, guint8 *buffer, gsize count)
{
  guint8 old;
  struct iovec parts[] = { { &old, 1 }, { buffer, count - 1 } };
  ssize_t length = receive (pair, parts, G_N_ELEMENTS (parts));

  if (length <= 0 || recv (pair->fd, buffer + length - 1, 1, MSG_PEEK | MSG_DONTWAIT) != 1)
    return -1;
  return length;
}

/* Returns: how many bytes of the caller's were taken; 0: it sends no more; -1: none now */
gssize
cpd_pair_take (CpdPair *pair, void *buffer, gsize size)
{
  gsize count = count_new (pair);
  gboolean ended = FALSE;

  if (count == 0)
    {
      ended = (get_state (pair) & POLLRDHUP) != 0;
      count = count_new (pair); /* it may have come in between */
    }
  if (count > 0)
    return read_new (pair, buffer, MIN (count, size));
  return ended ? 0 : -1;
}

/* `parts`: at least one byte.
 * Returns: how many bytes the caller's end took; 0: it has no room; -1: the caller reads no more */
gssize
cpd_pair_give_parts (CpdPair *pair, struct iovec *parts, gsize count)
{
  const struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };
  ssize_t length = sendmsg (pair->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);

  if (length < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS))
    return 0;
  return length;
}

/* Returns: likewise */
gssize
cpd_pair_give (CpdPair *pair, const void *data, gsize size)
{
  struct iovec part = { (void *)data, size };

  return cpd_pair_give_parts (pair, &part, 1);
}

/* The caller reads the end of file; the other direction goes on. */
void
cpd_pair_end_giving (CpdPair *pair)
{
  shutdown (pair->fd, SHUT_WR);
}

/* Whether the caller has closed its end, or both directions have ended. */
gboolean
cpd_pair_is_left (CpdPair *pair)
{
  return (get_state (pair) & POLLHUP) != 0;
}

/* In order: the caller reads the end of file. */
void
cpd_pair_close (CpdPair *pair)
{
  guint8 bytes[4096];
  struct iovec part = { bytes, sizeof bytes };

  shutdown (pair->fd, SHUT_RDWR);
  while (receive (pair, &part, 1) > 0)
    ;
  close_fd (&pair->fd);
}
