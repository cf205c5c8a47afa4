/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that jobs, here validations, run on threads, a few at a time, that one uid's never take
 * all of them, and that what nobody waits for any more does no harm. */

#include "config.h"

#include "held-validations.h"

#include "daemon/transport/cpd-validation.h"
#include "tests/lib/test-core.h"
#include "tests/lib/test-loop.h"

#define PER_UID 2
#define IN_ALL  4

typedef struct
{
  CpdHost *host;
  CpdAnchors *anchors;
  CpdPeer *peer;
  CpdWorkers *workers;
  unsigned int done;
  unsigned int told;   /* how often */
  gint64 took_us;      /* in all */
  CpdOwner worked_for; /* the last */
} Fixture;

static void
on_worked (CpdOwner owner, gint64 took_us, gpointer user_data)
{
  Fixture *f = user_data;

  f->told++;
  f->took_us += took_us;
  f->worked_for = owner;
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) root = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE);
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.dns = { "h.example" }, .issuer = root);
  g_autoptr (GPtrArray) ders = test_ders (leaf, NULL);

  f->host = test_host ("h.example:443");
  f->anchors = test_anchors (root, NULL);
  f->peer = cpd_peer_new (f->host, ders, NULL);
  f->workers = cpd_workers_new (on_worked, f);
  validations_hold ();
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  validations_release ();
  test_loop_settle ();
  cpd_workers_unref (f->workers);
  cpd_peer_unref (f->peer);
  cpd_anchors_unref (f->anchors);
  cpd_host_unref (f->host);
}

static void
on_done (gpointer user_data)
{
  Fixture *f = user_data;

  f->done++;
  g_assert_nonnull (cpd_peer_find_validation (f->peer, f->anchors, TEST_PKI_NOW));
}

static CpdJob *
start (Fixture *f, CpdOwner owner)
{
  const CpdValidationOrder order = { owner, f->peer, f->anchors, on_done, f };

  return cpd_validation_start (f->workers, &order);
}

static void
wait_for_done (Fixture *f, unsigned int count)
{
  while (f->done < count)
    test_loop_step ();
  test_loop_settle ();
  g_assert_cmpuint (f->done, ==, count);
}

static void
test_main_loop_goes_on (Fixture *f, gconstpointer user_data)
{
  start (f, 1);
  validations_wait_for (1);
  test_loop_settle ();
  g_assert_cmpuint (f->done, ==, 0);
  g_assert_null (cpd_peer_find_validation (f->peer, f->anchors, TEST_PKI_NOW));
  validations_release ();
  wait_for_done (f, 1);
}

static void
test_one_uid_has_a_share (Fixture *f, gconstpointer user_data)
{
  for (int i = 0; i < 10; i++)
    start (f, 1);
  validations_wait_for (PER_UID);
  start (f, 2);
  validations_wait_for (PER_UID + 1);
  test_loop_settle ();
  g_assert_cmpuint (validations_count (), ==, PER_UID + 1);
  validations_release ();
  wait_for_done (f, 11);
}

/* Else the user's own programs would wait for what servers do to the apps. */
static void
test_apps_leave_one (Fixture *f, gconstpointer user_data)
{
  for (guint32 app = 1; app <= 10; app++)
    start (f, cpd_owner_new_app (1, app));
  validations_wait_for (PER_UID - 1);
  test_loop_settle ();
  g_assert_cmpuint (validations_count (), ==, PER_UID - 1);
  start (f, 1);
  validations_wait_for (PER_UID);
  validations_release ();
  wait_for_done (f, 11);
}

static void
test_all_have_so_many (Fixture *f, gconstpointer user_data)
{
  for (guint32 uid = 1; uid <= 10; uid++)
    start (f, uid);
  validations_wait_for (IN_ALL);
  test_loop_settle ();
  g_assert_cmpuint (validations_count (), ==, IN_ALL);
  validations_release ();
  wait_for_done (f, 10);
}

