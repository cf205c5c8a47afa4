/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves whose turn it is, and what a connection and a user may have waiting. */

#include "config.h"

#include "daemon/bus/cpd-inbox.h"
#include "daemon/core/base/cpd-clock.h"
#include "daemon/core/base/cpd-round.h"
#include "dbus/certpin-names.h"
#include "tests/lib/test-loop.h"

#include <string.h>

#define KIB 1024

static const guint32 alice = 1000, bob = 1001;

typedef struct
{
  CpdInbox *inbox;
  GString *order;      /* the members of calls, as their turns came */
  GPtrArray *arrivals; /* of CpdArrival: those that are not answered yet */
  guint32 slow_uid;    /* whose calls take SLOW_US */
} Fixture;

#define SLOW_US (50 * 1000)

/* ":1.N" is of Alice; ":2.N" of Bob; ":3.N" of an app of Alice's */
static void
on_met (const char *sender, gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (CpdCaller) caller = cpd_caller_new (sender, sender[1] == '2' ? bob : alice);

  caller->app = sender[1] == '3' ? g_strdup ("snap:demo") : NULL;
  cpd_inbox_admit (f->inbox, caller);
}

static void
on_turn (CpdCaller *caller, CpdArrival *arrival, gpointer user_data)
{
  Fixture *f = user_data;
  gint64 end_us = cpd_clock_work_us () + (caller->uid == f->slow_uid ? SLOW_US : 0);

  g_string_append (f->order, g_dbus_message_get_member (arrival->message));
  g_ptr_array_add (f->arrivals, arrival);
  cpd_caller_unref (caller);
  while (cpd_clock_work_us () < end_us)
    ;
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  static const CpdInboxFuncs funcs = { .met = on_met, .turn = on_turn };

  f->order = g_string_new (NULL);
  f->arrivals = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_arrival_free);
  f->slow_uid = G_MAXUINT32;
  f->inbox = cpd_inbox_new (&funcs, f);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_ptr_array_unref (f->arrivals);
  cpd_inbox_free (f->inbox);
  g_string_free (f->order, TRUE);
}

/* As the link does. `refusal`: static; NULL: none */
static void
receive_with (Fixture *f, const char *sender, GDBusMessage *message, const char *refusal,
              gint64 took_us)
{
  guint8 *bytes;
  gsize size;
  CpdWireHeader header;

  g_dbus_message_set_sender (message, sender);
  g_dbus_message_set_serial (message, 1);
  bytes = g_dbus_message_to_blob (message, &size, G_DBUS_CAPABILITY_FLAGS_NONE, NULL);
  g_assert_true (cpd_wire_read_header (bytes, cpd_wire_measure_header (bytes), &header));
  cpd_inbox_receive (f->inbox, header.sender,
                     cpd_arrival_new (&header, g_bytes_new_take (bytes, size), refusal), took_us);
}

static void
receive (Fixture *f, const char *sender, const char *member, const char *refusal)
{
  g_autoptr (GDBusMessage) message = g_dbus_message_new_method_call (NULL, "/", "a.b", member);

  receive_with (f, sender, message, refusal, /* took_us= */ 0);
}

static void
run_until (Fixture *f, gsize turns)
{
  cpd_inbox_start (f->inbox);
  while (f->order->len < turns)
    test_loop_step ();
}

/* Users first, and within a user connections, whatever each has waiting. */
static void
test_turns (Fixture *f, gconstpointer user_data)
{
  for (int i = 0; i < 3; i++)
    receive (f, ":1.1", "A", NULL);
  for (int i = 0; i < 2; i++)
    receive (f, ":1.2", "B", NULL);
  for (int i = 0; i < 4; i++)
    receive (f, ":2.1", "C", NULL);
  run_until (f, 9);
  g_assert_cmpuint (strspn (f->order->str, "ABC"), ==, 9);
  for (int i = 0; i < 8; i += 2)
    g_assert_true ((f->order->str[i] == 'C') != (f->order->str[i + 1] == 'C'));
}

