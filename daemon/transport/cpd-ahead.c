/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* GnuTLS reads the header of each record, and then the rest: with much data, most of the time goes
 * into system calls. So more is read at a time. It takes no memory while it is empty. */

#include "config.h"

#include "daemon/transport/cpd-ahead.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Some records of the largest size, but less than comes from the kernel and goes back there when it
 * is freed (main.c). */
#define AHEAD_BYTES (120 * 1024)

gboolean
cpd_ahead_is_empty (const CpdAhead *ahead)
{
  return ahead->bytes == NULL;
}

/* Returns: how many bytes were taken */
gsize
cpd_ahead_take (CpdAhead *ahead, void *buffer, gsize size)
{
  gsize count = MIN (size, ahead->end - ahead->begin);

  if (count > 0)
    memcpy (buffer, ahead->bytes + ahead->begin, count);
  ahead->begin += count;
  if (ahead->begin == ahead->end)
    cpd_ahead_clear (ahead);
  return count;
}

/* One that is empty. Returns: as recv () */
ssize_t
cpd_ahead_fill (CpdAhead *ahead, int socket)
{
  ssize_t length;

  if (ahead->drained)
    {
      errno = EAGAIN;
      return -1;
    }
  ahead->bytes = g_malloc (AHEAD_BYTES);
  length = recv (socket, ahead->bytes, AHEAD_BYTES, MSG_DONTWAIT);
  ahead->drained = length != 0 && length < AHEAD_BYTES;
  if (length > 0)
    ahead->end = (gsize)length;
  else
    cpd_ahead_clear (ahead);
  return length;
}

void
cpd_ahead_clear (CpdAhead *ahead)
{
  int saved = errno;

  g_clear_pointer (&ahead->bytes, g_free);
  ahead->begin = ahead->end = 0;
  errno = saved;
}
