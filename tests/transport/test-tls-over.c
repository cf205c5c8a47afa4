/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a TLS session over another one behaves like one on a socket: the outer one, with a
 * proxy, neither keeps anything back nor ends anything of the inner one's. */

#include "config.h"

#include "daemon/transport/cpd-stream.h"
#include "tests/lib/test-core.h"
#include "tests/lib/test-loop.h"
#include "tls-fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAME  "inner.example"
#define LARGE (1024 * 1024)

typedef struct
{
  TlsFixture outer;        /* its `tls` is below the inner one */
  gnutls_session_t server; /* the inner one's other end */
  CpdTls *tls;
  GByteArray *corked; /* what the inner server holds back; NULL: nothing */
  gsize received;
  unsigned int reads;
} Fixture;

static const TlsServer usual = { .priority = "NORMAL" };
static const TlsServer tls_1_2 = { .priority = "NORMAL:-VERS-ALL:+VERS-TLS1.2" };

static ssize_t
settle (ssize_t length)
{
  errno = length < 0 ? EAGAIN : 0;
  return length < 0 ? -1 : length;
}

static ssize_t
pull (gnutls_transport_ptr_t transport, void *buffer, size_t count)
{
  return settle (gnutls_record_recv (((Fixture *)transport)->outer.server, buffer, count));
}

static ssize_t
push (gnutls_transport_ptr_t transport, const void *data, size_t count)
{
  Fixture *f = transport;

  if (f->corked == NULL)
    return settle (gnutls_record_send (f->outer.server, data, count));
  g_byte_array_append (f->corked, data, (unsigned int)count);
  return (ssize_t)count;
}

static gboolean
serve_handshake (Fixture *f)
{
  int code = gnutls_handshake (f->server);

  g_assert_false (gnutls_error_is_fatal (code));
  return code == GNUTLS_E_SUCCESS;
}

static void
shake_hands (Fixture *f)
{
  gboolean done = FALSE, served = FALSE;

  while (!done || !served)
    {
      g_autoptr (GError) error = NULL;
      GIOCondition waits_for;

      done = done || cpd_tls_handshake (f->tls, &waits_for, &error);
      if (!done)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
      served = served || serve_handshake (f);
    }
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  tls_set_up (&f->outer, user_data);
  tls_assert_shakes_hands (&f->outer);
  f->tls = cpd_tls_new_over (g_steal_pointer (&f->outer.tls), NAME, NULL);
  gnutls_init (&f->server, GNUTLS_SERVER | GNUTLS_NONBLOCK);
  g_assert_cmpint (gnutls_priority_set_direct (f->server, usual.priority, NULL), ==, 0);
  gnutls_credentials_set (f->server, GNUTLS_CRD_CERTIFICATE, f->outer.credentials);
  gnutls_transport_set_ptr (f->server, f);
  gnutls_transport_set_pull_function (f->server, pull);
  gnutls_transport_set_push_function (f->server, push);
  shake_hands (f);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_clear_pointer (&f->tls, cpd_tls_free);
  gnutls_deinit (f->server);
  tls_tear_down (&f->outer, user_data);
}

static void
test_asks_for_the_host (Fixture *f, gconstpointer user_data)
{
  char name[64];
  size_t length = sizeof name;
  unsigned int type;

  g_assert_cmpint (gnutls_server_name_get (f->server, name, &length, &type, 0), ==, 0);
  g_assert_cmpstr (name, ==, NAME);
  g_assert_cmpuint (cpd_tls_get_presented (f->tls)->len, ==, 2);
}

/* One buffer each time that it is ready, as little as possible. */
static void
receive_some (gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (GError) error = NULL;
  char buffer[100];
  gssize length = cpd_tls_receive (f->tls, buffer, sizeof buffer, &error);

  if (length < 0)
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  else
    {
      f->received += (gsize)length;
      f->reads++;
    }
}

