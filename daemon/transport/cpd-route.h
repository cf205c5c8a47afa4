/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>
#include <sys/socket.h>

G_BEGIN_DECLS

typedef struct
{
  struct sockaddr_storage bytes;
  socklen_t length;
} CpdRouteEnd;

/* Those of a connection. */
typedef struct
{
  CpdRouteEnd local, remote;
} CpdRouteEnds;

gboolean cpd_route_exists (GSocketAddress *destination);
gboolean cpd_route_is_offline (GSocketAddress *destination);
gboolean cpd_route_find_ends (int socket, CpdRouteEnds *ends);
gboolean cpd_route_is_lost (const CpdRouteEnds *ends);

G_END_DECLS
