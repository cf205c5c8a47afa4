/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what becomes of messages between the bus and GDBus: calls reach the inbox, whole or
 * refused; all else reaches GDBus, with its descriptors; what was sent leaves. */

#include "config.h"

#include "daemon/bus/cpd-link.h"
#include "daemon/core/base/cpd-apart.h"
#include "dbus/certpin-names.h"
#include "tests/lib/test-bus.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A service that keeps what it gets, and somebody who calls it. */
typedef struct
{
  GTestDBus *dbus;
  CpdLink *link;
  CpdInbox *inbox;
  GDBusConnection *connection; /* the link's */
  GDBusConnection *other;
  GPtrArray *arrivals; /* of CpdArrival */
  unsigned int signals, unasked;
} Fixture;

static const char *
name_of (GDBusConnection *connection)
{
  return g_dbus_connection_get_unique_name (connection);
}

static void
on_met (const char *sender, gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (CpdCaller) caller = cpd_caller_new (sender, getuid ());

  cpd_inbox_admit (f->inbox, caller);
}

static void
on_turn (CpdCaller *caller, CpdArrival *arrival, gpointer user_data)
{
  Fixture *f = user_data;

  g_ptr_array_add (f->arrivals, arrival);
  cpd_caller_unref (caller);
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  static const CpdInboxFuncs funcs = { .met = on_met, .turn = on_turn };
  g_autoptr (GError) error = NULL;

  f->dbus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (f->dbus);
  f->link = cpd_link_new (g_test_dbus_get_bus_address (f->dbus), &error);
  g_assert_no_error (error);
  f->connection = cpd_link_get_connection (f->link);
  f->other = test_bus_connect_to (f->dbus);
  f->arrivals = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_arrival_free);
  f->inbox = cpd_inbox_new (&funcs, f);
  cpd_inbox_start (f->inbox);
  cpd_link_open (f->link, f->inbox);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_ptr_array_unref (f->arrivals);
  cpd_link_free (f->link);
  cpd_inbox_free (f->inbox);
  g_dbus_connection_close_sync (f->other, NULL, NULL);
  g_object_unref (f->other);
  g_test_dbus_down (f->dbus);
  g_object_unref (f->dbus);
}

static void
send_message (GDBusConnection *connection, GDBusMessage *message)
{
  g_autoptr (GError) error = NULL;

  g_dbus_connection_send_message (connection, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL,
                                  &error);
  g_assert_no_error (error);
  g_dbus_connection_flush_sync (connection, NULL, &error);
  g_assert_no_error (error);
}

/* `body`: sunk. `fds`: (nullable): the interface takes them */
static GDBusMessage *
call_with (Fixture *f, GVariant *body, GUnixFDList *fds)
{
  GDBusMessage *message = g_dbus_message_new_method_call (
      name_of (f->connection), "/a", fds != NULL ? CERTPIN_REQUESTS_IFACE : "b.c", "D");

  if (body != NULL)
    g_dbus_message_set_body (message, body);
  if (fds != NULL)
    g_dbus_message_set_unix_fd_list (message, fds);
  return message;
}

/* Returns: (transfer none): the next call that arrives */
static CpdArrival *
receive_call (Fixture *f, GVariant *body, GUnixFDList *fds)
{
  g_autoptr (GDBusMessage) message = call_with (f, body, fds);
  unsigned int before = f->arrivals->len;

  send_message (f->other, message);
  while (f->arrivals->len == before)
    test_loop_step ();
  return f->arrivals->pdata[before];
}

static void
test_calls_arrive_whole (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GVariant) body = g_variant_ref_sink (g_variant_new_parsed ("('x', {'a': <[1, 2]>})"));
  const CpdArrival *arrival = receive_call (f, body, NULL);

  g_assert_null (arrival->refusal);
  g_assert_true (g_variant_equal (g_dbus_message_get_body (arrival->message), body));
  g_assert_cmpstr (g_dbus_message_get_sender (arrival->message), ==, name_of (f->other));
}

