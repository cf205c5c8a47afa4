/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves the order of calls, the limit of calls under way, and their deadlines; and that a call
 * does not depend on the program's other threads and main contexts. */

#include "config.h"

#include "tests/client/fake-service.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include "dbus/certpin-names.h"

#include <certpin.h>

#include <glib/gstdio.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNDER_WAY_MAX 64
#define MANY          2000

typedef struct
{
  FakeService *service;
  CertpinClient *client;
  CertpinRequest *request;
  GThread *main;
  unsigned int over; /* calls */
  GMutex lock;
  GArray *order;           /* under `lock`: of unsigned int: the hosts of the GetPin calls */
  unsigned int rejections; /* those that are left; of the service's thread */
} Fixture;

static void
set_up (Fixture *f, gconstpointer user_data)
{
  private_bus_start ();
  f->service = fake_service_new ();
  f->client = certpin_client_new ();
  f->request = certpin_request_new ("GET", "https://h.example/", NULL, NULL, NULL);
  f->main = g_thread_self ();
  f->order = g_array_new (FALSE, FALSE, sizeof (unsigned int));
  g_mutex_init (&f->lock);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_clear_object (&f->client);
  certpin_request_unref (f->request);
  fake_service_free (f->service);
  g_array_unref (f->order);
  g_mutex_clear (&f->lock);
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

/* Records the number in the host, and holds the call. */
static GDBusMessage *
note_and_hold (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  Fixture *f = user_data;
  const char *host;
  unsigned int number;

  g_variant_get_child (g_dbus_message_get_body (call), 0, "&s", &host);
  number = (unsigned int)atoi (host + 1);
  g_mutex_lock (&f->lock);
  g_array_append_val (f->order, number);
  g_mutex_unlock (&f->lock);
  return NULL;
}

static void
on_pin (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinPin) pin
      = certpin_client_get_pin_finish (CERTPIN_CLIENT (source), result, &error);

  g_assert_no_error (error);
  g_assert_true (g_thread_self () == f->main);
  f->over++;
}

static void
get_pins (Fixture *f, unsigned int calls)
{
  for (unsigned int i = 0; i < calls; i++)
    {
      g_autofree char *host = g_strdup_printf ("h%u", i);

      certpin_client_get_pin_async (f->client, host, NULL, NULL, on_pin, f);
    }
}

static void
test_at_most_64_in_order (Fixture *f, gconstpointer user_data)
{
  const unsigned int calls = 3 * UNDER_WAY_MAX + 8;

  fake_service_set_handler (f->service, note_and_hold, f);
  get_pins (f, calls);
  for (unsigned int left = calls; left > 0; left -= MIN (left, UNDER_WAY_MAX))
    {
      fake_service_wait_for_held (f->service, MIN (left, UNDER_WAY_MAX));
      /* If the library had sent more, the service would have them by now. */
      g_object_unref (private_bus_connect ());
      g_assert_cmpuint (fake_service_count_held (f->service), ==, MIN (left, UNDER_WAY_MAX));
      fake_service_answer_held (f->service);
    }
  while (f->over < calls)
    test_loop_step ();
  for (unsigned int i = 0; i < calls; i++)
    g_assert_cmpuint (g_array_index (f->order, unsigned int, i), ==, i);
}

static void
test_many (Fixture *f, gconstpointer user_data)
{
  get_pins (f, MANY);
  while (f->over < MANY)
    test_loop_step ();
}

static void
wait_and_assert_error (CertpinClient *client, GAsyncResult **pending, GQuark domain, int code)
{
  g_autoptr (GAsyncResult) result = test_loop_wait_for (pending);
  g_autoptr (GError) error = NULL;

  g_assert_null (certpin_client_secure_request_finish (client, result, &error));
  g_assert_error (error, domain, code);
  g_test_message ("%s", error->message);
}

/* Records the number in the host, and answers. */
static GDBusMessage *
note_and_reply (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  note_and_hold (service, call, user_data);
  return fake_service_reply (service, call);
}

/* As the bus does while too much waits for the service. */
static GDBusMessage *
reject_some (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  Fixture *f = user_data;

  if (f->rejections == 0)
    return note_and_reply (service, call, f);
  f->rejections--;
  return g_dbus_message_new_method_error (call, "org.freedesktop.DBus.Error.LimitsExceeded",
                                          "the queue is full");
}

/* Returns: how many calls were carried out before that of the host */
static unsigned int
place_of (Fixture *f, unsigned int number)
{
  for (unsigned int i = 0; i < f->order->len; i++)
    if (g_array_index (f->order, unsigned int, i) == number)
      return i;
  g_assert_not_reached ();
}

