/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves when a pause of a pin begins and ends, that no pause lasts longer than a day from its
 * beginning, whatever the clock does, that it is on disk before it is in force, and that its end is
 * in force before it is on disk. */

#include "config.h"

#include "tests/core/pins/store-fixture.h"

#include <string.h>

#define SYSTEM CPD_LAYER_SYSTEM
#define USER   CPD_LAYER_USER

#define NOW  (TEST_PKI_NOW + 5)
#define MOST CPD_PAUSE_MAX_S

/* `uptime`: (nullable): when the pause is asked for */
static gboolean
pause_when (StoreFixture *f, gint64 now, const CpdUptime *uptime, gint64 seconds, GError **error)
{
  g_autoptr (CpdPause) pause = cpd_pause_new (now, now + seconds, "why", "test (uid 0)", uptime);
  g_autoptr (CpdPinEdit) edit = cpd_pin_edit_new_pause (pause);

  return store_edit_pin (f, USER, "h.example", edit, error);
}

static gboolean
pause_at (StoreFixture *f, gint64 now, gint64 seconds, GError **error)
{
  return pause_when (f, now, /* uptime= */ NULL, seconds, error);
}

static void
assert_pauses (StoreFixture *f, gint64 now, gint64 seconds)
{
  g_autoptr (GError) error = NULL;

  pause_at (f, now, seconds, &error);
  g_assert_no_error (error);
}

/* Returns: (transfer full): what is said */
static char *
assert_refused (StoreFixture *f, gint64 now, gint64 seconds, CertpinError code)
{
  g_autoptr (GError) error = NULL;
  unsigned int changes = f->changes;

  g_assert_false (pause_at (f, now, seconds, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, CERTPIN_ERROR, (int)code);
  g_assert_cmpuint (f->changes, ==, changes);
  return g_strdup (error->message);
}

static void
resume (StoreFixture *f)
{
  g_autoptr (CpdPinEdit) edit = cpd_pin_edit_new_resume (NOW);

  g_assert_true (store_edit_pin (f, USER, "h.example", edit, NULL));
}

/* `until`: 0: it is not paused */
static void
assert_pause (StoreFixture *f, gint64 since, gint64 until)
{
  g_autoptr (CpdPin) pin = store_get (f, STORE_UID, USER, "h.example");

  g_assert_cmpint (pin->pause != NULL, ==, until != 0);
  if (until == 0)
    return;
  g_assert_cmpint (pin->pause->since, ==, since);
  g_assert_cmpint (pin->pause->until, ==, until);
  g_assert_cmpstr (pin->pause->reason, ==, "why");
  g_assert_cmpstr (pin->pause->by, ==, "test (uid 0)");
}

static void
test_begins_and_ends (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) before = NULL, after = NULL;
  unsigned int changes;

  store_pin (f, STORE_UID, USER, "h.example", 'a');
  before = store_get (f, STORE_UID, USER, "h.example");
  assert_pauses (f, NOW, 60);
  assert_pause (f, NOW, NOW + 60);
  g_assert_cmpuint (f->changes, ==, 2);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 0);
  assert_pause (f, NOW, NOW + 60);
  resume (f);
  assert_pause (f, 0, 0);
  changes = f->changes;
  resume (f);
  g_assert_cmpuint (f->changes, ==, changes);
  store_fixture_reopen (f);
  after = store_get (f, STORE_UID, USER, "h.example");
  g_assert_null (after->pause);
  g_assert_true (cpd_pin_says_the_same (before, after));
  g_assert_cmpint (before->created, ==, after->created);
  g_assert_cmpstr (before->created_by, ==, after->created_by);
}

/* What counts is when the first of them began. */
static void
test_bound (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *message = NULL, *none_left = NULL;

  store_pin (f, STORE_UID, USER, "h.example", 'a');
  g_free (assert_refused (f, NOW, MOST + 1, CERTPIN_ERROR_INVALID_ARGUMENT));
  assert_pauses (f, NOW, MOST);
  assert_pauses (f, NOW + 100, 50);
  assert_pause (f, NOW, NOW + 150);
  assert_pauses (f, NOW + 149, MOST - 149);
  assert_pause (f, NOW, NOW + MOST);
  message = assert_refused (f, NOW + 150, MOST - 149, CERTPIN_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (message, "86250 seconds"));
  none_left = assert_refused (f, NOW + MOST - 1, 2, CERTPIN_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (none_left, " 1 second"));
  assert_pause (f, NOW, NOW + MOST);
  assert_pauses (f, NOW + MOST, MOST); /* that one is over */
  assert_pause (f, NOW + MOST, NOW + 2 * MOST);
}

