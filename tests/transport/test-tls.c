/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves how one TLS connection behaves towards a server that is GnuTLS, too: what it accepts, what
 * it takes from the socket in one iteration of the main loop, and how it ends. */

#include "config.h"

#include "tests/lib/test-loop.h"
#include "tls-fixture.h"

#include <gnutls/abstract.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define USUAL "NORMAL"

static const TlsServer usual = { .priority = USUAL };
static const TlsServer tls_1_2 = { .priority = USUAL ":-VERS-ALL:+VERS-TLS1.2" };
static const TlsServer tls_1_1
    = { .priority = USUAL ":-VERS-ALL:+VERS-TLS1.1:+SHA1:%VERIFY_ALLOW_BROKEN" };
static const char *const http_1[] = { "http/1.1", NULL };
static const char *const mail[] = { "imap", "pop3", NULL };
static const TlsServer http_2 = { .priority = USUAL, .protocol = "h2", .offered = http_1 };
static const TlsServer speaks_http
    = { .priority = USUAL, .protocol = "http/1.1", .offered = http_1 };
static const TlsServer speaks_pop3 = { .priority = USUAL, .protocol = "pop3", .offered = mail };
static const TlsServer speaks_none = { .priority = USUAL, .offered = mail };
static const TlsServer asks_unasked = { .priority = USUAL, .protocol = "pop3" };

/* By RSA, with which the client encrypts at once. */
static const TlsServer encrypted = { .priority = USUAL ":-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA" };

/* As much as the pair takes. Returns: how much that was */
static gsize
serve (TlsFixture *f, gsize count)
{
  g_autofree char *bytes = g_malloc0 (count);
  gsize sent = 0;
  ssize_t length;

  while (sent < count && (length = gnutls_record_send (f->server, bytes + sent, count - sent)) > 0)
    sent += (gsize)length;
  return sent;
}

