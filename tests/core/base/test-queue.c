/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that limits hold, that turns go round from user to user, and that turns may be left at any
 * moment; and that apps leave something to their user. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/base/cpd-queue.h"

#define GUESTS_MAX 24

typedef struct _Fixture Fixture;

/* One that wants a place, by a letter. */
typedef struct
{
  Fixture *f;
  char letter;
  CpdPlace *place;     /* NULL: it was left */
  const char *leaving; /* the letters of those that are left when it starts; NULL: none */
} Guest;

struct _Fixture
{
  CpdQueue *queue;
  GString *started; /* letters, in their order */
  unsigned int n_guests;
  Guest guests[GUESTS_MAX];
};

/* What the configuration says. */
typedef struct
{
  guint64 running, running_per_uid, waiting_per_uid;
} Limits;

static const Limits roomy = { 100, 100, 100 };
static const Limits one_at_a_time = { 1, 100, 100 };
static const Limits two_of_a_uid = { 100, 2, 100 };
static const Limits tight = { 100, 2, 3 };
static const Limits no_waiting = { 100, 1, 0 };
static const Limits eight_of_a_uid = { 100, 8, 0 };
static const Limits eight_wait = { 100, 1, 8 };

static void
set_up (Fixture *f, gconstpointer user_data)
{
  const Limits *limits = user_data;
  g_autoptr (CpdConfig) config = cpd_config_new ();

  config->running = limits->running;
  config->running_per_uid = limits->running_per_uid;
  config->waiting_per_uid = limits->waiting_per_uid;
  config->body_bytes_per_uid = 1000;
  f->queue = cpd_queue_new (config);
  f->started = g_string_new (NULL);
}

static void
leave (Fixture *f, const char *letters)
{
  for (; *letters != '\0'; letters++)
    for (unsigned int i = 0; i < f->n_guests; i++)
      if (f->guests[i].letter == *letters && f->guests[i].place != NULL)
        cpd_place_leave (g_steal_pointer (&f->guests[i].place));
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  for (unsigned int i = 0; i < f->n_guests; i++)
    g_assert_null (f->guests[i].place);
  cpd_queue_free (f->queue);
  g_string_free (f->started, TRUE);
}

static void
on_start (gpointer user_data)
{
  Guest *guest = user_data;

  g_string_append_c (guest->f->started, guest->letter);
  if (guest->leaving != NULL)
    leave (guest->f, guest->leaving);
}

static Guest *
add (Fixture *f, char letter, CpdOwner owner)
{
  Guest *guest = &f->guests[f->n_guests++];

  g_assert_cmpuint (f->n_guests, <=, GUESTS_MAX);
  guest->f = f;
  guest->letter = letter;
  guest->place = cpd_place_new (f->queue, owner, on_start, guest);
  return guest;
}

static void
enter (Fixture *f, char letter, CpdOwner owner)
{
  Guest *guest = add (f, letter, owner);
  g_autoptr (GError) error = NULL;

  g_assert_true (cpd_place_enter (guest->place, &error));
  g_assert_no_error (error);
}

static void
enter_leaving (Fixture *f, char letter, guint32 uid, const char *leaving)
{
  Guest *guest = add (f, letter, uid);

  guest->leaving = leaving;
  g_assert_true (cpd_place_enter (guest->place, NULL));
}

