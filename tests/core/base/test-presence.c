/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves who is taken to be alone, and how long one rests. Times are in µs. */

#include "config.h"

#include "daemon/core/base/cpd-presence.h"

#define S G_USEC_PER_SEC

static const guint32 alice = 1000, bob = 1001;

static void
test_who_is_alone (void)
{
  CpdPresence presence = { 0 };
  gint64 now = 10 * S;

  g_assert_true (cpd_presence_is_of_one (&presence, now));
  cpd_presence_note (&presence, alice, now);
  cpd_presence_note (&presence, alice, now + 1);
  g_assert_true (cpd_presence_is_of_one (&presence, now + 1));
  cpd_presence_note (&presence, bob, now + 2);
  g_assert_false (cpd_presence_is_of_one (&presence, now + 2));
  cpd_presence_note (&presence, bob, now + S);
  g_assert_false (cpd_presence_is_of_one (&presence, now + 1 + S));
  g_assert_true (cpd_presence_is_of_one (&presence, now + 2 + S));
}

/* As the superuser too, whose uid is 0. */
static void
test_who_comes_first_is_alone (void)
{
  CpdPresence presence = { 0 };

  cpd_presence_note (&presence, 0, 10 * S);
  g_assert_true (cpd_presence_is_of_one (&presence, 10 * S));
}

static CpdPresence
presence_of_two (gint64 now)
{
  CpdPresence presence = { 0 };

  cpd_presence_note (&presence, alice, now);
  cpd_presence_note (&presence, bob, now);
  return presence;
}

/* At once where nobody else is there or waits; else when its rest is over. */
static void
test_when_one_may_go (void)
{
  gint64 now = 10 * S;
  CpdPresence two = presence_of_two (now), none = { 0 };

  g_assert_cmpint (cpd_presence_may_go_at (&none, 1, now + 500, now), ==, 0);
  g_assert_cmpint (cpd_presence_may_go_at (&none, 2, now + 500, now), ==, now + 500);
  g_assert_cmpint (cpd_presence_may_go_at (&two, 1, now + 500, now), ==, now + 500);
}

static void
test_rest (void)
{
  gint64 now = 10 * S;
  CpdPresence presence = presence_of_two (now);

  g_assert_cmpint (cpd_presence_rest (&presence, now, now, 900), ==, now + 900);
  /* What was due already comes first, and what was saved is used up. */
  g_assert_cmpint (cpd_presence_rest (&presence, now + 500, now, 900), ==, now + 1400);
  g_assert_cmpint (cpd_presence_rest (&presence, now - 500, now, 900), ==, now + 400);
}

static void
test_no_rest_is_longer_than_a_second (void)
{
  gint64 now = 10 * S;
  CpdPresence presence = presence_of_two (now);

  g_assert_cmpint (cpd_presence_rest (&presence, now, now, S), ==, now + S);
  g_assert_cmpint (cpd_presence_rest (&presence, now + 5 * S, now, 0), ==, now + S);
}

/* However much somebody took while alone, the rest is that of the last time. */
static void
test_alone_nothing_adds_up (void)
{
  CpdPresence presence = { 0 };
  gint64 now = 10 * S, rests_until = now;

  for (int i = 0; i < 1000; i++)
    {
      now += 1000;
      cpd_presence_note (&presence, alice, now);
      rests_until = cpd_presence_rest (&presence, MAX (rests_until, now), now, 4500);
    }
  g_assert_cmpint (rests_until, ==, now + 4500);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/presence/who-is-alone", test_who_is_alone);
  g_test_add_func ("/presence/who-comes-first-is-alone", test_who_comes_first_is_alone);
  g_test_add_func ("/presence/when-one-may-go", test_when_one_may_go);
  g_test_add_func ("/presence/rest", test_rest);
  g_test_add_func ("/presence/no-rest-is-longer-than-a-second",
                   test_no_rest_is_longer_than_a_second);
  g_test_add_func ("/presence/alone-nothing-adds-up", test_alone_nothing_adds_up);
  return g_test_run ();
}
