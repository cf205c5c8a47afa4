/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that run-time pins are on disk before they are in force, that changes come about in their
 * order, and that a failure to write leaves the old pin in force but never lets a block go. */

#include "config.h"

#include "tests/core/pins/store-fixture.h"

#include <glib/gstdio.h>

#include <sys/stat.h>

#define SYSTEM CPD_LAYER_SYSTEM
#define USER   CPD_LAYER_USER

/* Enough for one small pin file, too little for two. */
#define ONE_PIN_BYTES 220

/* Returns: (transfer full): all pins of the user */
static GPtrArray *
list_pins (StoreFixture *f, CpdOwner owner)
{
  return cpd_store_list_after (f->store, USER, owner, /* after= */ NULL, G_MAXUINT);
}

static unsigned int
count_pins (StoreFixture *f)
{
  g_autoptr (GPtrArray) pins = list_pins (f, STORE_UID);

  return pins->len;
}

static void
test_empty (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdHost) target = test_host ("h.example");
  g_autoptr (CpdPolicy) policy = cpd_store_get_policy (f->store, STORE_UID, target);

  g_assert_cmpuint (f->problems->len, ==, 0);
  g_assert_true (cpd_policy_is_empty (policy));
}

static void
test_survives_a_restart (StoreFixture *f, gconstpointer user_data)
{
  store_pin (f, STORE_UID, USER, "h.example", 1);
  store_pin (f, STORE_UID, SYSTEM, "**.h.example:443", 2);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 0);
  store_assert_key (f, USER, "h.example", 1);
  store_assert_key (f, SYSTEM, "www.h.example:443", 2);
}

static void
test_one_private_file (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = g_build_filename (f->user, "%2A.h.example.pin", NULL);
  GStatBuf status;

  store_pin (f, STORE_UID, USER, "*.h.example", 1);
  g_assert_no_errno (g_stat (path, &status));
  g_assert_cmpint (status.st_mode & 07777, ==, 0600);
  g_assert_no_errno (g_stat (f->user, &status));
  g_assert_cmpint (status.st_mode & 07777, ==, 0700);
}

static void
test_replaces (StoreFixture *f, gconstpointer user_data)
{
  store_pin (f, STORE_UID, USER, "h.example", 1);
  store_pin (f, STORE_UID, USER, "H.example.", 2);
  store_assert_key (f, USER, "h.example", 2);
  g_assert_cmpuint (count_pins (f), ==, 1);
  store_fixture_reopen (f);
  store_assert_key (f, USER, "h.example", 2);
}

static void
test_unpins (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  store_pin (f, STORE_UID, USER, "h.example", 1);
  g_assert_true (store_remove_pin (f, USER, "h.example", &error));
  store_assert_silent (f, USER, "h.example");
  store_fixture_reopen (f);
  store_assert_silent (f, USER, "h.example");
}

static void
test_unpins_only_what_is_pinned (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  g_assert_false (store_remove_pin (f, USER, "h.example", &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED);
  store_assert_key (f, SYSTEM, "h.example", 1);
}

static void
block (StoreFixture *f, CpdLayer layer, const char *host, GError **error)
{
  g_autoptr (CpdHost) parsed = test_host (host);
  g_autoptr (CpdPin) pin = cpd_pin_new_blocked (parsed, layer, "given as PEM");

  store_set_pin (f, STORE_UID, pin, error);
}

static void
test_block_replaces_and_stays (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = NULL;

  store_pin (f, STORE_UID, USER, "h.example", 1);
  block (f, USER, "h.example", NULL);
  store_assert_blocked (f, USER, "h.example");
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 0);
  store_assert_blocked (f, USER, "h.example");
  pin = store_get (f, STORE_UID, USER, "h.example");
  g_assert_cmpstr (pin->reason, ==, "given as PEM");
}

static void
test_pinning_ends_a_block (StoreFixture *f, gconstpointer user_data)
{
  block (f, USER, "h.example", NULL);
  store_pin (f, STORE_UID, USER, "h.example", 1);
  store_assert_key (f, USER, "h.example", 1);
}

static void
test_users_are_apart (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = NULL;

  store_pin (f, STORE_OTHER_UID, USER, "h.example", 1);
  store_assert_silent (f, USER, "h.example");
  g_assert_cmpuint (count_pins (f), ==, 0);
  pin = store_get (f, STORE_OTHER_UID, USER, "h.example");
  g_assert_nonnull (pin);
}

