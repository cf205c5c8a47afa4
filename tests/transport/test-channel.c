/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a request reaches a server only if that passes, within its bounds, with its evidence.
 * What changes meanwhile is in test-channel-changes. */

#include "config.h"

#include "channel-fixture.h"
#include "tests/lib/test-loop.h"

static void
test_evidence (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdCertificate) leaf = test_certificate (f->leaf);
  g_autoptr (CpdCertificate) root = test_certificate (f->root);
  g_autoptr (Fetch) fetch = NULL;

  channel_pin (f, f->leaf);
  fetch = START (f, .method = "POST", .body = "body");
  channel_assert_answered (fetch, 200);
  g_assert_cmpstr (test_server_get_last_request (f->server), ==, "POST / body");
  g_assert_cmpuint (g_bytes_get_size (fetch->response->body), ==, 5);
  g_assert_cmpstr (channel_get_header (fetch, "Content-Type"), ==, "text/plain");
  g_assert_true (certpin_key_equal (fetch->verdict->matched_key, cpd_certificate_get_key (leaf)));
  g_assert_cmpuint (fetch->verdict->matched_position, ==, 0);
  g_assert_cmpuint (fetch->verdict->path_keys->len, ==, 2);
  g_assert_true (
      certpin_key_equal (fetch->verdict->path_keys->pdata[1], cpd_certificate_get_key (root)));
}

static void
test_connection (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;
  const CpdResponse *response;

  channel_pin (f, f->leaf);
  fetch = START (f, .method = "GET");
  channel_assert_answered (fetch, 200);
  response = fetch->response;
  g_assert_true (g_str_has_prefix (response->url, "https://127.0.0.1:"));
  g_assert_cmpstr (response->tls_version, ==, "1.3");
  g_assert_cmpstr (response->tls_cipher, !=, "");
  g_assert_cmpuint (response->redirects, ==, 0);
  g_assert_cmpuint (g_bytes_get_size (response->body), ==, 5);
  g_assert_false (response->streams);
  g_assert_null (response->proxy);
  g_assert_cmpuint (response->timings.tls, >, 0);
  g_assert_cmpuint (response->timings.first_byte, >, 0);
  g_assert_cmpuint (response->timings.total, >, 0);
}

static void
test_keep_alive (ChannelFixture *f, gconstpointer user_data)
{
  channel_pin (f, f->leaf);
  for (unsigned int i = 0; i < 3; i++)
    {
      g_autoptr (Fetch) fetch = START (f, .method = "GET");

      channel_assert_answered (fetch, 200);
      g_assert_cmpint (channel_was_reused (fetch), ==, i > 0);
      g_assert_nonnull (fetch->verdict->matched_key);
    }
}

static void
test_not_pinned (ChannelFixture *f, gconstpointer user_data)
{
  channel_assert_refused (f, CERTPIN_ERROR_NOT_PINNED);
}

static void
test_wrong_key (ChannelFixture *f, gconstpointer user_data)
{
  channel_pin (f, f->other);
  channel_assert_refused (f, CERTPIN_ERROR_PIN_MISMATCH);
  channel_pin (f, f->root);
  channel_assert_refused (f, CERTPIN_ERROR_PIN_MISMATCH);
}

static void
test_match_path (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = channel_make_pin ("127.0.0.1", CPD_LAYER_USER, f->root);
  g_autoptr (Fetch) fetch = NULL;

  pin->match = CPD_MATCH_PATH;
  channel_set_pin (f, CHANNEL_UID, pin);
  fetch = START (f, .method = "GET");
  channel_assert_answered (fetch, 200);
  g_assert_cmpuint (fetch->verdict->matched_position, ==, 1);
}

/* The right key does not make up for an authority that nobody trusts. */
static void
test_untrusted (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) stranger = TEST_IDENTITY (.subject = "stranger", .is_ca = TRUE);
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.addresses = { "127.0.0.1" }, .issuer = stranger, .key_of = f->leaf);

  test_server_switch (f->server, leaf, stranger);
  channel_pin (f, leaf);
  channel_assert_refused (f, CERTPIN_ERROR_UNTRUSTED);
}

static void
test_wrong_name (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->root);

  test_server_switch (f->server, leaf, f->root);
  channel_pin (f, leaf);
  channel_assert_refused (f, CERTPIN_ERROR_UNTRUSTED);
}

static void
test_blocked (ChannelFixture *f, gconstpointer user_data)
{
  channel_block (f, "127.0.0.1");
  channel_assert_refused (f, CERTPIN_ERROR_BLOCKED);
}

static void
test_pin_expired (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = channel_make_pin ("127.0.0.1", CPD_LAYER_USER, f->leaf);

  pin->expires = g_get_real_time () / G_USEC_PER_SEC - 1;
  channel_set_pin (f, CHANNEL_UID, pin);
  channel_assert_refused (f, CERTPIN_ERROR_PIN_EXPIRED);
}

