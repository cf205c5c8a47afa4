/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the kernel says of changes of this machine's networks (rtnetlink(7)), read as it comes.
 *
 * GNetworkMonitor would tell the same, but blocks: where NetworkManager runs, it is made by calls
 * over the bus, and they are waited for.
 *
 * Addresses come and go with their routes, which is why only those that go are listened for. They
 * are also repeated, whenever a router announces itself. */

#include "config.h"

#include "daemon/transport/cpd-network.h"

#include <errno.h>
#include <glib-unix.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define GROUPS                                                                                     \
  (RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE)

/* rtnetlink(7): messages of more than a page are of no change. What does not fit is lost, and the
 * kernel says so. */
#define BUFFER_BYTES (16 * 1024)

/* So many are read in one iteration of the main loop. */
#define READS_MAX 64

struct _CpdNetwork
{
  GObject parent;

  int fd; /* -1: this machine does not tell */
  unsigned int source;
};

G_DEFINE_FINAL_TYPE (CpdNetwork, cpd_network, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS
};

static unsigned int signals[N_SIGNALS];

typedef enum
{
  NEWS_NONE,
  NEWS_CHANGED,
  NEWS_LOST,
} News;

static void
cpd_network_dispose (GObject *object)
{
  CpdNetwork *network = CPD_NETWORK (object);

  g_clear_handle_id (&network->source, g_source_remove);
  if (network->fd >= 0)
    close (network->fd);
  network->fd = -1;
  G_OBJECT_CLASS (cpd_network_parent_class)->dispose (object);
}

static void
cpd_network_class_init (CpdNetworkClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = cpd_network_dispose;
  signals[CHANGED] = g_signal_new ("changed", CPD_TYPE_NETWORK, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 1, G_TYPE_BOOLEAN);
}

static void
cpd_network_init (CpdNetwork *network)
{
}

/* Routes that no connection of the service takes come and go with every container: to link-local
 * addresses, and for multicast. */
static gboolean
is_minor (const struct nlmsghdr *message)
{
  const struct rtmsg *route = NLMSG_DATA (message);
  int left = (int)RTM_PAYLOAD (message);

  for (const struct rtattr *attribute = RTM_RTA (route); RTA_OK (attribute, left);
       attribute = RTA_NEXT (attribute, left))
    if (attribute->rta_type == RTA_DST && route->rtm_family == AF_INET6
        && RTA_PAYLOAD (attribute) == sizeof (struct in6_addr))
      {
        const struct in6_addr *to = RTA_DATA (attribute);

        return IN6_IS_ADDR_LINKLOCAL (to) || IN6_IS_ADDR_MULTICAST (to);
      }
  return FALSE;
}

/* Routes of IPv4 that go with their interface are not told. One that is deleted goes down first. Of
 * a new interface, every flag is said to have changed. */
static gboolean
went_down (const struct nlmsghdr *message)
{
  const struct ifinfomsg *link = NLMSG_DATA (message);

  return link->ifi_change != G_MAXUINT32 && (link->ifi_change & IFF_UP) != 0
         && (link->ifi_flags & IFF_UP) == 0;
}

static gboolean
is_link_local (const struct nlmsghdr *message)
{
  const struct ifaddrmsg *address = NLMSG_DATA (message);

  return address->ifa_scope == RT_SCOPE_LINK;
}

static gboolean
has_room_for (const struct nlmsghdr *message, gsize size)
{
  return message->nlmsg_len >= NLMSG_LENGTH (size);
}

static News
read_message (const struct nlmsghdr *message)
{
  switch (message->nlmsg_type)
    {
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return has_room_for (message, sizeof (struct rtmsg)) && !is_minor (message) ? NEWS_CHANGED
                                                                                  : NEWS_NONE;
    case RTM_DELADDR:
      return has_room_for (message, sizeof (struct ifaddrmsg)) && !is_link_local (message)
                 ? NEWS_LOST
                 : NEWS_NONE;
    case RTM_NEWLINK:
      return has_room_for (message, sizeof (struct ifinfomsg)) && went_down (message) ? NEWS_LOST
                                                                                      : NEWS_NONE;
    default:
      return NEWS_NONE;
    }
}

/* Only the kernel's: a message from a program is no news. */
static News
read_datagram (const char *bytes, unsigned int length, const struct sockaddr_nl *sender)
{
  News news = NEWS_NONE;

  if (sender->nl_pid != 0)
    return NEWS_NONE;
  for (const struct nlmsghdr *message = (const struct nlmsghdr *)bytes; NLMSG_OK (message, length);
       message = NLMSG_NEXT (message, length))
    news = MAX (news, read_message (message));
  return news;
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer user_data)
{
  g_autoptr (CpdNetwork) network = g_object_ref (user_data);
  char buffer[BUFFER_BYTES] __attribute__ ((aligned (NLMSG_ALIGNTO)));
  News news = NEWS_NONE;

  for (unsigned int i = 0; i < READS_MAX; i++)
    {
      struct sockaddr_nl sender = { 0 };
      socklen_t sender_length = sizeof sender;
      ssize_t length = recvfrom (fd, buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC,
                                 (struct sockaddr *)&sender, &sender_length);

      if (length < 0 && errno == EAGAIN)
        break;
      if (length < 0 || (gsize)length > sizeof buffer) /* messages were lost */
        news = NEWS_LOST;
      else
        news = MAX (news, read_datagram (buffer, (unsigned int)length, &sender));
    }
  if (news != NEWS_NONE)
    g_signal_emit (network, signals[CHANGED], 0, news == NEWS_LOST);
  return G_SOURCE_CONTINUE;
}

/* Where the kernel does not tell, changes are never emitted: connections that they end are then
 * found dead when they are used. */
CpdNetwork *
cpd_network_new (void)
{
  const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = GROUPS };
  CpdNetwork *network = g_object_new (CPD_TYPE_NETWORK, NULL);

  network->fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (network->fd >= 0
      && bind (network->fd, (const struct sockaddr *)&address, sizeof address) == 0)
    network->source = g_unix_fd_add (network->fd, G_IO_IN, on_readable, network);
  return network;
}