/* What was read from the socket already is told of, too, although the socket is silent. */
static void
test_nothing_is_kept_back (Fixture *f, gconstpointer user_data)
{
  g_autofree char *bytes = g_malloc0 (40000);
  gsize sent = 0;

  cpd_tls_watch (f->tls, G_IO_IN, receive_some, f);
  while (sent < 40000)
    {
      ssize_t length = gnutls_record_send (f->server, bytes + sent, 40000 - sent);

      g_assert_cmpint (length, >, 0);
      sent += (gsize)length;
    }
  while (f->received < sent)
    test_loop_step ();
  g_assert_cmpuint (f->received, ==, sent);
}

/* One record of the outer session has two of the inner one. */
static void
send_two_in_one (Fixture *f)
{
  f->corked = g_byte_array_new ();
  g_assert_cmpint (gnutls_record_send (f->server, "first", 5), ==, 5);
  g_assert_cmpint (gnutls_record_send (f->server, "second", 6), ==, 6);
  g_assert_cmpint (gnutls_record_send (f->outer.server, f->corked->data, f->corked->len), ==,
                   (ssize_t)f->corked->len);
  g_clear_pointer (&f->corked, g_byte_array_unref);
}

/* Likewise. */
static void
test_two_records_in_one (Fixture *f, gconstpointer user_data)
{
  send_two_in_one (f);
  cpd_tls_watch (f->tls, G_IO_IN, receive_some, f);
  while (f->received < 11)
    test_loop_step ();
  g_assert_cmpuint (f->reads, ==, 2);
}

/* The second one is not forgotten where a server must be silent, although the socket is. */
static void
test_a_second_record_is_unread (Fixture *f, gconstpointer user_data)
{
  send_two_in_one (f);
  while (f->reads == 0)
    receive_some (f);
  g_assert_true (cpd_tls_has_unread (f->tls));
  while (f->reads < 2)
    receive_some (f);
  g_assert_false (cpd_tls_has_unread (f->tls));
}

/* Likewise, read ahead. */
static void
test_nothing_is_kept_ahead (Fixture *f, gconstpointer user_data)
{
  cpd_tls_expect_much (f->tls);
  test_nothing_is_kept_back (f, user_data);
  f->received = f->reads = 0;
  test_two_records_in_one (f, user_data);
}

/* A message that is no data, and data, in one record of the outer session. */
static void
send_behind_new_keys (Fixture *f, const char *text)
{
  gsize length = strlen (text);

  f->corked = g_byte_array_new ();
  g_assert_cmpint (gnutls_session_key_update (f->server, 0), ==, 0);
  g_assert_cmpint (gnutls_record_send (f->server, text, length), ==, (ssize_t)length);
  g_assert_cmpint (gnutls_record_send (f->outer.server, f->corked->data, f->corked->len), ==,
                   (ssize_t)f->corked->len);
  g_clear_pointer (&f->corked, g_byte_array_unref);
}

static void
on_paused (gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
}

/* Returns: (transfer full): a response of ten bytes, of which the head has come */
static CpdHttpFlow *
begin_flow (Fixture *f, CpdConnection *connection, CpdTransfer *transfer, CpdBudget *bodies)
{
  static const char head[] = "HTTP/1.1 200 So\r\nContent-Length: 10\r\n\r\nhello";
  g_autoptr (CertpinRequest) request
      = certpin_request_new ("GET", "https://" NAME "/", NULL, NULL, NULL);
  CpdHttpFlow *flow = cpd_http_flow_new (&(const CpdHttpFlowSettings){
      .connection = connection,
      .request = request,
      .transfer = transfer,
      .plain = TRUE,
      .max_body_bytes = LARGE,
      .max_inline_bytes = LARGE,
      .bodies = bodies,
  });

  cpd_http_flow_send (flow);
  g_assert_cmpint (gnutls_record_send (f->server, head, strlen (head)), >, 0);
  while (cpd_http_flow_get_head (flow) == NULL)
    cpd_http_flow_move (flow);
  return flow;
}

