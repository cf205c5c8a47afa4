/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves how each direction of a relay moves and ends, against a GnuTLS server in the same
 * thread. */

#include "config.h"

#include "daemon/transport/cpd-relay.h"
#include "tests/lib/test-loop.h"
#include "tls-fixture.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>

#define MIB (1024 * 1024)

static const TlsServer usual = { .priority = "NORMAL" };

/* One relay between a TLS fixture's connection and a caller, which is the test. */
typedef struct
{
  TlsFixture *tls;
  CpdConnection *connection;
  CpdEdges *edges;
  CpdReading *reading;
  CpdQueue *queue;
  CpdTransfer *transfer;
  CpdRelay *relay;
  int caller;
  gboolean may_move;
  gboolean ended;
  GError *error;
} Relay;

static gboolean
may_move (gpointer user_data)
{
  return ((Relay *)user_data)->may_move;
}

static void
on_ended (const GError *error, gpointer user_data)
{
  Relay *relay = user_data;

  g_assert_false (relay->ended);
  relay->ended = TRUE;
  relay->error = error != NULL ? g_error_copy (error) : NULL;
}

static void
relay_set_up (Relay *relay, TlsFixture *f)
{
  static const CpdRelayFuncs funcs = { may_move, on_ended };
  g_autoptr (CpdHost) host = cpd_host_new_target ("h.example", 443, NULL);
  CpdRelaySettings settings = { .uid = 1 };

  tls_assert_shakes_hands (f);
  *relay = (Relay){ .tls = f, .may_move = TRUE };
  relay->connection = cpd_connection_new (g_steal_pointer (&f->tls), host);
  settings.connection = relay->connection;
  settings.edges = relay->edges = cpd_edges_new ();
  settings.reading = relay->reading = cpd_reading_new ();
  relay->queue = cpd_queue_new_without_bodies (1, 0, 1);
  settings.transfer = relay->transfer = cpd_transfer_new (relay->queue, settings.uid, "tunnels");
  relay->relay = cpd_relay_new (&settings, &funcs, relay, NULL);
  relay->caller = cpd_relay_steal_descriptor (relay->relay);
}

static void
relay_tear_down (Relay *relay)
{
  cpd_relay_stop (relay->relay);
  g_object_unref (relay->relay);
  g_object_unref (relay->transfer);
  cpd_queue_free (relay->queue);
  cpd_reading_unref (relay->reading);
  cpd_edges_unref (relay->edges);
  cpd_connection_free (relay->connection);
  g_clear_error (&relay->error);
  if (relay->caller >= 0)
    g_close (relay->caller, NULL);
}

static void
close_caller (Relay *relay)
{
  g_close (relay->caller, NULL);
  relay->caller = -1;
}

/* What the server reads next. Returns: its length; 0: the end of TLS; negative: an error */
static gssize
server_read (Relay *relay, void *buffer, gsize size)
{
  gssize length;

  while ((length = gnutls_record_recv (relay->tls->server, buffer, size)) == GNUTLS_E_AGAIN)
    g_main_context_iteration (NULL, FALSE);
  return length;
}

static void
assert_server_reads (Relay *relay, const char *text)
{
  char buffer[64] = "";

  g_assert_cmpint (server_read (relay, buffer, sizeof buffer - 1), ==, (gssize)strlen (text));
  g_assert_cmpstr (buffer, ==, text);
}

static void
server_write (Relay *relay, const char *text)
{
  g_assert_cmpint (gnutls_record_send (relay->tls->server, text, strlen (text)), ==,
                   (gssize)strlen (text));
}

/* What the caller reads next. Returns: its length; 0: the end of file; -1: an error */
static gssize
caller_read (Relay *relay, void *buffer, gsize size)
{
  gssize length;

  while ((length = recv (relay->caller, buffer, size, MSG_DONTWAIT)) < 0 && errno == EAGAIN)
    g_main_context_iteration (NULL, FALSE);
  return length;
}

static void
assert_caller_reads (Relay *relay, const char *text)
{
  char buffer[64] = "";

  g_assert_cmpint (caller_read (relay, buffer, sizeof buffer - 1), ==, (gssize)strlen (text));
  g_assert_cmpstr (buffer, ==, text);
}

