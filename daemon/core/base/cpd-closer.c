/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Closes descriptors that came from callers, on threads of its own. Whoever shared one decides how
 * long that takes: the last copy of a TCP socket may wait for its data (socket(7), SO_LINGER), and
 * that of a pipe waits for its kernel lock, which another process can hold. */

#include "config.h"

#include "daemon/core/base/cpd-closer.h"

#include <sys/socket.h>
#include <unistd.h>

/* Closings that wait hold up only those that come after so many. */
#define THREADS_MAX 64

static void
close_in_thread (gpointer data, gpointer user_data)
{
  const struct linger at_once = { .l_onoff = 0 };
  int fd = GPOINTER_TO_INT (data) - 1;

  setsockopt (fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
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
