/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded into the service: its thread that reads from the bus waits before it reads, as a busy
 * machine can make it wait. The file that CERTPIN_TEST_READS names holds how often it may read, as
 * a 32-bit number; UINT32_MAX: always. It waits no longer than the connection lasts. */

#define _GNU_SOURCE /* RTLD_NEXT */

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define READER "certpin-bus-in"

typedef ssize_t (*ReceiveMessage) (int socket, struct msghdr *message, int flags);

static ReceiveMessage real_recvmsg;
static _Atomic uint32_t always = UINT32_MAX, *allowed = &always;

__attribute__ ((constructor)) static void
begin (void)
{
  const char *path = getenv ("CERTPIN_TEST_READS");
  int file = path != NULL ? open (path, O_RDWR | O_CLOEXEC) : -1;
  void *map;

  real_recvmsg = (ReceiveMessage)dlsym (RTLD_NEXT, "recvmsg");
  if (file < 0)
    return;
  map = mmap (NULL, sizeof *allowed, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (map != MAP_FAILED)
    allowed = map;
  close (file);
}

static int
is_reader (void)
{
  char name[16] = { 0 };

  return prctl (PR_GET_NAME, name) == 0 && strcmp (name, READER) == 0;
}

static int
has_ended (int socket)
{
  struct pollfd polled = { .fd = socket, .events = POLLRDHUP };

  return poll (&polled, 1, 0) > 0;
}

ssize_t
recvmsg (int socket, struct msghdr *message, int flags)
{
  if (is_reader ())
    {
      while (*allowed == 0 && !has_ended (socket))
        usleep (1000);
      if (*allowed != 0 && *allowed != UINT32_MAX)
        --*allowed;
    }
  return real_recvmsg (socket, message, flags);
}
