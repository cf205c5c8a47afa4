/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that only so many connections are set up at a time, that apps leave some of them to their
 * user and to each other, and that whoever waits is told of room. */

#include "config.h"

#include "daemon/transport/cpd-gate.h"
#include "tests/lib/test-loop.h"

#define LIMIT         4
#define LIMIT_OF_APPS 3
#define LIMIT_OF_APP  2

typedef struct
{
  CpdGate *gate;
  unsigned int opened; /* how often there was room again */
} Fixture;

static void
on_opened (CpdGate *gate, unsigned int *opened)
{
  (*opened)++;
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  f->gate = cpd_gate_new ();
  g_signal_connect (f->gate, "opened", G_CALLBACK (on_opened), &f->opened);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  if (f->gate != NULL)
    g_assert_finalize_object (f->gate);
}

static void
fill (Fixture *f)
{
  for (int i = 0; i < LIMIT; i++)
    g_assert_true (cpd_gate_enter (f->gate));
  g_assert_false (cpd_gate_enter (f->gate));
}

static void
test_limit (Fixture *f, gconstpointer user_data)
{
  fill (f);
  g_assert_false (cpd_gate_enter (f->gate));
  test_loop_settle ();
  g_assert_cmpuint (f->opened, ==, 0);
}

/* One that was turned away takes no place: each that leaves makes room for one. */
static void
test_leaving_makes_room (Fixture *f, gconstpointer user_data)
{
  fill (f);
  cpd_gate_leave (f->gate);
  g_assert_true (cpd_gate_enter (f->gate));
  g_assert_false (cpd_gate_enter (f->gate));
  for (int i = 0; i < LIMIT; i++)
    cpd_gate_leave (f->gate);
  fill (f);
}

static void
test_tells_from_the_main_loop (Fixture *f, gconstpointer user_data)
{
  fill (f);
  cpd_gate_leave (f->gate);
  g_assert_cmpuint (f->opened, ==, 0);
  test_loop_settle ();
  g_assert_cmpuint (f->opened, ==, 1);
}

static void
test_tells_once (Fixture *f, gconstpointer user_data)
{
  fill (f);
  cpd_gate_leave (f->gate);
  cpd_gate_leave (f->gate);
  test_loop_settle ();
  g_assert_cmpuint (f->opened, ==, 1);
  cpd_gate_leave (f->gate);
  test_loop_settle ();
  g_assert_cmpuint (f->opened, ==, 2);
}

/* What waits enters when it is told, and may leave again at once. */
static void
on_opened_pass (CpdGate *gate, unsigned int *passes)
{
  if (*passes == 0)
    return;
  (*passes)--;
  g_assert_true (cpd_gate_enter (gate));
  cpd_gate_leave (gate);
}

static void
test_tells_again_of_what_leaves_meanwhile (Fixture *f, gconstpointer user_data)
{
  unsigned int passes = 2;

  g_signal_connect (f->gate, "opened", G_CALLBACK (on_opened_pass), &passes);
  fill (f);
  cpd_gate_leave (f->gate);
  test_loop_settle ();
  g_assert_cmpuint (passes, ==, 0);
  g_assert_cmpuint (f->opened, ==, 3);
}

typedef struct
{
  CpdGate *gate;
  gulong waiting;
  unsigned int tries;
} Guest;

static void
try_to_enter (Guest *guest)
{
  guest->tries++;
  cpd_gate_enter_or_wait (guest->gate, &guest->waiting, G_CALLBACK (try_to_enter), guest);
}

/* Whoever waits tries again until it is in, and then no more. */
static void
test_waits (Fixture *f, gconstpointer user_data)
{
  Guest first = { f->gate }, second = { f->gate };

  fill (f);
  try_to_enter (&first);
  try_to_enter (&second);
  cpd_gate_leave (f->gate);
  test_loop_settle ();
  g_assert_cmpuint (first.waiting, ==, 0);
  g_assert_cmpuint (second.waiting, !=, 0);
  cpd_gate_leave (f->gate);
  test_loop_settle ();
  g_assert_cmpuint (second.waiting, ==, 0);
  cpd_gate_leave (f->gate);
  test_loop_settle ();
  g_assert_cmpuint (first.tries, ==, 2);
  g_assert_cmpuint (second.tries, ==, 3);
}

static void
test_goes_before_it_tells (Fixture *f, gconstpointer user_data)
{
  g_assert_true (cpd_gate_enter (f->gate));
  cpd_gate_leave (f->gate);
  g_assert_finalize_object (g_steal_pointer (&f->gate));
  test_loop_settle ();
  g_assert_cmpuint (f->opened, ==, 0);
}

static unsigned int
enter_all (CpdGate *gate)
{
  unsigned int count = 0;

  while (cpd_gate_enter (gate))
    count++;
  return count;
}

/* Whoever comes first. */
static void
test_apps_leave_some (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdGate) one = cpd_gate_new_of_app (f->gate), other = cpd_gate_new_of_app (f->gate);

  g_assert_cmpuint (enter_all (one), ==, LIMIT_OF_APP);
  g_assert_cmpuint (enter_all (other), ==, LIMIT_OF_APPS - LIMIT_OF_APP);
  g_assert_cmpuint (enter_all (f->gate), ==, LIMIT - LIMIT_OF_APPS);
  cpd_gate_leave (one);
  g_assert_cmpuint (enter_all (other), ==, 1);
  cpd_gate_leave (f->gate);
  g_assert_cmpuint (enter_all (one) + enter_all (other), ==, 0);
  for (int i = 0; i < LIMIT_OF_APP; i++)
    cpd_gate_leave (other);
  cpd_gate_leave (one);
  fill (f);
  g_assert_false (cpd_gate_enter (one));
}

/* Room that an app leaves is everybody's. */
static void
test_apps_are_told (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdGate) one = cpd_gate_new_of_app (f->gate), other = cpd_gate_new_of_app (f->gate);
  Guest guests[] = { { one }, { other }, { f->gate } };

  g_assert_cmpuint (enter_all (one), ==, LIMIT_OF_APP);
  g_assert_cmpuint (enter_all (f->gate), ==, LIMIT - LIMIT_OF_APP);
  for (size_t i = 0; i < G_N_ELEMENTS (guests); i++)
    try_to_enter (&guests[i]);
  for (unsigned int i = 0; i < G_N_ELEMENTS (guests); i++)
    {
      cpd_gate_leave (i == 0 ? one : f->gate);
      test_loop_settle ();
    }
  for (size_t i = 0; i < G_N_ELEMENTS (guests); i++)
    g_assert_cmpuint (guests[i].waiting, ==, 0);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/transport/gate/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("limit", test_limit);
  ADD ("leaving-makes-room", test_leaving_makes_room);
  ADD ("tells/from-the-main-loop", test_tells_from_the_main_loop);
  ADD ("tells/once", test_tells_once);
  ADD ("tells/again-of-what-leaves-meanwhile", test_tells_again_of_what_leaves_meanwhile);
  ADD ("waits", test_waits);
  ADD ("goes-before-it-tells", test_goes_before_it_tells);
  ADD ("apps/leave-some", test_apps_leave_some);
  ADD ("apps/are-told", test_apps_are_told);
  return g_test_run ();
}