/* A user's own program waits for one call of its apps, however many connections these have. */
static void
test_turns_with_apps (Fixture *f, gconstpointer user_data)
{
  for (int i = 0; i < 2; i++)
    for (int j = 1; j <= 3; j++)
      {
        g_autofree char *sender = g_strdup_printf (":3.%d", j);

        receive (f, sender, "M", NULL);
      }
  for (int i = 0; i < 3; i++)
    receive (f, ":1.1", "A", NULL);
  run_until (f, 9);
  g_assert_cmpstr (f->order->str, ==, "AMAMAMMMM");
}

/* Who kept the main loop rests, for longer than the others need. */
static void
test_who_was_slow_rests (Fixture *f, gconstpointer user_data)
{
  f->slow_uid = alice;
  for (int i = 0; i < 3; i++)
    receive (f, ":1.1", "A", NULL);
  for (int i = 0; i < 5; i++)
    receive (f, ":2.1", "C", NULL);
  run_until (f, 8);
  g_assert_cmpstr (f->order->str, ==, "ACCCCCAA");
}

/* Alice, whose calls are not slow yet, and Bob are there; so many of her calls stay unanswered. */
static void
let_wait (Fixture *f, unsigned int calls)
{
  for (unsigned int i = 0; i < calls; i++)
    receive (f, ":1.1", "A", NULL);
  receive (f, ":2.1", "C", NULL);
  run_until (f, calls + 1);
}

/* Returns: how long Alice's next call waits, after one that was slow, in µs */
static gint64
measure_rest (Fixture *f, const char *sender)
{
  gint64 began_us;

  f->slow_uid = alice;
  receive (f, ":1.1", "A", NULL);
  run_until (f, f->order->len + 1);
  f->slow_uid = G_MAXUINT32;
  if (!g_str_equal (sender, ":1.1"))
    cpd_inbox_forget (f->inbox, ":1.1");
  began_us = g_get_monotonic_time ();
  receive (f, sender, "B", NULL);
  run_until (f, f->order->len + 1);
  return g_get_monotonic_time () - began_us;
}

/* A user that reconnects for each call is the same user. */
static void
test_who_reconnects_still_rests (Fixture *f, gconstpointer user_data)
{
  let_wait (f, CPD_ROUND_REST_MAX);
  g_assert_cmpint (measure_rest (f, ":1.2"), >, 4 * SLOW_US);
}

/* Who has one call at a time leaves to others as much as it took, and not several times as much. */
static void
test_who_waits_for_answers_rests_less (Fixture *f, gconstpointer user_data)
{
  gint64 one_us = G_MAXINT64, taken_us;

  let_wait (f, 1);
  for (int i = 0; i < 3; i++)
    {
      g_ptr_array_set_size (f->arrivals, 0); /* they are answered */
      receive (f, ":2.1", "C", NULL);
      run_until (f, f->order->len + 1);
      taken_us = measure_rest (f, ":1.1");
      one_us = MIN (one_us, taken_us);
    }
  g_assert_cmpint (one_us, >, SLOW_US / 2);
  g_string_truncate (f->order, 0);
  let_wait (f, CPD_ROUND_REST_MAX);
  taken_us = measure_rest (f, ":1.1");
  g_assert_cmpint (taken_us, >, 3 * one_us);
}

/* For what a thread has worked for a user, that user rests. */
static void
test_work_of_threads_counts (Fixture *f, gconstpointer user_data)
{
  let_wait (f, 1);
  cpd_inbox_charge (f->inbox, alice, 10 * SLOW_US);
  for (int i = 0; i < 2; i++)
    receive (f, ":1.1", "A", NULL);
  for (int i = 0; i < 5; i++)
    receive (f, ":2.1", "C", NULL);
  g_string_truncate (f->order, 0);
  run_until (f, 7);
  g_assert_cmpstr (f->order->str, ==, "CCCCCAA");
}

