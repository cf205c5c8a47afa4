/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a server of which something has still to be validated is sent nothing and heard
 * nothing of, whatever happens while a thread validates it. */

#include "config.h"

#include "channel-fixture.h"
#include "held-validations.h"

#include "tests/lib/test-loop.h"

static void
set_up (ChannelFixture *f, gconstpointer user_data)
{
  channel_set_up (f, user_data);
  channel_pin (f, f->leaf);
}

static void
tear_down (ChannelFixture *f, gconstpointer user_data)
{
  validations_release ();
  channel_tear_down (f, user_data);
}

static void
assert_sent (ChannelFixture *f, unsigned int count)
{
  test_loop_settle ();
  g_assert_cmpuint (test_server_count_requests (f->server), ==, count);
}

/* Returns: (transfer full): a request whose server is being validated, for the first time */
static Fetch *
start_new (ChannelFixture *f)
{
  Fetch *fetch;

  validations_hold ();
  fetch = START (f, .method = "GET");
  validations_wait_for (1);
  assert_sent (f, 0);
  return fetch;
}

static void
make_kept (ChannelFixture *f)
{
  validations_pass ();
  channel_assert_passes (f);
  g_assert_cmpuint (validations_count (), ==, 1);
}

/* A pin of the leaf that trusts nobody but `root`. */
static void
pin_with_anchors (ChannelFixture *f, TestIdentity *root)
{
  g_autoptr (CpdPin) pin = channel_make_pin ("127.0.0.1", CPD_LAYER_USER, f->leaf);

  pin->anchors = test_anchors (root, NULL);
  channel_set_pin (f, CHANNEL_UID, pin);
}

static void
test_new_waits (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = start_new (f);

  validations_release ();
  channel_assert_answered (fetch, 200);
  g_assert_cmpuint (validations_count (), ==, 1); /* both verdicts are on the same one */
}

static void
test_new_times_out (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;

  validations_hold ();
  fetch = START (f, .timeout_ms = 300);
  validations_wait_for (1);
  channel_assert_failed (fetch, CERTPIN_ERROR_TIMED_OUT);
  validations_release ();
  assert_sent (f, 0);
}

static void
test_new_is_cancelled (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = start_new (f);

  g_cancellable_cancel (fetch->cancellable);
  channel_assert_failed (fetch, CERTPIN_ERROR_CANCELLED);
  validations_release ();
  assert_sent (f, 0);
}

static void
test_new_and_the_fetcher_goes (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = start_new (f);

  g_cancellable_cancel (fetch->cancellable);
  channel_renew_fetcher (f);
  channel_assert_failed (fetch, CERTPIN_ERROR_CANCELLED);
  validations_release ();
  assert_sent (f, 0);
}

static void
test_new_is_pinned_to_another_key (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = start_new (f);

  channel_pin (f, f->other);
  validations_release ();
  channel_assert_failed (fetch, CERTPIN_ERROR_PIN_MISMATCH);
  assert_sent (f, 0);
}

static void
test_new_is_unpinned (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = start_new (f);

  channel_unpin (f);
  channel_assert_failed (fetch, CERTPIN_ERROR_NOT_PINNED);
  validations_release ();
  assert_sent (f, 0);
}

/* What the thread is about to find is of anchors that are trusted no more. */
static void
test_new_and_reload (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) stranger = TEST_IDENTITY (.subject = "stranger", .is_ca = TRUE);
  g_autoptr (Fetch) fetch = start_new (f);

  channel_reload (f, stranger);
  validations_release ();
  channel_assert_failed (fetch, CERTPIN_ERROR_UNTRUSTED);
  g_assert_cmpuint (validations_count (), ==, 2);
  assert_sent (f, 0);
}

static void
test_new_and_anchors_of_the_pin (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) stranger = TEST_IDENTITY (.subject = "stranger", .is_ca = TRUE);
  g_autoptr (Fetch) fetch = start_new (f);

  pin_with_anchors (f, stranger);
  validations_release ();
  channel_assert_failed (fetch, CERTPIN_ERROR_UNTRUSTED);
  g_assert_cmpuint (validations_count (), ==, 2);
  assert_sent (f, 0);
}

static void
test_kept_waits (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;

  make_kept (f);
  channel_reload (f, f->root);
  validations_hold ();
  fetch = START (f, .method = "GET");
  validations_wait_for (1);
  assert_sent (f, 1);
  validations_release ();
  channel_assert_answered (fetch, 200);
  g_assert_true (channel_was_reused (fetch));
}

/* Its server ends it, and a new one is made. */
static void
test_kept_ends (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;

  make_kept (f);
  channel_reload (f, f->root);
  validations_hold ();
  fetch = START (f, .method = "GET");
  validations_wait_for (1);
  test_server_leave (f->server);
  test_loop_settle ();
  validations_release ();
  channel_assert_answered (fetch, 200);
  g_assert_false (channel_was_reused (fetch));
}

