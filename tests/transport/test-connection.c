/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves which connections a request may go over as to what their server says before it is asked,
 * and that GnuTLS is not asked where nothing has arrived. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/transport/cpd-connection.h"
#include "tests/lib/test-core.h"
#include "tls-fixture.h"

#include <sys/ioctl.h>
#include <unistd.h>

static const TlsServer usual = { .priority = "NORMAL" };
static const TlsServer tls_1_2 = { .priority = "NORMAL:-VERS-ALL:+VERS-TLS1.2" };

/* So many tickets wait, if there are any in this version of TLS. */
#define TICKETS 5

typedef struct
{
  TlsFixture tls;
  CpdConnection *connection;
} Fixture;

/* How often GnuTLS was asked for data of the client; the linker puts this in its place. */
static unsigned int asked;

ssize_t __real_gnutls_record_recv (gnutls_session_t session, void *data, size_t size);
ssize_t __wrap_gnutls_record_recv (gnutls_session_t session, void *data, size_t size);

ssize_t
__wrap_gnutls_record_recv (gnutls_session_t session, void *data, size_t size)
{
  asked++;
  return __real_gnutls_record_recv (session, data, size);
}

static void
send_tickets (Fixture *f, unsigned int count)
{
  if (gnutls_protocol_get_version (f->tls.server) != GNUTLS_TLS1_3)
    return;
  for (unsigned int i = 0; i < count; i++)
    g_assert_cmpint (gnutls_session_ticket_send (f->tls.server, 1, 0), ==, GNUTLS_E_SUCCESS);
}

static void
set_up (Fixture *f, gconstpointer server)
{
  g_autoptr (CpdHost) host = test_host ("h.example");

  tls_set_up (&f->tls, server);
  tls_assert_shakes_hands (&f->tls);
  f->connection = cpd_connection_new (g_steal_pointer (&f->tls.tls), host);
  send_tickets (f, TICKETS);
}

static void
tear_down (Fixture *f, gconstpointer server)
{
  cpd_connection_free (f->connection);
  tls_tear_down (&f->tls, server);
}

static void
assert_silent (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (cpd_connection_is_silent (f->connection, &error));
  g_assert_no_error (error);
}

static void
assert_spoken (Fixture *f, GQuark domain, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (cpd_connection_is_silent (f->connection, &error));
  g_assert_error (error, domain, code);
}

static void
test_silent (Fixture *f, gconstpointer server)
{
  int left;

  assert_silent (f);
  g_assert_no_errno (ioctl (f->tls.client_fd, FIONREAD, &left));
  g_assert_cmpint (left, ==, 0); /* all tickets were read */
  asked = 0;
  assert_silent (f);
  g_assert_cmpuint (asked, ==, 0);
}

static void
test_closed (Fixture *f, gconstpointer server)
{
  gnutls_bye (f->tls.server, GNUTLS_SHUT_WR);
  assert_spoken (f, G_TLS_ERROR, G_TLS_ERROR_EOF);
}

static void
test_cut (Fixture *f, gconstpointer server)
{
  close (f->tls.fd);
  f->tls.fd = -1;
  assert_spoken (f, G_TLS_ERROR, G_TLS_ERROR_EOF);
}

static void
test_alert (Fixture *f, gconstpointer server)
{
  gnutls_alert_send (f->tls.server, GNUTLS_AL_FATAL, GNUTLS_A_CERTIFICATE_REQUIRED);
  assert_spoken (f, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE);
}

static void
test_data (Fixture *f, gconstpointer server)
{
  g_assert_cmpint (gnutls_record_send (f->tls.server, "x", 1), ==, 1);
  assert_spoken (f, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR);
}

/* What GnuTLS has taken from the socket already. */
static void
test_data_read_already (Fixture *f, gconstpointer server)
{
  char byte;

  g_assert_cmpint (gnutls_record_send (f->tls.server, "xy", 2), ==, 2);
  while (cpd_tls_receive (f->connection->tls, &byte, sizeof byte, NULL) != 1) /* but a ticket */
    ;
  assert_spoken (f, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR);
}

static void
test_tickets_without_end (Fixture *f, gconstpointer server)
{
  send_tickets (f, 100);
  assert_spoken (f, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR);
}

#define ADD(name, server, function)                                                                \
  g_test_add ("/transport/connection/" name, Fixture, server, set_up, function, tear_down)
#define ADD_BOTH(name, function)                                                                   \
  ADD (name "/1.3", &usual, function);                                                             \
  ADD (name "/1.2", &tls_1_2, function)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD_BOTH ("silent", test_silent);
  ADD_BOTH ("closed", test_closed);
  ADD_BOTH ("cut", test_cut);
  ADD_BOTH ("alert", test_alert);
  ADD_BOTH ("data", test_data);
  ADD_BOTH ("data-read-already", test_data_read_already);
  ADD ("tickets-without-end", &usual, test_tickets_without_end);
  return g_test_run ();
}