static void
caller_write (Relay *relay, const char *text)
{
  g_assert_cmpint (send (relay->caller, text, strlen (text), MSG_NOSIGNAL), ==,
                   (gssize)strlen (text));
}

static void
wait_for_end (Relay *relay)
{
  while (!relay->ended)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_both_ways (TlsFixture *f, gconstpointer user_data)
{
  Relay relay;
  CpdProgress progress;

  relay_set_up (&relay, f);
  caller_write (&relay, "question");
  assert_server_reads (&relay, "question");
  server_write (&relay, "answer");
  assert_caller_reads (&relay, "answer");
  progress = cpd_transfer_get_progress (relay.transfer);
  g_assert_cmpuint (progress.sent, ==, 8);
  g_assert_cmpuint (progress.received, ==, 6);
  relay_tear_down (&relay);
}

static void
test_caller_ends_first (TlsFixture *f, gconstpointer user_data)
{
  Relay relay;
  char byte;

  relay_set_up (&relay, f);
  caller_write (&relay, "last");
  shutdown (relay.caller, SHUT_WR);
  assert_server_reads (&relay, "last");
  g_assert_cmpint (server_read (&relay, &byte, 1), ==, 0);
  server_write (&relay, "more");
  assert_caller_reads (&relay, "more");
  g_assert_false (relay.ended);
  gnutls_bye (f->server, GNUTLS_SHUT_WR);
  g_assert_cmpint (caller_read (&relay, &byte, 1), ==, 0);
  wait_for_end (&relay);
  g_assert_no_error (relay.error);
  relay_tear_down (&relay);
}

static void
test_server_ends_first (TlsFixture *f, gconstpointer user_data)
{
  Relay relay;
  char byte;

  relay_set_up (&relay, f);
  server_write (&relay, "last");
  gnutls_bye (f->server, GNUTLS_SHUT_WR);
  assert_caller_reads (&relay, "last");
  g_assert_cmpint (caller_read (&relay, &byte, 1), ==, 0);
  caller_write (&relay, "more");
  assert_server_reads (&relay, "more");
  g_assert_false (relay.ended);
  shutdown (relay.caller, SHUT_WR);
  g_assert_cmpint (server_read (&relay, &byte, 1), ==, 0);
  wait_for_end (&relay);
  g_assert_no_error (relay.error);
  relay_tear_down (&relay);
}

/* Whoever closes both directions at once reads no more, but what it wrote still goes. */
static void
test_caller_closes (TlsFixture *f, gconstpointer user_data)
{
  Relay relay;
  char byte;

  relay_set_up (&relay, f);
  caller_write (&relay, "last");
  close_caller (&relay);
  assert_server_reads (&relay, "last");
  g_assert_cmpint (server_read (&relay, &byte, 1), ==, 0);
  wait_for_end (&relay);
  g_assert_no_error (relay.error);
  relay_tear_down (&relay);
}

static void
test_server_is_cut (TlsFixture *f, gconstpointer user_data)
{
  Relay relay;
  char byte;

  relay_set_up (&relay, f);
  server_write (&relay, "half");
  shutdown (f->fd, SHUT_RDWR);
  assert_caller_reads (&relay, "half");
  g_assert_cmpint (caller_read (&relay, &byte, 1), ==, -1);
  g_assert_cmpint (errno, ==, ECONNRESET);
  wait_for_end (&relay);
  g_assert_error (relay.error, G_TLS_ERROR, G_TLS_ERROR_EOF);
  relay_tear_down (&relay);
}

static void
test_stopped (TlsFixture *f, gconstpointer user_data)
{
  Relay relay;
  char byte;

  relay_set_up (&relay, f);
  cpd_relay_stop (relay.relay);
  g_assert_cmpint (caller_read (&relay, &byte, 1), ==, -1);
  g_assert_cmpint (errno, ==, ECONNRESET);
  g_assert_false (relay.ended);
  relay_tear_down (&relay);
}

/* Nothing moves in either direction; then it goes on where it was. */
static void
test_held (TlsFixture *f, gconstpointer user_data)
{
  Relay relay;
  char byte;

  relay_set_up (&relay, f);
  relay.may_move = FALSE;
  caller_write (&relay, "up");
  server_write (&relay, "down");
  test_loop_settle ();
  g_assert_cmpint (gnutls_record_recv (f->server, &byte, 1), ==, GNUTLS_E_AGAIN);
  g_assert_cmpint (recv (relay.caller, &byte, 1, MSG_DONTWAIT), ==, -1);
  relay.may_move = TRUE;
  cpd_relay_go_on (relay.relay);
  assert_server_reads (&relay, "up");
  assert_caller_reads (&relay, "down");
  relay_tear_down (&relay);
}

/* A lot, both ways at the same time, to ends that take little at a time. */
static void
test_much (TlsFixture *f, gconstpointer user_data)
{
  static guint8 data[4 * MIB], up[4 * MIB], down[4 * MIB];
  gsize given_up = 0, given_down = 0, taken_up = 0, taken_down = 0;
  Relay relay;

  for (gsize i = 0; i < sizeof data; i++)
    data[i] = (guint8)(i * 31 ^ i >> 9);
  relay_set_up (&relay, f);
  while (taken_up < sizeof data || taken_down < sizeof data)
    {
      gssize length = send (relay.caller, data + given_up, sizeof data - given_up, MSG_DONTWAIT);

      given_up += (gsize)MAX (length, 0);
      length = given_down < sizeof data ? gnutls_record_send (f->server, data + given_down,
                                                              MIN (10000, sizeof data - given_down))
                                        : 0;
      given_down += (gsize)MAX (length, 0);
      length = gnutls_record_recv (f->server, up + taken_up, MIN (7000, sizeof up - taken_up));
      taken_up += (gsize)MAX (length, 0);
      length = recv (relay.caller, down + taken_down, MIN (9000, sizeof down - taken_down),
                     MSG_DONTWAIT);
      taken_down += (gsize)MAX (length, 0);
      g_main_context_iteration (NULL, FALSE);
    }
  g_assert_cmpmem (up, sizeof up, data, sizeof data);
  g_assert_cmpmem (down, sizeof down, data, sizeof data);
  relay_tear_down (&relay);
}

/* In records of that size, many at once, until nobody takes any more.
 * Returns: how much of it went */
static gsize
server_write_much (Relay *relay, const guint8 *data, gsize size, gsize record)
{
  gsize given = 0, before;

  do
    {
      gssize length = 0;

      for (before = given; given < size && length >= 0; given += (gsize)MAX (length, 0))
        length = gnutls_record_send (relay->tls->server, data + given, MIN (record, size - given));
      for (unsigned int i = 0; i < 100; i++)
        g_main_context_iteration (NULL, FALSE);
    }
  while (given > before);
  return given;
}

/* The caller reads late, and in other parts than the server wrote. */
static void
assert_late_caller_reads (TlsFixture *f, gsize record)
{
  static guint8 data[8 * MIB], down[8 * MIB];
  gsize given, taken = 0;
  Relay relay;

  for (gsize i = 0; i < sizeof data; i++)
    data[i] = (guint8)(i * 31 ^ i >> 9);
  relay_set_up (&relay, f);
  given = server_write_much (&relay, data, sizeof data, record);
  g_assert_cmpuint (given, >, 0);
  g_assert_cmpuint (given, <, sizeof data); /* the caller holds it up */
  while (taken < given)
    {
      gssize length = caller_read (&relay, down + taken, MIN (9001, given - taken));

      g_assert_cmpint (length, >, 0);
      taken += (gsize)length;
    }
  g_assert_cmpmem (down, taken, data, given);
  relay_tear_down (&relay);
}

/* The caller's socket takes a part of a record. */
static void
test_large_records (TlsFixture *f, gconstpointer user_data)
{
  assert_late_caller_reads (f, 16 * 1024);
}

/* There are more of them than are kept. */
static void
test_small_records (TlsFixture *f, gconstpointer user_data)
{
  assert_late_caller_reads (f, 700);
}

#define ADD(path, test)                                                                            \
  g_test_add ("/transport/relay/" path, TlsFixture, &usual, tls_set_up, test, tls_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("both-ways", test_both_ways);
  ADD ("caller-ends-first", test_caller_ends_first);
  ADD ("server-ends-first", test_server_ends_first);
  ADD ("caller-closes", test_caller_closes);
  ADD ("server-is-cut", test_server_is_cut);
  ADD ("stopped", test_stopped);
  ADD ("held", test_held);
  ADD ("much", test_much);
  ADD ("large-records", test_large_records);
  ADD ("small-records", test_small_records);
  return g_test_run ();
}