static void
test_new_one_after_resuming (StoreFixture *f, gconstpointer user_data)
{
  store_pin (f, STORE_UID, USER, "h.example", 'a');
  assert_pauses (f, NOW, MOST);
  resume (f);
  assert_pauses (f, NOW + 100, MOST);
  assert_pause (f, NOW + 100, NOW + 100 + MOST);
}

/* A pause from the future is none, so that another does not continue it. */
static void
test_clock_set_back (StoreFixture *f, gconstpointer user_data)
{
  store_pin (f, STORE_UID, USER, "h.example", 'a');
  assert_pauses (f, NOW + 1000, 60);
  assert_pauses (f, NOW, 60);
  assert_pause (f, NOW, NOW + 60);
}

#define UPTIME(id, s)                                                                              \
  (&(const CpdUptime){ .boot = id, .us = G_GINT64_CONSTANT (s) * G_USEC_PER_SEC })

static gint64
left_s (StoreFixture *f, gint64 now, const CpdUptime *uptime)
{
  g_autoptr (CpdPin) pin = store_get (f, STORE_UID, USER, "h.example");

  return cpd_pause_left_us (pin->pause, now * G_USEC_PER_SEC, uptime) / G_USEC_PER_SEC;
}

/* Of a day, 1000 s have passed, by the clock only 10. */
static void
test_time_that_passed_counts (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  store_pin (f, STORE_UID, USER, "h.example", 'a');
  g_assert_true (pause_when (f, NOW, UPTIME ("a", 50), MOST, NULL));
  store_fixture_reopen (f);
  g_assert_cmpint (left_s (f, NOW + 10, UPTIME ("a", 1050)), ==, MOST - 1000);
  g_assert_cmpint (left_s (f, NOW + 2000, UPTIME ("a", 1050)), ==, MOST - 2000);
  g_assert_cmpint (left_s (f, NOW + 10, UPTIME ("b", 1050)), ==, MOST - 10);
  g_assert_cmpint (left_s (f, NOW - 1, UPTIME ("a", 1050)), ==, 0);
  g_assert_false (pause_when (f, NOW + 10, UPTIME ("a", 1050), MOST - 999, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "85400 seconds"));
  g_assert_true (pause_when (f, NOW + 10, UPTIME ("a", 1050), MOST - 1000, NULL));
  assert_pause (f, NOW - 990, NOW - 990 + MOST);
  g_assert_false (pause_when (f, NOW + 5, UPTIME ("a", 1051), MOST - 1000, NULL));
  g_assert_cmpint (left_s (f, NOW + 10, UPTIME ("a", 1051)), ==, MOST - 1001);
}

/* After the machine has started anew, the clock says how long ago a pause began. That counts from
 * then on. */
static void
test_other_boot (StoreFixture *f, gconstpointer user_data)
{
  store_pin (f, STORE_UID, USER, "h.example", 'a');
  g_assert_true (pause_when (f, NOW, UPTIME ("a", 5000), MOST, NULL));
  g_assert_true (pause_when (f, NOW + 100, UPTIME ("b", 30), MOST - 100, NULL));
  assert_pause (f, NOW, NOW + MOST);
  store_fixture_reopen (f);
  g_assert_cmpint (left_s (f, NOW, UPTIME ("b", 30)), ==, MOST - 100);
  g_assert_false (pause_when (f, NOW + 1, UPTIME ("b", 31), MOST - 100, NULL));
  g_assert_true (pause_when (f, NOW + 1, UPTIME ("b", 31), MOST - 101, NULL));
}

static void
test_nothing_to_pause (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdHost) host = test_host ("h.example");
  g_autoptr (CpdPin) block = cpd_pin_new_blocked (host, USER, "why");
  g_autoptr (CpdPin) expired = test_pin ("h.example", USER, 'a');
  g_autoptr (CpdPin) reports = test_pin ("h.example", USER, 'a');

  store_pin (f, STORE_UID, SYSTEM, "h.example", 'a');
  store_pin (f, STORE_UID, USER, "*.h.example", 'a');
  g_free (assert_refused (f, NOW, 60, CERTPIN_ERROR_NOT_PINNED));
  g_assert_true (store_set_pin (f, STORE_UID, block, NULL));
  g_free (assert_refused (f, NOW, 60, CERTPIN_ERROR_BLOCKED));
  expired->expires = NOW;
  g_assert_true (store_set_pin (f, STORE_UID, expired, NULL));
  g_free (assert_refused (f, NOW, 60, CERTPIN_ERROR_PIN_EXPIRED));
  reports->mode = CPD_MODE_REPORT;
  g_assert_true (store_set_pin (f, STORE_UID, reports, NULL));
  g_free (assert_refused (f, NOW, 60, CERTPIN_ERROR_INVALID_ARGUMENT));
}

