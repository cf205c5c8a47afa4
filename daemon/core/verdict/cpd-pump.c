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

/* What the thread has. */
typedef struct
{
  CpdPump pump;
  int own[2]; /* its pipe */
} Running;

/* Returns: whether it has, before the other side of our pipe was closed */
static gboolean
has_room (const CpdPump *pump)
{
  struct pollfd into = { .fd = pump->into, .events = POLLOUT };

  return poll (&into, 1, -1) == 1 && (into.revents & POLLERR) == 0;
}

/* Returns: whether something may have come before the other side of our pipe was closed */
static gboolean
wait_for_data (const CpdPump *pump)
{
  struct pollfd ends[] = { { .fd = pump->from, .events = POLLIN }, { .fd = pump->into } };

  if (poll (ends, G_N_ELEMENTS (ends), -1) < 1 || ends[1].revents != 0)
    return FALSE;
  if ((ends[0].revents & POLLERR) != 0)
    cpd_error_queue_drain (pump->from);
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
  CpdPump *pump = &running->pump;
  ssize_t held = move (pump->from, running->own[1], MIN (pump->bytes, PIECE_BYTES));

  if (held < 0)
    return FALSE;
  pump->bytes -= (guint64)held;
  while (held > 0 && has_room (pump))
    {
      ssize_t moved = move (running->own[0], pump->into, (gsize)held);

      if (moved < 0)
        return FALSE;
      held -= moved;
    }
  return held == 0;
}

/* To close what is the caller's may wait, too: so that comes last. */
static void
end (Running *running)
{
  close (running->pump.into); /* which is the end of what comes */
  close (running->own[0]);
  close (running->own[1]);
  close (running->pump.from);
  g_free (running);
}

static void
work (gpointer data)
{
  Running *running = data;

  while (running->pump.bytes > 0 && wait_for_data (&running->pump) && take_piece (running))
    ;
  end (running);
}

static gboolean
fail_to_pump (Running *running)
{
  close (running->own[0]);
  close (running->own[1]);
  g_free (running);
  return FALSE;
}

/* It ends when all bytes have come, when no more come, or when the other side of `into` is closed.
 * On error, `from` and `into` stay the caller's.
 * Errors: CERTPIN_ERROR_LIMIT_EXCEEDED. */
gboolean
cpd_pump_start (const CpdPump *pump, GError **error)
{
  Running *running = g_new0 (Running, 1);

  running->pump = *pump;
  if (pipe2 (running->own, O_CLOEXEC | O_NONBLOCK) != 0)
    {
      g_free (running);
      return cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED, "the service cannot make a pipe: %s",
                         g_strerror (errno));
    }
  return cpd_apart_start (&pump->apart, work, running, error) || fail_to_pump (running);
}
