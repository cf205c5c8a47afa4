/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A socket on which the caller has spoken in plaintext up to the point where TLS begins (RFC 3207,
 * RFC 2595, and others). The caller's copy stays as it is: nothing here makes it non-blocking. */

#include "config.h"

#include "daemon/transport/cpd-starttls.h"

#include "client-lib/certpin-error.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* Where it leads. A socket that leads to another program of this machine has no such address.
 * `address`: (out) (transfer full) (nullable): NULL: none */
gboolean
cpd_starttls_find_address (int given, GInetAddress **address, GError **error)
{
  struct sockaddr_storage bytes = { 0 };
  socklen_t length = sizeof bytes;
  g_autoptr (GSocketAddress) found = NULL;

  *address = NULL;
  if (getpeername (given, (struct sockaddr *)&bytes, &length) != 0)
    {
      g_set_error_literal (error, G_IO_ERROR, (int)g_io_error_from_errno (errno),
                           "the socket is no longer connected");
      return FALSE;
    }
  if (bytes.ss_family == AF_UNIX)
    return TRUE;
  found = g_socket_address_new_from_native (&bytes, length);
  if (!G_IS_INET_SOCKET_ADDRESS (found))
    {
      g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_UNREACHABLE,
                           "the socket is neither one of TCP nor one of this machine");
      return FALSE;
    }
  *address = g_object_ref (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (found)));
  return TRUE;
}

/* A server says nothing before it has the ClientHello. What waits is plaintext: the rest of its
 * answer, or what somebody on the way added to it. */
static gboolean
check_silent (int socket, GError **error)
{
  char byte;
  ssize_t length = recv (socket, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);

  if (length < 0 && (errno == EAGAIN || errno == EINTR))
    return TRUE;
  if (length < 0)
    g_set_error_literal (error, G_IO_ERROR, (int)g_io_error_from_errno (errno), g_strerror (errno));
  else if (length == 0)
    g_set_error_literal (error, G_TLS_ERROR, G_TLS_ERROR_EOF, "it closed the connection");
  else
    g_set_error_literal (error, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE,
                         "data was waiting on the socket before the handshake; read the whole "
                         "answer to STARTTLS first");
  return FALSE;
}

/* `given`: has an address that data may go to, or none; it stays the caller's.
 * Returns: (transfer full): a copy, on which a handshake may begin; -1 with `error` set */
int
cpd_starttls_take (int given, GError **error)
{
  const int on = 1;
  int socket;

  if (!check_silent (given, error))
    return -1;
  socket = fcntl (given, F_DUPFD_CLOEXEC, 0);
  if (socket < 0)
    g_set_error_literal (error, G_IO_ERROR, (int)g_io_error_from_errno (errno), g_strerror (errno));
  else
    setsockopt (socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}
