/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Closes descriptors that came from callers, on threads of its own. Whoever shared one decides how
 * long that takes: the last copy of a TCP socket may wait for its data (socket(7), SO_LINGER), and
 * that of a pipe waits for its kernel lock, which another process can hold.
 *
 * The last copy alone waits. So of a socket whose lock is held, one copy waits to be told not to
 * linger, and all others are closed at once. */

#include "config.h"

#include "daemon/core/base/cpd-closer.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Closings that wait hold up only those that come after so many. */
#define THREADS_MAX 512

static GMutex mutex;
static GHashTable *told; /* of guint64: the inodes of sockets that are being told; guarded */

/* Returns: whether no other thread does that */
static gboolean
begin_to_tell (guint64 inode)
{
  gboolean begun;

  g_mutex_lock (&mutex);
  if (told == NULL)
    told = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  begun = g_hash_table_add (told, g_memdup2 (&inode, sizeof inode));
  g_mutex_unlock (&mutex);
  return begun;
}

static void
end_telling (guint64 inode)
{
  g_mutex_lock (&mutex);
  g_hash_table_remove (told, &inode);
  g_mutex_unlock (&mutex);
}

static void
tell_not_to_linger (int fd)
{
  const struct linger at_once = { .l_onoff = 0 };
  struct stat about;

  if (fstat (fd, &about) != 0 || !S_ISSOCK (about.st_mode) || !begin_to_tell (about.st_ino))
    return;
  setsockopt (fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  end_telling (about.st_ino);
}

static void
close_in_thread (gpointer data, gpointer user_data)
{
  int fd = GPOINTER_TO_INT (data) - 1;

  tell_not_to_linger (fd);
  close (fd);
}

/* Returns at once. `fd`: -1: nothing */
void
cpd_closer_close (int fd)
{
  static gsize pool; /* GThreadPool *, for good */

  if (fd < 0)
    return;
  if (g_once_init_enter (&pool))
    g_once_init_leave (&pool, (gsize)g_thread_pool_new (close_in_thread, NULL, THREADS_MAX,
                                                        /* exclusive= */ FALSE, NULL));
  g_thread_pool_push ((GThreadPool *)pool, GINT_TO_POINTER (fd + 1), NULL);
}
