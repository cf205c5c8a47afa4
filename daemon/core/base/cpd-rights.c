/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Descriptors that come along over a Unix socket (unix(7), SCM_RIGHTS). They are closed as all of a
 * caller's. */

#include "config.h"

#include "daemon/core/base/cpd-rights.h"

#include "daemon/core/base/cpd-closer.h"

#include <sys/socket.h>

typedef union
{
  char bytes[CMSG_SPACE (sizeof (int) * CPD_RIGHTS_MAX)];
  struct cmsghdr align;
} Control;

static void
close_right (gpointer fd)
{
  cpd_closer_close (*(int *)fd); /* -1: one that was taken */
}

/* Returns: (transfer full): of int: what is in it at its end is closed */
GArray *
cpd_rights_new (void)
{
  GArray *rights = g_array_new (FALSE, FALSE, sizeof (int));

  g_array_set_clear_func (rights, close_right);
  return rights;
}

/* As recv (2), into several parts. `rights`: what came along is added to it */
ssize_t
cpd_rights_receive (int socket, struct iovec *parts, gsize count, int flags, GArray *rights)
{
  Control control;
  struct msghdr message = { .msg_iov = parts,
                            .msg_iovlen = count,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes };
  ssize_t length = recvmsg (socket, &message, flags | MSG_CMSG_CLOEXEC);

  if (length <= 0)
    return length;
  for (struct cmsghdr *part = CMSG_FIRSTHDR (&message); part != NULL;
       part = CMSG_NXTHDR (&message, part))
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS)
      g_array_append_vals (rights, CMSG_DATA (part),
                           (unsigned int)((part->cmsg_len - CMSG_LEN (0)) / sizeof (int)));
  return length;
}
