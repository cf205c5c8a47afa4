/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that bodies are read piece by piece, going round by user, and that whoever has read much
 * leaves time to the others. */

#include "config.h"

#include "daemon/core/base/cpd-clock.h"
#include "daemon/transport/cpd-reading.h"
#include "tests/lib/test-loop.h"

#include <string.h>

#define SLOW_US (50 * G_TIME_SPAN_MILLISECOND)

static const guint32 alice = 1000, bob = 1001;

typedef struct
{
  CpdReading *reading;
  GString *order; /* a letter for each piece that was read */
  gboolean alice_is_slow;
} Fixture;

static void
set_up (Fixture *f, gconstpointer user_data)
{
  f->reading = cpd_reading_new ();
  f->order = g_string_new (NULL);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  cpd_reading_unref (f->reading);
  g_string_free (f->order, TRUE);
}

static void
read_piece (gpointer object)
{
  Fixture *f = g_object_get_data (object, "fixture");
  const char *letter = g_object_get_data (object, "letter");
  gint64 end_us = cpd_clock_work_us () + (f->alice_is_slow && *letter == 'A' ? SLOW_US : 0);

  g_string_append (f->order, letter);
  while (cpd_clock_work_us () < end_us)
    ;
}

/* Returns: (transfer full): whose body it is */
static GObject *
wait_to_read (Fixture *f, guint32 uid)
{
  GObject *object = g_object_new (G_TYPE_OBJECT, NULL);

  g_object_set_data (object, "fixture", f);
  g_object_set_data_full (object, "letter", g_strdup (uid == alice ? "A" : "B"), g_free);
  cpd_reading_wait (f->reading, uid, read_piece, object);
  return object;
}

static void
wait_to_read_many (Fixture *f, guint32 uid, unsigned int count)
{
  while (count-- > 0)
    g_object_unref (wait_to_read (f, uid));
}

static void
run_until (Fixture *f, gsize count)
{
  while (f->order->len < count)
    test_loop_step ();
}

static void
test_users_take_turns (Fixture *f, gconstpointer user_data)
{
  wait_to_read_many (f, alice, 5);
  wait_to_read_many (f, bob, 2);
  test_loop_step ();
  g_assert_cmpuint (f->order->len, <=, 1);
  run_until (f, 7);
  g_assert_cmpstr (f->order->str, ==, "ABABAAA");
}

static void
test_who_read_much_rests (Fixture *f, gconstpointer user_data)
{
  f->alice_is_slow = TRUE;
  wait_to_read_many (f, alice, 3);
  wait_to_read_many (f, bob, 5);
  run_until (f, 8);
  g_assert_cmpstr (f->order->str, ==, "ABBBBBAA");
}

/* With each piece in a wait of its own, too. */
static void
test_who_comes_again_still_rests (Fixture *f, gconstpointer user_data)
{
  gint64 began_us;

  f->alice_is_slow = TRUE;
  wait_to_read_many (f, alice, 1);
  wait_to_read_many (f, bob, 1);
  run_until (f, 2);
  began_us = g_get_monotonic_time ();
  wait_to_read_many (f, alice, 1);
  run_until (f, 3);
  g_assert_cmpint (g_get_monotonic_time () - began_us, >, 4 * SLOW_US);
}

static void
test_alone_nobody_rests (Fixture *f, gconstpointer user_data)
{
  f->alice_is_slow = TRUE;
  wait_to_read_many (f, alice, 3);
  test_loop_settle (); /* which waits for nothing */
  g_assert_cmpstr (f->order->str, ==, "AAA");
}

/* Of several objects of one user the others are still read. */
static void
test_what_is_forgotten_is_not_read (Fixture *f, gconstpointer user_data)
{
  GObject *first = wait_to_read (f, alice);
  GObject *second;

  cpd_reading_forget (f->reading, alice, first);
  g_assert_finalize_object (first);
  test_loop_settle ();
  g_assert_cmpstr (f->order->str, ==, "");
  first = wait_to_read (f, alice);
  second = wait_to_read (f, alice);
  cpd_reading_forget (f->reading, alice, first);
  g_assert_finalize_object (first);
  run_until (f, 1);
  test_loop_settle ();
  g_assert_cmpstr (f->order->str, ==, "A");
  g_assert_finalize_object (second);
}

#define ADD(name, func) g_test_add ("/reading/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("users-take-turns", test_users_take_turns);
  ADD ("who-read-much-rests", test_who_read_much_rests);
  ADD ("who-comes-again-still-rests", test_who_comes_again_still_rests);
  ADD ("alone-nobody-rests", test_alone_nobody_rests);
  ADD ("what-is-forgotten-is-not-read", test_what_is_forgotten_is_not_read);
  return g_test_run ();
}
