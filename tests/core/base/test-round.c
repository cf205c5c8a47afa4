/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves whose turn it is: one item of each user after the other, but for those that rest. Times
 * are in µs. */

#include "config.h"

#include "daemon/core/base/cpd-round.h"

#define S   G_USEC_PER_SEC
#define NOW (10 * S)

static const guint32 alice = 1000, bob = 1001, carol = 1002;

typedef struct
{
  CpdRound round;
} Fixture;

static void
set_up (Fixture *f, gconstpointer user_data)
{
  cpd_round_init (&f->round);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  cpd_round_clear (&f->round, g_free);
}

static CpdRoundUser *
get_user (Fixture *f, guint32 uid)
{
  return cpd_round_get_user (&f->round, uid, NOW);
}

static void
add (Fixture *f, guint32 uid, const char *item)
{
  cpd_round_add (&f->round, get_user (f, uid), g_strdup (item));
}

/* `item`: NULL: nobody may go */
static void
assert_next (Fixture *f, gint64 now_us, const char *item)
{
  CpdRoundUser *user = NULL;
  g_autofree char *next = cpd_round_take (&f->round, now_us, &user);

  g_assert_cmpstr (next, ==, item);
}

static void
test_users_go_round (Fixture *f, gconstpointer user_data)
{
  add (f, alice, "a1");
  add (f, alice, "a2");
  add (f, alice, "a3");
  add (f, bob, "b1");
  assert_next (f, NOW, "a1");
  add (f, carol, "c1");
  assert_next (f, NOW, "b1");
  assert_next (f, NOW, "a2");
  assert_next (f, NOW, "c1");
  assert_next (f, NOW, "a3");
  assert_next (f, NOW, NULL);
}

/* Of each user, however many of them an app has. */
static void
test_apps_take_turns_with_own_programs (Fixture *f, gconstpointer user_data)
{
  CpdRoundUser *user = get_user (f, alice);
  g_autofree char *removed = g_strdup ("m4");
  char *const of_app[] = { g_strdup ("m1"), g_strdup ("m2"), g_strdup ("m3"), removed };

  for (size_t i = 0; i < G_N_ELEMENTS (of_app); i++)
    cpd_round_add_of_app (&f->round, user, of_app[i]);
  g_assert_true (cpd_round_remove (&f->round, user, removed));
  add (f, alice, "a1");
  add (f, alice, "a2");
  add (f, bob, "b1");
  assert_next (f, NOW, "a1");
  assert_next (f, NOW, "b1");
  assert_next (f, NOW, "m1");
  assert_next (f, NOW, "a2");
  assert_next (f, NOW, "m2");
  assert_next (f, NOW, "m3");
  assert_next (f, NOW, NULL);
}

static void
test_item_is_removed (Fixture *f, gconstpointer user_data)
{
  g_autofree char *only = g_strdup ("a1");

  cpd_round_add (&f->round, get_user (f, alice), only);
  g_assert_false (cpd_round_remove (&f->round, get_user (f, bob), only));
  g_assert_true (cpd_round_remove (&f->round, get_user (f, alice), only));
  g_assert_false (cpd_round_remove (&f->round, get_user (f, alice), only));
  assert_next (f, NOW, NULL);
  add (f, alice, "a2");
  add (f, alice, "a3");
  assert_next (f, NOW, "a2");
  assert_next (f, NOW, "a3");
  assert_next (f, NOW, NULL);
}

/* Others come first, and alone it need not wait. */
static void
test_who_rests_lets_others_go (Fixture *f, gconstpointer user_data)
{
  add (f, alice, "a1");
  add (f, alice, "a2");
  add (f, bob, "b1");
  assert_next (f, NOW, "a1");
  get_user (f, alice)->own.rests_until = NOW + 500;
  g_assert_cmpint (cpd_round_may_go_at (&f->round, NOW), ==, 0);
  assert_next (f, NOW, "b1");
  g_assert_cmpint (cpd_round_may_go_at (&f->round, NOW), ==, NOW + 500);
  assert_next (f, NOW + 499, NULL);
  assert_next (f, NOW + 500, "a2");
  g_assert_cmpint (cpd_round_may_go_at (&f->round, NOW), ==, G_MAXINT64);
  add (f, alice, "a3");
  get_user (f, alice)->own.rests_until = NOW + 9 * S;
  g_assert_cmpint (cpd_round_may_go_at (&f->round, NOW + 2 * S), ==, 0);
  assert_next (f, NOW + 2 * S, "a3");
}

