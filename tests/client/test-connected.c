/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves the client's property ‘connected’: it follows the connection to the bus, and its changes
 * are notified in the main context of the client, until the client is disposed of. */

#include "config.h"

#include "tests/client/fake-service.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include <certpin.h>

typedef struct
{
  FakeService *service;
  CertpinClient *client;
  GThread *thread; /* of all notifications */
  unsigned int notified;
} Fixture;

static void
on_notify (CertpinClient *client, GParamSpec *pspec, Fixture *f)
{
  g_assert_true (f->thread == g_thread_self ());
  f->notified++;
}

static void
use (Fixture *f, CertpinClient *client)
{
  g_set_object (&f->client, client);
  g_signal_connect (client, "notify::connected", G_CALLBACK (on_notify), f);
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CertpinClient) client = certpin_client_new ();

  private_bus_start ();
  f->service = fake_service_new ();
  f->thread = g_thread_self ();
  use (f, client);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_clear_object (&f->client);
  g_clear_pointer (&f->service, fake_service_free);
  test_loop_settle ();
  private_bus_stop ();
}

static void
restart_service (Fixture *f)
{
  fake_service_free (f->service);
  f->service = fake_service_new ();
}

static void
start_bus (Fixture *f)
{
  private_bus_start ();
  f->service = fake_service_new ();
}

static void
stop_bus (Fixture *f)
{
  private_bus_stop ();
  g_clear_pointer (&f->service, fake_service_free);
}

static void
assert_call_works (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (certpin_client_unpin (f->client, "h.example", NULL, NULL, &error));
  g_assert_no_error (error);
}

static void
assert_call_fails (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (certpin_client_unpin (f->client, "h.example", NULL, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_SERVICE_UNAVAILABLE);
}

/* Waits for the notification that comes next. The getter and the property agree. */
static void
assert_notified (Fixture *f, gboolean expected)
{
  gboolean value;

  while (f->notified == 0)
    test_loop_step ();
  test_loop_settle ();
  g_assert_cmpuint (f->notified, ==, 1);
  f->notified = 0;
  g_object_get (f->client, "connected", &value, NULL);
  g_assert_cmpint (value, ==, expected);
  g_assert_cmpint (certpin_client_get_connected (f->client), ==, expected);
}

static void
assert_not_notified (Fixture *f, gboolean expected)
{
  test_loop_settle ();
  g_assert_cmpuint (f->notified, ==, 0);
  g_assert_cmpint (certpin_client_get_connected (f->client), ==, expected);
}

/* Whoever has the reply of a call need not run the main context to see that it was connected. */
static void
test_first_call (Fixture *f, gconstpointer user_data)
{
  assert_not_notified (f, FALSE);
  assert_call_works (f);
  g_assert_true (certpin_client_get_connected (f->client));
  assert_notified (f, TRUE);
  assert_call_works (f);
  assert_not_notified (f, TRUE);
}

static void
test_bus_restarts (Fixture *f, gconstpointer user_data)
{
  assert_call_works (f);
  assert_notified (f, TRUE);
  for (int i = 0; i < 3; i++)
    {
      stop_bus (f);
      assert_notified (f, FALSE);
      assert_call_fails (f);
      assert_not_notified (f, FALSE);
      start_bus (f);
      assert_not_notified (f, FALSE);
      assert_call_works (f);
      assert_notified (f, TRUE);
    }
}

#define CALLS 50

static void
on_call_failed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  unsigned int *failed = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_false (certpin_client_unpin_finish (CERTPIN_CLIENT (source), result, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_SERVICE_UNAVAILABLE);
  g_assert_false (certpin_client_get_connected (CERTPIN_CLIENT (source)));
  ++*failed;
}

/* Whoever has the error of a call that was in progress when the bus went away need not run the main
 * context, either, to see that it is gone. */
static void
assert_known_when_calls_fail (Fixture *f, void (*disconnect) (gpointer data), gpointer data)
{
  unsigned int failed = 0;

  fake_service_set_handler (f->service, fake_service_hold, NULL);
  for (int i = 0; i < CALLS; i++)
    certpin_client_unpin_async (f->client, "h.example", NULL, NULL, on_call_failed, &failed);
  fake_service_wait_for_held (f->service, CALLS);
  disconnect (data);
  while (failed < CALLS)
    test_loop_step ();
}

static void
disconnect_bus (gpointer data)
{
  stop_bus (data);
}

static void
test_failed_calls (Fixture *f, gconstpointer user_data)
{
  assert_known_when_calls_fail (f, disconnect_bus, f);
  start_bus (f);
}

static void
disconnect_given (gpointer data)
{
  g_dbus_connection_close (data, NULL, NULL, NULL);
}

static void
test_given_failed_calls (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GDBusConnection) connection = private_bus_connect ();

  g_clear_object (&f->client);
  f->client = certpin_client_new_for_connection (connection);
  assert_known_when_calls_fail (f, disconnect_given, connection);
}

/* Without a call of the program. */
static void
test_watching_reconnects (Fixture *f, gconstpointer user_data)
{
  certpin_client_set_watching (f->client, TRUE);
  assert_notified (f, TRUE);
  stop_bus (f);
  assert_notified (f, FALSE);
  start_bus (f);
  assert_notified (f, TRUE);
  assert_call_works (f);
}

/* The call that was in progress fails, the next one works, and the connection stays. */
static void
test_service_restarts (Fixture *f, gconstpointer user_data)
{
  assert_call_works (f);
  assert_notified (f, TRUE);
  for (int i = 0; i < 3; i++)
    {
      restart_service (f);
      assert_call_works (f);
    }
  assert_not_notified (f, TRUE);
}

