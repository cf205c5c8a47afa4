/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How the kernel finds out that nobody is left at the other end of a TCP connection. */

#include "config.h"

#include "daemon/transport/cpd-silence.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* An idle connection is probed after two minutes, and lost two minutes later. */
#define PROBE_IDLE_S     120
#define PROBE_INTERVAL_S 30
#define PROBE_COUNT      4

/* For how long what was sent may stay unacknowledged, as it does where nobody is left at the other
 * end. `limit_ms`: 0: as long as the kernel goes on */
void
cpd_silence_limit (int socket, unsigned int limit_ms)
{
  setsockopt (socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof limit_ms);
}

/* While nothing is sent, the other end is asked from time to time whether it is still there. */
void
cpd_silence_probe (int socket)
{
  const int on = 1, idle_s = PROBE_IDLE_S, interval_s = PROBE_INTERVAL_S, count = PROBE_COUNT;

  setsockopt (socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt (socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  setsockopt (socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
  setsockopt (socket, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}