static void
assert_refused (Fixture *f, CpdOwner owner)
{
  Guest *guest = add (f, '!', owner);
  g_autoptr (GError) error = NULL;

  g_assert_false (cpd_place_enter (guest->place, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED);
  leave (f, "!");
}

static void
assert_started (Fixture *f, const char *letters)
{
  g_assert_cmpstr (f->started->str, ==, letters);
}

static void
test_at_once (Fixture *f, gconstpointer user_data)
{
  enter (f, 'a', 1);
  enter (f, 'b', 1);
  enter (f, 'c', 2);
  assert_started (f, "abc");
  leave (f, "abc");
}

static void
test_in_order (Fixture *f, gconstpointer user_data)
{
  for (char letter = 'a'; letter <= 'd'; letter++)
    enter (f, letter, 1);
  assert_started (f, "a");
  leave (f, "a");
  assert_started (f, "ab");
  leave (f, "b");
  leave (f, "c");
  assert_started (f, "abcd");
  leave (f, "d");
}

/* One user's flood does not make another wait for more than a turn. */
static void
test_round_robin (Fixture *f, gconstpointer user_data)
{
  enter (f, 'a', 1);
  enter (f, 'b', 1);
  enter (f, 'c', 1);
  enter (f, 'd', 1);
  enter (f, 'x', 2);
  enter (f, 'y', 2);
  enter (f, 's', 3);
  for (const char *letter = "abxscyd"; *letter != '\0'; letter++)
    leave (f, (const char[]){ *letter, '\0' });
  assert_started (f, "abxscyd");
}

static void
test_running_per_uid (Fixture *f, gconstpointer user_data)
{
  enter (f, 'a', 1);
  enter (f, 'b', 1);
  enter (f, 'c', 1);
  enter (f, 'x', 2);
  assert_started (f, "abx");
  g_assert_cmpuint (cpd_place_count_running (f->guests[2].place), ==, 2);
  g_assert_cmpuint (cpd_place_count_running (f->guests[3].place), ==, 1);
  leave (f, "x");
  assert_started (f, "abx");
  leave (f, "a");
  assert_started (f, "abxc");
  leave (f, "bc");
}

static void
test_waiting_per_uid (Fixture *f, gconstpointer user_data)
{
  for (char letter = 'a'; letter <= 'e'; letter++)
    enter (f, letter, 1);
  assert_refused (f, 1);
  enter (f, 'x', 2);
  assert_started (f, "abx");
  leave (f, "a");
  enter (f, 'f', 1);
  assert_refused (f, 1);
  leave (f, "bcdefx");
  assert_started (f, "abxcdef");
}

static void
test_no_waiting (Fixture *f, gconstpointer user_data)
{
  enter (f, 'a', 1);
  assert_refused (f, 1);
  leave (f, "a");
  enter (f, 'b', 1);
  assert_started (f, "ab");
  leave (f, "b");
}

static void
test_leave_while_waiting (Fixture *f, gconstpointer user_data)
{
  enter (f, 'a', 1);
  enter (f, 'b', 1);
  enter (f, 'x', 2);
  enter (f, 'c', 1);
  leave (f, "x");
  leave (f, "b");
  assert_started (f, "a");
  leave (f, "a");
  assert_started (f, "ac");
  leave (f, "c");
}

/* Whatever has ended in the queue is not started, though its place is kept. */
static void
test_rest_while_waiting (Fixture *f, gconstpointer user_data)
{
  enter (f, 'a', 1);
  enter (f, 'b', 1);
  enter (f, 'x', 2);
  enter (f, 'c', 1);
  cpd_place_rest (f->guests[1].place);
  cpd_place_rest (f->guests[2].place);
  leave (f, "a");
  assert_started (f, "ac");
  cpd_place_rest (f->guests[3].place);
  enter (f, 'd', 1);
  assert_started (f, "acd");
  leave (f, "bxcd");
}

static void
test_leave_unentered (Fixture *f, gconstpointer user_data)
{
  add (f, 'a', 1);
  enter (f, 'b', 1);
  leave (f, "a");
  assert_started (f, "b");
  leave (f, "b");
}

static void
test_leaves_in_its_start (Fixture *f, gconstpointer user_data)
{
  enter_leaving (f, 'a', 1, "a");
  enter_leaving (f, 'b', 1, "b");
  assert_started (f, "ab");
  enter (f, 'c', 2);
  assert_started (f, "abc");
  leave (f, "c");
}

/* Each that starts is over at once, so that the next starts from within it. */
static void
test_chain_of_starts (Fixture *f, gconstpointer user_data)
{
  enter (f, 'a', 1);
  enter_leaving (f, 'b', 1, "b");
  enter_leaving (f, 'c', 1, "c");
  enter_leaving (f, 'x', 2, "x");
  enter_leaving (f, 'y', 2, "y");
  enter (f, 'd', 3);
  leave (f, "a");
  assert_started (f, "abxd");
  leave (f, "d");
}

/* A start that ends all others of its user, who has then nothing left but itself. */
static void
test_start_leaves_others (Fixture *f, gconstpointer user_data)
{
  enter (f, 'a', 1);
  enter_leaving (f, 'b', 2, "cdb");
  enter (f, 'c', 2);
  enter (f, 'd', 2);
  enter (f, 'x', 3);
  leave (f, "a");
  assert_started (f, "abx");
  leave (f, "x");
}

static void
test_bodies (Fixture *f, gconstpointer user_data)
{
  Guest *a = add (f, 'a', 1), *b = add (f, 'b', 1), *x = add (f, 'x', 2);

  g_assert_true (cpd_place_get_bodies (a->place) == cpd_place_get_bodies (b->place));
  g_assert_true (cpd_place_get_bodies (a->place) != cpd_place_get_bodies (x->place));
  g_assert_true (cpd_budget_take (cpd_place_get_bodies (a->place), 1000));
  g_assert_false (cpd_budget_take (cpd_place_get_bodies (b->place), 1));
  g_assert_true (cpd_budget_take (cpd_place_get_bodies (x->place), 1000));
  leave (f, "abx");
}

/* What a place holds of the budget outlives the place. */
static void
test_bodies_outlive_places (Fixture *f, gconstpointer user_data)
{
  Guest *a = add (f, 'a', 1);
  g_autoptr (CpdBudget) bodies = cpd_budget_ref (cpd_place_get_bodies (a->place));

  leave (f, "a");
  g_assert_true (cpd_budget_take (bodies, 1000));
  cpd_budget_give_back (bodies, 1000);
}

#define ADD(path, limits, function)                                                                \
  g_test_add ("/core/queue/" path, Fixture, limits, set_up, function, tear_down)

/* Whoever has none running has a turn at once, though others have them all; and only one. */
static void
test_one_to_each (Fixture *f, gconstpointer user_data)
{
  cpd_queue_leave_one_to_each (f->queue);
  enter (f, 'a', 1);
  enter (f, 'b', 1);
  enter (f, 'c', 2);
  enter (f, 'd', 2);
  g_assert_cmpstr (f->started->str, ==, "ac");
  leave (f, "a");
  g_assert_cmpstr (f->started->str, ==, "acb");
  leave (f, "cbd");
}

#define APP(number) cpd_owner_new_app (1, number)

/* One app gets half of what its user may have, all of them three quarters; those of another user
 * do not count. */
static void
test_apps_leave_room (Fixture *f, gconstpointer user_data)
{
  const char *letters = "abcd";

  for (unsigned int i = 0; i < 4; i++)
    enter (f, letters[i], APP (1));
  assert_refused (f, APP (1));
  enter (f, 'e', APP (2));
  enter (f, 'f', APP (3));
  assert_refused (f, APP (3));
  enter (f, 'x', cpd_owner_new_app (2, 4));
  enter (f, 'g', 1);
  enter (f, 'h', 1);
  assert_refused (f, 1);
  leave (f, "a");
  enter (f, 'i', APP (3));
  assert_refused (f, 1);
  leave (f, "cf");
  enter (f, 'j', 1);
  enter (f, 'k', 1);
  assert_refused (f, APP (2));
  assert_started (f, "abcdefxghijk");
  leave (f, "bdexghijk");
}

/* Likewise of those that wait. Each party has its turn, in its own order. */
static void
test_apps_take_turns (Fixture *f, gconstpointer user_data)
{
  const char *letters = "abcd";

  enter (f, '0', APP (1));
  for (unsigned int i = 0; i < 4; i++)
    enter (f, letters[i], APP (1));
  assert_refused (f, APP (1));
  enter (f, 'p', APP (2));
  enter (f, 'q', APP (2));
  assert_refused (f, APP (2));
  enter (f, 'u', 1);
  enter (f, 'v', 1);
  assert_refused (f, 1);
  leave (f, "0");
  leave (f, "p");
  leave (f, "u");
  assert_started (f, "0pua");
  leave (f, "a");
  leave (f, "q");
  leave (f, "v");
  leave (f, "b");
  leave (f, "c");
  assert_started (f, "0puaqvbcd");
  leave (f, "d");
}

/* What an app holds is its user's as well. */
static void
test_bodies_of_apps (Fixture *f, gconstpointer user_data)
{
  CpdBudget *own = cpd_place_get_bodies (add (f, 'a', 1)->place),
            *one = cpd_place_get_bodies (add (f, 'b', APP (1))->place),
            *other = cpd_place_get_bodies (add (f, 'c', APP (2))->place);

  g_assert_false (cpd_budget_take (one, 501));
  g_assert_true (cpd_budget_take (one, 500));
  g_assert_false (cpd_budget_take (other, 251));
  g_assert_true (cpd_budget_take (other, 250));
  g_assert_false (cpd_budget_take (own, 251));
  g_assert_true (cpd_budget_take (own, 250));
  cpd_budget_give_back (one, 500);
  g_assert_true (cpd_budget_take (own, 500));
  g_assert_false (cpd_budget_take (one, 1));
  leave (f, "abc");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("starts-at-once", &roomy, test_at_once);
  ADD ("one-user-in-order", &one_at_a_time, test_in_order);
  ADD ("round-robin-between-users", &one_at_a_time, test_round_robin);
  ADD ("running-per-uid", &two_of_a_uid, test_running_per_uid);
  ADD ("waiting-per-uid", &tight, test_waiting_per_uid);
  ADD ("nobody-may-wait", &no_waiting, test_no_waiting);
  ADD ("leave-while-waiting", &one_at_a_time, test_leave_while_waiting);
  ADD ("rest-while-waiting", &one_at_a_time, test_rest_while_waiting);
  ADD ("leave-before-entering", &one_at_a_time, test_leave_unentered);
  ADD ("leaves-in-its-own-start", &one_at_a_time, test_leaves_in_its_start);
  ADD ("starts-within-starts", &one_at_a_time, test_chain_of_starts);
  ADD ("start-leaves-others", &one_at_a_time, test_start_leaves_others);
  ADD ("one-to-each", &one_at_a_time, test_one_to_each);
  ADD ("bodies-are-a-users", &roomy, test_bodies);
  ADD ("apps-leave-room", &eight_of_a_uid, test_apps_leave_room);
  ADD ("apps-take-turns", &eight_wait, test_apps_take_turns);
  ADD ("bodies-of-apps", &roomy, test_bodies_of_apps);
  ADD ("bodies-outlive-places", &roomy, test_bodies_outlive_places);
  return g_test_run ();
}
