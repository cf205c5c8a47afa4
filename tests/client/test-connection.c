/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what happens to calls and to the program when the bus or the service goes away and
 * comes back, and when the program has many clients. */

#include "config.h"

#include "tests/client/fake-service.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include <certpin.h>
#include <gio/gunixsocketaddress.h>

#include <string.h>

#define CALLS 100

typedef struct
{
  FakeService *service;
  CertpinClient *client;
} Fixture;

static void
set_up (Fixture *f, gconstpointer user_data)
{
  private_bus_start ();
  f->service = fake_service_new ();
  f->client = certpin_client_new ();
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_clear_object (&f->client);
  fake_service_free (f->service);
  test_loop_settle ();
  private_bus_stop ();
}

static void
assert_works (CertpinClient *client)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (certpin_client_unpin (client, "h.example", NULL, NULL, &error));
  g_assert_no_error (error);
}

static void
assert_unavailable (CertpinClient *client)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (certpin_client_unpin (client, "h.example", NULL, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_SERVICE_UNAVAILABLE);
}

/* Kills the bus and its services, as if they had crashed. */
static void
stop_bus (Fixture *f)
{
  private_bus_stop ();
  g_clear_pointer (&f->service, fake_service_free);
}

static void
start_bus (Fixture *f)
{
  private_bus_start ();
  f->service = fake_service_new ();
}

static void
on_unpinned (GObject *source, GAsyncResult *result, gpointer user_data)
{
  unsigned int *left = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_false (certpin_client_unpin_finish (CERTPIN_CLIENT (source), result, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_SERVICE_UNAVAILABLE);
  (*left)--;
}

/* Calls under way, waiting calls and later calls fail; after the restart, calls work again. */
static void
test_bus_ends (Fixture *f, gconstpointer user_data)
{
  for (int round = 0; round < 3; round++)
    {
      unsigned int left = CALLS;

      assert_works (f->client);
      fake_service_set_handler (f->service, fake_service_hold, NULL);
      for (unsigned int i = 0; i < CALLS; i++)
        certpin_client_unpin_async (f->client, "h.example", NULL, NULL, on_unpinned, &left);
      fake_service_wait_for_held (f->service, 64);
      stop_bus (f);
      while (left > 0)
        test_loop_step ();
      assert_unavailable (f->client);
      assert_unavailable (f->client);
      start_bus (f);
    }
  assert_works (f->client);
}

/* The order of the library's and the program's first connection does not matter. */
static void
test_bus_ends_the_programs_too (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) shared = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, &error);
  g_autoptr (CertpinClient) given = certpin_client_new_for_connection (shared);

  g_assert_no_error (error);
  assert_works (f->client);
  assert_works (given);
  /* The library does not change the program's setting. */
  g_assert_true (g_dbus_connection_get_exit_on_close (shared));
  g_dbus_connection_set_exit_on_close (shared, FALSE);
  stop_bus (f);
  while (!g_dbus_connection_is_closed (shared))
    test_loop_step ();
  assert_unavailable (f->client);
  assert_unavailable (given);
  start_bus (f);
  assert_works (f->client);
  assert_unavailable (given);
  g_assert_false (g_dbus_connection_get_exit_on_close (shared));
}

static void
test_service_ends (Fixture *f, gconstpointer user_data)
{
  unsigned int left = CALLS;

  fake_service_set_handler (f->service, fake_service_hold, NULL);
  for (unsigned int i = 0; i < CALLS; i++)
    certpin_client_unpin_async (f->client, "h.example", NULL, NULL, on_unpinned, &left);
  fake_service_wait_for_held (f->service, 64);
  g_clear_pointer (&f->service, fake_service_free);
  while (left > 0)
    test_loop_step ();
  assert_unavailable (f->client);
  f->service = fake_service_new ();
  assert_works (f->client);
}

/* A missing bus is an ordinary error. */
static void
test_never_a_bus (Fixture *f, gconstpointer user_data)
{
  stop_bus (f);
  assert_unavailable (f->client);
  start_bus (f);
  assert_works (f->client);
}

