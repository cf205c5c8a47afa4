/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what an attempt makes of a connection that was kept and may be dead, and that one which
 * ends early holds on to nothing. */

#include "config.h"

#include "channel-fixture.h"

#include "daemon/core/base/cpd-clock.h"
#include "daemon/transport/cpd-attempt.h"
#include "tests/lib/test-loop.h"

typedef struct
{
  ChannelFixture channel;
  CpdGate *gate;
  CpdReading *reading;
  CpdWorkers *workers;
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
  f->gate = cpd_gate_new ();
  f->reading = cpd_reading_new ();
  f->workers = cpd_workers_new (NULL, NULL);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  test_loop_settle ();
  g_assert_finalize_object (f->gate);
  cpd_reading_unref (f->reading);
  cpd_workers_unref (f->workers);
  cpd_host_unref (f->target);
  channel_tear_down (&f->channel, user_data);
}

static CpdAttempt *
new_attempt (Fixture *f, const char *method)
{
  g_autofree char *url
      = g_strdup_printf ("https://127.0.0.1:%u/", test_server_get_port (f->channel.server));
  g_autoptr (CertpinRequest) request = certpin_request_new (method, url, NULL, NULL, NULL);
  g_autoptr (CpdOrder) order = cpd_order_new ();
  const CpdAttemptSettings settings = {
    .store = f->channel.store,
    .workers = f->workers,
    .reading = f->reading,
    .target = f->target,
    .request = request,
    .order = order,
    .bodies = f->channel.bodies,
    .rules = f->channel.config->address_rules,
  };

  order->owner = CHANNEL_UID;
  order->max_body_bytes = order->max_inline_bytes = 1024 * 1024;
  return cpd_attempt_new (&settings);
}

/* Returns: (transfer full): one that has begun on a new connection */
static CpdAttempt *
start_new (Fixture *f, const char *method)
{
  CpdAttempt *attempt = new_attempt (f, method);

  g_assert_true (cpd_gate_enter (f->gate));
  cpd_attempt_connect (attempt, f->gate);
  return attempt;
}

static void
assert_ends (CpdAttempt *attempt, CpdEnding ending)
{
  while (cpd_attempt_get_ending (attempt) == CPD_ENDING_NONE)
    test_loop_step ();
  if (cpd_attempt_get_error (attempt) != NULL)
    g_test_message ("%s", cpd_attempt_get_error (attempt)->message);
  g_assert_cmpint (cpd_attempt_get_ending (attempt), ==, ending);
}

/* Returns: (transfer full): one over which a request was answered */
static CpdConnection *
make_kept (Fixture *f)
{
  g_autoptr (CpdAttempt) attempt = start_new (f, "GET");
  CpdConnection *connection;

  assert_ends (attempt, CPD_ENDING_ANSWERED);
  connection = cpd_attempt_steal_connection (attempt);
  g_assert_nonnull (connection);
  return connection;
}

/* Whatever the method: nothing was sent. */
static void
test_dead_before (Fixture *f, gconstpointer method)
{
  CpdConnection *connection = make_kept (f);
  unsigned int before = test_server_count_requests (f->channel.server);
  g_autoptr (CpdAttempt) attempt = new_attempt (f, method);

  cpd_tls_cut (connection->tls);
  cpd_attempt_use (attempt, connection);
  assert_ends (attempt, CPD_ENDING_STALE);
  test_loop_settle ();
  g_assert_cmpuint (test_server_count_requests (f->channel.server), ==, before);
}

/* It reaches the server, which ends the connection without an answer. */
static void
test_dies_after (Fixture *f, gconstpointer method)
{
  CpdConnection *connection = make_kept (f);
  g_autoptr (CpdAttempt) kept = new_attempt (f, method);
  g_autoptr (CpdAttempt) fresh = NULL;
  gboolean may_go_twice = !g_str_equal (method, "POST");

  test_server_set_raw (f->channel.server, "");
  cpd_attempt_use (kept, connection);
  assert_ends (kept, may_go_twice ? CPD_ENDING_STALE : CPD_ENDING_FAILED);
  fresh = start_new (f, method);
  assert_ends (fresh, CPD_ENDING_FAILED);
  g_assert_error (cpd_attempt_get_error (fresh), CERTPIN_ERROR, CERTPIN_ERROR_TRUNCATED);
  g_assert_cmpuint (test_server_count_requests (f->channel.server), ==, 3);
}

/* The server has it, and may have acted on it. */
static void
test_dies_in_an_answer (Fixture *f, gconstpointer user_data)
{
  CpdConnection *connection = make_kept (f);
  g_autoptr (CpdAttempt) attempt = new_attempt (f, "GET");

  test_server_set_raw (f->channel.server, "H");
  cpd_attempt_use (attempt, connection);
  assert_ends (attempt, CPD_ENDING_FAILED);
  g_assert_error (cpd_attempt_get_error (attempt), CERTPIN_ERROR, CERTPIN_ERROR_TRUNCATED);
}

