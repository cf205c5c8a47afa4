/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>
#include <gnutls/x509.h>

G_BEGIN_DECLS

/* A TLS server on 127.0.0.1, in threads of its own, which presents any chain: it has a key of the
 * right kind, but not the right one, unless it has one for the chain. */
typedef struct _ChainServer ChainServer;

ChainServer *chain_server_new (void);
void chain_server_free (ChainServer *server);

guint16 chain_server_get_port (ChainServer *server);
gboolean chain_server_present (ChainServer *server, GPtrArray *ders, gnutls_x509_privkey_t key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ChainServer, chain_server_free)

G_END_DECLS
