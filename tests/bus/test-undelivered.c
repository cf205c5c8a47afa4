/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves when the bus is asked what is undelivered: once it has passed on a call that was sent
 * behind everything else. */

#include "config.h"

#include "daemon/bus/cpd-undelivered.h"
#include "dbus/certpin-names.h"
#include "tests/lib/test-bus.h"
#include "tests/lib/test-loop.h"

#define MARKER_IFACE CERTPIN_BUS_NAME ".Marker"

typedef struct
{
  TestBus bus;
  GDBusConnection *sending, *quiet, *stranger;
  CpdUndelivered *undelivered;
  GDBusMessage *marker; /* atomic: that was held back; NULL: none */
  unsigned int figures, ends;
} Fixture;

/* On GDBus's thread. The first one stays here. */
static GDBusMessage *
hold_marker (GDBusConnection *connection, GDBusMessage *message, gboolean incoming,
             gpointer user_data)
{
  Fixture *f = user_data;

  if (incoming || g_strcmp0 (g_dbus_message_get_interface (message), MARKER_IFACE) != 0
      || g_atomic_pointer_get (&f->marker) != NULL)
    return message;
  g_atomic_pointer_set (&f->marker, message);
  return NULL;
}

static void
on_figure (const char *name, guint64 bytes, gpointer user_data)
{
  Fixture *f = user_data;

  g_assert_cmpstr (name, ==, g_dbus_connection_get_unique_name (f->stranger));
  f->figures++;
}

static void
on_done (const char *name, gpointer user_data)
{
  ((Fixture *)user_data)->ends++;
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  static const CpdUndeliveredFuncs funcs = { .figure = on_figure, .done = on_done };

  f->bus.dbus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (f->bus.dbus);
  f->sending = test_bus_connect (&f->bus);
  f->quiet = test_bus_connect (&f->bus);
  f->stranger = test_bus_connect (&f->bus);
  f->undelivered = cpd_undelivered_new (f->sending, f->quiet, &funcs, f);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  cpd_undelivered_free (f->undelivered);
  test_loop_settle ();
  g_clear_object (&f->marker);
  test_bus_disconnect (f->sending);
  test_bus_disconnect (f->quiet);
  test_bus_disconnect (f->stranger);
  g_test_dbus_down (f->bus.dbus);
  g_object_unref (f->bus.dbus);
}

/* What was sent has arrived, and has had its answers. */
static void
settle (Fixture *f)
{
  for (unsigned int i = 0; i < 3; i++)
    {
      test_bus_round_trip (f->stranger);
      test_bus_round_trip (f->sending);
      test_bus_round_trip (f->quiet);
      test_loop_settle ();
    }
}

static void
ask (Fixture *f)
{
  cpd_undelivered_ask (f->undelivered, g_dbus_connection_get_unique_name (f->stranger));
}

static void
pass_marker (Fixture *f, GDBusConnection *from)
{
  g_autoptr (GDBusMessage) copy = g_dbus_message_copy (g_atomic_pointer_get (&f->marker), NULL);

  g_dbus_connection_send_message (from, copy, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
}

static void
test_follows_the_marker (Fixture *f, gconstpointer user_data)
{
  g_dbus_connection_add_filter (f->sending, hold_marker, f, NULL);
  ask (f);
  settle (f);
  g_assert_nonnull (g_atomic_pointer_get (&f->marker));
  g_assert_cmpuint (f->figures + f->ends, ==, 0);
  pass_marker (f, f->stranger); /* whose it is not */
  settle (f);
  g_assert_cmpuint (f->figures + f->ends, ==, 0);
  pass_marker (f, f->sending);
  while (f->ends == 0)
    test_loop_step ();
  g_assert_cmpuint (f->figures, ==, 1);
  pass_marker (f, f->sending); /* a second time */
  settle (f);
  g_assert_cmpuint (f->figures, ==, 1);
  g_assert_cmpuint (f->ends, ==, 1);
}

/* The question ends, and a later one is not kept from its answer. */
static void
test_ends_without_its_marker (Fixture *f, gconstpointer user_data)
{
  g_dbus_connection_add_filter (f->sending, hold_marker, f, NULL);
  ask (f);
  while (f->ends == 0)
    test_loop_step ();
  g_assert_cmpuint (f->figures, ==, 0);
  pass_marker (f, f->sending); /* too late */
  settle (f);
  g_assert_cmpuint (f->figures, ==, 0);
  ask (f);
  while (f->ends == 1)
    test_loop_step ();
  g_assert_cmpuint (f->figures, ==, 1);
}

/* Nothing is left of what was asked. */
static void
test_ends_with_questions (Fixture *f, gconstpointer user_data)
{
  g_dbus_connection_add_filter (f->sending, hold_marker, f, NULL);
  ask (f);
  ask (f); /* its marker is passed on */
  while (f->ends == 0)
    test_loop_step ();
  ask (f);
  cpd_undelivered_free (g_steal_pointer (&f->undelivered));
  settle (f);
  g_assert_cmpuint (f->ends, ==, 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/bus/undelivered/follows-the-marker", Fixture, NULL, set_up, test_follows_the_marker,
              tear_down);
  g_test_add ("/bus/undelivered/ends-without-its-marker", Fixture, NULL, set_up,
              test_ends_without_its_marker, tear_down);
  g_test_add ("/bus/undelivered/ends-with-questions", Fixture, NULL, set_up,
              test_ends_with_questions, tear_down);
  return g_test_run ();
}