/* What must not go twice takes one only just after it was used. */
static void
test_takes (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdConnection) connection = make_kept (f);
  g_autoptr (CpdAttempt) get = new_attempt (f, "GET");
  g_autoptr (CpdAttempt) post = new_attempt (f, "POST");

  g_assert_true (cpd_attempt_takes (get, connection));
  g_assert_true (cpd_attempt_takes (post, connection));
  connection->used_us -= 2 * G_TIME_SPAN_SECOND;
  g_assert_true (cpd_attempt_takes (get, connection));
  g_assert_false (cpd_attempt_takes (post, connection));
}

/* What let it go there is gone: before it was sent, it is refused. */
static void
test_denied_when_it_is_used (Fixture *f, gconstpointer user_data)
{
  CpdConnection *connection = make_kept (f);
  unsigned int before = test_server_count_requests (f->channel.server);
  g_autoptr (CpdAttempt) kept = new_attempt (f, "GET");

  cpd_ranges_add (f->channel.config->address_rules->deny_for_users, "loopback");
  cpd_attempt_use (kept, connection);
  assert_ends (kept, CPD_ENDING_STALE);
  test_loop_settle ();
  g_assert_cmpuint (test_server_count_requests (f->channel.server), ==, before);
}

static void
test_denied_before_it_connects (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdAttempt) attempt = NULL;

  cpd_ranges_add (f->channel.config->address_rules->deny, "loopback");
  attempt = start_new (f, "GET");
  assert_ends (attempt, CPD_ENDING_FAILED);
  g_assert_error (cpd_attempt_get_error (attempt), CERTPIN_ERROR, CERTPIN_ERROR_ADDRESS_DENIED);
  g_assert_cmpuint (test_server_count_requests (f->channel.server), ==, 0);
}

static gboolean
deny_when_connected (GSignalInvocationHint *hint, unsigned int n_values, const GValue *values,
                     gpointer user_data)
{
  Fixture *f = user_data;

  if (g_value_get_enum (&values[1]) != G_SOCKET_CLIENT_CONNECTED)
    return TRUE; /* the hook stays */
  cpd_ranges_add (f->channel.config->address_rules->deny, "loopback");
  return FALSE;
}

/* During the handshake, what let it connect goes. */
static void
test_denied_when_it_is_connected (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GSocketClient) client = g_socket_client_new (); /* its class has the signal */
  unsigned int event = g_signal_lookup ("event", G_TYPE_SOCKET_CLIENT);
  g_autoptr (CpdAttempt) attempt = NULL;

  g_signal_add_emission_hook (event, 0, deny_when_connected, f, NULL);
  attempt = start_new (f, "GET");
  assert_ends (attempt, CPD_ENDING_FAILED);
  g_assert_error (cpd_attempt_get_error (attempt), CERTPIN_ERROR, CERTPIN_ERROR_ADDRESS_DENIED);
  g_assert_cmpuint (test_server_count_requests (f->channel.server), ==, 0);
}

static void
dawdle (gpointer object)
{
  gint64 end_us = cpd_clock_work_us () + 400 * G_TIME_SPAN_MILLISECOND;

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

/* An attempt that ends while its body waits to be read, or that nobody waits for, frees what it has
 * at once. */
static void
test_ended_before_it_is_read (Fixture *f, gconstpointer fails)
{
  CpdAttempt *attempt;

  test_server_hold (f->channel.server);
  test_server_set_answer (f->channel.server, 200, 200000); /* more than is read at a time */
  attempt = start_new (f, "GET");
  while (test_server_count_held (f->channel.server) == 0)
    test_loop_step ();
  make_user_rest (f);
  test_server_release (f->channel.server);
  test_loop_run_for (100); /* its body may not be read */
  g_assert_cmpint (cpd_attempt_get_ending (attempt), ==, CPD_ENDING_NONE);
  if (fails != NULL)
    cpd_attempt_fail (attempt, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "enough"));
  test_loop_settle ();
  g_assert_finalize_object (attempt);
  g_assert_true (cpd_budget_take (f->channel.bodies, 64 * 1024 * 1024));
}

#define ADD(name, data, function)                                                                  \
  g_test_add ("/transport/attempt/" name, Fixture, data, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("dead-before-it-is-used/get", "GET", test_dead_before);
  ADD ("dead-before-it-is-used/post", "POST", test_dead_before);
  ADD ("dies-when-it-is-used/get", "GET", test_dies_after);
  ADD ("dies-when-it-is-used/put", "PUT", test_dies_after);
  ADD ("dies-when-it-is-used/post", "POST", test_dies_after);
  ADD ("dies-in-an-answer", NULL, test_dies_in_an_answer);
  ADD ("takes-what-was-just-used", NULL, test_takes);
  ADD ("denied-when-it-is-used", NULL, test_denied_when_it_is_used);
  ADD ("denied-before-it-connects", NULL, test_denied_before_it_connects);
  ADD ("denied-when-it-is-connected", NULL, test_denied_when_it_is_connected);
  ADD ("ended-before-it-is-read", "fails", test_ended_before_it_is_read);
  ADD ("dropped-before-it-is-read", NULL, test_ended_before_it_is_read);
  return g_test_run ();
}
