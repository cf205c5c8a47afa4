/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a program that watches receives the signals in its own main context, or is told
 * that it may have missed some, across restarts of the service and of the bus. */

#include "config.h"

#include "tests/client/fake-service.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include "dbus/certpin-names.h"

#include <certpin.h>

#include <string.h>

typedef struct
{
  FakeService *service;
  CertpinClient *client;
  GThread *thread;   /* the thread of all signals */
  GPtrArray *events; /* of char *: "SIGNAL HOST STATE" */
} Fixture;

static void
note (Fixture *f, const char *signal, const char *host, GVariant *details)
{
  const char *state = "";

  g_assert_true (f->thread == g_thread_self ());
  g_assert_true (g_variant_is_of_type (details, G_VARIANT_TYPE_VARDICT));
  if (!g_variant_lookup (details, "state", "&s", &state))
    g_variant_lookup (details, "error", "&s", &state);
  g_variant_lookup (details, "key", "&s", &state);
  g_ptr_array_add (f->events, g_strdup_printf ("%s %s %s", signal, host, state));
}

static void
on_changed (CertpinClient *client, const char *host, CertpinPinChange *change, gpointer user_data)
{
  g_assert_true (CERTPIN_IS_PIN_CHANGE (change));
  note (user_data, "changed", host, certpin_record_get_description (CERTPIN_RECORD (change)));
}

static void
on_failed (CertpinClient *client, const char *host, CertpinFailure *failure, gpointer user_data)
{
  g_assert_true (CERTPIN_IS_FAILURE (failure));
  note (user_data, "failed", host, certpin_record_get_description (CERTPIN_RECORD (failure)));
}

static void
on_seen (CertpinClient *client, const char *host, CertpinSighting *sighting, gpointer user_data)
{
  g_assert_true (CERTPIN_IS_SIGHTING (sighting));
  note (user_data, "seen", host, certpin_record_get_description (CERTPIN_RECORD (sighting)));
}

static void
connect_signals (Fixture *f, CertpinClient *client)
{
  g_signal_connect (client, "key-seen", G_CALLBACK (on_seen), f);
  g_signal_connect (client, "pin-changed", G_CALLBACK (on_changed), f);
  g_signal_connect (client, "pin-failed", G_CALLBACK (on_failed), f);
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  private_bus_start ();
  f->service = fake_service_new ();
  f->client = certpin_client_new ();
  f->thread = g_thread_self ();
  f->events = g_ptr_array_new_with_free_func (g_free);
  connect_signals (f, f->client);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_clear_object (&f->client);
  g_clear_pointer (&f->service, fake_service_free);
  g_ptr_array_unref (f->events);
  test_loop_settle ();
  private_bus_stop ();
}

/* Waits until the library's thread has done everything that was posted to it. */
static void
settle (Fixture *f)
{
  certpin_client_unpin (f->client, "h.example", NULL, NULL, NULL);
  test_loop_settle ();
}

/* Waits for an event, which must be this one. */
static void
assert_event (Fixture *f, const char *expected)
{
  while (f->events->len == 0)
    test_loop_step ();
  g_assert_cmpstr (f->events->pdata[0], ==, expected);
  g_ptr_array_remove_index (f->events, 0);
}

static void
assert_no_event (Fixture *f)
{
  settle (f);
  if (f->events->len > 0)
    g_test_message ("%s", (char *)f->events->pdata[0]);
  g_assert_cmpuint (f->events->len, ==, 0);
}

static void
emit_all (Fixture *f, const char *host)
{
  fake_service_emit (f->service, "PinChanged", host, "{'state': <'active'>}");
  fake_service_emit (f->service, "PinFailed", host, "{'error': <'PinMismatch'>}");
  fake_service_emit (f->service, "KeySeen", host, "{'key': <'sha256/a'>}");
}

static void
assert_all (Fixture *f, const char *host)
{
  g_autofree char *changed = g_strdup_printf ("changed %s active", host);
  g_autofree char *failed = g_strdup_printf ("failed %s PinMismatch", host);
  g_autofree char *seen = g_strdup_printf ("seen %s sha256/a", host);

  assert_event (f, changed);
  assert_event (f, failed);
  assert_event (f, seen);
}

static void
test_watches (Fixture *f, gconstpointer user_data)
{
  g_assert_false (certpin_client_get_watching (f->client));
  certpin_client_set_watching (f->client, TRUE);
  g_assert_true (certpin_client_get_watching (f->client));
  certpin_client_set_watching (f->client, TRUE);
  settle (f);
  g_assert_cmpuint (fake_service_count (f->service, "Subscribe"), ==, 1);
  emit_all (f, "h.example");
  assert_all (f, "h.example");
  certpin_client_set_watching (f->client, FALSE);
  fake_service_wait_for (f->service, "Unsubscribe", 1);
  emit_all (f, "h.example");
  assert_no_event (f);
}

