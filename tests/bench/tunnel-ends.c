/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Both ends of the benchmark of tunnels: a TLS server, and a client that reaches it over TLS of its
 * own or through a descriptor.
 *
 * usage: tunnel-ends serve PEM              prints its port
 *        tunnel-ends direct PORT WHAT N     prints seconds
 *        tunnel-ends tunnel FD WHAT N
 *
 * WHAT is down or up, N being MiB, or ping, N being the number of messages of 64 bytes to and
 * fro. */

#include "config.h"

#include <arpa/inet.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <gnutls/gnutls.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MIB         (1024 * 1024)
#define PIECE_BYTES (128 * 1024)
#define PING_BYTES  64

/* What the client asks for: one of d, u, p, and the number. */
typedef struct
{
  guint64 what, count;
} Wish;

typedef struct
{
  gnutls_session_t session; /* NULL: plaintext */
  int fd;
} End;

static gssize
end_read (End *end, void *buffer, gsize size)
{
  gssize length;

  do
    length = end->session != NULL ? gnutls_record_recv (end->session, buffer, size)
                                  : read (end->fd, buffer, size);
  while (length == GNUTLS_E_AGAIN && end->session != NULL);
  g_assert_cmpint (length, >=, 0);
  return length;
}

static void
end_write (End *end, const guint8 *bytes, gsize size)
{
  while (size > 0)
    {
      gssize length = end->session != NULL ? gnutls_record_send (end->session, bytes, size)
                                           : write (end->fd, bytes, size);

      g_assert_cmpint (length, >, 0);
      bytes += length;
      size -= (gsize)length;
    }
}

static void
end_read_all (End *end, void *buffer, gsize size)
{
  for (gsize done = 0; done < size;)
    {
      gssize length = end_read (end, (guint8 *)buffer + done, size - done);

      g_assert_cmpint (length, >, 0);
      done += (gsize)length;
    }
}

static void
end_finish (End *end)
{
  if (end->session != NULL)
    gnutls_bye (end->session, GNUTLS_SHUT_WR);
  else
    shutdown (end->fd, SHUT_WR);
}

static void
end_send_much (End *end, guint64 mib)
{
  static guint8 piece[PIECE_BYTES];

  for (guint64 left = mib * MIB; left > 0; left -= PIECE_BYTES)
    end_write (end, piece, PIECE_BYTES);
  end_finish (end);
}

static guint64
end_count (End *end)
{
  g_autofree guint8 *piece = g_malloc (PIECE_BYTES);
  guint64 count = 0;
  gssize length;

  while ((length = end_read (end, piece, PIECE_BYTES)) > 0)
    count += (guint64)length;
  return count;
}

static gpointer
serve_one (gpointer data)
{
  End *end = data;
  guint8 ping[PING_BYTES];
  Wish wish;
  int code;

  while ((code = gnutls_handshake (end->session)) < 0)
    g_assert_false (gnutls_error_is_fatal (code));
  end_read_all (end, &wish, sizeof wish);
  if (wish.what == 'd')
    end_send_much (end, wish.count);
  else if (wish.what == 'u')
    {
      g_assert_cmpuint (end_count (end), ==, wish.count * MIB);
      end_write (end, ping, 1);
    }
  for (guint64 i = 0; wish.what == 'p' && i < wish.count; i++)
    {
      end_read_all (end, ping, sizeof ping);
      end_write (end, ping, sizeof ping);
    }
  end_finish (end);
  while (gnutls_record_recv (end->session, ping, sizeof ping) > 0)
    ; /* until the client has gone */
  g_close (end->fd, NULL);
  gnutls_deinit (end->session);
  g_free (end);
  return NULL;
}

static void
begin_tls (End *end, unsigned int flags, gnutls_certificate_credentials_t credentials)
{
  const int on = 1;

  setsockopt (end->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  gnutls_init (&end->session, flags);
  gnutls_set_default_priority (end->session);
  gnutls_credentials_set (end->session, GNUTLS_CRD_CERTIFICATE, credentials);
  gnutls_transport_set_int (end->session, end->fd);
}

static void
serve (const char *pem)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl (INADDR_LOOPBACK) } };
  socklen_t length = sizeof address;
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  gnutls_certificate_credentials_t credentials;

  gnutls_certificate_allocate_credentials (&credentials);
  g_assert_cmpint (
      gnutls_certificate_set_x509_key_file (credentials, pem, pem, GNUTLS_X509_FMT_PEM), >=, 0);
  g_assert_no_errno (bind (listener, (struct sockaddr *)&address, sizeof address));
  g_assert_no_errno (listen (listener, 16));
  g_assert_no_errno (getsockname (listener, (struct sockaddr *)&address, &length));
  g_print ("%d\n", ntohs (address.sin_port));
  for (;;)
    {
      End *end = g_new0 (End, 1);

      end->fd = accept (listener, NULL, NULL);
      g_assert_cmpint (end->fd, >=, 0);
      begin_tls (end, GNUTLS_SERVER, credentials);
      g_thread_unref (g_thread_new ("server", serve_one, end));
    }
}

static void
connect_directly (End *end, int port)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons ((guint16)port),
                                 .sin_addr = { htonl (INADDR_LOOPBACK) } };
  gnutls_certificate_credentials_t credentials;

  end->fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_no_errno (connect (end->fd, (struct sockaddr *)&address, sizeof address));
  gnutls_certificate_allocate_credentials (&credentials);
  begin_tls (end, GNUTLS_CLIENT, credentials);
  g_assert_cmpint (gnutls_handshake (end->session), ==, 0);
}

/* Returns: seconds */
static double
measure (End *end, Wish wish)
{
  gint64 began_us = g_get_monotonic_time ();
  guint8 ping[PING_BYTES] = { 0 };

  end_write (end, (const guint8 *)&wish, sizeof wish);
  if (wish.what == 'd')
    g_assert_cmpuint (end_count (end), ==, wish.count * MIB);
  else if (wish.what == 'u')
    {
      end_send_much (end, wish.count);
      end_read_all (end, ping, 1);
    }
  for (guint64 i = 0; wish.what == 'p' && i < wish.count; i++)
    {
      end_write (end, ping, sizeof ping);
      end_read_all (end, ping, sizeof ping);
    }
  return (double)(g_get_monotonic_time () - began_us) / 1e6;
}

int
main (int argc, char **argv)
{
  End end = { 0 };

  if (argc == 3)
    serve (argv[2]);
  if (argc != 5)
    return 2;
  if (strcmp (argv[1], "direct") == 0)
    connect_directly (&end, atoi (argv[2]));
  else
    end.fd = atoi (argv[2]);
  g_print ("%f\n", measure (&end, (Wish){ (guint64)argv[3][0], (guint64)atoll (argv[4]) }));
  return 0;
}