static void
test_report_only (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = channel_make_pin ("127.0.0.1", CPD_LAYER_USER, f->other);
  g_autoptr (Fetch) fetch = NULL;

  pin->mode = CPD_MODE_REPORT;
  channel_set_pin (f, CHANNEL_UID, pin);
  fetch = START (f, .method = "GET");
  channel_assert_answered (fetch, 200);
  g_assert_nonnull (fetch->verdict->report);
  g_assert_cmpint (((CpdVerdict *)fetch->verdict->report)->error, ==, CERTPIN_ERROR_PIN_MISMATCH);
}

/* On a connection that other requests share, too. */
static void
test_require_keys (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) with_right = NULL, with_wrong = NULL;

  channel_pin (f, f->leaf);
  with_right = START (f, .require = f->leaf);
  channel_assert_answered (with_right, 200);
  with_wrong = START (f, .require = f->other);
  channel_assert_failed (with_wrong, CERTPIN_ERROR_PIN_MISMATCH);
  g_assert_cmpint (with_wrong->verdict->layer, ==, CPD_LAYER_REQUEST);
  test_loop_settle ();
  g_assert_cmpuint (test_server_count_requests (f->server), ==, 1);
  channel_assert_passes (f);
}

static void
test_other_uid (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = channel_make_pin ("127.0.0.1", CPD_LAYER_USER, f->leaf);
  g_autoptr (Fetch) without_pin = NULL, with_pin = NULL, again = NULL;

  channel_pin (f, f->leaf);
  channel_assert_passes (f);
  without_pin = START (f, .owner = CHANNEL_OTHER_UID);
  channel_assert_failed (without_pin, CERTPIN_ERROR_NOT_PINNED);
  channel_set_pin (f, CHANNEL_OTHER_UID, pin);
  with_pin = START (f, .owner = CHANNEL_OTHER_UID);
  channel_assert_answered (with_pin, 200);
  g_assert_false (channel_was_reused (with_pin));
  again = START (f, .owner = CHANNEL_UID);
  channel_assert_answered (again, 200);
  g_assert_true (channel_was_reused (again));
}

static void
wait_until_held (ChannelFixture *f, unsigned int count)
{
  while (test_server_count_held (f->server) < count)
    test_loop_step ();
}

static void
wait_until_dropped (ChannelFixture *f, unsigned int count)
{
  while (test_server_count_dropped (f->server) < count)
    test_loop_step ();
}

static void
test_deadline (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;

  channel_pin (f, f->leaf);
  channel_assert_passes (f);
  test_server_hold (f->server);
  fetch = START (f, .timeout_ms = 100);
  channel_assert_failed (fetch, CERTPIN_ERROR_TIMED_OUT);
  wait_until_dropped (f, 1);
}

/* One that waits for a connection has a deadline all the same. */
static void
test_deadline_in_the_queue (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) first = NULL, second = NULL;

  f->config->connections_per_channel = 1;
  channel_renew_fetcher (f);
  channel_pin (f, f->leaf);
  test_server_hold (f->server);
  first = START (f, .method = "GET");
  wait_until_held (f, 1);
  second = START (f, .timeout_ms = 50);
  channel_assert_failed (second, CERTPIN_ERROR_TIMED_OUT);
  test_server_release (f->server);
  channel_assert_answered (first, 200);
  g_assert_cmpuint (test_server_count_requests (f->server), ==, 1);
}

static void
test_cancel (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;

  channel_pin (f, f->leaf);
  test_server_hold (f->server);
  fetch = START (f, .method = "GET");
  wait_until_held (f, 1);
  g_cancellable_cancel (fetch->cancellable);
  channel_assert_failed (fetch, CERTPIN_ERROR_CANCELLED);
  wait_until_dropped (f, 1);
}

/* A request is sent anew when a kept connection is closed under it; not one that is over. */
static void
test_cancel_on_a_closed_connection (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;

  channel_pin (f, f->leaf);
  channel_assert_passes (f);
  test_server_set_raw (f->server, "");
  fetch = START (f, .method = "GET");
  while (test_server_count_requests (f->server) == 1)
    test_loop_step ();
  g_cancellable_cancel (fetch->cancellable);
  test_server_set_raw (f->server, NULL);
  channel_assert_failed (fetch, CERTPIN_ERROR_CANCELLED);
  channel_assert_passes (f);
  g_assert_cmpuint (test_server_count_requests (f->server), ==, 3);
}

static void
test_cancelled_before (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;

  channel_pin (f, f->leaf);
  fetch = START (f, .cancelled = TRUE);
  channel_assert_failed (fetch, CERTPIN_ERROR_CANCELLED);
  test_loop_settle ();
  g_assert_cmpuint (test_server_count_requests (f->server), ==, 0);
}

