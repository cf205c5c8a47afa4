/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a user's signals do not wait for those of all apps of another user, and that whoever
 * misses some is told so. */

#include "config.h"

#include "daemon/bus/cpd-subscribers.h"
#include "tests/lib/test-loop.h"

#define ALICE 1000
#define BOB   1001
#define APPS  40
#define NEWS  20 /* of each app: more than it sends in one turn */
#define TURN  16 /* messages */
#define MANY  65 /* more than an interval may have of one user */

/* Of CpdOwner: to whom the messages were sent, in order. */
static GArray *sent;
static GVariant *last; /* the arguments of the last of them */

/* In place of the one that needs a bus. */
gboolean
cpd_delivery_signal (CpdDelivery *delivery, CpdCaller *caller, const CpdSignal *signal)
{
  g_array_append_val (sent, caller->owner);
  g_clear_pointer (&last, g_variant_unref);
  last = g_variant_ref_sink (signal->arguments);
  return TRUE;
}

static void
subscribe (CpdSubscribers *subscribers, CpdOwner owner)
{
  g_autofree char *sender = g_strdup_printf (":1.%" G_GUINT64_FORMAT, owner);
  g_autoptr (CpdCaller) caller = cpd_caller_new (sender, cpd_owner_get_uid (owner));

  caller->owner = owner;
  g_assert_true (cpd_subscribers_add (subscribers, caller, NULL));
}

static void
tell (CpdSubscribers *subscribers, CpdOwner owner, unsigned int number)
{
  g_autofree char *host = g_strdup_printf ("h%u.example", number);
  const CpdNews news = {
    .signal = "PinChanged", .host = host, .scope = "app", .arguments = g_variant_new ("(s)", host)
  };

  cpd_subscribers_tell (subscribers, owner, &news);
}

/* Returns: how many messages were sent to the owner */
static unsigned int
count (CpdOwner owner)
{
  unsigned int found = 0;

  for (unsigned int i = 0; i < sent->len; i++)
    found += g_array_index (sent, CpdOwner, i) == owner;
  return found;
}

static void
test_users_take_turns (void)
{
  CpdSubscribers *subscribers = cpd_subscribers_new (/* delivery= */ NULL);
  unsigned int before;

  sent = g_array_new (FALSE, FALSE, sizeof (CpdOwner));
  subscribe (subscribers, BOB);
  for (unsigned int app = 1; app <= APPS; app++)
    {
      subscribe (subscribers, cpd_owner_new_app (ALICE, app));
      for (unsigned int i = 0; i < NEWS; i++)
        tell (subscribers, cpd_owner_new_app (ALICE, app), i);
    }
  while (sent->len == 0)
    test_loop_step ();
  before = sent->len;
  tell (subscribers, BOB, 0);
  while (count (BOB) == 0)
    test_loop_step ();
  g_test_message ("%u messages were sent before that of the other user", sent->len - before - 1);
  g_assert_cmpuint (sent->len - before - 1, <=, TURN);
  while (sent->len < APPS * NEWS + 1)
    test_loop_step ();
  for (unsigned int app = 1; app <= APPS; app++)
    g_assert_cmpuint (count (cpd_owner_new_app (ALICE, app)), ==, NEWS);
  cpd_subscribers_free (subscribers);
  g_array_unref (sent);
  g_clear_pointer (&last, g_variant_unref);
}

static void
test_missed (void)
{
  CpdSubscribers *subscribers = cpd_subscribers_new (/* delivery= */ NULL);
  g_autoptr (GVariant) details = NULL;
  const char *host, *state = "", *change = "";

  sent = g_array_new (FALSE, FALSE, sizeof (CpdOwner));
  subscribe (subscribers, BOB);
  for (unsigned int i = 0; i < MANY; i++)
    tell (subscribers, BOB, i);
  while (sent->len < MANY) /* the first 64, and that one was missed */
    test_loop_step ();
  g_variant_get (last, "(&s@a{sv})", &host, &details);
  g_variant_lookup (details, "state", "&s", &state);
  g_variant_lookup (details, "change", "&s", &change);
  g_assert_cmpstr (host, ==, "");
  g_assert_cmpstr (state, ==, "missed");
  g_assert_cmpstr (change, ==, "missed");
  cpd_subscribers_free (subscribers);
  g_assert_cmpuint (sent->len, ==, MANY);
  g_array_unref (sent);
  g_clear_pointer (&last, g_variant_unref);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus/subscribers/users-take-turns", test_users_take_turns);
  g_test_add_func ("/bus/subscribers/who-misses-some-is-told-so", test_missed);
  return g_test_run ();
}
