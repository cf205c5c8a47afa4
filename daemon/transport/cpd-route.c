/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which way packets would leave this machine. To connect a datagram socket is a look-up in the
 * kernel's tables, under all rules that hold for this process: nothing is sent, and nothing blocks.
 * To bind one would tell more, but the unit's sandbox forbids it. */

#include "config.h"

#include "daemon/transport/cpd-route.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* Somewhere far away: the root server A of the domain name system. */
#define FAR_V4   "198.41.0.4"
#define FAR_V6   "2001:503:ba3e::2:30"
#define ANY_PORT 53

static void
set_address (CpdRouteEnd *address, GSocketAddress *from)
{
  address->length = (socklen_t)g_socket_address_get_native_size (from);
  g_socket_address_to_native (from, &address->bytes, sizeof address->bytes, NULL);
}

/* A kernel without the family has no route of it; one without memory says nothing about routes. */
static gboolean
is_about_routes (int number)
{
  return number != EMFILE && number != ENFILE && number != ENOMEM && number != ENOBUFS
         && number != EAGAIN;
}

/* `source`: (out) (optional): the address that the packets would come from.
 * Returns: whether there is a route; TRUE if that cannot be found out */
static gboolean
look_up (const CpdRouteEnd *destination, CpdRouteEnd *source)
{
  int fd = socket (destination->bytes.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  gboolean found
      = fd >= 0
        && connect (fd, (const struct sockaddr *)&destination->bytes, destination->length) == 0;

  if (!found)
    found = !is_about_routes (errno);
  if (source != NULL)
    {
      source->length = sizeof source->bytes;
      if (fd < 0 || getsockname (fd, (struct sockaddr *)&source->bytes, &source->length) != 0)
        source->length = 0;
    }
  if (fd >= 0)
    close (fd);
  return found;
}

gboolean
cpd_route_exists (GSocketAddress *destination)
{
  CpdRouteEnd address = { 0 };

  set_address (&address, destination);
  return look_up (&address, /* source= */ NULL);
}

static gboolean
leads_far (const char *text)
{
  g_autoptr (GSocketAddress) far = g_inet_socket_address_new_from_string (text, ANY_PORT);

  return cpd_route_exists (far);
}

/* Whether this machine has no network: neither a route to where it failed to connect, nor one to
 * anywhere else. `destination`: (nullable): NULL: its address could not even be found */
gboolean
cpd_route_is_offline (GSocketAddress *destination)
{
  return (destination == NULL || !cpd_route_exists (destination)) && !leads_far (FAR_V4)
         && !leads_far (FAR_V6);
}

static gboolean
is_same_host (const CpdRouteEnd *a, const CpdRouteEnd *b)
{
  const struct sockaddr_in *a4 = (const struct sockaddr_in *)&a->bytes;
  const struct sockaddr_in *b4 = (const struct sockaddr_in *)&b->bytes;
  const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)&a->bytes;
  const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)&b->bytes;

  if (a->bytes.ss_family != b->bytes.ss_family)
    return FALSE;
  return a->bytes.ss_family == AF_INET ? a4->sin_addr.s_addr == b4->sin_addr.s_addr
                                       : IN6_ARE_ADDR_EQUAL (&a6->sin6_addr, &b6->sin6_addr);
}

/* Packets to an address of this machine come from that address, and packets to another's do not. */
static gboolean
is_of_this_machine (const CpdRouteEnd *address)
{
  CpdRouteEnd source = { 0 };

  return look_up (address, &source) && (source.length == 0 || is_same_host (address, &source));
}

/* `socket`: connected. Returns: FALSE with errno set: it is no longer */
gboolean
cpd_route_find_ends (int socket, CpdRouteEnds *ends)
{
  ends->local.length = sizeof ends->local.bytes;
  ends->remote.length = sizeof ends->remote.bytes;
  return getsockname (socket, (struct sockaddr *)&ends->local.bytes, &ends->local.length) == 0
         && getpeername (socket, (struct sockaddr *)&ends->remote.bytes, &ends->remote.length) == 0;
}

/* Whether a connection can no longer work: its address has gone from this machine, or no route is
 * left to the other end. TCP itself would wait for both to come back. */
gboolean
cpd_route_is_lost (const CpdRouteEnds *ends)
{
  if (ends->local.bytes.ss_family != AF_INET && ends->local.bytes.ss_family != AF_INET6)
    return FALSE;
  return !is_of_this_machine (&ends->local) || !look_up (&ends->remote, /* source= */ NULL);
}
