/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

gboolean cpd_route_exists (GSocketAddress *destination);
gboolean cpd_route_is_offline (GSocketAddress *destination);
gboolean cpd_route_is_lost (int socket);

G_END_DECLS
