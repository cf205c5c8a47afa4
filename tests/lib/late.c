/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded into programs: makes them late at random, before and after what they read, write and
 * wait for, as a busy machine would. CERTPIN_TEST_LATE_PERMILLE says how often, and
 * CERTPIN_TEST_LATE_MS for how long at most; by default 20, and 20. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_PERMILLE 20
#define DEFAULT_MS       20

int __poll_chk (struct pollfd *fds, nfds_t n, int timeout, size_t size);
int __ppoll_chk (struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask,
                 size_t size);

static unsigned int permille = DEFAULT_PERMILLE, most_ms = DEFAULT_MS;

__attribute__ ((constructor)) static void
begin (void)
{
  const char *often = getenv ("CERTPIN_TEST_LATE_PERMILLE");
  const char *most = getenv ("CERTPIN_TEST_LATE_MS");

  if (often != NULL)
    permille = (unsigned int)atoi (often);
  if (most != NULL && atoi (most) > 0)
    most_ms = (unsigned int)atoi (most);
}

/* Xorshift, of each thread. */
static uint32_t
draw (void)
{
  static __thread uint32_t state;

  if (state == 0)
    {
      struct timespec now;

      clock_gettime (CLOCK_MONOTONIC, &now);
      state = (uint32_t)now.tv_nsec ^ (uint32_t)(uintptr_t)&state ^ 1;
    }
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

static void
be_late (void)
{
  int saved = errno;

  if (draw () % 1000 < permille)
    {
      long ns = (long)(draw () % (most_ms * 1000)) * 1000;
      const struct timespec pause = { ns / 1000000000, ns % 1000000000 };

      nanosleep (&pause, NULL);
    }
  errno = saved;
}

#define LATE(type, name, parameters, ...)                                                          \
  type name parameters                                                                             \
  {                                                                                                \
    static type (*real) parameters;                                                                \
    type result;                                                                                   \
                                                                                                   \
    if (real == NULL)                                                                              \
      real = (__typeof__ (real))dlsym (RTLD_NEXT, #name);                                          \
    be_late ();                                                                                    \
    result = real (__VA_ARGS__);                                                                   \
    be_late ();                                                                                    \
    return result;                                                                                 \
  }

LATE (ssize_t, read, (int fd, void *data, size_t size), fd, data, size)
LATE (ssize_t, write, (int fd, const void *data, size_t size), fd, data, size)
LATE (ssize_t, recv, (int fd, void *data, size_t size, int flags), fd, data, size, flags)
LATE (ssize_t, send, (int fd, const void *data, size_t size, int flags), fd, data, size, flags)
LATE (ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), fd, message, flags)
LATE (ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), fd, message, flags)
LATE (int, connect, (int fd, const struct sockaddr *address, socklen_t size), fd, address, size)
LATE (int, accept4, (int fd, struct sockaddr *address, socklen_t *size, int flags), fd, address,
      size, flags)
LATE (int, poll, (struct pollfd * fds, nfds_t n, int timeout), fds, n, timeout)
LATE (int, __poll_chk, (struct pollfd * fds, nfds_t n, int timeout, size_t size), fds, n, timeout,
      size)
LATE (int, ppoll,
      (struct pollfd * fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask), fds, n,
      timeout, mask)
LATE (int, __ppoll_chk,
      (struct pollfd * fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask,
       size_t size),
      fds, n, timeout, mask, size)
