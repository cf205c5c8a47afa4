/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that messages leave in order, as GDBus would serialize them, with their descriptors, and
 * are counted. */

#include "config.h"

#include "daemon/bus/cpd-post.h"
#include "daemon/bus/cpd-socket.h"
#include "daemon/bus/cpd-wire.h"
#include "tests/lib/test-loop.h"
#include "tests/lib/test-packet.h"

#include <gio/gunixfdlist.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define MANY       100
#define LARGE      (4 * 1024 * 1024)
#define PATIENT_US (20 * G_USEC_PER_SEC)

typedef struct
{
  CpdSource bus; /* the bus's end */
  int socket;
  CpdBaton sending;
  CpdPost *post;
  CpdAlarm *alarm;
  unsigned int sent, freed;
} Fixture;

static void
on_sent (gpointer user_data)
{
  Fixture *f = user_data;

  f->sent += cpd_post_count_sent (f->post);
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  int ends[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  cpd_source_init (&f->bus, ends[0]);
  f->socket = ends[1];
  cpd_baton_init (&f->sending);
  f->post = cpd_post_new (f->socket, &f->sending);
  f->alarm = cpd_alarm_new ("messages that have left", on_sent, f);
  cpd_post_follow (f->post, f->alarm);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  shutdown (f->socket, SHUT_RDWR);
  g_clear_pointer (&f->post, cpd_post_free);
  g_clear_pointer (&f->alarm, cpd_alarm_free);
  close (f->socket);
  cpd_source_clear (&f->bus);
  cpd_baton_clear (&f->sending);
}

static void
on_freed (gpointer user_data, GObject *message)
{
  g_atomic_int_inc ((unsigned int *)user_data);
}

static void
send_message (Fixture *f, guint32 number, gsize size)
{
  g_autofree guint8 *bytes = g_malloc0 (size);
  GVariant *array = g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, size, 1);
  GDBusMessage *message = g_dbus_message_new_signal ("/a", "b.c", "D");

  g_dbus_message_set_destination (message, ":1.2");
  g_dbus_message_set_body (message, g_variant_new ("(u@ay)", number, array));
  g_object_weak_ref (G_OBJECT (message), on_freed, &f->freed);
  cpd_post_send (f->post, cpd_packet_new (message));
}

/* Returns: (transfer full): the next one */
static guint8 *
receive_bytes (Fixture *f, gsize *size)
{
  guint8 start[CPD_WIRE_START_BYTES];
  guint8 *bytes;

  g_assert_true (cpd_source_read (&f->bus, start, sizeof start));
  *size = cpd_wire_measure_header (start) + cpd_wire_measure_body (start);
  bytes = g_malloc (*size);
  memcpy (bytes, start, sizeof start);
  g_assert_true (cpd_source_read (&f->bus, bytes + sizeof start, *size - sizeof start));
  return bytes;
}

/* Returns: (transfer full) */
static GDBusMessage *
parse (guint8 *bytes, gsize size)
{
  g_autoptr (GError) error = NULL;
  GDBusMessage *message
      = g_dbus_message_new_from_blob (bytes, size, G_DBUS_CAPABILITY_FLAGS_NONE, &error);

  g_assert_no_error (error);
  return message;
}

/* Returns: (transfer full): the next one; it is what GDBus makes of it */
static GDBusMessage *
receive_message (Fixture *f)
{
  gsize size, size_again;
  g_autofree guint8 *bytes = receive_bytes (f, &size), *again = NULL;
  g_autoptr (GError) error = NULL;
  GDBusMessage *message = parse (bytes, size);

  again = g_dbus_message_to_blob (message, &size_again, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (bytes, size, again, size_again);
  return message;
}

static void
test_in_order (Fixture *f, gconstpointer user_data)
{
  guint32 serial = 0;

  for (guint32 i = 0; i < MANY; i++)
    send_message (f, i, i);
  for (guint32 i = 0; i < MANY; i++)
    {
      g_autoptr (GDBusMessage) message = receive_message (f);
      guint32 number;

      g_variant_get_child (g_dbus_message_get_body (message), 0, "u", &number);
      g_assert_cmpuint (number, ==, i);
      g_assert_cmpuint (g_dbus_message_get_serial (message), >, serial);
      serial = g_dbus_message_get_serial (message);
      g_assert_cmphex (serial, >, 0x80000000); /* none of GDBus's */
    }
}

static void
test_all_are_counted_and_freed (Fixture *f, gconstpointer user_data)
{
  for (guint32 i = 0; i < MANY; i++)
    send_message (f, i, 1);
  while (f->sent < MANY)
    test_loop_step ();
  g_assert_cmpuint (f->sent, ==, MANY);
  g_assert_cmpuint (g_atomic_int_get (&f->freed), ==, MANY);
}

/* A message that the bus does not read is not counted; nothing comes after it. */
static void
test_a_bus_that_does_not_read (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GDBusMessage) first = NULL, second = NULL;

  send_message (f, 1, LARGE);
  send_message (f, 2, 1);
  cpd_post_flush (f->post, g_get_monotonic_time () + 50 * 1000);
  test_loop_settle ();
  g_assert_cmpuint (f->sent, ==, 0);
  first = receive_message (f);
  second = receive_message (f);
  cpd_post_flush (f->post, g_get_monotonic_time () + PATIENT_US);
  while (f->sent < 2)
    test_loop_step ();
}

