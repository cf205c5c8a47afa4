/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A thread accepts, and each connection has one more. Every request is answered with 200 and no
 * body. */

#include "config.h"

#include "chain-server.h"

#include "daemon/core/trust/cpd-gnutls.h"

#include <glib-unix.h>
#include <sys/socket.h>

struct _ChainServer
{
  GSocket *socket;
  GThread *thread;
  GPtrArray *connections; /* of GThread, for the thread that accepts */
  GMutex mutex;
  gnutls_certificate_credentials_t credentials; /* of the chain that is presented now */
  GPtrArray *old;   /* of credentials that a connection may still have */
  GHashTable *keys; /* algorithm and bits → gnutls_x509_privkey_t */
};

/* One connection. */
typedef struct
{
  GSocket *socket;
  gnutls_certificate_credentials_t credentials;
} Accepted;

static void
answer_requests (gnutls_session_t session)
{
  static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  char buffer[16384];

  while (gnutls_record_recv (session, buffer, sizeof buffer) > 0
         && gnutls_record_send (session, answer, sizeof answer - 1) > 0)
    ;
}

static gpointer
talk (gpointer data)
{
  Accepted *accepted = data;
  gnutls_session_t session;
  int code;

  g_unix_set_fd_nonblocking (g_socket_get_fd (accepted->socket), FALSE, NULL);
  gnutls_init (&session, GNUTLS_SERVER | GNUTLS_NO_SIGNAL);
  gnutls_set_default_priority (session);
  gnutls_credentials_set (session, GNUTLS_CRD_CERTIFICATE, accepted->credentials);
  gnutls_transport_set_int (session, g_socket_get_fd (accepted->socket));
  do
    code = gnutls_handshake (session);
  while (code < 0 && !gnutls_error_is_fatal (code));
  if (code == GNUTLS_E_SUCCESS)
    answer_requests (session);
  gnutls_deinit (session);
  g_object_unref (accepted->socket);
  g_free (accepted);
  return NULL;
}

static gpointer
serve (gpointer data)
{
  ChainServer *server = data;
  GSocket *socket;

  while ((socket = g_socket_accept (server->socket, NULL, NULL)) != NULL)
    {
      Accepted *accepted = g_new0 (Accepted, 1);

      accepted->socket = socket;
      g_mutex_lock (&server->mutex);
      accepted->credentials = server->credentials;
      g_mutex_unlock (&server->mutex);
      g_ptr_array_add (server->connections, g_thread_new ("talk", talk, accepted));
    }
  return NULL;
}

ChainServer *
chain_server_new (void)
{
  ChainServer *server = g_new0 (ChainServer, 1);
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);

  server->socket
      = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
  g_socket_set_listen_backlog (server->socket, 200);
  g_assert_true (g_socket_bind (server->socket, address, FALSE, NULL));
  g_assert_true (g_socket_listen (server->socket, NULL));
  server->connections = g_ptr_array_new ();
  server->old = g_ptr_array_new ();
  server->keys = g_hash_table_new (g_direct_hash, g_direct_equal);
  gnutls_certificate_allocate_credentials (&server->credentials);
  server->thread = g_thread_new ("serve", serve, server);
  return server;
}

static void
free_key (gpointer key, gpointer value, gpointer user_data)
{
  gnutls_x509_privkey_deinit (value);
}

/* Its clients are gone. */
void
chain_server_free (ChainServer *server)
{
  shutdown (g_socket_get_fd (server->socket), SHUT_RDWR); /* the thread has the GSocket */
  g_thread_join (server->thread);
  for (unsigned int i = 0; i < server->connections->len; i++)
    g_thread_join (server->connections->pdata[i]);
  g_ptr_array_add (server->old, server->credentials);
  for (unsigned int i = 0; i < server->old->len; i++)
    gnutls_certificate_free_credentials (server->old->pdata[i]);
  g_hash_table_foreach (server->keys, free_key, NULL);
  g_hash_table_unref (server->keys);
  g_ptr_array_unref (server->old);
  g_ptr_array_unref (server->connections);
  g_object_unref (server->socket);
  g_free (server);
}

