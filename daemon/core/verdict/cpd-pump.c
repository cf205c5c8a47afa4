/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Moves what comes from a caller's descriptor into a pipe of our own, on a thread of its own. Who
 * shares a descriptor can hold its lock in the kernel: of a pipe, by moving from it into a socket
 * that is full; of a socket, by sending from memory that another program provides. Each call on it
 * waits then, whatever its flags, and not even SIGKILL ends it. So no other thread touches such a
 * descriptor, and nobody waits for this one. */

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

/* To close what is the caller's may wait, too: until then, it counts. */
static void
end (CpdPump *pump)
{
  close (pump->into); /* which is the end of what comes */
  close (pump->from);
  count (pump, -1);
  g_free (pump);
}

static gpointer
pump_in_thread (gpointer data)
{
  CpdPump *pump = data;

  while (pump->bytes > 0 && has_room (pump) && wait_for_data (pump))
    {
      ssize_t moved = splice (pump->from, NULL, pump->into, NULL, MIN (pump->bytes, PIECE_BYTES),
                              SPLICE_F_NONBLOCK);

      if (moved == 0 || (moved < 0 && errno != EAGAIN && errno != EINTR))
        break;
      pump->bytes -= (guint64)MAX (moved, 0);
    }
  end (pump);
  return NULL;
}

/* It ends when all bytes have come, when no more come, or when the other side of `into` is closed.
 * On error, `from` and `into` stay the caller's.
 * Errors: CERTPIN_ERROR_LIMIT_EXCEEDED. */
gboolean
cpd_pump_start (const CpdPump *pump, GError **error)
{
  CpdPump *its_own;
  GThread *thread;

  if (!count (pump, 1))
    return cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED,
                       "the user has %u bodies whose descriptors are held by another program",
                       pump->most);
  its_own = g_memdup2 (pump, sizeof *pump);
  thread = g_thread_try_new ("pump", pump_in_thread, its_own, NULL);
  if (thread != NULL)
    {
      g_thread_unref (thread);
      return TRUE;
    }
  count (pump, -1);
  g_free (its_own);
  return cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED,
                     "the service cannot start any more threads");
}
