/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the kernel tells of a TCP socket beside its data: that it is done with a buffer, or when a
 * packet left (MSG_ZEROCOPY, SO_TIMESTAMPING). Nothing here asks for that, but a caller who shares
 * the socket can. While some of it is there, poll () reports an error, of which recv () says
 * nothing: whoever waits for data would never sleep. */

#include "config.h"

#include "daemon/core/base/cpd-error-queue.h"

#include <sys/socket.h>

/* Of the rest, poll () tells again: meanwhile, others have their turn. */
#define AT_ONCE 64

/* `fd`: any descriptor: of other kinds, nothing is taken, since not one byte is asked for. */
void
cpd_error_queue_drain (int fd)
{
  for (int i = 0; i < AT_ONCE; i++)
    {
      struct msghdr nothing = { 0 };

      if (recvmsg (fd, &nothing, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
        return;
    }
}