guint16
chain_server_get_port (ChainServer *server)
{
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (server->socket, NULL);

  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));
}

/* Returns: (transfer none) (nullable): a key of the kind that the certificate has */
static gnutls_x509_privkey_t
make_key (ChainServer *server, GBytes *der)
{
  g_auto (gnutls_x509_crt_t) crt = NULL;
  gsize length;
  const void *data = g_bytes_get_data (der, &length);
  const gnutls_datum_t datum = { (unsigned char *)data, (unsigned int)length };
  unsigned int bits = 0;
  int algorithm;
  gnutls_x509_privkey_t key;
  gpointer kind;

  gnutls_x509_crt_init (&crt);
  if (gnutls_x509_crt_import (crt, &datum, GNUTLS_X509_FMT_DER) < 0)
    return NULL;
  algorithm = gnutls_x509_crt_get_pk_algorithm (crt, &bits);
  if (algorithm == GNUTLS_PK_RSA || algorithm == GNUTLS_PK_RSA_PSS)
    bits = 2048;
  kind = GSIZE_TO_POINTER ((gsize)algorithm << 16 | bits);
  key = g_hash_table_lookup (server->keys, kind);
  if (key != NULL)
    return key;
  gnutls_x509_privkey_init (&key);
  if (algorithm < 0
      || gnutls_x509_privkey_generate (key, (gnutls_pk_algorithm_t)algorithm, bits, 0) < 0)
    g_clear_pointer (&key, gnutls_x509_privkey_deinit);
  else
    g_hash_table_insert (server->keys, kind, key);
  return key;
}

/* `certificates`: (out): as many as there are `ders`.
 * Returns: how many GnuTLS can read, from the first one on */
static unsigned int
import_certificates (GPtrArray *ders, gnutls_pcert_st *certificates)
{
  for (unsigned int i = 0; i < ders->len; i++)
    {
      gsize length;
      const void *data = g_bytes_get_data (ders->pdata[i], &length);
      const gnutls_datum_t datum = { (unsigned char *)data, (unsigned int)length };

      if (gnutls_pcert_import_x509_raw (&certificates[i], &datum, GNUTLS_X509_FMT_DER, 0) < 0)
        return i;
    }
  return ders->len;
}

/* Returns: (transfer full) (nullable) */
static gnutls_certificate_credentials_t
make_credentials (GPtrArray *ders, gnutls_x509_privkey_t key)
{
  gnutls_certificate_credentials_t credentials;
  g_autofree gnutls_pcert_st *certificates = g_new0 (gnutls_pcert_st, ders->len);
  unsigned int count = import_certificates (ders, certificates);
  gnutls_privkey_t abstract;

  gnutls_certificate_allocate_credentials (&credentials);
  gnutls_certificate_set_flags (credentials, GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
  gnutls_privkey_init (&abstract);
  gnutls_privkey_import_x509 (abstract, key, GNUTLS_PRIVKEY_IMPORT_COPY);
  if (count == ders->len
      && gnutls_certificate_set_key (credentials, NULL, 0, certificates, (int)count, abstract) >= 0)
    return credentials; /* which own the rest now */
  for (unsigned int i = 0; i < count; i++)
    gnutls_pcert_deinit (&certificates[i]);
  gnutls_privkey_deinit (abstract);
  gnutls_certificate_free_credentials (credentials);
  return NULL;
}

/* `ders`: of GBytes: a chain, to be presented from now on. `key`: (nullable): of its first
 * certificate, in PEM.
 * Returns: whether GnuTLS can present it at all */
gboolean
chain_server_present (ChainServer *server, GPtrArray *ders, gnutls_x509_privkey_t key)
{
  gnutls_certificate_credentials_t credentials = NULL;

  if (key == NULL && ders->len > 0)
    key = make_key (server, ders->pdata[0]);
  if (key != NULL)
    credentials = make_credentials (ders, key);
  if (credentials == NULL)
    return FALSE;
  g_mutex_lock (&server->mutex);
  g_ptr_array_add (server->old, server->credentials);
  server->credentials = credentials;
  g_mutex_unlock (&server->mutex);
  return TRUE;
}
