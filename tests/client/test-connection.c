/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what becomes of calls, and of the program, when the bus goes away and comes back, when the
 * program forks, and when many clients are one. */

#include "config.h"

#include "tests/client/fake-service.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include <certpin.h>

#include <sys/wait.h>
#include <unistd.h>

#define CALLS 100

/* A child of the program that has not ended by then hangs. */
#define CHILD_MAX_S 20

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

/* As a bus that crashes, together with its services. */
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

/* Those under way, those that wait for their turn, and all further ones fail; then it works again.
 */
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

/* Whichever call came first, of us or of somebody else in the program. */
static void
test_bus_ends_the_programs_too (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) shared = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, &error);
  g_autoptr (CertpinClient) given = certpin_client_new_for_connection (shared);

  g_assert_no_error (error);
  assert_works (f->client);
  assert_works (given);
  /* It is the program's to say. */
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

/* No bus, and an address that is none, are errors like any other. */
static void
test_never_a_bus (Fixture *f, gconstpointer user_data)
{
  stop_bus (f);
  assert_unavailable (f->client);
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

/* The bus allows a user some hundreds. */
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

/* In a process that was forked. Returns: its exit status */
static int
fork_and_run (int (*function) (Fixture *f), Fixture *f)
{
  int status = 0;
  pid_t child = fork ();

  if (child == 0)
    {
      alarm (CHILD_MAX_S);
      _exit (function (f));
    }
  g_assert_cmpint (child, >, 0);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  return WEXITSTATUS (status);
}

static gboolean
is_refused (CertpinClient *client)
{
  g_autoptr (GError) error = NULL;

  return !certpin_client_unpin (client, "h.example", NULL, NULL, &error)
         && g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_SERVICE_UNAVAILABLE);
}

/* None of the program's threads is there: it must not wait for them, nor touch their connection. */
static int
run_in_child (Fixture *f)
{
  g_autoptr (CertpinClient) own = certpin_client_new ();
  gboolean refused = is_refused (f->client) && is_refused (own);

  g_object_unref (f->client);
  return refused ? 0 : 1;
}

static void
test_fork (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GDBusConnection) connection = private_bus_connect ();
  unsigned int before;

  assert_works (f->client);
  before = fake_service_count (f->service, "Unpin");
  g_assert_cmpint (fork_and_run (run_in_child, f), ==, 0);
  g_assert_cmpuint (fake_service_count (f->service, "Unpin"), ==, before);
  assert_works (f->client);
  g_object_unref (f->client);
  f->client = certpin_client_new_for_connection (connection);
  g_assert_cmpint (fork_and_run (run_in_child, f), ==, 0);
  assert_works (f->client);
}

static int
use_in_child (Fixture *f)
{
  return certpin_client_unpin (f->client, "h.example", NULL, NULL, NULL) ? 0 : 1;
}

static void
program_that_forks_first (void)
{
  Fixture f = { .client = certpin_client_new () };

  g_assert_cmpint (fork_and_run (use_in_child, &f), ==, 0);
  assert_works (f.client);
  g_object_unref (f.client);
}

/* A process that has not called anything yet may be forked, and both may call. */
static void
test_fork_first (Fixture *f, gconstpointer user_data)
{
  g_test_trap_subprocess ("/client/connection/fork-first/subprocess", 0,
                          G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
  g_assert_cmpuint (fake_service_count (f->service, "Unpin"), ==, 2);
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
  ADD ("clients-share-one", test_clients_share_a_connection);
  ADD ("closed-after-the-last-client", test_connections_are_closed);
  ADD ("fork", test_fork);
  ADD ("fork-first", test_fork_first);
  g_test_add_func ("/client/connection/fork-first/subprocess", program_that_forks_first);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