/* A thread that waits for the socket alone would wait in vain for what has been read. */
static void
test_stream_goes_on (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdHost) host = test_host (NAME);
  CpdConnection *connection = cpd_connection_new (g_steal_pointer (&f->tls), host);
  CpdQueue *queue = cpd_queue_new_without_bodies (1, 0, 1);
  CpdTransfer *transfer = cpd_transfer_new (queue, 1000, "streams");
  CpdBudget *bodies = cpd_budget_new (LARGE);
  CpdHttpFlow *flow = begin_flow (f, connection, transfer, bodies);
  gboolean paused = FALSE;
  CpdStream *stream = cpd_stream_new (flow, /* idle_s= */ 5, on_paused, &paused, NULL);
  CpdPair *pair = cpd_pair_new (NULL);
  int reader = cpd_pair_steal_other (pair);

  cpd_http_flow_stream (flow, pair);
  g_assert_true (cpd_stream_start (stream, NULL));
  send_behind_new_keys (f, "world");
  while (!paused)
    test_loop_step ();
  g_assert_no_error (cpd_http_flow_get_error (flow));
  g_assert_cmpuint (cpd_transfer_get_progress (transfer).received, ==, 10);
  close (reader);
  cpd_stream_free (stream);
  cpd_http_flow_free (flow);
  g_object_unref (transfer);
  cpd_queue_free (queue);
  cpd_budget_unref (bodies);
  cpd_connection_free (connection);
}

static gsize
take (Fixture *f)
{
  char buffer[4096];
  gsize taken = 0;
  ssize_t length;

  while ((length = gnutls_record_recv (f->server, buffer, sizeof buffer)) > 0)
    taken += (gsize)length;
  g_assert_cmpint ((int)length, ==, GNUTLS_E_AGAIN);
  return taken;
}

/* What the outer session could not send goes on, although the inner one has nothing left. */
static void
test_sends_the_rest (Fixture *f, gconstpointer user_data)
{
  g_autofree char *bytes = g_malloc0 (16384);
  gsize sent = 0, arrived = 0;

  while (!cpd_tls_has_unsent (f->tls))
    {
      g_assert_cmpint (cpd_tls_send (f->tls, bytes, 16384, NULL), ==, 16384);
      sent += 16384;
    }
  for (int i = 0; i < 1000 && cpd_tls_has_unsent (f->tls); i++)
    {
      arrived += take (f);
      cpd_tls_send (f->tls, NULL, 0, NULL);
    }
  g_assert_false (cpd_tls_has_unsent (f->tls));
  g_assert_cmpuint (arrived + take (f), ==, sent);
}

/* More than the socket takes, to a server that reads now and then. */
static void
test_sends_all (Fixture *f, gconstpointer user_data)
{
  g_autofree char *bytes = g_malloc0 (LARGE);
  gsize sent = 0, arrived = 0;
  gboolean waited = FALSE;

  while (arrived < LARGE)
    {
      g_autoptr (GError) error = NULL;
      gssize length = cpd_tls_send (f->tls, bytes + sent, LARGE - sent, &error);

      if (length < 0)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
      sent += (gsize)MAX (length, 0);
      if (length > 0)
        continue;
      waited = waited || cpd_tls_has_unsent (f->tls);
      arrived += take (f);
    }
  g_assert_true (waited);
  g_assert_false (cpd_tls_has_unsent (f->tls));
  g_assert_cmpuint (arrived, ==, LARGE);
}

/* Likewise, in pieces that are more than one record. */
static void
test_sends_much (Fixture *f, gconstpointer user_data)
{
  g_autofree guint8 *bytes = g_malloc0 (LARGE / 8);
  gsize arrived = 0;

  cpd_tls_expect_much (f->tls);
  for (int piece = 0; piece < 8; piece++)
    {
      g_assert_true (cpd_tls_send_much (f->tls, bytes, LARGE / 8, NULL));
      while (cpd_tls_has_unsent (f->tls))
        {
          arrived += take (f);
          cpd_tls_send (f->tls, NULL, 0, NULL);
        }
    }
  g_assert_cmpuint (arrived + take (f), ==, LARGE);
}