/* Larger than any buffer, and read in a thread; the next call of that sender comes after it. */
static void
test_large_calls_arrive_whole (Fixture *f, gconstpointer user_data)
{
  gsize size = 5 * 1024 * 1024;
  g_autofree guint8 *bytes = g_malloc (size);
  g_autoptr (GVariant) body = NULL, arrived = NULL;
  const CpdArrival *arrival;

  for (gsize i = 0; i < size; i++)
    bytes[i] = (guint8)(i * 7 + i / 251);
  body = g_variant_ref_sink (
      g_variant_new ("(@ay)", g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, size, 1)));
  arrival = receive_call (f, body, NULL);
  g_assert_null (arrival->refusal);
  arrived = g_variant_get_child_value (g_dbus_message_get_body (arrival->message), 0);
  /* GLib would compare values that come from elsewhere as text, a byte at a time. */
  g_assert_cmpmem (g_variant_get_data (arrived), g_variant_get_size (arrived), bytes, size);
  arrival = receive_call (f, NULL, NULL);
  g_assert_null (g_dbus_message_get_body (arrival->message));
}

/* Nothing is made of them; who sent them gets an answer, as who sends more after it. */
static void
test_many_values_are_refused (Fixture *f, gconstpointer user_data)
{
  GVariantBuilder builder;
  const CpdArrival *arrival;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("(ag)"));
  g_variant_builder_open (&builder, G_VARIANT_TYPE ("ag"));
  for (int i = 0; i < 10000; i++)
    g_variant_builder_add (&builder, "g", "");
  g_variant_builder_close (&builder);
  arrival = receive_call (f, g_variant_builder_end (&builder), NULL);
  g_assert_nonnull (strstr (arrival->refusal, "4096 values"));
  g_assert_null (g_dbus_message_get_body (arrival->message));
  g_assert_cmpstr (g_dbus_message_get_sender (arrival->message), ==, name_of (f->other));
  g_assert_null (receive_call (f, NULL, NULL)->refusal);
}

/* 72 MiB are what one user may have there: three bodies of 30 MiB are too much. */
static void
test_too_much_is_refused_unread (Fixture *f, gconstpointer user_data)
{
  unsigned int refused = 0;

  for (int i = 0; i < 3; i++)
    {
      gsize size = 30 * 1024 * 1024;
      g_autofree guint8 *bytes = g_malloc0 (size);
      GVariant *array = g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, size, 1);

      refused += receive_call (f, g_variant_new ("(@ay)", array), NULL)->refusal != NULL;
    }
  g_assert_cmpuint (refused, ==, 1);
  g_ptr_array_set_size (f->arrivals, 0); /* answered: there is room again */
  g_assert_null (receive_call (f, NULL, NULL)->refusal);
}

static unsigned int
count_fds (void)
{
  g_autoptr (GDir) folder = g_dir_open ("/proc/self/fd", 0, NULL);
  unsigned int count = 0;

  while (g_dir_read_name (folder) != NULL)
    count++;
  return count;
}

/* GDBus frees what it has sent a little later. */
static void
wait_for_fds (unsigned int count)
{
  gint64 end_us = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;

  while (count_fds () > count && g_get_monotonic_time () < end_us)
    test_loop_run_for (10);
  g_assert_cmpuint (count_fds (), <=, count);
}

static GUnixFDList *
list_of_fds (unsigned int n)
{
  GUnixFDList *list = g_unix_fd_list_new ();
  int fd = g_open ("/dev/null", O_RDONLY | O_CLOEXEC);

  for (unsigned int i = 0; i < n; i++)
    g_unix_fd_list_append (list, fd, NULL);
  g_close (fd, NULL);
  return list;
}

static void
test_descriptors_are_closed (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GUnixFDList) fds = list_of_fds (16);
  unsigned int before = count_fds ();

  for (int i = 0; i < 10; i++)
    {
      const CpdArrival *arrival = receive_call (f, g_variant_new ("(h)", 3), fds);

      g_assert_cmpstr (arrival->refusal, ==, "no method takes more than one file descriptor");
      g_assert_cmpint (arrival->descriptor, ==, -1);
    }
  wait_for_fds (before);
}

static void
test_descriptors_of_other_interfaces (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GUnixFDList) fds = list_of_fds (1);
  g_autoptr (GDBusMessage) message = call_with (f, g_variant_new ("(h)", 0), fds);
  unsigned int before = count_fds ();
  const CpdArrival *arrival;

  g_dbus_message_set_interface (message, CERTPIN_PINS_IFACE);
  send_message (f->other, message);
  while (f->arrivals->len == 0)
    test_loop_step ();
  arrival = f->arrivals->pdata[0];
  g_assert_nonnull (arrival->refusal);
  g_assert_cmpint (arrival->descriptor, ==, -1);
  wait_for_fds (before);
}

