/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The sockets under the connections of one channel, by libsoup's numbers of those. */
typedef struct _CpdSockets CpdSockets;

CpdSockets *cpd_sockets_new (void);
CpdSockets *cpd_sockets_ref (CpdSockets *sockets);
void cpd_sockets_unref (CpdSockets *sockets);

void cpd_sockets_add (CpdSockets *sockets, guint64 connection_id, GSocket *socket);
gboolean cpd_sockets_cut (CpdSockets *sockets, guint64 connection_id);
void cpd_sockets_cut_all (CpdSockets *sockets);

G_END_DECLS
