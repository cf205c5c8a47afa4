/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that what the kernel tells of a socket that a caller shares keeps nobody awake, and that
 * no data is lost with it. */

#define _GNU_SOURCE /* pipe2 */

#include "config.h"

#include "daemon/core/base/cpd-error-queue.h"
#include "errant-socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static void
close_both (const int ends[2])
{
  close (ends[0]);
  close (ends[1]);
}

static void
assert_holds (int fd, const char *text)
{
  char buffer[100];

  g_assert_cmpint (read (fd, buffer, sizeof buffer), ==, strlen (text));
  g_assert_cmpint (memcmp (buffer, text, strlen (text)), ==, 0);
}

static void
test_drains (void)
{
  struct pollfd state;
  int ends[2];

  errant_socket_make (ends);
  g_assert_cmpint (write (ends[1], "hello", 5), ==, 5);
  cpd_error_queue_drain (ends[0]);
  state = (struct pollfd){ .fd = ends[0], .events = POLLIN };
  g_assert_cmpint (poll (&state, 1, 15000), ==, 1);
  g_assert_cmpint (state.revents, ==, POLLIN);
  assert_holds (ends[0], "hello");
  close_both (ends);
}

/* They have no such queue. */
static void
test_leaves_others (void)
{
  int ends[2];

  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
  g_assert_cmpint (write (ends[1], "hello", 5), ==, 5);
  cpd_error_queue_drain (ends[0]);
  assert_holds (ends[0], "hello");
  close_both (ends);
  g_assert_no_errno (pipe2 (ends, O_CLOEXEC));
  g_assert_cmpint (write (ends[1], "hello", 5), ==, 5);
  cpd_error_queue_drain (ends[0]);
  assert_holds (ends[0], "hello");
  close_both (ends);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transport/error-queue/drains", test_drains);
  g_test_add_func ("/transport/error-queue/leaves-others", test_leaves_others);
  return g_test_run ();
}
