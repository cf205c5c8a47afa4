/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that one exchange writes its request once: libsoup, which would write one anew where a
 * kept-alive connection turns out dead, does not come to it. */

#include "config.h"

#include "channel-fixture.h"

#include "daemon/core/base/cpd-clock.h"
#include "daemon/transport/cpd-exchange.h"
#include "tests/lib/test-loop.h"

typedef struct
{
  ChannelFixture channel;
  SoupSession *session;
  CpdSockets *sockets;
  CpdReading *reading;
  CpdTlsDatabase *database;
  CpdHost *target;
} Fixture;

static void
set_up (Fixture *f, gconstpointer user_data)
{
  g_autofree char *target = NULL;

  channel_set_up (&f->channel, user_data);
  channel_pin (&f->channel, f->channel.leaf);
  target = g_strdup_printf ("127.0.0.1:%u", test_server_get_port (f->channel.server));
  f->target = test_host (target);
  f->sockets = cpd_sockets_new ();
  f->reading = cpd_reading_new ();
  f->database = cpd_tls_database_new (f->channel.store, CHANNEL_UID, f->target);
  f->session = soup_session_new ();
  soup_session_set_proxy_resolver (f->session, NULL);
  soup_session_set_tls_database (f->session, G_TLS_DATABASE (f->database));
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  test_loop_release (f->session);
  test_loop_release (f->database);
  cpd_sockets_unref (f->sockets);
  cpd_reading_unref (f->reading);
  cpd_host_unref (f->target);
  channel_tear_down (&f->channel, user_data);
}

static CpdExchange *
start (Fixture *f, const char *method)
{
  g_autofree char *url
      = g_strdup_printf ("https://127.0.0.1:%u/", test_server_get_port (f->channel.server));
  g_autoptr (GBytes) body = g_str_equal (method, "PUT") ? g_bytes_new_static ("body", 4) : NULL;
  g_autoptr (CertpinRequest) request = certpin_request_new (method, url, NULL, body, NULL);
  const CpdExchangeSettings settings = {
    .session = f->session,
    .database = f->database,
    .store = f->channel.store,
    .sockets = f->sockets,
    .reading = f->reading,
    .target = f->target,
    .request = request,
    .uid = CHANNEL_UID,
    .max_body_bytes = 1000,
    .bodies = f->channel.bodies,
  };
  CpdExchange *exchange = cpd_exchange_new (&settings);

  cpd_exchange_start (exchange);
  return exchange;
}

static void
assert_ends (CpdExchange *exchange, CpdEnding ending)
{
  while (cpd_exchange_get_ending (exchange) == CPD_ENDING_NONE)
    test_loop_step ();
  g_assert_cmpint (cpd_exchange_get_ending (exchange), ==, ending);
}

/* That many kept-alive connections. */
static void
connect_both (Fixture *f)
{
  g_autoptr (CpdExchange) one = NULL, other = NULL;

  test_server_hold (f->channel.server);
  one = start (f, "GET");
  other = start (f, "GET");
  while (test_server_count_held (f->channel.server) < 2)
    test_loop_step ();
  test_server_release (f->channel.server);
  assert_ends (one, CPD_ENDING_ANSWERED);
  assert_ends (other, CPD_ENDING_ANSWERED);
  test_loop_settle ();
}

static void
cut (SoupMessage *message, gpointer sockets)
{
  g_assert_true (cpd_sockets_cut (sockets, soup_message_get_connection_id (message)));
}

static void
cut_when_it_starts (Fixture *f, SoupMessage *message)
{
  g_signal_connect (message, "starting", G_CALLBACK (cut), f->sockets);
}

/* The moment in which a kept-alive connection was found alive, and none has written to it yet. */
static void
test_dead (Fixture *f, gconstpointer method)
{
  g_autoptr (CpdExchange) exchange = NULL;
  unsigned int before;

  connect_both (f);
  before = test_server_count_requests (f->channel.server);
  g_signal_connect_swapped (f->session, "request-queued", G_CALLBACK (cut_when_it_starts), f);
  exchange = start (f, method);
  assert_ends (exchange, CPD_ENDING_STALE);
  test_loop_settle ();
  g_assert_cmpuint (test_server_count_requests (f->channel.server), ==, before);
}

static void
dawdle (gpointer object)
{
  gint64 end_us = cpd_clock_work_us () + 100 * G_TIME_SPAN_MILLISECOND;

  while (cpd_clock_work_us () < end_us)
    ;
}

static void
note (gpointer object)
{
  g_object_set_data (object, "read", object);
}

/* From now on bodies of the user are not read for a while. */
static void
make_user_rest (Fixture *f)
{
  g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);

  cpd_reading_wait (f->reading, CHANNEL_UID, dawdle, object);
  cpd_reading_wait (f->reading, CHANNEL_UID + 1, note, object);
  while (g_object_get_data (object, "read") == NULL)
    test_loop_step ();
}

/* An exchange that ends while its body waits to be read lets go of what it has at once. */
static void
test_ended_before_it_is_read (Fixture *f, gconstpointer user_data)
{
  CpdExchange *exchange;

  test_server_hold (f->channel.server);
  exchange = start (f, "GET");
  while (test_server_count_held (f->channel.server) == 0)
    test_loop_step ();
  make_user_rest (f);
  test_server_release (f->channel.server);
  test_loop_run_for (100); /* its body may not be read */
  g_assert_cmpint (cpd_exchange_get_ending (exchange), ==, CPD_ENDING_NONE);
  cpd_exchange_fail (exchange, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "enough"));
  test_loop_settle ();
  g_assert_finalize_object (exchange);
}

#define add(name, method)                                                                          \
  g_test_add ("/transport/exchange/" name, Fixture, method, set_up, test_dead, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("a-dead-connection-ends-it/get", "GET");
  add ("a-dead-connection-ends-it/put", "PUT");
  g_test_add ("/transport/exchange/ended-before-it-is-read", Fixture, NULL, set_up,
              test_ended_before_it_is_read, tear_down);
  return g_test_run ();
}