/* Another client of the same connection makes its first call later. */
static void
test_second_client (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CertpinClient) first = g_object_ref (f->client);
  g_autoptr (CertpinClient) second = certpin_client_new ();

  assert_call_works (f);
  assert_notified (f, TRUE);
  g_signal_handlers_disconnect_by_data (first, f);
  use (f, second);
  assert_not_notified (f, FALSE);
  assert_call_works (f);
  assert_notified (f, TRUE);
  stop_bus (f);
  assert_notified (f, FALSE);
  g_assert_false (certpin_client_get_connected (first));
  start_bus (f);
}

/* While the context does not run, the changes become one notification. */
static void
test_context_stands_still (Fixture *f, gconstpointer user_data)
{
  for (int i = 0; i < 5; i++)
    {
      assert_call_works (f);
      stop_bus (f);
      assert_call_fails (f);
      start_bus (f);
    }
  assert_call_works (f);
  assert_notified (f, TRUE);
}

/* A connection that was closed before the first call, or later, is not made anew. */
static void
test_given_connection (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GDBusConnection) connection = private_bus_connect ();
  g_autoptr (CertpinClient) client = certpin_client_new_for_connection (connection);
  g_autoptr (CertpinClient) late = certpin_client_new_for_connection (connection);

  use (f, client);
  assert_call_works (f);
  assert_notified (f, TRUE);
  g_dbus_connection_close_sync (connection, NULL, NULL);
  assert_notified (f, FALSE);
  assert_call_fails (f);
  assert_not_notified (f, FALSE);
  use (f, late);
  assert_call_fails (f);
  assert_not_notified (f, FALSE);
}

/* The connection is closed after its client has ended. */
static void
test_given_connection_outlives (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GDBusConnection) connection = private_bus_connect ();
  CertpinClient *client = certpin_client_new_for_connection (connection);

  g_signal_handlers_disconnect_by_data (f->client, f);
  g_signal_connect (client, "notify::connected", G_CALLBACK (on_notify), f);
  certpin_client_unpin (client, "h.example", NULL, NULL, NULL);
  g_object_unref (client);
  assert_call_works (f);
  g_assert_false (g_signal_has_handler_pending (
      connection, g_signal_lookup ("closed", G_TYPE_DBUS_CONNECTION), 0, TRUE));
  g_dbus_connection_close_sync (connection, NULL, NULL);
  assert_call_works (f);
  assert_not_notified (f, TRUE);
}

/* A notification that waits when the client is disposed of is dropped; none comes later. */
static void
test_disposed (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CertpinClient) client = g_object_ref (f->client);

  assert_call_works (f);
  g_object_run_dispose (G_OBJECT (client));
  assert_not_notified (f, TRUE);
  stop_bus (f);
  assert_call_fails (f);
  assert_not_notified (f, FALSE);
  start_bus (f);
}

static gpointer
use_in_thread (gpointer data)
{
  Fixture *f = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (CertpinClient) client = NULL;

  g_main_context_push_thread_default (context);
  client = certpin_client_new ();
  g_main_context_pop_thread_default (context);
  f->thread = g_thread_self ();
  use (f, client);
  assert_call_works (f);
  while (f->notified == 0)
    g_main_context_iteration (context, TRUE);
  g_clear_object (&f->client);
  return NULL;
}

/* Where the client was made counts, and not where the call was made. */
static void
test_other_context (Fixture *f, gconstpointer user_data)
{
  g_thread_join (g_thread_new ("user", use_in_thread, f));
  test_loop_settle ();
  g_assert_cmpuint (f->notified, ==, 1);
}

static gboolean
on_never (gpointer data)
{
  g_assert_not_reached ();
}

static void
on_context_ends (gpointer data)
{
  g_atomic_int_set ((int *)data, TRUE);
}

/* A notification that waits in a context that does not run does not keep the context. */
static void
test_context_ends (Fixture *f, gconstpointer user_data)
{
  GMainContext *context = g_main_context_new ();
  g_autoptr (GSource) source = g_idle_source_new ();
  g_autoptr (CertpinClient) other = certpin_client_new ();
  int ended = FALSE;

  g_source_set_callback (source, on_never, &ended, on_context_ends);
  g_source_attach (source, context);
  g_clear_object (&f->client);
  g_main_context_push_thread_default (context);
  f->client = certpin_client_new ();
  g_main_context_pop_thread_default (context);
  assert_call_works (f);
  g_main_context_unref (context);
  g_set_object (&f->client, other);
  assert_call_works (f); /* after this, the library's thread has dropped the client */
  g_assert_true (g_atomic_int_get (&ended));
}

static void
on_notify_drop (CertpinClient *client, GParamSpec *pspec, Fixture *f)
{
  g_clear_object (&f->client);
}

static void
test_dropped_in_handler (Fixture *f, gconstpointer user_data)
{
  g_signal_connect (f->client, "notify::connected", G_CALLBACK (on_notify_drop), f);
  assert_call_works (f);
  while (f->client != NULL)
    test_loop_step ();
  test_loop_settle ();
  g_assert_cmpuint (f->notified, ==, 1);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/client/connected/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
  ADD ("first-call", test_first_call);
  ADD ("bus-restarts", test_bus_restarts);
  ADD ("failed-calls", test_failed_calls);
  ADD ("watching-reconnects", test_watching_reconnects);
  ADD ("service-restarts", test_service_restarts);
  ADD ("second-client", test_second_client);
  ADD ("context-stands-still", test_context_stands_still);
  ADD ("given-connection", test_given_connection);
  ADD ("given-failed-calls", test_given_failed_calls);
  ADD ("given-connection-outlives", test_given_connection_outlives);
  ADD ("disposed", test_disposed);
  ADD ("other-context", test_other_context);
  ADD ("context-ends", test_context_ends);
  ADD ("dropped-in-handler", test_dropped_in_handler);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
