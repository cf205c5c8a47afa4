/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A TLS connection that libsoup makes: what libsoup leaves to be set, and to be asked. */
void cpd_connection_set_up (GTlsConnection *connection);
GSocket *cpd_connection_get_socket (GTlsConnection *connection);
gboolean cpd_connection_speaks_unasked (GTlsConnection *connection);

G_END_DECLS
