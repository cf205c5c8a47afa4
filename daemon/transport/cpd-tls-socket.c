/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What carries a TLS session: a socket; or another session on that socket, which is with a proxy.
 *
 * In one iteration of the main loop only so much is taken from the socket. What is no data, such as
 * tickets, GnuTLS reads on its own, for as long as there is more; a server may send it without
 * end. */

#include "config.h"

#include "daemon/transport/cpd-tls-socket.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* In place of CPD_TLS_SHARE_BYTES. */
#define MUCH_BYTES (256 * 1024)

/* `fd`: (transfer full). `below`: (nullable): what carries the session that carries this one, and
 * owns `fd`. */
void
cpd_tls_socket_init (CpdTlsSocket *socket, int fd, CpdTlsSocket *below)
{
  socket->fd = fd;
  socket->below = below;
  socket->unsent = g_byte_array_new ();
}

/* It is closed, and so is what carries it. */
void
cpd_tls_socket_clear (CpdTlsSocket *socket)
{
  g_byte_array_unref (socket->unsent);
  cpd_ahead_clear (&socket->ahead);
}

/* Returns: how many of `count` bytes may be read in this iteration, or in this step of the
 * handshake */
static gsize
share_left (CpdTlsSocket *socket, gsize count)
{
  GSource *current = g_main_current_source ();
  gint64 iteration_us = current != NULL ? g_source_get_time (current) : g_get_monotonic_time ();
  gsize share = socket->much ? MUCH_BYTES : CPD_TLS_SHARE_BYTES;

  if (iteration_us != socket->iteration_us && !socket->shaking)
    socket->taken = 0;
  socket->iteration_us = iteration_us;
  return MIN (count, MAX (share, socket->taken) - socket->taken);
}

/* A server that resets the connection is no failure of the network. */
static ssize_t
note_failure (CpdTlsSocket *socket, ssize_t length)
{
  if (length <= 0 && socket->lent != NULL && socket->failure == 0)
    socket->failure = cpd_lent_socket_get_failure (socket->lent);
  if (length < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNRESET && errno != EPIPE
      && socket->failure == 0)
    socket->failure = errno;
  return length;
}

/* What the session below says of itself, in the terms of a socket. */
static ssize_t
note_below (CpdTlsSocket *socket, ssize_t length)
{
  if (length >= 0)
    return length;
  if (socket->failure == 0)
    socket->failure = socket->below->failure;
  errno
      = gnutls_error_is_fatal ((int)length) || length == GNUTLS_E_REHANDSHAKE ? ECONNRESET : EAGAIN;
  return -1;
}

static ssize_t
pull_below (CpdTlsSocket *socket, void *buffer, size_t count)
{
  ssize_t length = note_below (socket, gnutls_record_recv (socket->below->session, buffer, count));

  socket->ended = length == 0 || (length < 0 && errno != EAGAIN);
  return length;
}

/* Returns: as recv () */
static ssize_t
read_some (CpdTlsSocket *socket, void *buffer, gsize size)
{
  ssize_t length;

  if (!socket->much)
    return recv (socket->fd, buffer, size, MSG_DONTWAIT);
  length = cpd_ahead_fill (&socket->ahead, socket->fd);
  if (length <= 0)
    return length;
  return (ssize_t)cpd_ahead_take (&socket->ahead, buffer, size);
}

static ssize_t
pull (gnutls_transport_ptr_t transport, void *buffer, size_t count)
{
  CpdTlsSocket *socket = transport;
  gsize share;
  ssize_t length;

  if (socket->below != NULL)
    return pull_below (socket, buffer, count);
  if (!cpd_ahead_is_empty (&socket->ahead))
    return (ssize_t)cpd_ahead_take (&socket->ahead, buffer, count);
  share = share_left (socket, count);
  if (share == 0)
    {
      errno = EAGAIN;
      return -1;
    }
  length = note_failure (socket, read_some (socket, buffer, share));
  if (length > 0)
    socket->taken += (gsize)length + socket->ahead.end - socket->ahead.begin;
  socket->ended = length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR);
  return length;
}

/* Plaintext, before there is a session that is carried. Returns: as recv () */
ssize_t
cpd_tls_socket_receive (CpdTlsSocket *socket, void *buffer, gsize size)
{
  return pull (socket, buffer, size);
}

