/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See the header. */

#include "config.h"

#include "tls-fixture.h"

#include <sys/socket.h>
#include <unistd.h>

static void
use_identity (TlsFixture *f)
{
  gnutls_x509_crt_t chain[] = { test_identity_get_crt (f->leaf), test_identity_get_crt (f->root) };

  gnutls_certificate_allocate_credentials (&f->credentials);
  g_assert_cmpint (gnutls_certificate_set_x509_key (f->credentials, chain, G_N_ELEMENTS (chain),
                                                    test_identity_get_privkey (f->leaf)),
                   >=, 0);
}

/* A client and a server on the two ends of one pair. */
void
tls_connect_both (TlsFixture *f, const TlsServer *server)
{
  int fds[2];

  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
  f->client_fd = fds[0];
  f->fd = fds[1];
  f->tls = cpd_tls_new (fds[0], "h.example", server->offered);
  gnutls_init (&f->server, GNUTLS_SERVER | GNUTLS_NONBLOCK);
  g_assert_cmpint (gnutls_priority_set_direct (f->server, server->priority, NULL), ==, 0);
  gnutls_credentials_set (f->server, GNUTLS_CRD_CERTIFICATE, f->credentials);
  gnutls_session_ticket_enable_server (f->server, &f->ticket_key);
  gnutls_transport_set_int (f->server, f->fd);
  if (server->protocol != NULL)
    {
      const gnutls_datum_t protocol
          = { (unsigned char *)server->protocol, (unsigned int)strlen (server->protocol) };

      gnutls_alpn_set_protocols (f->server, &protocol, 1, GNUTLS_ALPN_MANDATORY);
    }
}

void
tls_disconnect_both (TlsFixture *f)
{
  g_clear_pointer (&f->tls, cpd_tls_free);
  gnutls_deinit (f->server);
  if (f->fd != -1)
    close (f->fd);
}

void
tls_set_up (TlsFixture *f, gconstpointer user_data)
{
  f->root = TEST_IDENTITY (.subject = "root", .is_ca = TRUE);
  f->leaf = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->root);
  use_identity (f);
  gnutls_session_ticket_key_generate (&f->ticket_key);
  tls_connect_both (f, user_data);
}

void
tls_tear_down (TlsFixture *f, gconstpointer user_data)
{
  tls_disconnect_both (f);
  gnutls_certificate_free_credentials (f->credentials);
  gnutls_free (f->ticket_key.data);
  test_identity_unref (f->leaf);
  test_identity_unref (f->root);
}

static gboolean
serve_handshake (TlsFixture *f)
{
  int code = gnutls_handshake (f->server);

  if (gnutls_error_is_fatal (code))
    gnutls_alert_send_appropriate (f->server, code);
  return code == GNUTLS_E_SUCCESS;
}

/* Both go on until the client is done. Returns: whether the handshake is complete */
gboolean
tls_shake_hands (TlsFixture *f, GError **error)
{
  gboolean served = FALSE;

  for (;;)
    {
      g_autoptr (GError) reason = NULL;
      GIOCondition waits_for = 0;
      gboolean done = cpd_tls_handshake (f->tls, &waits_for, &reason);

      if (!g_error_matches (reason, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) && (!done || served))
        {
          if (reason != NULL)
            g_propagate_error (error, g_steal_pointer (&reason));
          return done;
        }
      served = served || serve_handshake (f);
      if (done && served)
        return TRUE;
    }
}

void
tls_assert_shakes_hands (TlsFixture *f)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (tls_shake_hands (f, &error));
  g_assert_no_error (error);
}