/* It is there until somebody takes it, or the call is over. So few may wait that they do not count
 * much more than a call without one. */
static void
test_one_descriptor_arrives (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GUnixFDList) fds = list_of_fds (1);
  unsigned int before = count_fds ();
  CpdArrival *arrival;
  int taken;

  for (int i = 0; i < 2; i++)
    {
      arrival = receive_call (f, g_variant_new ("(h)", 0), fds);
      g_assert_null (arrival->refusal);
      g_assert_cmpint (arrival->descriptor, >=, 0);
      g_assert_cmpint (fcntl (arrival->descriptor, F_GETFD), ==, FD_CLOEXEC);
      g_assert_cmpuint (arrival->size, >, CPD_ARRIVAL_DESCRIPTOR_BYTES);
    }
  taken = cpd_arrival_steal_descriptor (arrival);
  g_assert_cmpint (arrival->descriptor, ==, -1);
  g_ptr_array_set_size (f->arrivals, 0);
  wait_for_fds (before + 1);
  g_assert_cmpint (fcntl (taken, F_GETFD), ==, FD_CLOEXEC);
  g_close (taken, NULL);
}

/* Within the limit of a user: 72 MiB. */
static void
test_many_descriptors_are_refused (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GUnixFDList) fds = list_of_fds (1);
  unsigned int accepted = 0;

  for (int i = 0; i < 100; i++)
    accepted += receive_call (f, g_variant_new ("(h)", 0), fds)->refusal == NULL;
  g_assert_cmpuint (accepted, >, 60);
  g_assert_cmpuint (accepted, <=, 72);
}

/* The other end of what GDBus calls: it answers with what it was sent. */
static GDBusMessage *
echo (GDBusConnection *connection, GDBusMessage *message, gboolean incoming, gpointer user_data)
{
  g_autoptr (GDBusMessage) reply = NULL;

  if (!incoming || g_dbus_message_get_message_type (message) != G_DBUS_MESSAGE_TYPE_METHOD_CALL)
    return message;
  reply = g_dbus_message_new_method_reply (message);
  g_dbus_message_set_body (reply, g_dbus_message_get_body (message));
  g_dbus_message_set_unix_fd_list (reply, g_dbus_message_get_unix_fd_list (message));
  g_dbus_connection_send_message (connection, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
  g_object_unref (message);
  return NULL;
}

/* Many calls in a row with a few descriptors, and a body that no buffer holds: out and back. */
static void
test_descriptors_of_replies_pass (Fixture *f, gconstpointer user_data)
{
  gsize size = 200 * 1024;
  g_autofree guint8 *bytes = g_malloc0 (size);
  unsigned int before = count_fds ();

  g_dbus_connection_add_filter (f->other, echo, NULL, NULL);
  for (unsigned int n = 0; n < 8; n++)
    {
      g_autoptr (GUnixFDList) sent = list_of_fds (n), returned = NULL;
      GVariant *array
          = g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, n % 2 == 0 ? size : 10, 1);
      GAsyncResult *pending = NULL;
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GVariant) reply = NULL;
      g_autoptr (GError) error = NULL;

      g_dbus_connection_call_with_unix_fd_list (
          f->connection, name_of (f->other), "/a", "b.c", "E", g_variant_new ("(@ay)", array), NULL,
          G_DBUS_CALL_FLAGS_NONE, -1, sent, NULL, test_loop_on_result, &pending);
      result = test_loop_wait_for (&pending);
      reply = g_dbus_connection_call_with_unix_fd_list_finish (f->connection, &returned, result,
                                                               &error);
      g_assert_no_error (error);
      g_assert_cmpint (returned != NULL ? g_unix_fd_list_get_length (returned) : 0, ==, (int)n);
    }
  wait_for_fds (before);
}

static GUnixFDList *
list_of (const char *path)
{
  GUnixFDList *list = g_unix_fd_list_new ();
  int fd = g_open (path, O_RDONLY | O_CLOEXEC);

  g_unix_fd_list_append (list, fd, NULL);
  g_close (fd, NULL);
  return list;
}