static void
test_what_the_bus_rejects_is_sent_again (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  f->rejections = 3;
  fake_service_set_handler (f->service, reject_some, f);
  get_pins (f, 5);
  while (f->over < 5)
    test_loop_step ();
  g_assert_cmpuint (fake_service_count (f->service, "GetPin"), ==, 8);
  g_assert_cmpuint (place_of (f, 0), <, place_of (f, 1));
  g_assert_cmpuint (place_of (f, 1), <, place_of (f, 2));
  f->rejections = 1;
  g_assert_true (certpin_client_unpin (f->client, "h.example", NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fake_service_count (f->service, "Unpin"), ==, 2);
}

/* Not for ever; and the next call is sent as ever. */
static void
test_what_the_bus_goes_on_rejecting_fails (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  f->rejections = 6;
  fake_service_set_handler (f->service, reject_some, f);
  g_assert_false (certpin_client_unpin (f->client, "h.example", NULL, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED);
  g_assert_cmpuint (fake_service_count (f->service, "Unpin"), ==, 6);
  get_pins (f, 1);
  while (f->over < 1)
    test_loop_step ();
}

static void
on_unpinned (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (certpin_client_unpin_finish (CERTPIN_CLIENT (source), result, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED);
  ((Fixture *)user_data)->over++;
}

/* Later calls may have been meant to come after it. */
static void
test_a_change_is_not_sent_after_what_came_after_it (Fixture *f, gconstpointer user_data)
{
  f->rejections = 1;
  fake_service_set_handler (f->service, reject_some, f);
  certpin_client_unpin_async (f->client, "h.example", NULL, NULL, on_unpinned, f);
  get_pins (f, 1);
  while (f->over < 2)
    test_loop_step ();
  g_assert_cmpuint (fake_service_count (f->service, "Unpin"), ==, 1);
}

/* A call that is cancelled while it waits is never sent; one that is cancelled under way makes
 * room. */
static void
test_cancel (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GCancellable) waiting = g_cancellable_new (), under_way = g_cancellable_new ();
  GAsyncResult *pending_waiting = NULL, *pending_under_way = NULL;

  fake_service_set_handler (f->service, fake_service_hold, NULL);
  certpin_client_secure_request_async (f->client, f->request, NULL, under_way, test_loop_on_result,
                                       &pending_under_way);
  get_pins (f, UNDER_WAY_MAX - 1);
  certpin_client_secure_request_async (f->client, f->request, NULL, waiting, test_loop_on_result,
                                       &pending_waiting);
  get_pins (f, 1);
  fake_service_wait_for_held (f->service, UNDER_WAY_MAX);
  g_cancellable_cancel (waiting);
  wait_and_assert_error (f->client, &pending_waiting, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_cancellable_cancel (under_way);
  wait_and_assert_error (f->client, &pending_under_way, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  fake_service_wait_for (f->service, "Cancel", 1);
  fake_service_wait_for (f->service, "GetPin", UNDER_WAY_MAX);
  fake_service_wait_for_held (f->service, UNDER_WAY_MAX);
  g_assert_cmpuint (fake_service_count (f->service, "SecureRequest"), ==, 1);
  fake_service_answer_held (f->service);
  while (f->over < UNDER_WAY_MAX)
    test_loop_step ();
}

static void
on_given_up (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_null (certpin_client_get_pin_finish (CERTPIN_CLIENT (source), result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  f->over++;
}

/* Returns: how many calls of GetPin the service has seen, all that were sent over the connection
 * included */
static unsigned int
count_sent (Fixture *f, GDBusConnection *connection)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;

  assert_works (f->client);
  reply = g_dbus_connection_call_sync (connection, CERTPIN_BUS_NAME, CERTPIN_OBJECT_PATH,
                                       CERTPIN_PINS_IFACE, "Unsubscribe", NULL, NULL,
                                       G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
  g_assert_no_error (error);
  return fake_service_count (f->service, "GetPin");
}

/* The bus counts a call until the service answers it, and so does the library, even if the call was
 * cancelled and its client is gone. */
static void
test_cancelled_calls_keep_their_places (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GDBusConnection) connection = private_bus_connect ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  CertpinClient *first = certpin_client_new_for_connection (connection);
  g_autoptr (CertpinClient) second = NULL;

  fake_service_set_handler (f->service, fake_service_hold, NULL);
  for (int i = 0; i < UNDER_WAY_MAX; i++)
    certpin_client_get_pin_async (first, "h.example", NULL, cancellable, on_given_up, f);
  g_object_unref (first);
  fake_service_wait_for_held (f->service, UNDER_WAY_MAX);
  g_cancellable_cancel (cancellable);
  while (f->over < UNDER_WAY_MAX)
    test_loop_step ();
  fake_service_set_handler (f->service, NULL, NULL);
  second = certpin_client_new_for_connection (connection);
  certpin_client_get_pin_async (second, "h.example", NULL, NULL, on_pin, f);
  g_assert_cmpuint (count_sent (f, connection), ==, UNDER_WAY_MAX);
  fake_service_answer_held (f->service);
  while (f->over <= UNDER_WAY_MAX)
    test_loop_step ();
}

/* The shortest deadline is that of a request with a timeout of one millisecond. The other
 * connection has room, so its request is sent, and must end in the service, too. */
static void
test_deadline (Fixture *f, gconstpointer user_data)
{
  static const char options[] = "{'timeout-ms': <uint32 1>}";
  g_autoptr (GDBusConnection) connection = private_bus_connect ();
  g_autoptr (CertpinClient) other = certpin_client_new_for_connection (connection);
  GAsyncResult *waiting = NULL, *under_way = NULL;

  fake_service_set_handler (f->service, fake_service_hold, NULL);
  get_pins (f, UNDER_WAY_MAX);
  fake_service_wait_for_held (f->service, UNDER_WAY_MAX);
  certpin_client_secure_request_async (other, f->request, g_variant_new_parsed (options), NULL,
                                       test_loop_on_result, &under_way);
  fake_service_wait_for_held (f->service, UNDER_WAY_MAX + 1);
  certpin_client_secure_request_async (f->client, f->request, g_variant_new_parsed (options), NULL,
                                       test_loop_on_result, &waiting);
  wait_and_assert_error (other, &under_way, CERTPIN_ERROR, CERTPIN_ERROR_TIMED_OUT);
  fake_service_wait_for_held (f->service, UNDER_WAY_MAX);
  wait_and_assert_error (f->client, &waiting, CERTPIN_ERROR, CERTPIN_ERROR_TIMED_OUT);
  g_assert_cmpuint (fake_service_count (f->service, "SecureRequest"), ==, 1);
  g_assert_cmpuint (fake_service_count (f->service, "Cancel"), ==, 1);
  fake_service_answer_held (f->service);
  while (f->over < UNDER_WAY_MAX)
    test_loop_step ();
}

static gboolean
wait_in_callback (gpointer data)
{
  Fixture *f = data;

  fake_service_set_handler (f->service, NULL, NULL);
  fake_service_answer_held (f->service);
  assert_works (f->client);
  g_assert_cmpuint (f->over, ==, 0); /* no other callback ran meanwhile */
  return G_SOURCE_REMOVE;
}

/* All calls under way belong to the main context, which blocks in a callback. */
static void
test_wait_in_callback (Fixture *f, gconstpointer user_data)
{
  const unsigned int calls = 2 * UNDER_WAY_MAX;

  fake_service_set_handler (f->service, fake_service_hold, NULL);
  get_pins (f, calls);
  fake_service_wait_for_held (f->service, UNDER_WAY_MAX);
  g_idle_add_full (G_PRIORITY_HIGH, wait_in_callback, f, NULL);
  while (f->over < calls)
    test_loop_step ();
}

static void
call_in_cancellation (GCancellable *cancellable, gpointer user_data)
{
  Fixture *f = user_data;

  assert_works (f->client);
  f->over++;
}

static gpointer
cancel_run (gpointer data)
{
  GCancellable *cancellable = data;

  g_cancellable_cancel (cancellable);
  return NULL;
}

/* A handler of the cancellation makes a call of its own, and waits for it. */
static void
test_call_in_cancellation (Fixture *f, gconstpointer user_data)
{
  fake_service_set_handler (f->service, NULL, NULL);
  for (unsigned int i = 0; i < 200; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      gulong id = g_cancellable_connect (cancellable, G_CALLBACK (call_in_cancellation), f, NULL);
      GThread *thread = g_thread_new ("cancel", cancel_run, cancellable);
      g_autoptr (GError) error = NULL;
      g_autoptr (CertpinResponse) response
          = certpin_client_secure_request (f->client, f->request, NULL, cancellable, &error);

      if (error != NULL)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_cancellable_disconnect (cancellable, id);
      g_thread_join (thread);
    }
}

static gpointer
call_without_context (gpointer data)
{
  get_pins (data, 100);
  return NULL;
}

/* The replies to a thread without a main context of its own go to the default one. */
static void
test_thread_without_context (Fixture *f, gconstpointer user_data)
{
  GThread *thread = g_thread_new ("caller", call_without_context, f);

  while (f->over < 100)
    test_loop_step ();
  g_thread_join (thread);
}

typedef struct
{
  Fixture *f;
  GThread *self;
  unsigned int over;
} Caller;

static void
on_pin_of_caller (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Caller *caller = user_data;
  g_autoptr (CertpinPin) pin
      = certpin_client_get_pin_finish (CERTPIN_CLIENT (source), result, NULL);

  g_assert_nonnull (pin);
  g_assert_true (caller->self == g_thread_self ());
  caller->over++;
}

static gpointer
call_with_context (gpointer data)
{
  Caller caller = { .f = data, .self = g_thread_self () };
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  for (unsigned int i = 0; i < 200; i++)
    certpin_client_get_pin_async (caller.f->client, "h.example", NULL, NULL, on_pin_of_caller,
                                  &caller);
  while (caller.over < 200)
    {
      assert_works (caller.f->client);
      g_main_context_iteration (context, TRUE);
    }
  g_main_context_pop_thread_default (context);
  return NULL;
}

/* Each thread gets its replies in its own context, also between waiting calls. */
static void
test_threads_with_contexts (Fixture *f, gconstpointer user_data)
{
  GThread *threads[8];

  for (size_t i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("caller", call_with_context, f);
  for (size_t i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

static gpointer
call_and_leave (gpointer data)
{
  GMainContext *context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  get_pins (data, UNDER_WAY_MAX);
  g_main_context_pop_thread_default (context);
  return context;
}

/* Replies that wait in a context that does not run do not hold up other calls. */
static void
test_context_that_does_not_run (Fixture *f, gconstpointer user_data)
{
  GThread *thread = g_thread_new ("leaver", call_and_leave, f);
  g_autoptr (GMainContext) context = g_thread_join (thread);

  for (int i = 0; i < 100; i++)
    assert_works (f->client);
  g_assert_cmpuint (f->over, ==, 0);
  while (f->over < UNDER_WAY_MAX)
    g_main_context_iteration (context, TRUE);
}

/* Calls hold a reference to their client. */
static void
test_client_goes_first (Fixture *f, gconstpointer user_data)
{
  get_pins (f, 100);
  g_clear_object (&f->client);
  while (f->over < 100)
    test_loop_step ();
}

/* No program writes to the FIFO, so opening it blocks forever. */
static void
test_file_that_blocks (Fixture *f, gconstpointer user_data)
{
  g_autofree char *folder = g_dir_make_tmp ("certpin-fifo-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "fifo", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  for (int i = 0; i < 5; i++)
    {
      g_autoptr (GCancellable) here = g_cancellable_new (), there = g_cancellable_new ();
      GAsyncResult *pending = NULL;
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL, async_error = NULL;
      GThread *thread;

      certpin_client_pin_certificate_from_file_async (f->client, "h.example", file, NULL, here,
                                                      test_loop_on_result, &pending);
      test_loop_settle ();
      g_cancellable_cancel (here);
      result = test_loop_wait_for (&pending);
      g_assert_null (
          certpin_client_pin_certificate_from_file_finish (f->client, result, &async_error));
      g_assert_error (async_error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      thread = g_thread_new ("cancel", cancel_run, there);
      g_assert_null (certpin_client_pin_certificate_from_file (f->client, "h.example", file, NULL,
                                                               there, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_thread_join (thread);
    }
  g_assert_cmpuint (fake_service_count (f->service, "BlockHost"), ==, 0);
  close (open (path, O_RDWR | O_CLOEXEC)); /* unblocks the threads */
  g_unlink (path);
  g_rmdir (folder);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/client/queue/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
  ADD ("what-the-bus-rejects-is-sent-again", test_what_the_bus_rejects_is_sent_again);
  ADD ("what-the-bus-goes-on-rejecting-fails", test_what_the_bus_goes_on_rejecting_fails);
  ADD ("a-change-is-not-sent-after-what-came-after-it",
       test_a_change_is_not_sent_after_what_came_after_it);
  ADD ("at-most-64-in-order", test_at_most_64_in_order);
  ADD ("many", test_many);
  ADD ("cancel", test_cancel);
  ADD ("cancelled-calls-keep-their-places", test_cancelled_calls_keep_their_places);
  ADD ("deadline", test_deadline);
  ADD ("wait-in-callback", test_wait_in_callback);
  ADD ("call-in-cancellation", test_call_in_cancellation);
  ADD ("thread-without-context", test_thread_without_context);
  ADD ("threads-with-contexts", test_threads_with_contexts);
  ADD ("context-that-does-not-run", test_context_that_does_not_run);
  ADD ("client-goes-first", test_client_goes_first);
  ADD ("file-that-blocks", test_file_that_blocks);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