/* The property does the same as the functions. */
static void
test_property (Fixture *f, gconstpointer user_data)
{
  gboolean watching = FALSE;
  unsigned int notified = 0;
  gulong id = g_signal_connect_swapped (f->client, "notify::watching",
                                        G_CALLBACK (g_atomic_int_inc), &notified);

  g_object_set (f->client, "watching", TRUE, NULL);
  g_object_get (f->client, "watching", &watching, NULL);
  g_assert_true (watching);
  g_object_set (f->client, "watching", TRUE, NULL);
  g_object_set (f->client, "watching", FALSE, NULL);
  g_object_get (f->client, "watching", &watching, NULL);
  g_assert_false (watching);
  g_assert_cmpuint (notified, ==, 2);
  g_signal_handler_disconnect (f->client, id);
}

/* A client does not subscribe by itself. */
static void
test_not_by_itself (Fixture *f, gconstpointer user_data)
{
  settle (f);
  emit_all (f, "h.example");
  assert_no_event (f);
  g_assert_cmpuint (fake_service_count (f->service, "Subscribe"), ==, 0);
}

/* The subscription is made before the program's next call. */
static void
test_in_time (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GPtrArray) pins = NULL;

  certpin_client_set_watching (f->client, TRUE);
  pins = certpin_client_list_pins (f->client, NULL, NULL, NULL);
  g_assert_nonnull (pins);
  g_assert_cmpuint (fake_service_count (f->service, "Subscribe"), ==, 1);
}

/* Another client keeps the connection open. */
static void
test_disposed (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CertpinClient) other = certpin_client_new ();

  certpin_client_unpin (other, "h.example", NULL, NULL, NULL);
  certpin_client_set_watching (f->client, TRUE);
  settle (f);
  emit_all (f, "h.example");
  g_clear_object (&f->client);
  fake_service_wait_for (f->service, "Unsubscribe", 1);
  test_loop_settle ();
  g_assert_cmpuint (f->events->len, ==, 0);
}

/* The other clients of the connection still receive signals. */
static void
test_shared (Fixture *f, gconstpointer user_data)
{
  CertpinClient *other = certpin_client_new ();

  connect_signals (f, other);
  certpin_client_set_watching (f->client, TRUE);
  certpin_client_set_watching (other, TRUE);
  settle (f);
  g_assert_cmpuint (fake_service_count (f->service, "Subscribe"), ==, 1);
  fake_service_emit (f->service, "PinChanged", "h.example", "{'state': <'active'>}");
  assert_event (f, "changed h.example active");
  assert_event (f, "changed h.example active");
  g_object_unref (other);
  settle (f);
  g_assert_cmpuint (fake_service_count (f->service, "Unsubscribe"), ==, 0);
  emit_all (f, "h.example");
  assert_all (f, "h.example");
}

static void
test_service_restarts (Fixture *f, gconstpointer user_data)
{
  certpin_client_set_watching (f->client, TRUE);
  settle (f);
  for (int i = 0; i < 3; i++)
    {
      fake_service_free (f->service);
      f->service = fake_service_new ();
      assert_event (f, "changed  missed");
      emit_all (f, "h.example");
      assert_all (f, "h.example");
      g_assert_cmpuint (fake_service_count (f->service, "Subscribe"), ==, 1);
    }
  assert_no_event (f);
}

/* The program makes no calls meanwhile. */
static void
test_bus_restarts (Fixture *f, gconstpointer user_data)
{
  certpin_client_set_watching (f->client, TRUE);
  settle (f);
  for (int i = 0; i < 3; i++)
    {
      private_bus_stop ();
      fake_service_free (f->service);
      private_bus_start ();
      f->service = fake_service_new ();
      assert_event (f, "changed  missed");
      emit_all (f, "h.example");
      assert_all (f, "h.example");
    }
  assert_no_event (f);
}

static void
test_service_comes_later (Fixture *f, gconstpointer user_data)
{
  g_clear_pointer (&f->service, fake_service_free);
  certpin_client_set_watching (f->client, TRUE);
  settle (f);
  g_assert_cmpuint (f->events->len, ==, 0);
  f->service = fake_service_new ();
  assert_event (f, "changed  missed");
  emit_all (f, "h.example");
  assert_all (f, "h.example");
}