static dev_t
device_of (GUnixFDList *list)
{
  struct stat about;

  g_assert_cmpint (fstat (g_unix_fd_list_peek_fds (list, NULL)[0], &about), ==, 0);
  return about.st_rdev;
}

/* Descriptors that come with what is not even read must not pass for those of a reply, which may
 * say who somebody is. */
static void
test_descriptors_are_not_mistaken (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GUnixFDList) wrong = list_of ("/dev/null"), right = list_of ("/dev/zero");
  g_autofree char *long_path = g_strnfill (100 * 1024, 'x');
  unsigned int before = count_fds ();

  long_path[0] = '/';
  g_dbus_connection_add_filter (f->other, echo, NULL, NULL);
  for (int i = 0; i < 5; i++)
    {
      g_autoptr (GDBusMessage) message = call_with (f, NULL, wrong);
      g_autoptr (GUnixFDList) returned = NULL;
      GAsyncResult *pending = NULL;
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GVariant) reply = NULL;

      g_dbus_message_set_path (message, long_path);
      send_message (f->other, message);
      g_dbus_connection_call_with_unix_fd_list (f->connection, name_of (f->other), "/a", "b.c", "E",
                                                NULL, NULL, G_DBUS_CALL_FLAGS_NONE, -1, right, NULL,
                                                test_loop_on_result, &pending);
      result = test_loop_wait_for (&pending);
      reply = g_dbus_connection_call_with_unix_fd_list_finish (f->connection, &returned, result,
                                                               NULL);
      g_assert_nonnull (reply);
      g_assert_cmpuint (device_of (returned), ==, device_of (right));
    }
  g_assert_cmpuint (f->arrivals->len, ==, 0);
  wait_for_fds (before);
}

static void
on_signal (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
           const char *signal, GVariant *parameters, gpointer user_data)
{
  Fixture *f = user_data;

  if (g_str_equal (signal, "ToAll"))
    f->signals++;
  else
    f->unasked++;
}

/* What was asked for comes; what a stranger sends to the service alone does not. */
static void
test_unasked_signals_are_dropped (Fixture *f, gconstpointer user_data)
{
  unsigned int id = g_dbus_connection_signal_subscribe (
      f->connection, NULL, "b.c", NULL, NULL, NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_signal, f, NULL);
  g_autoptr (GDBusMessage) alone = g_dbus_message_new_signal ("/a", "b.c", "Alone");
  g_autoptr (GDBusMessage) to_all = g_dbus_message_new_signal ("/a", "b.c", "ToAll");
  g_autoptr (GAsyncResult) result = NULL;

  g_dbus_connection_call (f->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                          "org.freedesktop.DBus", "GetId", NULL, NULL, G_DBUS_CALL_FLAGS_NONE, -1,
                          NULL, test_loop_on_result, &result);
  g_object_unref (test_loop_wait_for (&result)); /* the bus knows of the subscription */
  result = NULL;
  g_dbus_message_set_destination (alone, name_of (f->connection));
  send_message (f->other, alone);
  send_message (f->other, to_all);
  while (f->signals == 0)
    test_loop_step ();
  g_assert_cmpuint (f->unasked, ==, 0);
  g_dbus_connection_signal_unsubscribe (f->connection, id);
}

static GDBusMessage *
count_signal (GDBusConnection *connection, GDBusMessage *message, gboolean incoming,
              gpointer user_data)
{
  if (incoming && g_strcmp0 (g_dbus_message_get_member (message), "Last") == 0)
    g_atomic_int_inc ((int *)user_data);
  return message;
}

/* What was sent before the end arrives, however much it is. */
static void
test_last_words_leave (Fixture *f, gconstpointer user_data)
{
  int arrived = 0;
  g_autofree guint8 *bytes = g_malloc0 (1024 * 1024);
  unsigned int filter = g_dbus_connection_add_filter (f->other, count_signal, &arrived, NULL);

  for (int i = 0; i < 20; i++)
    {
      g_autoptr (GDBusMessage) message = g_dbus_message_new_signal ("/a", "b.c", "Last");

      g_dbus_message_set_destination (message, name_of (f->other));
      g_dbus_message_set_body (
          message, g_variant_new ("(@ay)", g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes,
                                                                      1024 * 1024, 1)));
      g_dbus_connection_send_message (f->connection, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL,
                                      NULL);
    }
  g_clear_pointer (&f->link, cpd_link_free);
  while (g_atomic_int_get (&arrived) < 20)
    test_loop_run_for (10);
  g_dbus_connection_remove_filter (f->other, filter);
}