/* Returns: how many bytes what is below has taken; -1 with `errno` set */
static ssize_t
write_unsent (CpdTlsSocket *socket)
{
  const GByteArray *unsent = socket->unsent;

  if (socket->below == NULL)
    return send (socket->fd, unsent->data, unsent->len, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (!cpd_tls_socket_flush (socket->below))
    return -1;
  return note_below (socket,
                     gnutls_record_send (socket->below->session, unsent->data, unsent->len));
}

/* Returns: whether the socket has taken all that was sent; FALSE with `errno` set, EAGAIN if it
 * cannot at once */
gboolean
cpd_tls_socket_flush (CpdTlsSocket *socket)
{
  while (socket->unsent->len > 0)
    {
      ssize_t length = write_unsent (socket);

      if (length < 0)
        {
          errno = errno == EINTR ? EAGAIN : errno;
          return FALSE;
        }
      g_byte_array_remove_range (socket->unsent, 0, (unsigned int)length);
    }
  return socket->below == NULL || cpd_tls_socket_flush (socket->below);
}

/* Takes everything: GnuTLS loses count of a record that is written in parts if the server asks for
 * new keys in between (RFC 8446, section 4.6.3). Only one record and what goes with it is kept,
 * since nothing more is sent before that is gone; or one piece of much data.
 * Where another record follows at once, the kernel waits for that before it sends what does not
 * fill a packet, and wakes the server for many records instead of for each. */
static ssize_t
push (gnutls_transport_ptr_t transport, const giovec_t *vectors, int count)
{
  CpdTlsSocket *socket = transport;
  const struct msghdr message = { .msg_iov = (struct iovec *)vectors, .msg_iovlen = (size_t)count };
  const int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (socket->more ? MSG_MORE : 0);
  gsize taken = 0, all = 0;

  if (socket->unsent->len == 0 && !socket->corked && socket->below == NULL)
    {
      ssize_t length = note_failure (socket, sendmsg (socket->fd, &message, flags));

      if (length < 0 && errno != EAGAIN && errno != EINTR)
        return -1;
      taken = (gsize)MAX (length, 0);
    }
  for (int i = 0; i < count; i++)
    {
      gsize skipped = CLAMP (taken, all, all + vectors[i].iov_len) - all;

      g_byte_array_append (socket->unsent, (const guint8 *)vectors[i].iov_base + skipped,
                           (unsigned int)(vectors[i].iov_len - skipped));
      all += vectors[i].iov_len;
    }
  if (socket->below != NULL && !socket->corked && !cpd_tls_socket_flush (socket) && errno != EAGAIN)
    return -1;
  return (ssize_t)all;
}

/* From now on, GnuTLS reads and writes there. */
void
cpd_tls_socket_carry (CpdTlsSocket *socket, gnutls_session_t session)
{
  socket->session = session;
  gnutls_transport_set_ptr (session, socket);
  gnutls_transport_set_pull_function (session, pull);
  gnutls_transport_set_vec_push_function (session, push);
}

/* Whether the socket has not taken all that was sent. */
gboolean
cpd_tls_socket_has_unsent (CpdTlsSocket *socket)
{
  return socket->unsent->len > 0
         || (socket->below != NULL && cpd_tls_socket_has_unsent (socket->below));
}

/* Whether something was read already and not asked for yet, of which the socket does not tell. */
gboolean
cpd_tls_socket_has_pending (CpdTlsSocket *socket)
{
  return gnutls_record_check_pending (socket->session) > 0 || !cpd_ahead_is_empty (&socket->ahead)
         || (socket->below != NULL && cpd_tls_socket_has_pending (socket->below));
}

/* Whether there is something to receive, if only the end. Costs little where there is not: only the
 * kernel is asked. */
gboolean
cpd_tls_socket_has_unread (CpdTlsSocket *socket)
{
  guint8 byte;

  return cpd_tls_socket_has_pending (socket)
         || note_failure (socket, recv (socket->fd, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT))
                >= 0
         || errno != EAGAIN;
}

/* While another thread may have it, `shaking` makes it count what it takes in this step. */
void
cpd_tls_socket_set_shaking (CpdTlsSocket *socket, gboolean shaking)
{
  for (CpdTlsSocket *each = socket; each != NULL; each = each->below)
    {
      each->shaking = shaking;
      each->taken = shaking ? 0 : each->taken;
    }
}

/* Whoever polls it says that there is something again. */
void
cpd_tls_socket_note_ready (CpdTlsSocket *socket)
{
  for (CpdTlsSocket *each = socket; each != NULL; each = each->below)
    each->ahead.drained = FALSE;
}

/* From now on, the socket is read ahead, and more of it in one iteration of the main loop. */
void
cpd_tls_socket_expect_much (CpdTlsSocket *socket)
{
  for (CpdTlsSocket *each = socket; each != NULL; each = each->below)
    each->much = TRUE;
}

/* Returns: how many bytes of what was sent have not left; 0 once it is closed */
gsize
cpd_tls_socket_count_queued (CpdTlsSocket *socket)
{
  int count = 0;

  if (socket->lent != NULL)
    return cpd_lent_socket_count_queued (socket->lent);
  return ioctl (socket->fd, SIOCOUTQNSD, &count) == 0 ? (gsize)count : 0;
}

/* Whether its network has gone from this machine. */
gboolean
cpd_tls_socket_is_lost (CpdTlsSocket *socket)
{
  CpdRouteEnds ends;

  if (socket->lent != NULL)
    return cpd_lent_socket_is_lost (socket->lent);
  return cpd_route_find_ends (socket->fd, &ends) /* one that has ended is told otherwise */
         && cpd_route_is_lost (&ends);
}

/* Not another byte leaves, not even what the kernel holds: a TCP socket resets its connection. */
void
cpd_tls_socket_cut (CpdTlsSocket *socket)
{
  const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

  if (socket->lent != NULL)
    cpd_lent_socket_cut (socket->lent);
  else
    connect (socket->fd, &nowhere, sizeof nowhere);
}

void
cpd_tls_socket_close (CpdTlsSocket *socket)
{
  if (socket->lent != NULL)
    cpd_lent_socket_free (g_steal_pointer (&socket->lent));
  else if (socket->below == NULL && socket->fd != -1)
    {
      shutdown (socket->fd, SHUT_RDWR);
      g_close (socket->fd, NULL);
    }
  socket->fd = -1;
}
