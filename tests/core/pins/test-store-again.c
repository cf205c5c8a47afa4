/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a block which could not be written says so, is written later without anybody's doing,
 * and never after something newer. */

#include "config.h"

#include "tests/core/pins/store-fixture.h"

#include <glib/gstdio.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>

#define SYSTEM CPD_LAYER_SYSTEM
#define USER   CPD_LAYER_USER

/* When pin files were begun, in monotonic µs. Changes are written in threads. */
static GArray *attempts;
static GMutex lock;

/* In the place of the C library's. */
int
mkdirat (int fd, const char *name, mode_t mode)
{
  int (*proper) (int, const char *, mode_t)
      = (int (*) (int, const char *, mode_t))dlsym (RTLD_NEXT, "mkdirat");
  gint64 now = g_get_monotonic_time ();

  g_mutex_lock (&lock);
  if (attempts != NULL)
    g_array_append_val (attempts, now);
  g_mutex_unlock (&lock);
  return proper (fd, name, mode);
}

static void
block (StoreFixture *f, CpdLayer layer, const char *host, gboolean fails)
{
  g_autoptr (CpdHost) parsed = test_host (host);
  g_autoptr (CpdPin) pin = cpd_pin_new_blocked (parsed, layer, "given as PEM");
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (store_set_pin (f, STORE_UID, pin, &error), ==, !fails);
  if (fails)
    g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
}

static void
block_on_a_broken_disk (StoreFixture *f)
{
  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  store_break (f->system);
  block (f, SYSTEM, "h.example", /* fails= */ TRUE);
}

static void
test_says_so (StoreFixture *f, gconstpointer user_data)
{
  block_on_a_broken_disk (f);
  store_assert_blocked (f, SYSTEM, "h.example");
  g_assert_true (store_is_unstored (f, SYSTEM, "h.example"));
  block (f, USER, "h.example", /* fails= */ FALSE);
  g_assert_false (store_is_unstored (f, USER, "h.example"));
  store_pin (f, STORE_UID, USER, "h.example", 1);
  g_assert_false (store_is_unstored (f, USER, "h.example"));
}

/* These end with the service, whatever the disk is like. */
static void
test_never_stored (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) of_passing_user = NULL;

  store_pin (f, STORE_DYNAMIC_UID, USER, "h.example", 1);
  of_passing_user = store_get (f, STORE_DYNAMIC_UID, USER, "h.example");
  g_assert_true (of_passing_user->unstored);
  f->forgets = TRUE;
  store_fixture_reopen (f);
  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  g_assert_true (store_is_unstored (f, SYSTEM, "h.example"));
}

static void
test_is_written_later (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) before = NULL, after = NULL;

  block_on_a_broken_disk (f);
  block (f, SYSTEM, "b.example", /* fails= */ TRUE);
  before = store_get (f, STORE_UID, SYSTEM, "h.example");
  store_heal (f->system);
  store_wait_until_stored (f, SYSTEM, "h.example");
  store_wait_until_stored (f, SYSTEM, "b.example");
  after = store_get (f, STORE_UID, SYSTEM, "h.example");
  g_assert_cmpuint (after->generation, ==, before->generation);
  g_assert_cmpuint (f->changes, ==, 3);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 0);
  store_assert_blocked (f, SYSTEM, "h.example");
  store_assert_blocked (f, SYSTEM, "b.example");
}

/* Runs the main loop for one more attempt than there were. */
static void
wait_for_attempt (StoreFixture *f)
{
  unsigned int before = attempts->len;
  gint64 deadline = g_get_monotonic_time () + 15 * G_USEC_PER_SEC;

  while (attempts->len == before || cpd_store_is_busy (f->store))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_main_context_iteration (NULL, TRUE);
    }
}

/* After one second, then after two. All of a layer count as one attempt: if the first cannot be
 * written, the others wait. */
static void
test_is_tried_less_and_less (StoreFixture *f, gconstpointer user_data)
{
  block_on_a_broken_disk (f);
  block (f, SYSTEM, "b.example", /* fails= */ TRUE);
  attempts = g_array_new (FALSE, FALSE, sizeof (gint64));
  wait_for_attempt (f);
  wait_for_attempt (f);
  g_assert_cmpuint (attempts->len, ==, 2);
  g_assert_cmpint (g_array_index (attempts, gint64, 1) - g_array_index (attempts, gint64, 0), >,
                   3 * G_USEC_PER_SEC / 2);
  g_clear_pointer (&attempts, g_array_unref);
}

static void
test_never_after_a_newer_pin (StoreFixture *f, gconstpointer user_data)
{
  block_on_a_broken_disk (f);
  block (f, SYSTEM, "last.example", /* fails= */ TRUE);
  store_heal (f->system);
  store_pin (f, STORE_UID, SYSTEM, "h.example", 2);
  store_wait_until_stored (f, SYSTEM, "last.example");
  store_assert_key (f, SYSTEM, "h.example", 2);
  store_fixture_reopen (f);
  store_assert_key (f, SYSTEM, "h.example", 2);
}

static void
test_never_after_unpin (StoreFixture *f, gconstpointer user_data)
{
  block_on_a_broken_disk (f);
  block (f, SYSTEM, "last.example", /* fails= */ TRUE);
  store_heal (f->system);
  g_assert_true (store_remove_pin (f, SYSTEM, "h.example", NULL));
  store_wait_until_stored (f, SYSTEM, "last.example");
  store_assert_silent (f, SYSTEM, "h.example");
  store_fixture_reopen (f);
  store_assert_silent (f, SYSTEM, "h.example");
}

/* The attempt waits behind a change that makes it needless. */
static void
test_overtaken (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = test_pin ("h.example", SYSTEM, 2);

  block_on_a_broken_disk (f);
  store_heal (f->system);
  cpd_store_set_pin_async (f->store, STORE_UID, pin, NULL, NULL);
  cpd_store_write_again (f->store);
  while (cpd_store_is_busy (f->store))
    g_main_context_iteration (NULL, TRUE);
  store_assert_key (f, SYSTEM, "h.example", 2);
  store_fixture_reopen (f);
  store_assert_key (f, SYSTEM, "h.example", 2);
}

static void
test_once_more_at_the_end (StoreFixture *f, gconstpointer user_data)
{
  block_on_a_broken_disk (f);
  store_heal (f->system);
  cpd_store_write_again (f->store);
  g_assert_true (cpd_store_is_busy (f->store));
  while (cpd_store_is_busy (f->store))
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (store_is_unstored (f, SYSTEM, "h.example"));
  store_fixture_reopen (f);
  store_assert_blocked (f, SYSTEM, "h.example");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  STORE_TEST_ADD ("/core/store/again/says-so", test_says_so);
  STORE_TEST_ADD ("/core/store/again/never-stored", test_never_stored);
  STORE_TEST_ADD ("/core/store/again/is-written-later", test_is_written_later);
  STORE_TEST_ADD ("/core/store/again/is-tried-less-and-less", test_is_tried_less_and_less);
  STORE_TEST_ADD ("/core/store/again/never-after-a-newer-pin", test_never_after_a_newer_pin);
  STORE_TEST_ADD ("/core/store/again/never-after-unpin", test_never_after_unpin);
  STORE_TEST_ADD ("/core/store/again/overtaken", test_overtaken);
  STORE_TEST_ADD ("/core/store/again/once-more-at-the-end", test_once_more_at_the_end);
  return g_test_run ();
}
