/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Closes descriptors that came from callers, on threads apart. Whoever shared one decides how long
 * that takes: the last copy of a TCP socket may wait for its data (socket(7), SO_LINGER), and that
 * of a pipe waits for its kernel lock, which another process can hold.
 *
 * Of one socket or pipe, which may come any number of times, one thread waits at most. Others of a
 * socket are not the last, and are closed at once; those of a pipe, which may have been opened
 * again, are closed afterwards. */

#define _GNU_SOURCE /* statx */

#include "config.h"

#include "daemon/core/base/cpd-closer.h"

#include "daemon/core/base/cpd-apart.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Closings that wait hold up only those that come after so many. */
#define THREADS_MAX 512

static GMutex mutex;

/* Guarded by `mutex`. */
static GHashTable *busy; /* the inode that a thread has, guint64 → GQueue of its others */
static unsigned int running;
static GQueue waiting = G_QUEUE_INIT; /* of descriptors, for a thread */

/* Of whatever file system, without asking it. `is_socket`: (out).
 * Returns: TRUE: the inode; otherwise it has none that counts */
static gboolean
get_inode (int fd, guint64 *inode, gboolean *is_socket)
{
  struct statx about;

  if (statx (fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &about) != 0)
    return FALSE;
  *inode = about.stx_ino;
  *is_socket = S_ISSOCK (about.stx_mode);
  return *is_socket || S_ISFIFO (about.stx_mode);
}

/* Returns: whether this thread has the inode now; otherwise, the one that has it closes `fd`, too,
 * unless it is a socket */
static gboolean
take_inode (guint64 inode, int fd, gboolean is_socket)
{
  GQueue *others;

  g_mutex_lock (&mutex);
  if (busy == NULL)
    busy
        = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)g_queue_free);
  others = g_hash_table_lookup (busy, &inode);
  if (others == NULL)
    g_hash_table_insert (busy, g_memdup2 (&inode, sizeof inode), g_queue_new ());
  else if (!is_socket)
    g_queue_push_tail (others, GINT_TO_POINTER (fd));
  g_mutex_unlock (&mutex);
  return others == NULL;
}

/* Returns: the next descriptor of the inode; -1: none, and the inode is free again */
static int
take_other (guint64 inode)
{
  GQueue *others;
  int fd = -1;

  g_mutex_lock (&mutex);
  others = g_hash_table_lookup (busy, &inode);
  if (g_queue_is_empty (others))
    g_hash_table_remove (busy, &inode);
  else
    fd = GPOINTER_TO_INT (g_queue_pop_head (others));
  g_mutex_unlock (&mutex);
  return fd;
}

static void
close_all (guint64 inode, int fd, gboolean is_socket)
{
  const struct linger at_once = { .l_onoff = 0 };

  if (is_socket)
    setsockopt (fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  while (fd >= 0)
    {
      close (fd);
      fd = take_other (inode);
    }
}

static void
close_apart (int fd)
{
  guint64 inode;
  gboolean is_socket;

  if (!get_inode (fd, &inode, &is_socket))
    close (fd);
  else if (take_inode (inode, fd, is_socket))
    close_all (inode, fd, is_socket);
  else if (is_socket)
    close (fd);
}

/* Returns: whether there is one that waits for a thread. `fd`: (out) (transfer full) */
static gboolean
take_next (int *fd)
{
  gboolean found;

  g_mutex_lock (&mutex);
  found = !g_queue_is_empty (&waiting);
  if (found)
    *fd = GPOINTER_TO_INT (g_queue_pop_head (&waiting));
  else
    running--;
  g_mutex_unlock (&mutex);
  return found;
}

static void
work (const int *fds, gpointer data)
{
  int next;

  close_apart (fds[0]);
  if (take_next (&next))
    cpd_apart_run (&next, 1, work, NULL);
}

/* Returns at once. `fd`: -1: nothing */
void
cpd_closer_close (int fd)
{
  gboolean may_run;

  if (fd < 0)
    return;
  g_mutex_lock (&mutex);
  may_run = running < THREADS_MAX;
  if (may_run)
    running++;
  else
    g_queue_push_tail (&waiting, GINT_TO_POINTER (fd));
  g_mutex_unlock (&mutex);
  if (may_run)
    cpd_apart_run (&fd, 1, work, NULL);
}

static void
close_element (gpointer fd)
{
  cpd_closer_close (*(int *)fd);
}

/* Returns: (transfer full): of int: what is in it at its end is closed; -1 is nothing */
GArray *
cpd_closer_new_array (void)
{
  GArray *fds = g_array_new (FALSE, FALSE, sizeof (int));

  g_array_set_clear_func (fds, close_element);
  return fds;
}
