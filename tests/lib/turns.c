/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded into a program: measures the turns of its main loop, in processor time of the main
 * thread, from the end of one poll() or ppoll(), which newer versions of GLib call, to the
 * beginning of the next. The file that
 * CERTPIN_TEST_TURNS names, of two 64-bit numbers, gets the longest one in ns and how many there
 * were; whoever writes zeros to it begins anew. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef int (*Poll) (struct pollfd *fds, nfds_t n, int timeout);
typedef int (*PPoll) (struct pollfd *fds, nfds_t n, const struct timespec *timeout,
                      const sigset_t *mask);

typedef struct
{
  uint64_t longest_ns, count;
} Turns;

int __poll_chk (struct pollfd *fds, nfds_t n, int timeout, size_t size);
int __ppoll_chk (struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask,
                 size_t size);

static Poll real_poll;
static PPoll real_ppoll;
static Turns nowhere, *turns = &nowhere;
static uint64_t began_ns;

static uint64_t
now_ns (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

__attribute__ ((constructor)) static void
begin (void)
{
  const char *path = getenv ("CERTPIN_TEST_TURNS");
  int file = path != NULL ? open (path, O_RDWR | O_CLOEXEC) : -1;
  void *map;

  real_poll = (Poll)dlsym (RTLD_NEXT, "poll");
  real_ppoll = (PPoll)dlsym (RTLD_NEXT, "ppoll");
  if (file < 0)
    return;
  map = mmap (NULL, sizeof *turns, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (map != MAP_FAILED)
    turns = map;
  close (file);
}

static void
note_turn (void)
{
  uint64_t took_ns = now_ns () - began_ns;

  turns->count++;
  if (took_ns > turns->longest_ns)
    turns->longest_ns = took_ns;
}

int
poll (struct pollfd *fds, nfds_t n, int timeout)
{
  int result;

  if (gettid () != getpid ())
    return real_poll (fds, n, timeout);
  if (began_ns != 0)
    note_turn ();
  result = real_poll (fds, n, timeout);
  began_ns = now_ns ();
  return result;
}

int
ppoll (struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
  int result;

  if (gettid () != getpid ())
    return real_ppoll (fds, n, timeout, mask);
  if (began_ns != 0)
    note_turn ();
  result = real_ppoll (fds, n, timeout, mask);
  began_ns = now_ns ();
  return result;
}

int
__ppoll_chk (struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask,
             size_t size)
{
  return ppoll (fds, n, timeout, mask);
}

int
__poll_chk (struct pollfd *fds, nfds_t n, int timeout, size_t size)
{
  return poll (fds, n, timeout);
}
