/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Moves what comes from a caller's descriptor into a pipe of our own, on a thread apart.
 *
 * splice (2) takes the locks of both of its ends, and may have one while it waits for the other. So
 * what comes goes through a second pipe, which is this thread's alone. */

#define _GNU_SOURCE /* splice */

#include "config.h"

#include "daemon/core/verdict/cpd-pump.h"

#include "daemon/core/base/cpd-apart.h"
#include "daemon/core/base/cpd-error-queue.h"
#include "daemon/core/base/cpd-refuse.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#define PIECE_BYTES (64 * 1024)
#define N_FDS       4

/* What the thread has. */
typedef struct
{
  int from, into;
  int own[2]; /* its pipe */
  guint64 left;
} Running;

/* Returns: whether it has, before the other side of our pipe was closed */
static gboolean
has_room (const Running *running)
{
  struct pollfd into = { .fd = running->into, .events = POLLOUT };

  return poll (&into, 1, -1) == 1 && (into.revents & POLLERR) == 0;
}

/* Returns: whether something may have come before the other side of our pipe was closed */
static gboolean
wait_for_data (const Running *running)
{
  struct pollfd ends[] = { { .fd = running->from, .events = POLLIN }, { .fd = running->into } };

  if (poll (ends, G_N_ELEMENTS (ends), -1) < 1 || ends[1].revents != 0)
    return FALSE;
  if ((ends[0].revents & POLLERR) != 0)
    cpd_error_queue_drain (running->from);
  return TRUE;
}

/* As splice (2), without waiting. Returns: how many bytes were moved; 0: none now; -1: no more */
static ssize_t
move (int from, int into, gsize most)
{
  ssize_t moved = splice (from, NULL, into, NULL, most, SPLICE_F_NONBLOCK);

  if (moved > 0)
    return moved;
  return moved < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

/* Returns: FALSE: no more comes */
static gboolean
take_piece (Running *running)
{
  ssize_t held = move (running->from, running->own[1], MIN (running->left, PIECE_BYTES));

  if (held < 0)
    return FALSE;
  running->left -= (guint64)held;
  while (held > 0 && has_room (running))
    {
      ssize_t moved = move (running->own[0], running->into, (gsize)held);

      if (moved < 0)
        return FALSE;
      held -= moved;
    }
  return held == 0;
}

/* To close what is the caller's may wait, too: so that comes last. */
static void
work (const int *fds, gpointer data)
{
  g_autofree guint64 *bytes = data;
  Running running = { fds[0], fds[1], { fds[2], fds[3] }, *bytes };

  while (running.left > 0 && wait_for_data (&running) && take_piece (&running))
    ;
  for (unsigned int i = N_FDS; i-- > 0;)
    close (fds[i]);
}

static gboolean
start (const CpdPump *pump, const int *fds, GError **error)
{
  g_autofree guint64 *bytes = g_memdup2 (&pump->bytes, sizeof pump->bytes);

  if (!cpd_apart_start (&pump->apart, fds, N_FDS, work, bytes, error))
    return FALSE;
  g_steal_pointer (&bytes);
  return TRUE;
}

/* It ends when all bytes have come, when no more come, or when the other side of `into` is closed.
 * On error, `from` and `into` stay the caller's.
 * Errors: CERTPIN_ERROR_LIMIT_EXCEEDED. */
gboolean
cpd_pump_start (const CpdPump *pump, GError **error)
{
  int fds[N_FDS] = { pump->from, pump->into };

  if (pipe2 (fds + 2, O_CLOEXEC | O_NONBLOCK) != 0)
    return cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED, "the service cannot make a pipe: %s",
                       g_strerror (errno));
  if (start (pump, fds, error))
    return TRUE;
  close (fds[2]);
  close (fds[3]);
  return FALSE;
}