/* Two threads send: GDBus's, in pieces, and the post's. */
static void
test_messages_stay_whole (Fixture *f, gconstpointer user_data)
{
  int arrived = 0;
  gsize size = 200 * 1024;
  g_autofree guint8 *bytes = g_malloc0 (size);
  unsigned int filter = g_dbus_connection_add_filter (f->other, count_signal, &arrived, NULL);

  for (int i = 0; i < 100; i++)
    {
      g_autoptr (GDBusMessage) message = g_dbus_message_new_signal ("/a", "b.c", "Last");

      g_dbus_message_set_destination (message, name_of (f->other));
      g_dbus_message_set_body (
          message,
          g_variant_new ("(@ay)", g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, size, 1)));
      if (i % 2 == 0)
        g_dbus_connection_send_message (f->connection, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE,
                                        NULL, NULL);
      else
        cpd_post_send (cpd_link_get_post (f->link), cpd_packet_new (g_steal_pointer (&message)));
    }
  while (g_atomic_int_get (&arrived) < 100)
    {
      g_assert_false (g_dbus_connection_is_closed (f->connection));
      test_loop_run_for (10);
    }
  g_dbus_connection_remove_filter (f->other, filter);
}

static void
test_the_end_of_the_bus_is_told (Fixture *f, gconstpointer user_data)
{
  g_test_dbus_stop (f->dbus);
  while (!g_dbus_connection_is_closed (f->connection))
    test_loop_step ();
}

static void
test_no_bus (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (cpd_link_new ("unix:path=/nonexistent/bus", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

/* Nobody listens there any more. */
static void
test_nobody_listens (void)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);
  g_autofree char *address = g_strdup_printf ("tcp:host=127.0.0.1,port=%u", port);
  g_autoptr (GError) error = NULL;

  g_socket_listener_close (listener);
  g_assert_null (cpd_link_new (address, &error));
  g_assert_nonnull (error);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/bus/link/" name, Fixture, NULL, set_up, function, tear_down)

/* The first bus makes GTestDBus fork a process that watches this one. While another thread
 * allocates memory, that process would get a lock that nobody opens, and with sanitizers wait for
 * it at its end. */
static void
start_watcher (void)
{
  g_autoptr (GTestDBus) dbus = g_test_dbus_new (G_TEST_DBUS_NONE);

  g_test_dbus_up (dbus);
  g_test_dbus_stop (dbus);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  start_watcher ();
  cpd_apart_set_up (NULL); /* so that its descriptors do not count */
  ADD ("calls-arrive-whole", test_calls_arrive_whole);
  ADD ("large-calls-arrive-whole", test_large_calls_arrive_whole);
  ADD ("many-values-are-refused", test_many_values_are_refused);
  ADD ("too-much-is-refused-unread", test_too_much_is_refused_unread);
  ADD ("descriptors-are-closed", test_descriptors_are_closed);
  ADD ("descriptors-of-other-interfaces", test_descriptors_of_other_interfaces);
  ADD ("one-descriptor-arrives", test_one_descriptor_arrives);
  ADD ("many-descriptors-are-refused", test_many_descriptors_are_refused);
  ADD ("descriptors-of-replies-pass", test_descriptors_of_replies_pass);
  ADD ("descriptors-are-not-mistaken", test_descriptors_are_not_mistaken);
  ADD ("unasked-signals-are-dropped", test_unasked_signals_are_dropped);
  ADD ("last-words-leave", test_last_words_leave);
  ADD ("messages-stay-whole", test_messages_stay_whole);
  ADD ("the-end-of-the-bus-is-told", test_the_end_of_the_bus_is_told);
  g_test_add_func ("/bus/link/no-bus", test_no_bus);
  g_test_add_func ("/bus/link/nobody-listens", test_nobody_listens);
  return g_test_run ();
}