static void
edit_keys (StoreFixture *f, CpdEditKind kind, guint8 fill)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new_with_free_func ((GDestroyNotify)certpin_key_unref);
  g_autoptr (CpdPinEdit) edit = NULL;

  g_ptr_array_add (keys, test_key (fill));
  edit = cpd_pin_edit_new (kind, keys, NOW, NULL);
  g_assert_true (store_edit_pin (f, USER, "h.example", edit, NULL));
}

static void
test_other_changes (StoreFixture *f, gconstpointer user_data)
{
  store_pin (f, STORE_UID, USER, "h.example", 'a');
  assert_pauses (f, NOW, 60);
  edit_keys (f, CPD_EDIT_ADD, 'b');
  assert_pause (f, NOW, NOW + 60);
  edit_keys (f, CPD_EDIT_REMOVE, 'a');
  assert_pause (f, NOW, NOW + 60);
  store_pin (f, STORE_UID, USER, "h.example", 'c');
  assert_pause (f, 0, 0);
}

/* What cannot be written is not in force. */
static void
test_failed_write_does_not_pause (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *message = NULL;

  store_pin (f, STORE_UID, USER, "h.example", 'a');
  store_break (f->user);
  message = assert_refused (f, NOW, 60, CERTPIN_ERROR_STORE_FAILED);
  assert_pause (f, 0, 0);
  store_heal (f->user);
  assert_pauses (f, NOW, 60);
}

static void
test_resuming_needs_no_room (StoreFixture *f, gconstpointer user_data)
{
  store_pin (f, STORE_UID, USER, "h.example", 'a');
  assert_pauses (f, NOW, 60);
  f->max_bytes = 100;
  store_fixture_reopen (f);
  g_free (assert_refused (f, NOW, 50, CERTPIN_ERROR_LIMIT_EXCEEDED));
  resume (f);
  assert_pause (f, 0, 0);
}

static void
end (StoreFixture *f)
{
  g_autoptr (CpdHost) host = test_host ("h.example");

  cpd_store_end_pause (f->store, STORE_UID, host);
}

/* In the same turn, whatever the disk does, and once. */
static void
test_end_is_at_once (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = NULL;
  guint64 generation;

  store_pin (f, STORE_UID, USER, "h.example", 'a');
  assert_pauses (f, NOW, 60);
  generation = cpd_store_get_generation (f->store, STORE_UID);
  store_break (f->user);
  end (f);
  assert_pause (f, 0, 0);
  g_assert_cmpuint (f->changes, ==, 3);
  g_assert_cmpstr (f->changed_host, ==, "h.example");
  pin = store_get (f, STORE_UID, USER, "h.example");
  g_assert_cmpuint (pin->generation, >, generation);
  g_assert_true (pin->unstored);
  end (f);
  g_assert_cmpuint (f->changes, ==, 3);
  store_heal (f->user);
  store_wait_until_stored (f, USER, "h.example");
  store_fixture_reopen (f);
  assert_pause (f, 0, 0);
}

static void
on_edited (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (CpdPin) pin = cpd_store_change_finish (CPD_STORE (source), result, NULL);

  g_assert_nonnull (pin);
  *(gboolean *)user_data = TRUE;
}

/* A change that was being written is made of the pin as it was before the end, with its pause.
 * That does not come back; the file follows. */
static void
test_end_during_a_change_of_keys (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new_with_free_func ((GDestroyNotify)certpin_key_unref);
  g_autoptr (CpdHost) host = test_host ("h.example");
  g_autoptr (CpdPinEdit) edit = NULL;
  g_autoptr (CpdPin) pin = NULL;
  gboolean done = FALSE;

  g_ptr_array_add (keys, test_key ('b'));
  edit = cpd_pin_edit_new (CPD_EDIT_ADD, keys, NOW, NULL);
  store_pin (f, STORE_UID, USER, "h.example", 'a');
  assert_pauses (f, NOW, 60);
  cpd_store_edit_pin_async (f->store, USER, STORE_UID, host, edit, on_edited, &done);
  end (f);
  while (!done)
    {
      assert_pause (f, 0, 0);
      g_main_context_iteration (NULL, TRUE);
    }
  assert_pause (f, 0, 0);
  store_wait_until_stored (f, USER, "h.example");
  store_fixture_reopen (f);
  assert_pause (f, 0, 0);
  pin = store_get (f, STORE_UID, USER, "h.example");
  g_assert_cmpuint (pin->keys->len, ==, 2);
}