/* For what a thread has worked for an app, the user's own programs do not rest. */
static void
test_work_for_apps_counts_for_them (Fixture *f, gconstpointer user_data)
{
  receive (f, ":3.1", "M", NULL);
  let_wait (f, 1);
  cpd_inbox_charge (f->inbox, cpd_owner_new_app (alice, 1), 10 * SLOW_US);
  receive (f, ":3.1", "M", NULL);
  receive (f, ":1.1", "A", NULL);
  receive (f, ":1.1", "A", NULL);
  receive (f, ":2.1", "C", NULL);
  run_until (f, 3);
  g_string_truncate (f->order, 0);
  run_until (f, 4);
  g_assert_cmpuint (f->order->str[3], ==, 'M');
}

/* Work that was done while nobody else was there costs nothing. */
static void
test_work_alone_counts_not (Fixture *f, gconstpointer user_data)
{
  gint64 began_us;

  receive (f, ":1.1", "A", NULL);
  run_until (f, 1);
  cpd_inbox_charge (f->inbox, alice, 10 * SLOW_US);
  began_us = g_get_monotonic_time ();
  receive (f, ":2.1", "C", NULL);
  run_until (f, 2);
  receive (f, ":1.1", "A", NULL);
  run_until (f, 3);
  g_assert_cmpint (g_get_monotonic_time () - began_us, <, 5 * SLOW_US);
}

/* What the link spent on a connection's first call, before anybody knew whose it is, counts. */
static void
test_first_call_counts (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GDBusMessage) message = g_dbus_message_new_method_call (NULL, "/", "a.b", "B");
  gint64 began_us;

  let_wait (f, CPD_ROUND_REST_MAX);
  began_us = g_get_monotonic_time ();
  receive_with (f, ":1.2", message, NULL, SLOW_US);
  run_until (f, f->order->len + 1);
  g_assert_cmpint (g_get_monotonic_time () - began_us, >, 4 * SLOW_US);
}

/* A call that takes so long to decode that a thread does it, which has begun. */
static void
begin_to_read (Fixture *f)
{
  g_autoptr (GDBusMessage) message
      = g_dbus_message_new_method_call (NULL, "/", CERTPIN_PINS_IFACE, "A");
  g_autofree char *large = g_strnfill (100 * KIB, 'a');

  g_dbus_message_set_body (message, g_variant_new ("(s)", large));
  receive_with (f, ":1.1", message, NULL, /* took_us= */ 0);
  cpd_inbox_start (f->inbox);
  test_loop_step ();
}

/* While a newcomer waits to be met. */
static void
test_closed_while_it_reads (Fixture *f, gconstpointer user_data)
{
  begin_to_read (f);
  receive (f, ":2.1", "C", NULL);
  cpd_inbox_free (g_steal_pointer (&f->inbox));
  test_loop_run_for (100);
  g_assert_cmpuint (f->order->len, ==, 0);
}

/* Nobody would end what the call begins. */
static void
test_leaves_while_it_reads (Fixture *f, gconstpointer user_data)
{
  begin_to_read (f);
  cpd_inbox_forget (f->inbox, ":1.1");
  g_assert_cmpuint (cpd_inbox_count_calls (f->inbox), ==, 1); /* it waits no more, but is read */
  while (cpd_inbox_count_calls (f->inbox) > 0 && f->order->len == 0)
    test_loop_step ();
  g_assert_cmpstr (f->order->str, ==, "");
}

/* With nobody else there nobody rests. */
static void
test_alone_nobody_rests (Fixture *f, gconstpointer user_data)
{
  f->slow_uid = alice;
  for (int i = 0; i < 3; i++)
    receive (f, ":1.1", "A", NULL);
  cpd_inbox_start (f->inbox);
  test_loop_settle (); /* which waits for nothing */
  g_assert_cmpstr (f->order->str, ==, "AAA");
}