static void
assert_receives_nothing (TlsFixture *f)
{
  g_autoptr (GError) error = NULL;
  char byte;

  g_assert_cmpint (cpd_tls_receive (f->tls, &byte, sizeof byte, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
}

/* TLS 1.3 sends some behind its handshake, and GnuTLS gives the main loop back after each. */
static void
drain_tickets (TlsFixture *f)
{
  int left = 0;

  do
    {
      assert_receives_nothing (f);
      g_assert_no_errno (ioctl (f->client_fd, FIONREAD, &left));
    }
  while (left > 0);
}

static void
test_handshake (TlsFixture *f, gconstpointer user_data)
{
  GPtrArray *presented;

  tls_assert_shakes_hands (f);
  presented = cpd_tls_get_presented (f->tls);
  g_assert_cmpuint (presented->len, ==, 2);
  g_assert_true (g_bytes_equal (presented->pdata[0], test_identity_get_certificate (f->leaf)));
  g_assert_true (g_bytes_equal (presented->pdata[1], test_identity_get_certificate (f->root)));
  g_assert_cmpstr (cpd_tls_get_version (f->tls), ==, user_data == &tls_1_2 ? "1.2" : "1.3");
  g_assert_nonnull (cpd_tls_get_cipher (f->tls));
  assert_receives_nothing (f);
}

/* The server is told the name. */
static void
test_asks_for_the_host (TlsFixture *f, gconstpointer user_data)
{
  char name[64];
  size_t length = sizeof name;
  unsigned int type;

  tls_assert_shakes_hands (f);
  g_assert_cmpint (gnutls_server_name_get (f->server, name, &length, &type, 0), ==, 0);
  g_assert_cmpstr (name, ==, "h.example");
}

static void
test_refused (TlsFixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (tls_shake_hands (f, &error));
  g_assert_nonnull (error);
  g_assert_true (error->domain == G_TLS_ERROR);
  g_test_message ("%s", error->message);
}

/* RFC 7301: a server may also choose none. */
static void
test_chooses (TlsFixture *f, gconstpointer user_data)
{
  const TlsServer *server = user_data;
  g_autofree char *chosen = NULL;

  tls_assert_shakes_hands (f);
  chosen = cpd_tls_dup_protocol (f->tls);
  g_assert_cmpstr (chosen, ==, server->protocol);
}

/* A server that insists on a protocol takes a client that offers none. */
static void
test_offers_none (TlsFixture *f, gconstpointer user_data)
{
  gnutls_datum_t chosen;

  tls_assert_shakes_hands (f);
  g_assert_cmpint (gnutls_alpn_get_selected_protocol (f->server, &chosen), !=, 0);
}

/* Though the server hands out tickets, and would take them. */
static void
test_never_resumes (TlsFixture *f, gconstpointer user_data)
{
  for (int i = 0; i < 3; i++)
    {
      tls_assert_shakes_hands (f);
      assert_receives_nothing (f);
      g_assert_false (gnutls_session_is_resumed (f->server));
      tls_disconnect_both (f);
      tls_connect_both (f, user_data);
    }
}

/* What one iteration of the main loop read. */
typedef struct
{
  TlsFixture *f;
  gsize reads[8];
  unsigned int iterations;
} Reads;

/* Reads until there seems to be nothing more. */
static void
read_all (gpointer user_data)
{
  Reads *reads = user_data;
  g_autoptr (GError) error = NULL;
  char buffer[1000];
  gssize length;

  g_assert_cmpuint (reads->iterations, <, G_N_ELEMENTS (reads->reads));
  while ((length = cpd_tls_receive (reads->f->tls, buffer, sizeof buffer, &error)) > 0)
    reads->reads[reads->iterations] += (gsize)length;
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  reads->iterations++;
}

static void
test_shares (TlsFixture *f, gconstpointer user_data)
{
  Reads reads = { .f = f };
  gsize sent, read = 0;

  tls_assert_shakes_hands (f);
  sent = serve (f, 3 * CPD_TLS_SHARE_BYTES);
  g_assert_cmpuint (sent, ==, 3 * CPD_TLS_SHARE_BYTES);
  cpd_tls_watch (f->tls, G_IO_IN, read_all, &reads);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (reads.iterations, >=, 4); /* a record has more bytes than its data */
  for (unsigned int i = 0; i < reads.iterations; i++)
    {
      g_assert_cmpuint (reads.reads[i], <=, CPD_TLS_SHARE_BYTES);
      read += reads.reads[i];
    }
  g_assert_cmpuint (read, ==, sent);
}

/* However many there are, one iteration takes some of them and gives the main loop back. */
static void
test_tickets (TlsFixture *f, gconstpointer user_data)
{
  int before, after;

  tls_assert_shakes_hands (f);
  assert_receives_nothing (f);
  while (gnutls_session_ticket_send (f->server, 1, 0) == GNUTLS_E_SUCCESS)
    ;
  g_assert_no_errno (ioctl (f->client_fd, FIONREAD, &before));
  assert_receives_nothing (f);
  g_assert_no_errno (ioctl (f->client_fd, FIONREAD, &after));
  g_assert_cmpint (before, >, CPD_TLS_SHARE_BYTES);
  g_assert_cmpint (before - after, >, 0);
  g_assert_cmpint (before - after, <=, CPD_TLS_SHARE_BYTES);
}

static void
count_up (gpointer count)
{
  ++*(unsigned int *)count;
}

/* What GnuTLS has taken from the socket already. */
static void
test_tells_of_what_is_read_already (TlsFixture *f, gconstpointer user_data)
{
  unsigned int count = 0;
  char byte;

  tls_assert_shakes_hands (f);
  g_assert_cmpuint (serve (f, 2), ==, 2);
  while (cpd_tls_receive (f->tls, &byte, sizeof byte, NULL) != 1) /* but a ticket */
    ;
  cpd_tls_watch (f->tls, G_IO_IN, count_up, &count);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (count, ==, 1);
}

static void
test_not_watched (TlsFixture *f, gconstpointer user_data)
{
  unsigned int count = 0;

  tls_assert_shakes_hands (f);
  serve (f, 2);
  cpd_tls_watch (f->tls, G_IO_IN, count_up, &count);
  cpd_tls_watch (f->tls, 0, count_up, &count);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (count, ==, 0);
}

/* GLib does not poll the socket for nothing, and does so again. */
static void
test_watched_again (TlsFixture *f, gconstpointer user_data)
{
  unsigned int count = 0;

  tls_assert_shakes_hands (f);
  cpd_tls_watch (f->tls, G_IO_IN, count_up, &count);
  cpd_tls_watch (f->tls, 0, NULL, NULL);
  serve (f, 2);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_false (g_main_context_pending (NULL));
  cpd_tls_watch (f->tls, G_IO_IN, count_up, &count);
  while (count == 0)
    g_main_context_iteration (NULL, TRUE);
}

/* The server asks for new keys (RFC 8446, section 4.6.3), and the client reads that, whatever it
 * still has to send. */
static void
ask_for_keys (TlsFixture *f)
{
  if (gnutls_protocol_get_version (f->server) != GNUTLS_TLS1_3)
    return;
  g_assert_cmpint (gnutls_session_key_update (f->server, GNUTLS_KU_PEER), ==, GNUTLS_E_SUCCESS);
  assert_receives_nothing (f);
}

/* What the kernel was asked to send, and to keep for a moment. */
static unsigned int asked, kept;

ssize_t __real_sendmsg (int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg (int fd, const struct msghdr *message, int flags);

ssize_t
__wrap_sendmsg (int fd, const struct msghdr *message, int flags)
{
  asked++;
  kept += (flags & MSG_MORE) != 0;
  return __real_sendmsg (fd, message, flags);
}

/* Each of some records but the last says that more follows; or all are written at once. */
static void
test_sends_records_together (TlsFixture *f, gconstpointer user_data)
{
  g_autofree char *bytes = g_strnfill (40000, 'x');
  gsize received = 0;

  tls_assert_shakes_hands (f);
  for (int i = 0; i < 2; i++)
    {
      asked = kept = 0;
      if (i == 0)
        g_assert_cmpint (cpd_tls_send (f->tls, bytes, 40000, NULL), ==, 40000);
      else
        g_assert_true (cpd_tls_send_much (f->tls, (guint8 *)bytes, 40000, NULL));
      g_assert_cmpuint (asked, ==, i == 0 ? 3 : 0);
      g_assert_cmpuint (kept, ==, i == 0 ? 2 : 0);
      kept = 0;
      cpd_tls_send (f->tls, bytes, 1, NULL);
      g_assert_cmpuint (kept, ==, 0);
    }
  for (ssize_t length; (length = gnutls_record_recv (f->server, bytes, 40000)) > 0;)
    received += (gsize)length;
  g_assert_cmpuint (received, ==, 2 * 40001);
}

/* It goes on where it stood, and nothing is lost or doubled. */
static void
test_sends_what_is_taken (TlsFixture *f, gconstpointer user_data)
{
  g_autoptr (GByteArray) received = g_byte_array_new ();
  g_autofree char *bytes = g_malloc (1000 * 1000);
  gsize sent = 0;
  unsigned int blocked = 0;

  for (int i = 0; i < 1000 * 1000; i++)
    bytes[i] = (char)(i / 7);
  tls_assert_shakes_hands (f);
  while (received->len < 1000 * 1000)
    {
      g_autoptr (GError) error = NULL;
      char buffer[20000];
      ssize_t taken;
      gssize length;

      while (sent < 1000 * 1000
             && (length = cpd_tls_send (f->tls, bytes + sent, 1000 * 1000 - sent, &error)) >= 0)
        sent += (gsize)length;
      if (error != NULL)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
      blocked += error != NULL;
      cpd_tls_send (f->tls, NULL, 0, NULL);
      ask_for_keys (f);
      while ((taken = gnutls_record_recv (f->server, buffer, sizeof buffer)) > 0)
        g_byte_array_append (received, (guint8 *)buffer, (unsigned int)taken);
    }
  g_assert_cmpuint (blocked, >, 1);
  g_assert_cmpmem (received->data, received->len, bytes, 1000 * 1000);
}

static void
assert_receives_error (TlsFixture *f, int code)
{
  g_autoptr (GError) error = NULL;
  char byte;

  g_assert_cmpint (cpd_tls_receive (f->tls, &byte, sizeof byte, &error), ==, -1);
  g_assert_error (error, G_TLS_ERROR, code);
}

/* In TLS 1.2 a server may ask for another handshake. */
static void
test_second_handshake (TlsFixture *f, gconstpointer user_data)
{
  tls_assert_shakes_hands (f);
  g_assert_cmpint (gnutls_rehandshake (f->server), ==, GNUTLS_E_SUCCESS);
  assert_receives_error (f, G_TLS_ERROR_HANDSHAKE);
}

static void
test_alert (TlsFixture *f, gconstpointer user_data)
{
  tls_assert_shakes_hands (f);
  drain_tickets (f);
  gnutls_alert_send (f->server, GNUTLS_AL_FATAL, GNUTLS_A_CERTIFICATE_REQUIRED);
  assert_receives_error (f, G_TLS_ERROR_HANDSHAKE);
}

/* TLS tells an end that the server meant from one that anybody may have made. */
static void
test_ends (TlsFixture *f, gconstpointer user_data)
{
  char byte;

  tls_assert_shakes_hands (f);
  drain_tickets (f);
  gnutls_bye (f->server, GNUTLS_SHUT_WR);
  g_assert_cmpint (cpd_tls_receive (f->tls, &byte, sizeof byte, NULL), ==, 0);
  tls_disconnect_both (f);
  tls_connect_both (f, user_data);
  tls_assert_shakes_hands (f);
  drain_tickets (f);
  close (f->fd);
  f->fd = -1;
  assert_receives_error (f, G_TLS_ERROR_EOF);
}

/* Wherever in a record. */
static void
test_cut_in_a_record (TlsFixture *f, gconstpointer user_data)
{
  static const char record[] = "\x17\x03\x03\x01\x00"
                               "data";

  for (size_t length = 1; length < sizeof record; length++)
    {
      tls_assert_shakes_hands (f);
      drain_tickets (f);
      g_assert_cmpint (write (f->fd, record, length), ==, length);
      assert_receives_nothing (f);
      close (f->fd);
      f->fd = -1;
      assert_receives_error (f, G_TLS_ERROR_EOF);
      tls_disconnect_both (f);
      tls_connect_both (f, user_data);
    }
}

static void
test_closes (TlsFixture *f, gconstpointer user_data)
{
  char byte;

  tls_assert_shakes_hands (f);
  cpd_tls_close (f->tls);
  g_assert_cmpint (gnutls_record_recv (f->server, &byte, sizeof byte), ==, 0);
}

static void
test_cuts (TlsFixture *f, gconstpointer user_data)
{
  unsigned int count = 0;
  ssize_t length;
  char byte;

  tls_assert_shakes_hands (f);
  cpd_tls_watch (f->tls, G_IO_IN, count_up, &count);
  cpd_tls_cut (f->tls);
  length = gnutls_record_recv (f->server, &byte, sizeof byte);
  g_assert_true (length == GNUTLS_E_PREMATURE_TERMINATION || length == GNUTLS_E_PULL_ERROR);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (count, ==, 0);
}

static void
test_refuses (TlsFixture *f, gconstpointer user_data)
{
  char byte;

  tls_assert_shakes_hands (f);
  cpd_tls_refuse (f->tls);
  g_assert_cmpint (gnutls_record_recv (f->server, &byte, sizeof byte), ==,
                   GNUTLS_E_FATAL_ALERT_RECEIVED);
  g_assert_cmpint (gnutls_alert_get (f->server), ==, GNUTLS_A_BAD_CERTIFICATE);
}

/* Ones, so that no shortcut helps. */
static gnutls_datum_t
make_number (unsigned int bits)
{
  const gnutls_datum_t number = { g_malloc (bits / 8), bits / 8 };

  memset (number.data, 0xff, number.size);
  return number;
}

/* Returns: (transfer full): a certificate whose RSA key takes long */
static gnutls_x509_crt_t
make_slow_certificate (TlsFixture *f, unsigned int modulus_bits, unsigned int exponent_bits)
{
  gnutls_datum_t modulus = make_number (modulus_bits), exponent = make_number (exponent_bits);
  gnutls_pubkey_t key;
  gnutls_x509_crt_t certificate;

  gnutls_pubkey_init (&key);
  g_assert_cmpint (gnutls_pubkey_import_rsa_raw (key, &modulus, &exponent), >=, 0);
  gnutls_x509_crt_init (&certificate);
  gnutls_x509_crt_set_version (certificate, 3);
  gnutls_x509_crt_set_serial (certificate, "1", 1);
  gnutls_x509_crt_set_activation_time (certificate, TEST_PKI_NOW - 1000);
  gnutls_x509_crt_set_expiration_time (certificate, TEST_PKI_NOW + 1000);
  gnutls_x509_crt_set_dn (certificate, "CN=slow", NULL);
  g_assert_cmpint (gnutls_x509_crt_set_pubkey (certificate, key), >=, 0);
  g_assert_cmpint (gnutls_x509_crt_sign2 (certificate, test_identity_get_crt (f->root),
                                          test_identity_get_privkey (f->root), GNUTLS_DIG_SHA256,
                                          0),
                   >=, 0);
  gnutls_pubkey_deinit (key);
  g_free (modulus.data);
  g_free (exponent.data);
  return certificate;
}

/* From now on, with another key that it has. */
static void
present (TlsFixture *f, gnutls_x509_crt_t certificate)
{
  gnutls_x509_privkey_t key;

  gnutls_certificate_free_credentials (f->credentials);
  gnutls_certificate_allocate_credentials (&f->credentials);
  gnutls_certificate_set_flags (f->credentials, GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
  gnutls_x509_privkey_init (&key);
  gnutls_x509_privkey_generate (key, GNUTLS_PK_RSA, 2048, 0);
  g_assert_cmpint (gnutls_certificate_set_x509_key (f->credentials, &certificate, 1, key), >=, 0);
  gnutls_x509_privkey_deinit (key);
  gnutls_credentials_set (f->server, GNUTLS_CRD_CERTIFICATE, f->credentials);
}

typedef struct
{
  unsigned int modulus_bits, exponent_bits;
} Slow;

/* It is not used at all, and its certificate can still be judged. */
static void
assert_is_not_used (TlsFixture *f, const Slow *slow)
{
  gnutls_x509_crt_t certificate
      = make_slow_certificate (f, slow->modulus_bits, slow->exponent_bits);
  g_autoptr (GError) error = NULL;

  present (f, certificate);
  gnutls_x509_crt_deinit (certificate);
  g_assert_false (tls_shake_hands (f, &error));
  g_assert_error (error, G_TLS_ERROR, G_TLS_ERROR_MISC);
  g_assert_cmpint (gnutls_handshake_get_last_in (f->server), ==, GNUTLS_HANDSHAKE_CLIENT_HELLO);
  g_assert_cmpuint (cpd_tls_get_presented (f->tls)->len, ==, 1);
}

static void
test_slow_keys (TlsFixture *f, gconstpointer server)
{
  static const Slow slow[] = { { 8200, 24 }, { 4096, 72 }, { 16384, 16376 } };

  for (size_t i = 0; i < G_N_ELEMENTS (slow); i++)
    {
      assert_is_not_used (f, &slow[i]);
      tls_disconnect_both (f);
      tls_connect_both (f, server);
    }
}

#define ADD(name, server, function)                                                                \
  g_test_add ("/transport/tls/" name, TlsFixture, server, tls_set_up, function, tls_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("handshake/1.3", &usual, test_handshake);
  ADD ("handshake/1.2", &tls_1_2, test_handshake);
  ADD ("handshake/asks-for-the-host", &usual, test_asks_for_the_host);
  ADD ("handshake/1.1-is-refused", &tls_1_1, test_refused);
  ADD ("handshake/other-protocols-are-refused", &http_2, test_refused);
  ADD ("handshake/chooses-the-protocol/one", &speaks_http, test_chooses);
  ADD ("handshake/chooses-the-protocol/of-two", &speaks_pop3, test_chooses);
  ADD ("handshake/chooses-the-protocol/none", &speaks_none, test_chooses);
  ADD ("handshake/offers-no-protocol-unasked", &asks_unasked, test_offers_none);
  ADD ("handshake/never-resumes/1.3", &usual, test_never_resumes);
  ADD ("handshake/never-resumes/1.2", &tls_1_2, test_never_resumes);
  ADD ("handshake/no-second-one", &tls_1_2, test_second_handshake);
  ADD ("handshake/slow-keys", &encrypted, test_slow_keys);
  ADD ("reads/its-share", &usual, test_shares);
  ADD ("reads/no-tickets-without-end", &usual, test_tickets);
  ADD ("watch/tells-of-what-is-read-already", &usual, test_tells_of_what_is_read_already);
  ADD ("watch/not-what-is-not-watched", &usual, test_not_watched);
  ADD ("watch/again", &usual, test_watched_again);
  ADD ("sends/records-together", &usual, test_sends_records_together);
  ADD ("sends/what-is-taken/1.3", &usual, test_sends_what_is_taken);
  ADD ("sends/what-is-taken/1.2", &tls_1_2, test_sends_what_is_taken);
  ADD ("ends/told-from-cuts/1.3", &usual, test_ends);
  ADD ("ends/told-from-cuts/1.2", &tls_1_2, test_ends);
  ADD ("ends/cut-in-a-record/1.3", &usual, test_cut_in_a_record);
  ADD ("ends/cut-in-a-record/1.2", &tls_1_2, test_cut_in_a_record);
  ADD ("ends/by-an-alert", &usual, test_alert);
  ADD ("ends/closes", &usual, test_closes);
  ADD ("ends/cuts", &usual, test_cuts);
  ADD ("ends/refuses", &usual, test_refuses);
  return g_test_run ();
}
