/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Moves what comes from a caller's descriptor into a pipe of our own, on a thread of its own. Who
 * shares a descriptor can hold its lock in the kernel: of a pipe, by moving from it into a socket
 * that is full; of a socket, by sending from memory that another program provides. Each call on it
 * waits then, whatever its flags, and not even SIGKILL ends it. So no other thread touches such a
 * descriptor, and nobody waits for this one.
 *
 * splice (2) takes the locks of both of its ends, and may have one while it waits for the other. So
 * what comes goes through a second pipe, which is this thread's alone. */

#define _GNU_SOURCE /* splice */

#include "config.h"

#include "daemon/core/verdict/cpd-pump.h"

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

static GMutex mutex;
static GHashTable *counts; /* uid → how many run; guarded by `mutex` */

/* Returns: whether there are no more than `most` then; otherwise nothing has changed */
static gboolean
count (const CpdPump *pump, int more)
{
  gpointer uid = GUINT_TO_POINTER (pump->uid);
  int now;
  gboolean may;

  g_mutex_lock (&mutex);
  if (counts == NULL)
    counts = g_hash_table_new (NULL, NULL);
  now = GPOINTER_TO_INT (g_hash_table_lookup (counts, uid)) + more;
  may = more < 0 || now <= (int)pump->most;
  if (now == 0)
    g_hash_table_remove (counts, uid);
  else if (may)
    g_hash_table_insert (counts, uid, GINT_TO_POINTER (now));
  g_mutex_unlock (&mutex);
  return may;
}

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

/* To close what is the caller's may wait, too: until then, it counts. */
static void
end (Running *running)
{
  close (running->pump.into); /* which is the end of what comes */
  close (running->own[0]);
  close (running->own[1]);
  close (running->pump.from);
  count (&running->pump, -1);
  g_free (running);
}

static gpointer
pump_in_thread (gpointer data)
{
  Running *running = data;

  while (running->pump.bytes > 0 && wait_for_data (&running->pump) && take_piece (running))
    ;
  end (running);
  return NULL;
}

static gboolean
start (const CpdPump *pump)
{
  Running running = { .pump = *pump };
  Running *its_own;
  GThread *thread;

  if (pipe2 (running.own, O_CLOEXEC | O_NONBLOCK) != 0)
    return FALSE;
  its_own = g_memdup2 (&running, sizeof running);
  thread = g_thread_try_new ("pump", pump_in_thread, its_own, NULL);
  if (thread != NULL)
    {
      g_thread_unref (thread);
      return TRUE;
    }
  close (running.own[0]);
  close (running.own[1]);
  g_free (its_own);
  return FALSE;
}

/* It ends when all bytes have come, when no more come, or when the other side of `into` is closed.
 * On error, `from` and `into` stay the caller's.
 * Errors: CERTPIN_ERROR_LIMIT_EXCEEDED. */
gboolean
cpd_pump_start (const CpdPump *pump, GError **error)
{
  if (!count (pump, 1))
    return cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED,
                       "the user has %u bodies whose descriptors are held by another program",
                       pump->most);
  if (start (pump))
    return TRUE;
  count (pump, -1);
  return cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED,
                     "the service cannot start any more threads");
}