static void
test_flush_waits (Fixture *f, gconstpointer user_data)
{
  for (guint32 i = 0; i < MANY; i++)
    send_message (f, i, 1);
  cpd_post_flush (f->post, g_get_monotonic_time () + PATIENT_US);
  g_assert_cmpuint (cpd_post_count_sent (f->post), ==, MANY);
}

/* Returns: (transfer full): the socket of the fixture goes along */
static GDBusMessage *
new_message_with_descriptor (Fixture *f)
{
  g_autoptr (GUnixFDList) list = g_unix_fd_list_new ();
  GDBusMessage *message = g_dbus_message_new_signal ("/a", "b.c", "D");

  g_assert_cmpint (g_unix_fd_list_append (list, f->socket, NULL), ==, 0);
  g_dbus_message_set_destination (message, ":1.2");
  g_dbus_message_set_body (message, g_variant_new ("(h)", 0));
  g_dbus_message_set_unix_fd_list (message, list);
  return message;
}

/* It arrives with its message, and with no other one. */
static void
test_a_descriptor (Fixture *f, gconstpointer user_data)
{
  CpdWireHeader header = { 0 };
  g_autoptr (GDBusMessage) first = NULL, last = NULL;
  g_autoptr (GArray) fds = NULL;
  g_autofree guint8 *bytes = NULL;
  struct stat sent, arrived;
  gsize size;

  g_assert_cmpint (fstat (f->socket, &sent), ==, 0);
  send_message (f, 1, 1);
  cpd_post_send (f->post, cpd_packet_new (new_message_with_descriptor (f)));
  send_message (f, 2, 1);
  first = receive_message (f);
  cpd_source_drop_old_fds (&f->bus);
  bytes = receive_bytes (f, &size);
  g_assert_true (cpd_wire_read_header (bytes, cpd_wire_measure_header (bytes), &header));
  g_assert_cmpuint (header.n_fds, ==, 1);
  fds = cpd_source_take_fds (&f->bus, 2);
  g_assert_nonnull (fds);
  g_assert_cmpuint (fds->len, ==, 1);
  g_assert_cmpint (fstat (g_array_index (fds, int, 0), &arrived), ==, 0);
  g_assert_cmpuint (arrived.st_ino, ==, sent.st_ino);
  last = receive_message (f);
  while (f->sent < 3)
    test_loop_step ();
}

/* It is not lost in silence, and what is behind it leaves. `user_data`: how many warnings there
 * were. */
static void
test_what_cannot_be_serialized (Fixture *f, gconstpointer user_data)
{
  GDBusMessage *message = g_dbus_message_new_signal ("/a", "b.c", "D");
  g_autoptr (GDBusMessage) next = NULL;

  g_dbus_message_set_destination (message, ":1.2");
  g_dbus_message_set_body (message, g_variant_new ("(s)", "a"));
  g_dbus_message_set_signature (message, "u");
  cpd_post_send (f->post, cpd_packet_new (message));
  send_message (f, 1, 1);
  next = receive_message (f);
  while (f->sent < 2)
    test_loop_step ();
  g_assert_cmpint (g_atomic_int_get ((const int *)user_data), ==, 1);
}

static GLogWriterOutput
count_warnings (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  if ((level & G_LOG_LEVEL_WARNING) == 0)
    return g_log_writer_default (level, fields, n_fields, NULL);
  g_atomic_int_inc ((int *)user_data);
  return G_LOG_WRITER_HANDLED;
}

/* Another message of the connection is on its way. */
static void
test_one_at_a_time (Fixture *f, gconstpointer user_data)
{
  guint8 byte;

  cpd_baton_take (&f->sending);
  send_message (f, 1, 1);
  cpd_post_flush (f->post, g_get_monotonic_time () + 50 * 1000);
  g_assert_cmpint (recv (f->bus.socket, &byte, 1, MSG_DONTWAIT), <, 0);
  cpd_baton_give (&f->sending);
  g_object_unref (receive_message (f));
}

/* Returns: (transfer full): ready to be sent, of about that size */
static CpdPacket *
new_ready (guint32 number, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new_take (g_malloc0 (size), size);
  CpdPacket *packet = test_packet_new ("uay", /* descriptor= */ -1);

  cpd_marshal_number (cpd_packet_get_body (packet), number);
  cpd_marshal_inset (cpd_packet_get_body (packet), bytes);
  return packet;
}

