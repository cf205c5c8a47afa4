/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that nobody's message waits behind all of somebody else's. */

#include "config.h"

#include "daemon/bus/cpd-link.h"
#include "daemon/bus/cpd-outlet.h"
#include "tests/lib/test-bus.h"

#define MANY         2000
#define ESTIMATE     512
#define LARGE        (200 * 1024)
#define WINDOW_BYTES (8 * 1024)

static const guint32 alice = 1000, bob = 1001;

typedef struct
{
  GTestDBus *dbus;
  CpdLink *link;
  GDBusConnection *receiver;
  CpdOutlet *outlet;
  guint64 sent; /* bytes that have left */
  GMutex lock;
  GString *order; /* under `lock`: what arrived */
} Fixture;

static GDBusMessage *
note (GDBusConnection *connection, GDBusMessage *message, gboolean incoming, gpointer user_data)
{
  Fixture *f = user_data;

  if (!incoming || g_strcmp0 (g_dbus_message_get_interface (message), "a.b") != 0)
    return message;
  g_mutex_lock (&f->lock);
  g_string_append (f->order, g_dbus_message_get_member (message));
  g_mutex_unlock (&f->lock);
  g_object_unref (message);
  return NULL;
}

static void
on_sent (const char *receiver, guint64 bytes, gpointer user_data)
{
  ((Fixture *)user_data)->sent += bytes;
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  f->dbus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (f->dbus);
  f->link = cpd_link_new (g_test_dbus_get_bus_address (f->dbus), &error);
  g_assert_no_error (error);
  f->receiver = test_bus_connect_to (f->dbus);
  f->order = g_string_new (NULL);
  g_mutex_init (&f->lock);
  g_dbus_connection_add_filter (f->receiver, note, f, NULL);
  f->outlet = cpd_outlet_new (cpd_link_get_post (f->link), on_sent, f);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_clear_pointer (&f->outlet, cpd_outlet_free);
  cpd_link_free (f->link);
  g_dbus_connection_close_sync (f->receiver, NULL, NULL);
  g_object_unref (f->receiver);
  g_test_dbus_down (f->dbus);
  g_object_unref (f->dbus);
  g_string_free (f->order, TRUE);
  g_mutex_clear (&f->lock);
}

static void
send_message (Fixture *f, guint32 uid, const char *member, gsize size)
{
  g_autofree guint8 *bytes = g_malloc0 (size);
  GDBusMessage *message = g_dbus_message_new_signal ("/", "a.b", member);

  g_dbus_message_set_destination (message, g_dbus_connection_get_unique_name (f->receiver));
  g_dbus_message_set_body (
      message,
      g_variant_new ("(@ay)", g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, size, 1)));
  cpd_outlet_send (f->outlet, uid, cpd_packet_new (message), size + ESTIMATE);
}

/* Returns: (transfer full): what arrived */
static char *
wait_for (Fixture *f, gsize count)
{
  char *order;

  for (;;)
    {
      g_mutex_lock (&f->lock);
      order = f->order->len >= count ? g_strdup (f->order->str) : NULL;
      g_mutex_unlock (&f->lock);
      if (order != NULL)
        return order;
      test_loop_run_for (5);
    }
}

static void
test_users_take_turns (Fixture *f, gconstpointer user_data)
{
  g_autofree char *order = NULL;

  for (int i = 0; i < MANY; i++)
    send_message (f, alice, "A", 0);
  for (int i = 0; i < 3; i++)
    send_message (f, bob, "B", 0);
  order = wait_for (f, MANY + 3);
  g_assert_cmpint (strrchr (order, 'B') - order, <=, 2 * (WINDOW_BYTES / ESTIMATE) + 6);
  while (f->sent < (MANY + 3) * ESTIMATE)
    test_loop_step ();
  g_assert_cmpuint (f->sent, ==, (MANY + 3) * ESTIMATE);
}

/* The order of one user's stays, large ones included. */
static void
test_in_order (Fixture *f, gconstpointer user_data)
{
  g_autofree char *order = NULL;

  send_message (f, alice, "A", 10);
  send_message (f, alice, "B", LARGE);
  send_message (f, alice, "C", 10);
  send_message (f, alice, "D", 3 * LARGE);
  send_message (f, alice, "E", 10);
  order = wait_for (f, 5);
  g_assert_cmpstr (order, ==, "ABCDE");
}

static void
test_what_waits_at_the_end_leaves (Fixture *f, gconstpointer user_data)
{
  g_autofree char *order = NULL;

  for (int i = 0; i < MANY; i++)
    send_message (f, alice, "A", 0);
  g_clear_pointer (&f->outlet, cpd_outlet_free);
  order = wait_for (f, MANY);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/bus/outlet/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("users-take-turns", test_users_take_turns);
  ADD ("in-order", test_in_order);
  ADD ("what-waits-at-the-end-leaves", test_what_waits_at_the_end_leaves);
  return g_test_run ();
}