static void
test_waiting_is_stopped (Fixture *f, gconstpointer user_data)
{
  CpdJob *waiting;

  for (int i = 0; i < PER_UID; i++)
    start (f, 1);
  waiting = start (f, 1);
  validations_wait_for (PER_UID);
  cpd_job_stop (waiting);
  validations_release ();
  wait_for_done (f, PER_UID);
  g_assert_cmpuint (validations_count (), ==, PER_UID);
}

/* Its thread cannot be stopped: it counts until it is back. */
static void
test_running_is_stopped (Fixture *f, gconstpointer user_data)
{
  for (int i = 0; i < PER_UID; i++)
    cpd_job_stop (start (f, 1));
  validations_wait_for (PER_UID);
  start (f, 1);
  test_loop_settle ();
  g_assert_cmpuint (validations_count (), ==, PER_UID);
  validations_release ();
  wait_for_done (f, 1);
  g_assert_cmpuint (validations_count (), ==, PER_UID + 1);
}

/* Whoever owned it is gone. */
static void
test_last_reference_is_of_a_thread (Fixture *f, gconstpointer user_data)
{
  start (f, 1);
  validations_wait_for (1);
  g_clear_pointer (&f->workers, cpd_workers_unref);
  validations_release ();
  wait_for_done (f, 1);
}

static gpointer
release (gpointer user_data)
{
  validations_release ();
  return NULL;
}

/* As before the process ends, without the main loop. */
static void
test_finish_waits (Fixture *f, gconstpointer user_data)
{
  GThread *releasing;
  CpdJob *waiting;

  for (int i = 0; i < PER_UID; i++)
    start (f, 1);
  waiting = start (f, 1);
  validations_wait_for (PER_UID);
  releasing = g_thread_new ("release", release, NULL);
  cpd_workers_finish (f->workers);
  g_assert_cmpuint (validations_count_ended (), ==, PER_UID);
  g_thread_join (releasing);
  wait_for_done (f, PER_UID);
  cpd_job_stop (waiting);
}

/* Whose turn it would be does not begin. */
static void
test_nothing_begins_after_the_finish (Fixture *f, gconstpointer user_data)
{
  CpdJob *late;

  validations_pass ();
  cpd_workers_finish (f->workers);
  late = start (f, 1);
  test_loop_settle ();
  g_assert_cmpuint (validations_count (), ==, 0);
  g_assert_cmpuint (f->done, ==, 0);
  cpd_job_stop (late);
}

/* Also of a job that was stopped. */
static void
test_tells_of_work (Fixture *f, gconstpointer user_data)
{
  CpdOwner app = cpd_owner_new_app (7, 1);

  cpd_job_stop (start (f, app));
  validations_wait_for (1);
  g_assert_cmpuint (f->told, ==, 0);
  validations_release ();
  while (f->told < 1)
    test_loop_step ();
  g_assert_cmpuint (f->done, ==, 0);
  g_assert_cmpint (f->worked_for, ==, app);
  g_assert_cmpint (f->took_us, >, 0);
}

static void
test_nobody_is_told_any_more (Fixture *f, gconstpointer user_data)
{
  start (f, 1);
  validations_wait_for (1);
  g_clear_pointer (&f->workers, cpd_workers_leave);
  validations_release ();
  wait_for_done (f, 1);
  g_assert_cmpuint (f->told, ==, 0);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/transport/workers/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("main-loop-goes-on", test_main_loop_goes_on);
  ADD ("one-uid-has-a-share", test_one_uid_has_a_share);
  ADD ("apps-leave-one", test_apps_leave_one);
  ADD ("all-have-so-many", test_all_have_so_many);
  ADD ("waiting-is-stopped", test_waiting_is_stopped);
  ADD ("running-is-stopped", test_running_is_stopped);
  ADD ("last-reference-is-of-a-thread", test_last_reference_is_of_a_thread);
  ADD ("finish-waits", test_finish_waits);
  ADD ("nothing-begins-after-the-finish", test_nothing_begins_after_the_finish);
  ADD ("tells-of-work", test_tells_of_work);
  ADD ("nobody-is-told-any-more", test_nobody_is_told_any_more);
  return g_test_run ();
}