static void
test_system_is_for_everybody (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = NULL;

  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  store_assert_key (f, SYSTEM, "h.example", 1);
  pin = store_get (f, STORE_OTHER_UID, SYSTEM, "h.example");
  g_assert_nonnull (pin);
}

static void
test_dynamic_uid_is_not_kept (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *folder = g_strdup_printf ("%s/users/%u", f->state, STORE_DYNAMIC_UID);
  g_autoptr (CpdPin) before = NULL;
  g_autoptr (CpdPin) after = NULL;

  store_pin (f, STORE_DYNAMIC_UID, USER, "h.example", 1);
  before = store_get (f, STORE_DYNAMIC_UID, USER, "h.example");
  g_assert_nonnull (before);
  g_assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));
  store_fixture_reopen (f);
  after = store_get (f, STORE_DYNAMIC_UID, USER, "h.example");
  g_assert_null (after);
}

static void
test_without_a_folder (StoreFixture *f, gconstpointer user_data)
{
  f->forgets = TRUE;
  store_fixture_reopen (f);
  store_pin (f, STORE_UID, USER, "h.example", 1);
  store_pin (f, STORE_UID, SYSTEM, "h.example", 2);
  store_assert_key (f, USER, "h.example", 1);
  store_assert_key (f, SYSTEM, "h.example", 2);
  g_assert_false (g_file_test (f->system, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (f->user, G_FILE_TEST_EXISTS));
}

static void
test_failed_write_keeps_the_old_pin (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = test_pin ("h.example", SYSTEM, 2);
  g_autoptr (GError) error = NULL;

  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  store_break (f->system);
  g_assert_false (store_set_pin (f, STORE_UID, pin, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
  store_assert_key (f, SYSTEM, "h.example", 1);
  g_assert_cmpuint (f->changes, ==, 1);
}

static void
test_failed_write_of_the_file (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *in_its_place = g_build_filename (f->system, "h.example.pin", NULL);
  g_autoptr (CpdPin) pin = test_pin ("h.example", SYSTEM, 1);
  g_autoptr (GError) error = NULL;

  g_assert_no_errno (g_mkdir_with_parents (in_its_place, 0700));
  g_assert_false (store_set_pin (f, STORE_UID, pin, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
  store_assert_silent (f, SYSTEM, "h.example");
  g_assert_cmpuint (f->changes, ==, 0);
}

static void
test_failed_unpin_keeps_the_old_pin (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  store_break (f->system);
  g_assert_false (store_remove_pin (f, SYSTEM, "h.example", &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
  store_assert_key (f, SYSTEM, "h.example", 1);
}

static void
test_failed_block_blocks (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  store_break (f->system);
  block (f, SYSTEM, "h.example", &error);
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
  store_assert_blocked (f, SYSTEM, "h.example");
  g_assert_cmpuint (f->changes, ==, 2);
}

static void
test_failure_does_not_stop_later_changes (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = test_pin ("h.example", SYSTEM, 2);

  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  store_break (f->system);
  g_assert_false (store_set_pin (f, STORE_UID, pin, NULL));
  store_heal (f->system);
  store_pin (f, STORE_UID, SYSTEM, "h.example", 3);
  store_assert_key (f, SYSTEM, "h.example", 3);
}

typedef struct
{
  GArray *order; /* of int */
  int number;
} Arrival;

static void
on_arrival (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Arrival *arrival = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdPin) pin = cpd_store_change_finish (CPD_STORE (source), result, &error);

  g_assert_no_error (error);
  g_array_append_val (arrival->order, arrival->number);
}

static void
test_changes_in_their_order (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (GArray) order = g_array_new (FALSE, FALSE, sizeof (int));
  g_autoptr (CpdHost) host = test_host ("h.example");

  for (int i = 0; i < 30; i++)
    {
      g_autoptr (CpdPin) pin = test_pin ("h.example", USER, (guint8)(i + 1));
      Arrival *arrival = g_new (Arrival, 1);

      *arrival = (Arrival){ order, i };
      if (i % 3 == 1)
        cpd_store_remove_pin_async (f->store, USER, STORE_UID, host, on_arrival, arrival);
      else
        cpd_store_set_pin_async (f->store, STORE_UID, pin, on_arrival, arrival);
    }
  while (order->len < 30)
    g_main_context_iteration (NULL, TRUE);
  for (int i = 0; i < 30; i++)
    g_assert_cmpint (g_array_index (order, int, i), ==, i);
  store_assert_key (f, USER, "h.example", 30);
  store_fixture_reopen (f);
  store_assert_key (f, USER, "h.example", 30);
}

static void
test_nobody_waits_for_it (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = test_pin ("h.example", USER, 1);

  cpd_store_set_pin_async (f->store, STORE_UID, pin, /* callback= */ NULL, NULL);
  store_pin (f, STORE_UID, USER, "other.example", 2);
  store_assert_key (f, USER, "h.example", 1);
  store_fixture_reopen (f);
  store_assert_key (f, USER, "h.example", 1);
}

static void
test_change_is_told (StoreFixture *f, gconstpointer user_data)
{
  store_pin (f, STORE_UID, USER, "**.h.example", 1);
  g_assert_cmpuint (f->changes, ==, 1);
  g_assert_cmpuint (f->changed_owner, ==, STORE_UID);
  g_assert_cmpstr (f->changed_host, ==, "**.h.example");
  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  g_assert_cmpuint (f->changed_owner, ==, CPD_ALL_UIDS);
  g_assert_true (store_remove_pin (f, USER, "**.h.example", NULL));
  g_assert_cmpuint (f->changes, ==, 3);
}

static guint64
get_generation (StoreFixture *f, CpdOwner owner)
{
  g_autoptr (CpdHost) target = test_host ("h.example");
  g_autoptr (CpdPolicy) policy = cpd_store_get_policy (f->store, owner, target);

  return policy->generation;
}

static void
test_generation_grows (StoreFixture *f, gconstpointer user_data)
{
  guint64 first = get_generation (f, STORE_UID), second;
  g_autoptr (CpdPin) pin = NULL;

  g_assert_cmpuint (first, >=, 100);
  store_pin (f, STORE_UID, USER, "h.example", 1);
  second = get_generation (f, STORE_UID);
  pin = store_get (f, STORE_UID, USER, "h.example");
  g_assert_cmpuint (second, >, first);
  g_assert_cmpuint (pin->generation, ==, second);
  g_assert_true (store_remove_pin (f, USER, "h.example", NULL));
  g_assert_cmpuint (get_generation (f, STORE_UID), >, second);
}

static void
test_generation_is_of_those_concerned (StoreFixture *f, gconstpointer user_data)
{
  guint64 other = get_generation (f, STORE_OTHER_UID);

  store_pin (f, STORE_UID, USER, "h.example", 1);
  g_assert_cmpuint (get_generation (f, STORE_OTHER_UID), ==, other);
  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  g_assert_cmpuint (get_generation (f, STORE_OTHER_UID), >, other);
}

static void
test_find_pin (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdHost) host = test_host ("a.h.example");
  g_autoptr (CpdHost) pattern = test_host ("*.h.example");
  g_autoptr (CpdHost) other = test_host ("**.h.example");
  g_autoptr (CpdPin) winning = NULL;
  g_autoptr (CpdPin) literal = NULL;

  store_pin (f, STORE_UID, USER, "*.h.example", 1);
  winning = cpd_store_find_pin (f->store, USER, STORE_UID, host);
  literal = cpd_store_find_pin (f->store, USER, STORE_UID, pattern);
  g_assert_nonnull (winning);
  g_assert_true (winning == literal);
  g_assert_null (cpd_store_find_pin (f->store, USER, STORE_UID, other));
  g_assert_null (cpd_store_find_pin (f->store, SYSTEM, STORE_UID, host));
}

static void
test_list_pins (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (GPtrArray) mine = NULL;
  g_autoptr (GPtrArray) others = NULL;

  store_pin (f, STORE_UID, USER, "b.example", 1);
  store_pin (f, STORE_UID, USER, "a.example", 1);
  mine = list_pins (f, STORE_UID);
  others = list_pins (f, STORE_OTHER_UID);
  g_assert_cmpuint (mine->len, ==, 2);
  g_assert_cmpstr (cpd_host_get_text (((CpdPin *)mine->pdata[0])->host), ==, "a.example");
  g_assert_cmpuint (others->len, ==, 0);
}

static void
test_list_after (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (GPtrArray) mine = NULL, others = NULL, of_system = NULL;

  store_pin (f, STORE_UID, USER, "c.example", 1);
  store_pin (f, STORE_UID, USER, "a.example", 1);
  store_pin (f, STORE_UID, USER, "b.example", 1);
  mine = cpd_store_list_after (f->store, USER, STORE_UID, "a.example", 1);
  others = cpd_store_list_after (f->store, USER, STORE_OTHER_UID, "a.example", 1);
  of_system = cpd_store_list_after (f->store, SYSTEM, 0, NULL, 1);
  g_assert_cmpuint (mine->len, ==, 1);
  g_assert_cmpstr (cpd_host_get_text (((CpdPin *)mine->pdata[0])->host), ==, "b.example");
  g_assert_cmpuint (others->len, ==, 0);
  g_assert_cmpuint (of_system->len, ==, 0);
}

static void
test_list_matching (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdHost) target = test_host ("a.h.example:443");
  g_autoptr (GPtrArray) mine = NULL, others = NULL;

  store_pin (f, STORE_UID, USER, "**.h.example", 1);
  store_pin (f, STORE_UID, USER, "a.h.example", 2);
  store_pin (f, STORE_UID, USER, "b.h.example", 3);
  mine = cpd_store_list_matching (f->store, USER, STORE_UID, target);
  others = cpd_store_list_matching (f->store, USER, STORE_OTHER_UID, target);
  g_assert_cmpuint (mine->len, ==, 2);
  g_assert_cmpstr (cpd_host_get_text (((CpdPin *)mine->pdata[0])->host), ==, "a.h.example");
  g_assert_cmpstr (cpd_host_get_text (((CpdPin *)mine->pdata[1])->host), ==, "**.h.example");
  g_assert_cmpuint (others->len, ==, 0);
}

static void
test_limit_of_bytes (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = test_pin ("b.example", USER, 2);
  g_autoptr (GError) error = NULL;

  f->max_bytes = ONE_PIN_BYTES;
  store_fixture_reopen (f);
  store_pin (f, STORE_UID, USER, "a.example", 1);
  g_assert_false (store_set_pin (f, STORE_UID, pin, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED);
  store_assert_silent (f, USER, "b.example");
  g_assert_true (store_remove_pin (f, USER, "a.example", NULL));
  g_assert_true (store_set_pin (f, STORE_UID, pin, NULL));
}

static void
test_limit_lets_replace (StoreFixture *f, gconstpointer user_data)
{
  f->max_bytes = ONE_PIN_BYTES;
  store_fixture_reopen (f);
  store_pin (f, STORE_UID, USER, "a.example", 1);
  store_pin (f, STORE_UID, USER, "a.example", 2);
  store_assert_key (f, USER, "a.example", 2);
}

/* What became of several changes. */
typedef struct
{
  unsigned int made, refused;
} Outcome;

static void
count_outcome (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Outcome *outcome = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdPin) pin = cpd_store_change_finish (CPD_STORE (source), result, &error);

  outcome->made += pin != NULL;
  outcome->refused += g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED);
}

/* Of changes that come at once, each is counted when it is its turn. */
static void
test_limit_of_pins (StoreFixture *f, gconstpointer user_data)
{
  static const char *const hosts[] = { "a.example", "b.example", "c.example", "d.example" };
  Outcome outcome = { 0 };

  f->max_pins = 2;
  store_fixture_reopen (f);
  for (size_t i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      g_autoptr (CpdPin) pin = test_pin (hosts[i], USER, 1);

      cpd_store_set_pin_async (f->store, STORE_UID, pin, count_outcome, &outcome);
    }
  while (outcome.made + outcome.refused < G_N_ELEMENTS (hosts))
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (outcome.made, ==, 2);
  g_assert_cmpuint (count_pins (f), ==, 2);
}

/* A block that says why may take more than the pin did; to refuse it would leave the pin. */
static void
test_limit_lets_block_what_is_pinned (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *reason = g_strnfill (2 * ONE_PIN_BYTES, 'x');
  g_autoptr (CpdHost) pinned = test_host ("a.example"), new = test_host ("b.example");
  g_autoptr (CpdPin) first = cpd_pin_new_blocked (pinned, USER, reason);
  g_autoptr (CpdPin) second = cpd_pin_new_blocked (new, USER, reason);
  g_autoptr (GError) error = NULL;

  f->max_bytes = ONE_PIN_BYTES;
  store_fixture_reopen (f);
  store_pin (f, STORE_UID, USER, "a.example", 1);
  g_assert_true (store_set_pin (f, STORE_UID, first, NULL));
  store_assert_blocked (f, USER, "a.example");
  g_assert_false (store_set_pin (f, STORE_UID, second, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED);
}

static void
test_limit_counts_what_is_on_disk (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = test_pin ("b.example", USER, 2);

  store_pin (f, STORE_UID, USER, "a.example", 1);
  f->max_bytes = ONE_PIN_BYTES;
  store_fixture_reopen (f);
  g_assert_false (store_set_pin (f, STORE_UID, pin, NULL));
}

static void
test_limit_counts_what_is_under_way (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) first = test_pin ("a.example", USER, 1);
  g_autoptr (CpdPin) second = test_pin ("b.example", USER, 2);
  g_autoptr (GError) error = NULL;

  f->max_bytes = ONE_PIN_BYTES;
  store_fixture_reopen (f);
  cpd_store_set_pin_async (f->store, STORE_UID, first, /* callback= */ NULL, NULL);
  g_assert_false (store_set_pin (f, STORE_UID, second, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED);
}

static void
add_changes (void)
{
  STORE_TEST_ADD ("/core/store/failure/keeps-the-old-pin", test_failed_write_keeps_the_old_pin);
  STORE_TEST_ADD ("/core/store/failure/unpin-keeps-the-old-pin",
                  test_failed_unpin_keeps_the_old_pin);
  STORE_TEST_ADD ("/core/store/failure/of-the-file", test_failed_write_of_the_file);
  STORE_TEST_ADD ("/core/store/failure/block-blocks", test_failed_block_blocks);
  STORE_TEST_ADD ("/core/store/failure/does-not-stop-later-changes",
                  test_failure_does_not_stop_later_changes);
  STORE_TEST_ADD ("/core/store/change/in-order", test_changes_in_their_order);
  STORE_TEST_ADD ("/core/store/change/nobody-waits-for-it", test_nobody_waits_for_it);
  STORE_TEST_ADD ("/core/store/change/is-told", test_change_is_told);
  STORE_TEST_ADD ("/core/store/generation/grows", test_generation_grows);
  STORE_TEST_ADD ("/core/store/generation/of-those-concerned",
                  test_generation_is_of_those_concerned);
  STORE_TEST_ADD ("/core/store/list-matching", test_list_matching);
  STORE_TEST_ADD ("/core/store/limit/of-bytes", test_limit_of_bytes);
  STORE_TEST_ADD ("/core/store/limit/lets-replace", test_limit_lets_replace);
  STORE_TEST_ADD ("/core/store/limit/lets-block", test_limit_lets_block_what_is_pinned);
  STORE_TEST_ADD ("/core/store/limit/counts-what-is-under-way",
                  test_limit_counts_what_is_under_way);
  STORE_TEST_ADD ("/core/store/limit/counts-what-is-on-disk", test_limit_counts_what_is_on_disk);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  STORE_TEST_ADD ("/core/store/empty", test_empty);
  STORE_TEST_ADD ("/core/store/survives-a-restart", test_survives_a_restart);
  STORE_TEST_ADD ("/core/store/one-private-file", test_one_private_file);
  STORE_TEST_ADD ("/core/store/replaces", test_replaces);
  STORE_TEST_ADD ("/core/store/unpins", test_unpins);
  STORE_TEST_ADD ("/core/store/unpins-only-what-is-pinned", test_unpins_only_what_is_pinned);
  STORE_TEST_ADD ("/core/store/block/replaces-and-stays", test_block_replaces_and_stays);
  STORE_TEST_ADD ("/core/store/block/ends-with-a-pin", test_pinning_ends_a_block);
  STORE_TEST_ADD ("/core/store/users-are-apart", test_users_are_apart);
  STORE_TEST_ADD ("/core/store/system-is-for-everybody", test_system_is_for_everybody);
  STORE_TEST_ADD ("/core/store/dynamic-uid-is-not-kept", test_dynamic_uid_is_not_kept);
  STORE_TEST_ADD ("/core/store/without-a-folder", test_without_a_folder);
  STORE_TEST_ADD ("/core/store/find-pin", test_find_pin);
  STORE_TEST_ADD ("/core/store/list-pins", test_list_pins);
  STORE_TEST_ADD ("/core/store/list-after", test_list_after);
  STORE_TEST_ADD ("/core/store/limit-of-pins", test_limit_of_pins);
  add_changes ();
  return g_test_run ();
}