static void
assert_next_is (Fixture *f, guint32 expected)
{
  gsize size;
  g_autofree guint8 *bytes = receive_bytes (f, &size);
  g_autoptr (GDBusMessage) message = parse (bytes, size);
  guint32 number;

  g_variant_get_child (g_dbus_message_get_body (message), 0, "u", &number);
  g_assert_cmpuint (number, ==, expected);
}

static void
test_at_once (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPacket) packet = new_ready (1, 10), large = new_ready (2, LARGE);
  g_autoptr (CpdPacket) not_ready = cpd_packet_new (new_message_with_descriptor (f));
  guint8 byte;

  g_assert_true (cpd_post_send_now (f->post, packet));
  g_assert_cmpint (recv (f->bus.socket, &byte, 1, MSG_DONTWAIT | MSG_PEEK), ==, 1);
  assert_next_is (f, 1);
  g_assert_cmpuint (cpd_post_count_sent (f->post), ==, 0);
  g_assert_false (cpd_post_send_now (f->post, large));
  g_assert_false (cpd_post_send_now (f->post, not_ready));
  g_assert_true (cpd_baton_try (&f->sending));
  cpd_baton_give (&f->sending);
}

/* Not while another message of the connection is on its way. */
static void
test_not_at_once_in_between (Fixture *f, gconstpointer user_data)
{
  CpdPacket *packet = new_ready (1, 10);

  cpd_baton_take (&f->sending);
  g_assert_false (cpd_post_send_now (f->post, packet));
  cpd_baton_give (&f->sending);
  cpd_post_send (f->post, packet);
  assert_next_is (f, 1);
}

/* Nothing overtakes what the bus has not read. */
static void
test_not_at_once_before_others (Fixture *f, gconstpointer user_data)
{
  CpdPacket *packet = new_ready (2, 10);

  send_message (f, 1, LARGE);
  g_assert_false (cpd_post_send_now (f->post, packet));
  cpd_post_send (f->post, packet);
  assert_next_is (f, 1);
  assert_next_is (f, 2);
}

/* The socket takes a part: the thread sends the rest, and nobody comes in between. */
static void
test_a_part_at_once (Fixture *f, gconstpointer user_data)
{
  const int bytes = 1;
  CpdPacket *packet = new_ready (1, 7 * 1024);

  g_assert_cmpint (setsockopt (f->socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), ==, 0);
  g_assert_false (cpd_post_send_now (f->post, packet));
  g_assert_true (cpd_packet_is_begun (packet));
  g_assert_false (cpd_baton_try (&f->sending));
  cpd_post_send (f->post, packet);
  send_message (f, 2, 10);
  assert_next_is (f, 1);
  assert_next_is (f, 2);
  while (f->sent < 2)
    test_loop_step ();
  g_assert_true (cpd_baton_try (&f->sending));
  cpd_baton_give (&f->sending);
}

/* There is no room for the first byte. */
static void
test_no_room_at_once (Fixture *f, gconstpointer user_data)
{
  static const guint8 zeros[1000];
  CpdPacket *packet = new_ready (1, 10);
  gsize filled = 0;
  gssize sent;

  while ((sent = send (f->socket, zeros, sizeof zeros, MSG_DONTWAIT)) > 0)
    filled += (gsize)sent;
  g_assert_false (cpd_post_send_now (f->post, packet));
  g_assert_false (cpd_packet_is_begun (packet));
  cpd_post_send (f->post, packet);
  g_assert_true (cpd_source_skip (&f->bus, filled));
  assert_next_is (f, 1);
}

/* Nobody reads any more: what waits is freed, and its end is not awaited for ever. */
static void
test_a_bus_that_is_gone (Fixture *f, gconstpointer user_data)
{
  for (guint32 i = 0; i < 3; i++)
    send_message (f, i, LARGE);
  shutdown (f->bus.socket, SHUT_RDWR);
  g_clear_pointer (&f->post, cpd_post_free);
  g_assert_cmpuint (f->freed, ==, 3);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/bus/post/" name, Fixture, &warnings, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  int warnings = 0;

  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (count_warnings, &warnings, NULL);
  ADD ("in-order", test_in_order);
  ADD ("all-are-counted-and-freed", test_all_are_counted_and_freed);
  ADD ("a-bus-that-does-not-read", test_a_bus_that_does_not_read);
  ADD ("flush-waits", test_flush_waits);
  ADD ("a-descriptor", test_a_descriptor);
  ADD ("what-cannot-be-serialized", test_what_cannot_be_serialized);
  ADD ("one-at-a-time", test_one_at_a_time);
  ADD ("at-once", test_at_once);
  ADD ("not-at-once-in-between", test_not_at_once_in_between);
  ADD ("not-at-once-before-others", test_not_at_once_before_others);
  ADD ("a-part-at-once", test_a_part_at_once);
  ADD ("no-room-at-once", test_no_room_at_once);
  ADD ("a-bus-that-is-gone", test_a_bus_that_is_gone);
  return g_test_run ();
}
