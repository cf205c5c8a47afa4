/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A TCP connection of which the first end has something in its error queue (MSG_ZEROCOPY). */

#define _GNU_SOURCE /* accept4 */

#include "config.h"

#include "errant-socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_MS 15000

void
errant_socket_make (int ends[2])
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl (INADDR_LOOPBACK) } };
  socklen_t length = sizeof address;
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;

  g_assert_no_errno (bind (listener, (struct sockaddr *)&address, sizeof address));
  g_assert_no_errno (listen (listener, 1));
  g_assert_no_errno (getsockname (listener, (struct sockaddr *)&address, &length));
  ends[0] = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_no_errno (connect (ends[0], (struct sockaddr *)&address, length));
  ends[1] = accept4 (listener, NULL, NULL, SOCK_CLOEXEC);
  g_assert_cmpint (ends[1], >=, 0);
  close (listener);
  g_assert_no_errno (setsockopt (ends[0], SOL_SOCKET, SO_ZEROCOPY, &on, sizeof on));
  errant_socket_add_error (ends);
}

/* Sends something, and waits until the kernel has told that it is done with it. */
void
errant_socket_add_error (int ends[2])
{
  static char bytes[20000];
  struct pollfd told = { .fd = ends[0] };

  g_assert_cmpint (send (ends[0], bytes, sizeof bytes, MSG_ZEROCOPY), ==, sizeof bytes);
  g_assert_cmpint (recv (ends[1], bytes, sizeof bytes, MSG_WAITALL), ==, sizeof bytes);
  g_assert_cmpint (poll (&told, 1, DEADLINE_MS), ==, 1);
  g_assert_cmpint (told.revents, ==, POLLERR);
}
