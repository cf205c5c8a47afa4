/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/transport/cpd-tls.h"
#include "tests/lib/test-pki.h"

#include <gnutls/gnutls.h>

G_BEGIN_DECLS

/* A client and a server that is GnuTLS, too, on the two ends of one pair. */
typedef struct
{
  TestIdentity *root;
  TestIdentity *leaf;
  gnutls_certificate_credentials_t credentials;
  gnutls_datum_t ticket_key;
  int client_fd;
  int fd; /* the server's; -1: closed */
  gnutls_session_t server;
  CpdTls *tls;
} TlsFixture;

/* What the server is like. */
typedef struct
{
  const char *priority;
  const char *protocol;       /* that it insists on; NULL: any */
  const char *const *offered; /* by the client; NULL: none */
} TlsServer;

void tls_set_up (TlsFixture *f, gconstpointer server);
void tls_tear_down (TlsFixture *f, gconstpointer server);
void tls_connect_both (TlsFixture *f, const TlsServer *server);
void tls_disconnect_both (TlsFixture *f);
gboolean tls_shake_hands (TlsFixture *f, GError **error);
void tls_assert_shakes_hands (TlsFixture *f);

G_END_DECLS