static void
test_kept_is_refused (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) stranger = TEST_IDENTITY (.subject = "stranger", .is_ca = TRUE);

  make_kept (f);
  channel_reload (f, stranger);
  channel_assert_refused (f, CERTPIN_ERROR_UNTRUSTED);
  pin_with_anchors (f, f->root);
  channel_assert_passes (f);
  pin_with_anchors (f, stranger);
  channel_assert_refused (f, CERTPIN_ERROR_UNTRUSTED);
}

static void
test_kept_is_cancelled (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;

  make_kept (f);
  channel_reload (f, f->root);
  validations_hold ();
  fetch = START (f, .method = "GET");
  validations_wait_for (1);
  g_cancellable_cancel (fetch->cancellable);
  channel_assert_failed (fetch, CERTPIN_ERROR_CANCELLED);
  validations_release ();
  assert_sent (f, 1);
}

/* Returns: (transfer full): a request whose server has it, and is being validated anew: its answer
 * is there, and nobody sees it */
static Fetch *
start_doubted (ChannelFixture *f, TestIdentity *root)
{
  Fetch *fetch;

  validations_pass ();
  fetch = channel_start_held (f, CHANNEL_UID);
  validations_hold ();
  channel_reload (f, root);
  validations_wait_for (1);
  test_server_release (f->server);
  test_loop_run_for (50);
  g_assert_null (fetch->result);
  return fetch;
}

static void
test_sent_still_passes (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = start_doubted (f, f->root);

  validations_release ();
  channel_assert_answered (fetch, 200);
}

static void
test_sent_is_refused (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) stranger = TEST_IDENTITY (.subject = "stranger", .is_ca = TRUE);
  g_autoptr (Fetch) fetch = start_doubted (f, stranger);

  validations_release ();
  channel_assert_failed (fetch, CERTPIN_ERROR_PIN_CHANGED);
}

static void
test_sent_is_cancelled (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = start_doubted (f, f->root);

  g_cancellable_cancel (fetch->cancellable);
  channel_assert_failed (fetch, CERTPIN_ERROR_CANCELLED);
}

/* A second reload, before the first one's validation is done. */
static void
test_sent_is_doubted_twice (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) stranger = TEST_IDENTITY (.subject = "stranger", .is_ca = TRUE);
  g_autoptr (Fetch) fetch = start_doubted (f, f->root);

  channel_reload (f, stranger);
  validations_release ();
  channel_assert_failed (fetch, CERTPIN_ERROR_PIN_CHANGED);
  g_assert_cmpuint (validations_count (), ==, 2);
}

/* What is decided without a validation is decided at once. */
static void
test_sent_and_pinned_to_another_key (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = start_doubted (f, f->root);

  channel_unpin (f);
  channel_assert_failed (fetch, CERTPIN_ERROR_PIN_CHANGED);
}

/* However many of one user's are under way. */
static void
test_others_go_on (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = channel_make_pin ("127.0.0.1", CPD_LAYER_USER, f->leaf);
  g_autoptr (Fetch) first = NULL, second = NULL, third = NULL, of_other = NULL;

  channel_set_pin (f, CHANNEL_OTHER_UID, pin);
  validations_hold ();
  first = START (f, .method = "GET");
  second = START (f, .method = "GET");
  third = START (f, .method = "GET");
  validations_wait_for (2);
  validations_pass ();
  of_other = START (f, .owner = CHANNEL_OTHER_UID);
  channel_assert_answered (of_other, 200);
  assert_sent (f, 1);
  validations_release ();
  channel_assert_answered (first, 200);
  channel_assert_answered (second, 200);
  channel_assert_answered (third, 200);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/transport/channel/validation/" name, ChannelFixture, NULL, set_up, function,       \
              tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("new/waits", test_new_waits);
  ADD ("new/times-out", test_new_times_out);
  ADD ("new/is-cancelled", test_new_is_cancelled);
  ADD ("new/fetcher-goes", test_new_and_the_fetcher_goes);
  ADD ("new/is-pinned-to-another-key", test_new_is_pinned_to_another_key);
  ADD ("new/is-unpinned", test_new_is_unpinned);
  ADD ("new/reload", test_new_and_reload);
  ADD ("new/anchors-of-the-pin", test_new_and_anchors_of_the_pin);
  ADD ("kept/waits", test_kept_waits);
  ADD ("kept/ends", test_kept_ends);
  ADD ("kept/is-refused", test_kept_is_refused);
  ADD ("kept/is-cancelled", test_kept_is_cancelled);
  ADD ("sent/still-passes", test_sent_still_passes);
  ADD ("sent/is-refused", test_sent_is_refused);
  ADD ("sent/is-cancelled", test_sent_is_cancelled);
  ADD ("sent/is-doubted-twice", test_sent_is_doubted_twice);
  ADD ("sent/is-unpinned", test_sent_and_pinned_to_another_key);
  ADD ("others-go-on", test_others_go_on);
  return g_test_run ();
}
