/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Descriptors that go along over a Unix socket (unix(7), SCM_RIGHTS). */

#include "config.h"

#include "daemon/core/base/cpd-rights.h"

#include <string.h>
#include <sys/socket.h>

typedef union
{
  char bytes[CMSG_SPACE (sizeof (int) * CPD_RIGHTS_MAX)];
  struct cmsghdr align;
} Control;

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

/* As send (2), from several parts. `rights`: (nullable): go along with the first byte; at most
 * CPD_RIGHTS_MAX */
ssize_t
cpd_rights_send (int socket, const struct iovec *parts, gsize count, int flags,
                 const GArray *rights)
{
  const gsize size = rights != NULL ? sizeof (int) * rights->len : 0;
  Control control = { { 0 } };
  struct msghdr message = { .msg_iov = (struct iovec *)parts, .msg_iovlen = count };
  struct cmsghdr *part;

  if (size > 0)
    {
      message.msg_control = control.bytes;
      message.msg_controllen = CMSG_SPACE (size);
      part = CMSG_FIRSTHDR (&message);
      part->cmsg_level = SOL_SOCKET;
      part->cmsg_type = SCM_RIGHTS;
      part->cmsg_len = CMSG_LEN (size);
      memcpy (CMSG_DATA (part), rights->data, size);
    }
  return sendmsg (socket, &message, flags | MSG_NOSIGNAL);
}