static void
test_body_too_large (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) just = NULL, over = NULL;

  channel_pin (f, f->leaf);
  test_server_set_answer (f->server, 200, 300000);
  just = START (f, .max_body = 300000);
  channel_assert_answered (just, 200);
  g_assert_cmpuint (g_bytes_get_size (just->response->body), ==, 300000);
  over = START (f, .max_body = 299999);
  channel_assert_failed (over, CERTPIN_ERROR_BODY_TOO_LARGE);
}

static void
test_budget (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) over = NULL, within = NULL;

  channel_pin (f, f->leaf);
  cpd_budget_unref (f->bodies);
  f->bodies = cpd_budget_new (100000);
  test_server_set_answer (f->server, 200, 200000);
  over = START (f, .method = "GET");
  channel_assert_failed (over, CERTPIN_ERROR_LIMIT_EXCEEDED);
  test_server_set_answer (f->server, 200, 100000);
  within = START (f, .method = "GET");
  channel_assert_answered (within, 200);
  /* Both gave back what they took. */
  test_loop_settle ();
  g_assert_true (cpd_budget_take (f->bodies, 100000));
}

static void
test_queue (ChannelFixture *f, gconstpointer user_data)
{
  Fetch *fetches[6];

  f->config->connections_per_channel = 2;
  channel_renew_fetcher (f);
  channel_pin (f, f->leaf);
  test_server_hold (f->server);
  for (size_t i = 0; i < G_N_ELEMENTS (fetches); i++)
    fetches[i] = START (f, .method = "GET");
  wait_until_held (f, 2);
  test_loop_run_for (50);
  g_assert_cmpuint (test_server_count_requests (f->server), ==, 2);
  test_server_release (f->server);
  for (size_t i = 0; i < G_N_ELEMENTS (fetches); i++)
    {
      channel_assert_answered (fetches[i], 200);
      g_assert_cmpint (channel_was_reused (fetches[i]), ==, i >= 2);
      fetch_free (fetches[i]);
    }
  g_assert_cmpuint (test_server_count_requests (f->server), ==, 6);
}

/* A cancelled one in the queue does not hold up those behind it. */
static void
test_cancel_in_the_queue (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) first = NULL, second = NULL, third = NULL;

  f->config->connections_per_channel = 1;
  channel_renew_fetcher (f);
  channel_pin (f, f->leaf);
  test_server_hold (f->server);
  first = START (f, .method = "GET");
  second = START (f, .method = "GET");
  third = START (f, .method = "GET");
  wait_until_held (f, 1);
  g_cancellable_cancel (second->cancellable);
  channel_assert_failed (second, CERTPIN_ERROR_CANCELLED);
  test_server_release (f->server);
  channel_assert_answered (first, 200);
  channel_assert_answered (third, 200);
  g_assert_cmpuint (test_server_count_requests (f->server), ==, 2);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  CHANNEL_TEST_ADD ("passes-with-its-evidence", test_evidence);
  CHANNEL_TEST_ADD ("connection", test_connection);
  CHANNEL_TEST_ADD ("keeps-connections-alive", test_keep_alive);
  CHANNEL_TEST_ADD ("not-pinned-is-not-asked", test_not_pinned);
  CHANNEL_TEST_ADD ("wrong-key-is-sent-nothing", test_wrong_key);
  CHANNEL_TEST_ADD ("match-path", test_match_path);
  CHANNEL_TEST_ADD ("untrusted-is-sent-nothing", test_untrusted);
  CHANNEL_TEST_ADD ("wrong-name-is-sent-nothing", test_wrong_name);
  CHANNEL_TEST_ADD ("blocked-is-not-asked", test_blocked);
  CHANNEL_TEST_ADD ("pin-expired-is-not-asked", test_pin_expired);
  CHANNEL_TEST_ADD ("report-only-passes", test_report_only);
  CHANNEL_TEST_ADD ("require-keys-on-a-shared-connection", test_require_keys);
  CHANNEL_TEST_ADD ("other-uid-never-shares", test_other_uid);
  CHANNEL_TEST_ADD ("deadline", test_deadline);
  CHANNEL_TEST_ADD ("deadline-in-the-queue", test_deadline_in_the_queue);
  CHANNEL_TEST_ADD ("cancel-drops-the-connection", test_cancel);
  CHANNEL_TEST_ADD ("cancel-on-a-closed-connection", test_cancel_on_a_closed_connection);
  CHANNEL_TEST_ADD ("cancelled-before-it-starts", test_cancelled_before);
  CHANNEL_TEST_ADD ("body-too-large", test_body_too_large);
  CHANNEL_TEST_ADD ("budget-of-bodies", test_budget);
  CHANNEL_TEST_ADD ("queues-beyond-its-connections", test_queue);
  CHANNEL_TEST_ADD ("cancel-in-the-queue", test_cancel_in_the_queue);
  return g_test_run ();
}