static void
test_bus_comes_later (Fixture *f, gconstpointer user_data)
{
  g_clear_pointer (&f->service, fake_service_free);
  private_bus_stop ();
  certpin_client_set_watching (f->client, TRUE);
  settle (f);
  private_bus_start ();
  f->service = fake_service_new ();
  assert_event (f, "changed  missed");
  emit_all (f, "h.example");
  assert_all (f, "h.example");
}

/* Refuses a number of subscriptions. */
static GDBusMessage *
refuse (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  int *refusals = user_data;

  if (!g_str_equal (g_dbus_message_get_member (call), "Subscribe") || (*refusals)-- <= 0)
    return fake_service_reply (service, call);
  return g_dbus_message_new_method_error_literal (call, CERTPIN_ERROR_PREFIX "LimitExceeded",
                                                  "not now");
}

static void
test_refused (Fixture *f, gconstpointer user_data)
{
  int refusals = 2;

  fake_service_set_handler (f->service, refuse, &refusals);
  certpin_client_set_watching (f->client, TRUE);
  assert_event (f, "changed  missed");
  g_assert_cmpuint (fake_service_count (f->service, "Subscribe"), ==, 3);
  emit_all (f, "h.example");
  assert_all (f, "h.example");
}

/* Any program can send a signal to any other. */
static void
test_pretender (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GDBusConnection) pretender = private_bus_connect ();
  g_autofree char *us = NULL;
  g_autoptr (GError) error = NULL;

  certpin_client_set_watching (f->client, TRUE);
  settle (f);
  us = fake_service_dup_last_sender (f->service);
  g_assert_true (g_dbus_connection_emit_signal (
      pretender, us, CERTPIN_OBJECT_PATH, CERTPIN_PINS_IFACE, "PinChanged",
      g_variant_new_parsed ("('h.example', {'state': <'active'>})"), &error));
  g_assert_no_error (error);
  g_dbus_connection_flush_sync (pretender, NULL, &error);
  g_assert_no_error (error);
  assert_no_event (f);
  emit_all (f, "h.example");
  assert_all (f, "h.example");
}

static void
emit_odd (Fixture *f, const char *path, const char *interface, const char *member, const char *body)
{
  GVariant *parsed = body != NULL ? g_variant_new_parsed (body) : NULL;

  fake_service_send_signal (f->service, path, interface, member, parsed);
}

/* Signals with other names or arguments are ignored. */
static void
test_odd_signals (Fixture *f, gconstpointer user_data)
{
  certpin_client_set_watching (f->client, TRUE);
  settle (f);
  emit_odd (f, CERTPIN_OBJECT_PATH, CERTPIN_PINS_IFACE, "PinChanged", NULL);
  emit_odd (f, CERTPIN_OBJECT_PATH, CERTPIN_PINS_IFACE, "PinChanged", "('h.example',)");
  emit_odd (f, CERTPIN_OBJECT_PATH, CERTPIN_PINS_IFACE, "PinFailed", "('h.example', @a{ss} {})");
  emit_odd (f, CERTPIN_OBJECT_PATH, CERTPIN_PINS_IFACE, "PinFlown", "('h.example', @a{sv} {})");
  emit_odd (f, "/other", CERTPIN_PINS_IFACE, "PinChanged", "('h.example', @a{sv} {})");
  emit_odd (f, CERTPIN_OBJECT_PATH, "org.example", "PinChanged", "('h.example', @a{sv} {})");
  emit_all (f, "h.example");
  assert_all (f, "h.example");
  assert_no_event (f);
}

/* Signals for a main context that does not run must not fill the memory. */
static void
test_slow_reader (Fixture *f, gconstpointer user_data)
{
  certpin_client_set_watching (f->client, TRUE);
  settle (f);
  for (int i = 0; i < 1000; i++)
    fake_service_emit (f->service, "PinChanged", "h.example", "{'state': <'active'>}");
  fake_service_emit (f->service, "PinChanged", "last.example", "{'state': <'active'>}");
  g_assert_true (certpin_client_unpin (f->client, "h.example", NULL, NULL, NULL));
  while (f->events->len == 0
         || strcmp (f->events->pdata[f->events->len - 1], "changed last.example active") != 0)
    test_loop_step ();
  g_assert_cmpuint (f->events->len, <=, 257);
  g_assert_cmpstr (f->events->pdata[0], ==, "changed  missed");
}

static gpointer
watch_in_thread (gpointer data)
{
  Fixture *f = data;
  g_autoptr (GMainContext) context = g_main_context_new ();

  f->thread = g_thread_self ();
  g_main_context_push_thread_default (context);
  certpin_client_set_watching (f->client, TRUE);
  g_main_context_pop_thread_default (context);
  certpin_client_unpin (f->client, "h.example", NULL, NULL, NULL);
  emit_all (f, "h.example");
  while (f->events->len < 2)
    g_main_context_iteration (context, TRUE);
  certpin_client_set_watching (f->client, FALSE);
  return NULL;
}