/* A pause that is set again while it ends has been asked for: whoever ends pauses ends it, too. */
static void
test_end_during_another_change (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdHost) host = test_host ("h.example");
  g_autoptr (CpdPause) pause = cpd_pause_new (NOW + 1, NOW + 60, "why", "test (uid 0)", NULL);
  g_autoptr (CpdPinEdit) longer = cpd_pin_edit_new_pause (pause);
  gboolean done = FALSE;

  store_pin (f, STORE_UID, USER, "h.example", 'a');
  assert_pauses (f, NOW, 60);
  cpd_store_edit_pin_async (f->store, USER, STORE_UID, host, longer, on_edited, &done);
  end (f);
  assert_pause (f, 0, 0);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
  end (f);
  assert_pause (f, 0, 0);
  store_wait_until_stored (f, USER, "h.example");
  store_fixture_reopen (f);
  assert_pause (f, 0, 0);
}

/* What the pin takes is what its file takes, so that the pins of a user have the room of old. */
static void
test_end_leaves_room (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = g_build_filename (f->user, "h.example.pin", NULL);
  g_autofree char *text = NULL;
  g_autoptr (CpdPin) before = NULL, after = NULL;
  gsize length;

  store_pin (f, STORE_UID, USER, "h.example", 'a');
  before = store_get (f, STORE_UID, USER, "h.example");
  f->max_bytes = 2 * before->stored_bytes;
  store_fixture_reopen (f);
  assert_pauses (f, NOW, 60);
  end (f);
  store_wait_until_stored (f, USER, "h.example");
  after = store_get (f, STORE_UID, USER, "h.example");
  g_assert_true (g_file_get_contents (path, &text, &length, NULL));
  g_assert_cmpuint (after->stored_bytes, ==, length);
  g_assert_cmpuint (after->stored_bytes, ==, before->stored_bytes);
  store_pin (f, STORE_UID, USER, "i.example", 'a');
}

static void
count (CpdOwner owner, CpdPin *pin, gpointer user_data)
{
  g_assert_cmpstr (cpd_host_get_text (pin->host), ==, "h.example");
  g_assert_cmpint (owner, ==, pin->layer == SYSTEM ? CPD_ALL_UIDS : STORE_UID);
  ++*(unsigned int *)user_data;
}

static void
assert_paused_pins (StoreFixture *f, unsigned int expected)
{
  unsigned int found = 0;

  cpd_store_each_paused (f->store, count, &found);
  g_assert_cmpuint (found, ==, expected);
}

static void
test_lists_those_with_a_pause (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPause) pause = cpd_pause_new (NOW, NOW + 60, "why", NULL, NULL);
  g_autoptr (CpdPinEdit) edit = cpd_pin_edit_new_pause (pause);

  store_pin (f, STORE_UID, SYSTEM, "h.example", 'a');
  store_pin (f, STORE_UID, USER, "h.example", 'a');
  store_pin (f, STORE_UID, USER, "other.example", 'a');
  assert_paused_pins (f, 0);
  assert_pauses (f, NOW, 60);
  g_assert_true (store_edit_pin (f, SYSTEM, "h.example", edit, NULL));
  assert_paused_pins (f, 2);
  store_fixture_reopen (f);
  assert_paused_pins (f, 2);
  end (f);
  assert_paused_pins (f, 1);
  g_assert_true (store_remove_pin (f, SYSTEM, "h.example", NULL));
  assert_paused_pins (f, 0);
}

/* Whoever ends a pause with another change can be told of. */
static void
on_replaced (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdPin *old = cpd_store_change_get_old (result);

  g_assert_nonnull (old);
  g_assert_nonnull (old->pause);
  on_edited (source, result, user_data);
}

static void
test_old_pin_is_known (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = test_pin ("h.example", USER, 'b');
  gboolean done = FALSE;

  store_pin (f, STORE_UID, USER, "h.example", 'a');
  assert_pauses (f, NOW, 60);
  cpd_store_set_pin_async (f->store, STORE_UID, pin, on_replaced, &done);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
}

#define ADD(path, function) STORE_TEST_ADD ("/core/store-pause/" path, function)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("begins-and-ends", test_begins_and_ends);
  ADD ("bound", test_bound);
  ADD ("new-one-after-resuming", test_new_one_after_resuming);
  ADD ("clock-set-back", test_clock_set_back);
  ADD ("time-that-passed-counts", test_time_that_passed_counts);
  ADD ("other-boot", test_other_boot);
  ADD ("nothing-to-pause", test_nothing_to_pause);
  ADD ("other-changes", test_other_changes);
  ADD ("failed-write-does-not-pause", test_failed_write_does_not_pause);
  ADD ("resuming-needs-no-room", test_resuming_needs_no_room);
  ADD ("end-is-at-once", test_end_is_at_once);
  ADD ("end-during-a-change-of-keys", test_end_during_a_change_of_keys);
  ADD ("end-leaves-room", test_end_leaves_room);
  ADD ("end-during-another-change", test_end_during_another_change);
  ADD ("lists-those-with-a-pause", test_lists_those_with_a_pause);
  ADD ("old-pin-is-known", test_old_pin_is_known);
  return g_test_run ();
}