/* Answers Hello, if it gets to that. */
static GDBusMessage *
answer_hello (GDBusConnection *connection, GDBusMessage *message, gboolean incoming,
              gpointer user_data)
{
  g_autoptr (GDBusMessage) reply = NULL;

  if (!incoming)
    return message;
  reply = g_dbus_message_new_method_reply (message);
  g_dbus_message_set_body (reply, g_variant_new ("(s)", ":1.1"));
  g_dbus_connection_send_message (connection, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
  g_object_unref (message);
  g_dbus_connection_close (connection, NULL, NULL, NULL);
  return NULL;
}

/* `user_data`: a GAsyncQueue: keeps the connections, since the filter may be called for messages
 * that come after the close. */
static gboolean
hang_up (GDBusServer *server, GDBusConnection *connection, gpointer user_data)
{
  static int connections = 0;

  if (g_atomic_int_add (&connections, 1) % 4 == 0)
    return FALSE; /* closes it */
  g_async_queue_push (user_data, g_object_ref (connection));
  g_dbus_connection_add_filter (connection, answer_hello, NULL, NULL);
  return TRUE;
}

static void
on_changed (CertpinClient *client, const char *host, CertpinPinChange *change, gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
}

/* A bus that ends while the library connects, again and again. A client that watches needs no call
 * to notice that the bus is back. */
static void
test_bus_hangs_up (Fixture *f, gconstpointer user_data)
{
  g_autofree char *guid = g_dbus_generate_guid ();
  g_autoptr (GAsyncQueue) connections = g_async_queue_new_full (g_object_unref);
  g_autoptr (GDBusServer) server = NULL;
  g_autoptr (GError) error = NULL;
  gboolean changed = FALSE;

  stop_bus (f);
  private_bus_clear ();
  server = g_dbus_server_new_sync (private_bus_get_address (), G_DBUS_SERVER_FLAGS_RUN_IN_THREAD,
                                   guid, NULL, NULL, &error);
  g_assert_no_error (error);
  g_signal_connect (server, "new-connection", G_CALLBACK (hang_up), connections);
  g_dbus_server_start (server);
  g_signal_connect (f->client, "pin-changed", G_CALLBACK (on_changed), &changed);
  certpin_client_set_watching (f->client, TRUE);
  for (unsigned int i = 0; i < CALLS; i++)
    {
      unsigned int left = 1;

      certpin_client_unpin_async (f->client, "h.example", NULL, NULL, on_unpinned, &left);
      while (left > 0)
        test_loop_step (); /* the server needs it, too */
    }
  g_dbus_server_stop (server);
  g_assert_false (changed);
  start_bus (f);
  while (!changed)
    test_loop_step ();
  assert_works (f->client);
}

/* A bus that accepts connections and says nothing. Once it is replaced, calls work. */
static void
test_silent_bus (Fixture *f, gconstpointer user_data)
{
  const char *path = private_bus_get_address () + strlen ("unix:path=");
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr (CertpinRequest) request
      = certpin_request_new ("GET", "https://h.example/", NULL, NULL, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  GAsyncResult *pending = NULL;
  g_autoptr (GError) error = NULL, cancelled = NULL;

  stop_bus (f);
  private_bus_clear ();
  g_socket_listener_add_address (listener, address, G_SOCKET_TYPE_STREAM, 0, NULL, NULL, &error);
  g_assert_no_error (error);
  certpin_client_secure_request_async (f->client, request, NULL, cancellable, test_loop_on_result,
                                       &pending);
  g_cancellable_cancel (cancellable);
  result = test_loop_wait_for (&pending);
  g_assert_null (certpin_client_secure_request_finish (f->client, result, &cancelled));
  g_assert_error (cancelled, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_null (certpin_client_secure_request (
      f->client, request, g_variant_new_parsed ("{'timeout-ms': <uint32 1>}"), NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_TIMED_OUT);
  start_bus (f);
  assert_works (f->client);
}

static void
test_clients_share_a_connection (Fixture *f, gconstpointer user_data)
{
  g_autofree char *first = NULL;

  assert_works (f->client);
  first = fake_service_dup_last_sender (f->service);
  for (unsigned int i = 0; i < CALLS; i++)
    {
      g_autoptr (CertpinClient) other = certpin_client_new ();
      g_autofree char *sender = NULL;

      assert_works (other);
      sender = fake_service_dup_last_sender (f->service);
      g_assert_cmpstr (sender, ==, first);
    }
}

static unsigned int
count_connections (GDBusConnection *connection)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "ListNames", NULL, G_VARIANT_TYPE ("(as)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
  g_autoptr (GVariant) names = NULL;

  g_assert_no_error (error);
  names = g_variant_get_child_value (reply, 0);
  return (unsigned int)g_variant_n_children (names);
}

/* The bus allows a few hundred connections of one user. */
static void
test_connections_are_closed (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GDBusConnection) observer = private_bus_connect ();
  unsigned int before = count_connections (observer);
  gint64 end_us = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND;

  for (unsigned int i = 0; i < CALLS; i++)
    {
      g_autoptr (CertpinClient) other = certpin_client_new ();

      assert_works (other);
    }
  while (count_connections (observer) > before)
    g_assert_cmpint (g_get_monotonic_time (), <, end_us);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/client/connection/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
  ADD ("never-a-bus", test_never_a_bus);
  ADD ("bus-ends", test_bus_ends);
  ADD ("bus-ends-the-programs-too", test_bus_ends_the_programs_too);
  ADD ("service-ends", test_service_ends);
  ADD ("bus-hangs-up", test_bus_hangs_up);
  ADD ("silent-bus", test_silent_bus);
  ADD ("clients-share-one", test_clients_share_a_connection);
  ADD ("closed-after-the-last-client", test_connections_are_closed);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