static void
test_other_context (Fixture *f, gconstpointer user_data)
{
  g_thread_join (g_thread_new ("watcher", watch_in_thread, f));
  g_assert_cmpuint (f->events->len, ==, 2);
}

static void
on_changed_stop (CertpinClient *client, const char *host, CertpinPinChange *change,
                 gpointer user_data)
{
  Fixture *f = user_data;

  certpin_client_set_watching (client, FALSE);
  g_clear_object (&f->client);
}

/* The handler stops watching and drops the client. */
static void
test_stop_in_handler (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CertpinClient) other = certpin_client_new ();

  certpin_client_unpin (other, "h.example", NULL, NULL, NULL);
  g_signal_connect (f->client, "pin-changed", G_CALLBACK (on_changed_stop), f);
  certpin_client_set_watching (f->client, TRUE);
  settle (f);
  for (int i = 0; i < 10; i++)
    emit_all (f, "h.example");
  assert_event (f, "changed h.example active");
  fake_service_wait_for (f->service, "Unsubscribe", 1);
  test_loop_settle ();
  g_assert_null (f->client);
  g_assert_cmpuint (f->events->len, ==, 0);
}

static gpointer
toggle_run (gpointer data)
{
  CertpinClient *client = data;

  for (int i = 0; i < 500; i++)
    certpin_client_set_watching (client, i % 2 == 0);
  return NULL;
}

static void
test_toggled_by_threads (Fixture *f, gconstpointer user_data)
{
  GThread *threads[4];

  for (size_t i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("toggle", toggle_run, f->client);
  for (size_t i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  certpin_client_set_watching (f->client, FALSE);
  certpin_client_set_watching (f->client, TRUE);
  settle (f);
  emit_all (f, "h.example");
  assert_all (f, "h.example");
}

/* Watching works on the program's own connection, until that is closed. */
static void
test_given_connection (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GDBusConnection) connection = private_bus_connect ();

  g_object_unref (f->client);
  f->client = certpin_client_new_for_connection (connection);
  connect_signals (f, f->client);
  certpin_client_set_watching (f->client, TRUE);
  settle (f);
  emit_all (f, "h.example");
  assert_all (f, "h.example");
  g_dbus_connection_close_sync (connection, NULL, NULL);
  assert_no_event (f);
  certpin_client_set_watching (f->client, FALSE);
  certpin_client_set_watching (f->client, TRUE);
  assert_no_event (f);
}

/* The service answers when there is nobody left to watch. */
static void
test_late_answer (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GDBusConnection) connection = private_bus_connect ();
  CertpinClient *client = certpin_client_new_for_connection (connection);
  g_autoptr (GVariant) reply = NULL;

  fake_service_set_handler (f->service, fake_service_hold, NULL);
  certpin_client_set_watching (client, TRUE);
  fake_service_wait_for_held (f->service, 1);
  g_object_unref (client);
  fake_service_wait_for_held (f->service, 2); /* Unsubscribe */
  fake_service_set_handler (f->service, NULL, NULL);
  settle (f);
  fake_service_answer_held (f->service);
  /* What comes after the answer has arrived, so the answer has, too. */
  reply = g_dbus_connection_call_sync (connection, CERTPIN_BUS_NAME, CERTPIN_OBJECT_PATH,
                                       CERTPIN_PINS_IFACE, "Unsubscribe", NULL, NULL,
                                       G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
  g_assert_nonnull (reply);
  settle (f);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/client/watch/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
  ADD ("watches", test_watches);
  ADD ("property", test_property);
  ADD ("not-by-itself", test_not_by_itself);
  ADD ("in-time", test_in_time);
  ADD ("disposed", test_disposed);
  ADD ("shared", test_shared);
  ADD ("service-restarts", test_service_restarts);
  ADD ("bus-restarts", test_bus_restarts);
  ADD ("service-comes-later", test_service_comes_later);
  ADD ("bus-comes-later", test_bus_comes_later);
  ADD ("refused", test_refused);
  ADD ("pretender", test_pretender);
  ADD ("odd-signals", test_odd_signals);
  ADD ("slow-reader", test_slow_reader);
  ADD ("other-context", test_other_context);
  ADD ("stop-in-handler", test_stop_in_handler);
  ADD ("toggled-by-threads", test_toggled_by_threads);
  ADD ("given-connection", test_given_connection);
  ADD ("late-answer", test_late_answer);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