static void
test_rest_is_what_is_due (Fixture *f, gconstpointer user_data)
{
  CpdRoundUser *user;

  add (f, bob, "b1");
  add (f, alice, "a1");
  assert_next (f, NOW, "b1");
  assert_next (f, NOW, "a1");
  user = get_user (f, alice);
  cpd_round_rest (&f->round, &user->own, NOW, NOW, 900);
  g_assert_cmpint (user->own.rests_until, ==, NOW + 900);
}

/* What else it takes meanwhile, as threads may for it, does not hold it back for longer. */
static void
test_rest_ends (Fixture *f, gconstpointer user_data)
{
  CpdRoundUser *user;

  add (f, bob, "b1");
  add (f, alice, "a1");
  assert_next (f, NOW, "b1");
  assert_next (f, NOW, "a1");
  add (f, alice, "a2");
  add (f, bob, "b2");
  user = get_user (f, alice);
  for (gint64 now_us = NOW; now_us < NOW + 3 * S; now_us += S / 10)
    cpd_round_rest (&f->round, &user->own, MAX (user->own.rests_until, now_us), now_us, S / 2);
  assert_next (f, NOW + S - 1, "b2");
  add (f, bob, "b3");
  assert_next (f, NOW + S - 1, "b3");
  add (f, bob, "b4");
  assert_next (f, NOW + S, "a2");
  cpd_round_rest (&f->round, &user->own, NOW + S, NOW + S, S / 2);
  g_assert_cmpint (user->own.rests_until, ==, NOW + S + S / 2);
}

/* For what its apps take, a user's own programs do not rest; nor the other way round. */
static void
test_apps_rest_alone (Fixture *f, gconstpointer user_data)
{
  CpdRoundUser *user;

  add (f, bob, "b1");
  assert_next (f, NOW, "b1");
  user = get_user (f, alice);
  cpd_round_add_of_app (&f->round, user, g_strdup ("m1"));
  add (f, alice, "a1");
  add (f, alice, "a2");
  add (f, bob, "b2");
  assert_next (f, NOW, "a1");
  cpd_round_rest (&f->round, &user->apps, NOW, NOW, S / 2);
  assert_next (f, NOW, "b2");
  assert_next (f, NOW, "a2");
  add (f, bob, "b3");
  assert_next (f, NOW, "b3");
  g_assert_cmpint (cpd_round_may_go_at (&f->round, NOW + 1), ==, NOW + S / 2);
  assert_next (f, NOW + S / 2, "m1");
}

static unsigned int
count_users (Fixture *f)
{
  cpd_round_get_user (&f->round, carol, NOW); /* drops those that are over */
  return g_hash_table_size (f->round.users) - 1;
}

static void
test_only_users_with_something_are_kept (Fixture *f, gconstpointer user_data)
{
  CpdRoundUser *user = get_user (f, alice);
  g_autofree char *item = g_strdup ("a1");

  g_assert_true (get_user (f, alice) == user);
  user->refs = 1;
  g_assert_cmpuint (count_users (f), ==, 1);
  g_hash_table_remove (f->round.users, GUINT_TO_POINTER (carol));
  user->refs = 0;
  user->own.rests_until = NOW + 1;
  g_assert_cmpuint (count_users (f), ==, 1);
  g_hash_table_remove (f->round.users, GUINT_TO_POINTER (carol));
  user->own.rests_until = NOW;
  cpd_round_add (&f->round, user, item);
  g_assert_cmpuint (count_users (f), ==, 1);
  g_hash_table_remove (f->round.users, GUINT_TO_POINTER (carol));
  cpd_round_remove (&f->round, user, item);
  g_assert_cmpuint (count_users (f), ==, 0);
}

#define ADD(path, function) g_test_add ("/round/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("users-go-round", test_users_go_round);
  ADD ("apps-take-turns-with-own-programs", test_apps_take_turns_with_own_programs);
  ADD ("item-is-removed", test_item_is_removed);
  ADD ("who-rests-lets-others-go", test_who_rests_lets_others_go);
  ADD ("rest-is-what-is-due", test_rest_is_what_is_due);
  ADD ("rest-ends", test_rest_ends);
  ADD ("apps-rest-alone", test_apps_rest_alone);
  ADD ("only-users-with-something-are-kept", test_only_users_with_something_are_kept);
  return g_test_run ();
}