static gssize
receive_end (Fixture *f, GError **error)
{
  char byte;

  for (;;)
    {
      g_autoptr (GError) reason = NULL;
      gssize length = cpd_tls_receive (f->tls, &byte, sizeof byte, &reason);

      if (!g_error_matches (reason, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        {
          if (reason != NULL)
            g_propagate_error (error, g_steal_pointer (&reason));
          return length;
        }
    }
}

static void
test_end (Fixture *f, gconstpointer user_data)
{
  gnutls_bye (f->server, GNUTLS_SHUT_WR);
  g_assert_cmpint (receive_end (f, NULL), ==, 0);
}

/* A proxy that says that it ends has not said so for the host. */
static void
test_end_of_the_outer_one (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  gnutls_bye (f->outer.server, GNUTLS_SHUT_WR);
  g_assert_cmpint (receive_end (f, &error), ==, -1);
  g_assert_error (error, G_TLS_ERROR, G_TLS_ERROR_EOF);
}

static void
test_cut (Fixture *f, gconstpointer user_data)
{
  char byte;

  cpd_tls_cut (f->tls);
  g_assert_cmpint (read (f->outer.fd, &byte, 1), ==, 0);
}

/* Whatever gets the number of the socket next is not touched. */
static void
test_cut_is_the_end (Fixture *f, gconstpointer user_data)
{
  struct linger linger = { .l_onoff = 0 };
  socklen_t length = sizeof linger;
  int fds[2], next;

  cpd_tls_cut (f->tls);
  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
  g_assert_true (fds[0] == f->outer.client_fd || fds[1] == f->outer.client_fd);
  next = f->outer.client_fd;
  g_clear_pointer (&f->tls, cpd_tls_free);
  g_assert_no_errno (getsockopt (next, SOL_SOCKET, SO_LINGER, &linger, &length));
  g_assert_cmpint (linger.l_onoff, ==, 0);
  close (fds[0]);
  close (fds[1]);
}

static void
test_close (Fixture *f, gconstpointer user_data)
{
  char byte;

  cpd_tls_close (f->tls);
  g_assert_cmpint ((int)gnutls_record_recv (f->server, &byte, 1), ==, 0);
  g_assert_cmpint ((int)gnutls_record_recv (f->outer.server, &byte, 1), ==, 0);
}

#define ADD(path, server, function)                                                                \
  g_test_add ("/transport/tls-over/" path, Fixture, server, set_up, function, tear_down)
#define ADD_BOTH(path, function)                                                                   \
  ADD ("1.3/" path, &usual, function);                                                             \
  ADD ("1.2/" path, &tls_1_2, function)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD_BOTH ("asks-for-the-host", test_asks_for_the_host);
  ADD_BOTH ("nothing-is-kept-back", test_nothing_is_kept_back);
  ADD_BOTH ("two-records-in-one", test_two_records_in_one);
  ADD_BOTH ("a-second-record-is-unread", test_a_second_record_is_unread);
  ADD_BOTH ("nothing-is-kept-ahead", test_nothing_is_kept_ahead);
  ADD_BOTH ("stream-goes-on", test_stream_goes_on);
  ADD_BOTH ("sends-much", test_sends_much);
  ADD_BOTH ("sends-all", test_sends_all);
  ADD_BOTH ("sends-the-rest", test_sends_the_rest);
  ADD_BOTH ("end", test_end);
  ADD_BOTH ("end-of-the-outer-one", test_end_of_the_outer_one);
  ADD_BOTH ("cut", test_cut);
  ADD_BOTH ("cut-is-the-end", test_cut_is_the_end);
  ADD_BOTH ("close", test_close);
  return g_test_run ();
}