static void
test_limits_of_a_connection (Fixture *f, gconstpointer user_data)
{
  unsigned int room = 0;

  while (cpd_inbox_has_room (f->inbox, ":1.1", KIB))
    {
      receive (f, ":1.1", "A", NULL);
      room++;
    }
  g_assert_cmpuint (room, ==, 512);
  g_assert_true (cpd_inbox_has_room (f->inbox, ":1.2", KIB));
  for (int i = 0; i < 600; i++) /* of which 88 are dropped */
    receive (f, ":1.1", "R", "too much");
  run_until (f, 1024);
  test_loop_settle ();
  g_assert_cmpuint (f->order->len, ==, 1024);
  g_assert_cmpstr (((CpdArrival *)f->arrivals->pdata[1000])->refusal, ==, "too much");
  g_assert_false (cpd_inbox_has_room (f->inbox, ":1.1", KIB)); /* none is answered yet */
  g_ptr_array_set_size (f->arrivals, 0);
  g_assert_true (cpd_inbox_has_room (f->inbox, ":1.1", KIB));
}

/* 72 MiB of a user, and 64 KiB of each connection whatever the others have. */
static void
test_bytes (Fixture *f, gconstpointer user_data)
{
  g_assert_true (cpd_inbox_has_room (f->inbox, ":1.1", 72 * KIB * (guint64)KIB));
  g_assert_false (cpd_inbox_has_room (f->inbox, ":1.1", 73 * KIB * (guint64)KIB));
}

/* Half of that for an app; what its user has there counts. */
static void
test_bytes_of_an_app (Fixture *f, gconstpointer user_data)
{
  const guint64 mib = KIB * (guint64)KIB;
  CpdCaller *app = cpd_caller_new (":1.9", alice);

  app->app = g_strdup ("snap:demo");
  g_assert_true (cpd_inbox_has_room (f->inbox, ":1.9", 72 * mib)); /* it is not known yet */
  cpd_inbox_admit (f->inbox, app);
  g_assert_true (cpd_inbox_has_room (f->inbox, ":1.9", 36 * mib));
  g_assert_false (cpd_inbox_has_room (f->inbox, ":1.9", 36 * mib + 1));
  cpd_caller_unref (app);
}

static void
test_what_has_left_is_dropped (Fixture *f, gconstpointer user_data)
{
  receive (f, ":1.1", "A", NULL);
  receive (f, ":1.2", "B", NULL);
  cpd_inbox_forget (f->inbox, ":1.1");
  run_until (f, 1);
  test_loop_settle ();
  g_assert_cmpstr (f->order->str, ==, "B");
}

static void
test_a_pause (Fixture *f, gconstpointer user_data)
{
  receive (f, ":1.1", "A", NULL);
  run_until (f, 1);
  cpd_inbox_pause (f->inbox, ":1.1", TRUE);
  receive (f, ":1.1", "B", NULL);
  receive (f, ":1.2", "C", NULL);
  run_until (f, 2);
  test_loop_settle ();
  g_assert_cmpstr (f->order->str, ==, "AC");
  cpd_inbox_pause (f->inbox, ":1.1", FALSE);
  run_until (f, 3);
  g_assert_cmpstr (f->order->str, ==, "ACB");
}

#define ADD(name, function)                                                                        \
  g_test_add ("/bus/inbox/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("turns", test_turns);
  ADD ("turns-with-apps", test_turns_with_apps);
  ADD ("who-was-slow-rests", test_who_was_slow_rests);
  ADD ("who-reconnects-still-rests", test_who_reconnects_still_rests);
  ADD ("who-waits-for-answers-rests-less", test_who_waits_for_answers_rests_less);
  ADD ("work-of-threads-counts", test_work_of_threads_counts);
  ADD ("work-for-apps-counts-for-them", test_work_for_apps_counts_for_them);
  ADD ("work-alone-counts-not", test_work_alone_counts_not);
  ADD ("first-call-counts", test_first_call_counts);
  ADD ("closed-while-it-reads", test_closed_while_it_reads);
  ADD ("leaves-while-it-reads", test_leaves_while_it_reads);
  ADD ("alone-nobody-rests", test_alone_nobody_rests);
  ADD ("limits-of-a-connection", test_limits_of_a_connection);
  ADD ("bytes", test_bytes);
  ADD ("bytes-of-an-app", test_bytes_of_an_app);
  ADD ("what-has-left-is-dropped", test_what_has_left_is_dropped);
  ADD ("a-pause", test_a_pause);
  return g_test_run ();
}
