/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what becomes of connections and requests when pins, authorities or the time change under
 * them. One change stands for all here: what each of them means is decided by core, in
 * test-verdict, and each is tried at each moment by tests/system/attacks. */

#include "config.h"

#include "channel-fixture.h"
#include "daemon/transport/cpd-channel.h"
#include "tests/lib/test-loop.h"
#include "tests/lib/test-resolver.h"

/* How long others keep the service from each check, whose place the linker puts this in. */
static unsigned int kept_ms;

void __real_cpd_channel_reconsider (CpdChannel *channel);
void __wrap_cpd_channel_reconsider (CpdChannel *channel);

void
__wrap_cpd_channel_reconsider (CpdChannel *channel)
{
  g_usleep (kept_ms * 1000);
  __real_cpd_channel_reconsider (channel);
}

static void
assert_passes (ChannelFixture *f, gboolean on_the_same_connection)
{
  g_autoptr (Fetch) fetch = START (f, .method = "GET");

  channel_assert_answered (fetch, 200);
  g_assert_cmpint (channel_was_reused (fetch), ==, on_the_same_connection);
}

/* The server may have either certificate. */
static void
pin_both (ChannelFixture *f)
{
  g_autoptr (CpdPin) pin = channel_make_pin ("127.0.0.1", CPD_LAYER_USER, f->leaf);
  g_autoptr (CpdCertificate) other = test_certificate (f->other);

  cpd_pin_add_key (pin, cpd_certificate_get_key (other));
  channel_set_pin (f, CHANNEL_UID, pin);
}

static void
test_kept_alive_refused (ChannelFixture *f, gconstpointer user_data)
{
  channel_pin (f, f->leaf);
  assert_passes (f, FALSE);
  channel_pin (f, f->other);
  channel_assert_refused (f, CERTPIN_ERROR_PIN_MISMATCH);
}

/* A pin of the system is one more layer. */
static void
test_kept_alive_refused_by_the_system (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = channel_make_pin ("127.0.0.1", CPD_LAYER_SYSTEM, f->other);

  channel_pin (f, f->leaf);
  assert_passes (f, FALSE);
  channel_set_pin (f, 0, pin);
  channel_assert_refused (f, CERTPIN_ERROR_PIN_MISMATCH);
}

static void
test_kept_alive_passes (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = channel_make_pin ("127.0.0.1", CPD_LAYER_USER, f->other);
  g_autoptr (CpdCertificate) leaf = test_certificate (f->leaf);
  g_autoptr (Fetch) fetch = NULL;

  channel_pin (f, f->leaf);
  assert_passes (f, FALSE);
  cpd_pin_add_key (pin, cpd_certificate_get_key (leaf));
  channel_set_pin (f, CHANNEL_UID, pin);
  fetch = START (f, .method = "GET");
  channel_assert_answered (fetch, 200);
  g_assert_true (channel_was_reused (fetch));
  g_assert_cmpuint (fetch->verdict->policy->generation, ==,
                    cpd_store_get_generation (f->store, CHANNEL_UID));
}

static void
test_other_host (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = channel_make_pin ("other.example", CPD_LAYER_USER, f->other);

  channel_pin (f, f->leaf);
  assert_passes (f, FALSE);
  channel_set_pin (f, CHANNEL_UID, pin);
  assert_passes (f, TRUE);
}

static void
test_other_user (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = channel_make_pin ("127.0.0.1", CPD_LAYER_USER, f->other);

  channel_pin (f, f->leaf);
  assert_passes (f, FALSE);
  channel_set_pin (f, CHANNEL_OTHER_UID, pin);
  assert_passes (f, TRUE);
}

static void
test_sent_then_refused (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;

  channel_pin (f, f->leaf);
  fetch = channel_start_held (f, CHANNEL_UID);
  channel_pin (f, f->other);
  channel_assert_failed (fetch, CERTPIN_ERROR_PIN_CHANGED);
  while (test_server_count_dropped (f->server) == 0)
    test_loop_step ();
}

static void
test_sent_then_still_good (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;

  channel_pin (f, f->leaf);
  fetch = channel_start_held (f, CHANNEL_UID);
  channel_pin (f, f->leaf);
  test_server_release (f->server);
  channel_assert_answered (fetch, 200);
}

/* On a busy machine, the service may have to wait in the middle of its checks. */
static void
test_busy_machine (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) of_other = channel_make_pin ("127.0.0.1", CPD_LAYER_USER, f->leaf);
  g_autoptr (Fetch) sent = NULL;

  channel_pin (f, f->leaf);
  channel_set_pin (f, CHANNEL_OTHER_UID, of_other);
  assert_passes (f, FALSE);
  sent = channel_start_held (f, CHANNEL_OTHER_UID);
  kept_ms = 100;
  channel_reload (f, f->root);
  kept_ms = 0;
  test_server_release (f->server);
  channel_assert_answered (sent, 200);
  assert_passes (f, TRUE);
}

/* What waits for a connection has sent nothing: it goes to the new policy's, unseen. */
static void
test_unsent_moves (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) sent = NULL, waiting = NULL;

  f->config->connections_per_channel = 1;
  channel_renew_fetcher (f);
  channel_pin (f, f->leaf);
  sent = channel_start_held (f, CHANNEL_UID);
  waiting = START (f, .method = "PUT", .body = "moved");
  test_server_switch (f->server, f->other, f->root);
  channel_pin (f, f->other);
  test_server_release (f->server);
  channel_assert_failed (sent, CERTPIN_ERROR_PIN_CHANGED);
  channel_assert_answered (waiting, 200);
  g_assert_false (channel_was_reused (waiting));
  g_assert_cmpstr (test_server_get_last_request (f->server), ==, "PUT / moved");
  g_assert_cmpuint (test_server_count_requests (f->server), ==, 2);
}

static void
test_unsent_is_refused (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) sent = NULL, waiting = NULL;

  f->config->connections_per_channel = 1;
  channel_renew_fetcher (f);
  channel_pin (f, f->leaf);
  sent = channel_start_held (f, CHANNEL_UID);
  waiting = START (f, .method = "GET");
  channel_unpin (f);
  channel_assert_failed (waiting, CERTPIN_ERROR_NOT_PINNED);
  channel_assert_failed (sent, CERTPIN_ERROR_PIN_CHANGED);
  g_assert_cmpuint (test_server_count_requests (f->server), ==, 1);
}

/* Nor is its host so much as looked up again. */
static void
test_unsent_is_not_looked_up (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (GResolver) usual = g_resolver_get_default ();
  g_autoptr (TestResolver) resolver = test_resolver_new ();
  g_autoptr (CpdPin) pin = channel_make_pin (CHANNEL_NAME, CPD_LAYER_USER, f->leaf);
  g_autofree char *url
      = g_strdup_printf ("https://%s:%u/", CHANNEL_NAME, test_server_get_port (f->server));
  g_autoptr (Fetch) sent = NULL, waiting = NULL;
  unsigned int lookups;

  g_resolver_set_default (G_RESOLVER (resolver));
  f->config->connections_per_channel = 1;
  channel_renew_fetcher (f);
  channel_set_pin (f, CHANNEL_UID, pin);
  test_server_hold (f->server);
  sent = START (f, .url = url);
  waiting = START (f, .url = url);
  while (test_server_count_held (f->server) == 0)
    test_loop_step ();
  lookups = test_resolver_count_lookups (resolver);
  g_assert_cmpuint (lookups, >, 0);
  channel_block (f, CHANNEL_NAME);
  channel_assert_failed (sent, CERTPIN_ERROR_PIN_CHANGED);
  channel_assert_failed (waiting, CERTPIN_ERROR_BLOCKED);
  while (test_server_count_dropped (f->server) == 0)
    test_loop_step ();
  test_loop_run_for (50);
  g_assert_cmpuint (test_resolver_count_lookups (resolver), ==, lookups);
  g_resolver_set_default (usual);
}

/* A change while the connection is being made: the new pin counts. */
static void
test_changed_while_connecting (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;

  channel_pin (f, f->leaf);
  fetch = START (f, .method = "GET");
  channel_pin (f, f->other);
  channel_wait (fetch);
  if (fetch->error != NULL)
    g_assert_error (fetch->error, CERTPIN_ERROR, CERTPIN_ERROR_PIN_MISMATCH);
  else /* the change was slower than the answer */
    g_assert_true (fetch->verdict->passed);
  channel_assert_refused (f, CERTPIN_ERROR_PIN_MISMATCH);
}

static void
test_reload_same (ChannelFixture *f, gconstpointer user_data)
{
  channel_pin (f, f->leaf);
  assert_passes (f, FALSE);
  channel_reload (f, f->root);
  assert_passes (f, TRUE);
}

static void
test_reload_other (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) stranger = TEST_IDENTITY (.subject = "stranger", .is_ca = TRUE);
  g_autoptr (Fetch) sent = NULL;

  channel_pin (f, f->leaf);
  assert_passes (f, FALSE);
  sent = channel_start_held (f, CHANNEL_UID);
  channel_reload (f, stranger);
  channel_assert_failed (sent, CERTPIN_ERROR_PIN_CHANGED);
  channel_assert_refused (f, CERTPIN_ERROR_UNTRUSTED);
  test_server_release (f->server);
  channel_reload (f, f->root);
  assert_passes (f, FALSE);
}

/* No certificate is there yet that could be judged: the host is given up all the same. */
static void
test_connecting_then_unpinned (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (GSocket) silent = channel_listen_silently ();
  g_autoptr (Fetch) fetch = NULL;

  channel_pin (f, f->leaf);
  fetch = channel_start_at_silent (f, silent, CHANNEL_UID);
  channel_unpin (f);
  channel_assert_failed (fetch, CERTPIN_ERROR_NOT_PINNED);
}

/* At once, also while somebody still has an answer in hand that came over it. */
static void
test_kept_alive_is_cut (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;

  channel_pin (f, f->leaf);
  fetch = START (f, .method = "GET");
  while (fetch->result == NULL)
    test_loop_step ();
  g_assert_false (test_server_was_left (f->server));
  channel_pin (f, f->other);
  g_assert_true (test_server_was_left (f->server));
  channel_assert_answered (fetch, 200);
}

/* A connection that has ended is not held against those that are there. */
static void
test_ended_connection_is_forgotten (ChannelFixture *f, gconstpointer user_data)
{
  pin_both (f);
  test_server_set_raw (f->server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  assert_passes (f, FALSE);
  test_server_set_raw (f->server, NULL);
  test_server_switch (f->server, f->other, f->root);
  assert_passes (f, FALSE);
  channel_pin (f, f->other);
  assert_passes (f, TRUE);
}

/* The server has a new certificate and the pin a new key: old connections do not stand in the
 * way. */
static void
test_rotation (ChannelFixture *f, gconstpointer user_data)
{
  channel_pin (f, f->leaf);
  assert_passes (f, FALSE);
  test_server_switch (f->server, f->other, f->root);
  channel_pin (f, f->other);
  assert_passes (f, FALSE);
  assert_passes (f, TRUE);
}

/* A kept-alive connection goes on with the server's old key, a request that needs the new one gets
 * a connection of its own. */
static void
test_stale_connection (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;

  pin_both (f);
  assert_passes (f, FALSE);
  test_server_switch (f->server, f->other, f->root);
  assert_passes (f, TRUE);
  fetch = START (f, .require = f->other);
  channel_assert_answered (fetch, 200);
  g_assert_false (channel_was_reused (fetch));
}

/* Returns: how many of so many requests at once went over kept-alive connections */
static unsigned int
count_reused_of (ChannelFixture *f, unsigned int count)
{
  g_autoptr (GPtrArray) fetches = g_ptr_array_new_with_free_func ((GDestroyNotify)fetch_free);
  unsigned int reused = 0;

  test_server_hold (f->server);
  for (unsigned int i = 0; i < count; i++)
    g_ptr_array_add (fetches, START (f, .method = "GET"));
  while (test_server_count_held (f->server) < count)
    test_loop_step ();
  test_server_release (f->server);
  for (unsigned int i = 0; i < count; i++)
    {
      channel_assert_answered (fetches->pdata[i], 200);
      reused += channel_was_reused (fetches->pdata[i]);
    }
  return reused;
}

/* It does not go through all that are kept alive first: only one of them is given up. */
static void
test_stale_connections (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;

  pin_both (f);
  g_assert_cmpuint (count_reused_of (f, 3), ==, 0);
  test_server_switch (f->server, f->other, f->root);
  fetch = START (f, .require = f->other);
  channel_assert_answered (fetch, 200);
  g_assert_false (channel_was_reused (fetch));
  g_assert_cmpuint (count_reused_of (f, 4), ==, 3);
}

/* For as long something is good that is to be over soon: enough for a slow machine to use it. */
#define LASTS_S 6

static gint64
now_s (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

/* The dates on record are looked at for each request, though no signature is verified again. */
static void
test_certificate_expires (ChannelFixture *f, gconstpointer user_data)
{
  gint64 until = now_s () + LASTS_S;
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.addresses = { "127.0.0.1" }, .issuer = f->root, .not_after = until);
  g_autoptr (Fetch) fetch = NULL;

  test_server_switch (f->server, leaf, f->root);
  channel_pin (f, leaf);
  assert_passes (f, FALSE);
  assert_passes (f, TRUE);
  while (now_s () <= until)
    test_loop_run_for (20);
  fetch = START (f, .method = "GET");
  channel_assert_failed (fetch, CERTPIN_ERROR_UNTRUSTED);
  g_assert_cmpstr (fetch->verdict->reason, ==, "expired");
  g_assert_cmpuint (test_server_count_requests (f->server), ==, 2);
}

/* What was sent before ends, whatever another user has pinned meanwhile. */
static void
test_pin_expires (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = channel_make_pin ("127.0.0.1", CPD_LAYER_USER, f->leaf);
  g_autoptr (CpdPin) others = channel_make_pin ("127.0.0.1", CPD_LAYER_USER, f->other);
  g_autoptr (Fetch) sent = NULL;

  pin->expires = now_s () + LASTS_S;
  channel_set_pin (f, CHANNEL_UID, pin);
  assert_passes (f, FALSE);
  sent = channel_start_held (f, CHANNEL_UID);
  while (now_s () <= pin->expires)
    test_loop_run_for (20);
  channel_assert_refused (f, CERTPIN_ERROR_PIN_EXPIRED);
  channel_set_pin (f, CHANNEL_OTHER_UID, others);
  channel_assert_failed (sent, CERTPIN_ERROR_PIN_CHANGED);
}

/* Whatever it still has under way. */
static void
test_fetcher_goes (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;

  channel_pin (f, f->leaf);
  fetch = channel_start_held (f, CHANNEL_UID);
  g_cancellable_cancel (fetch->cancellable);
  channel_renew_fetcher (f);
  channel_assert_failed (fetch, CERTPIN_ERROR_CANCELLED);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  CHANNEL_TEST_ADD ("changes/kept-alive-then-refused", test_kept_alive_refused);
  CHANNEL_TEST_ADD ("changes/kept-alive-then-refused-by-the-system",
                    test_kept_alive_refused_by_the_system);
  CHANNEL_TEST_ADD ("changes/kept-alive-is-cut", test_kept_alive_is_cut);
  CHANNEL_TEST_ADD ("changes/kept-alive-still-passes", test_kept_alive_passes);
  CHANNEL_TEST_ADD ("changes/ended-connection-is-forgotten", test_ended_connection_is_forgotten);
  CHANNEL_TEST_ADD ("changes/other-host-is-left-alone", test_other_host);
  CHANNEL_TEST_ADD ("changes/other-user-is-left-alone", test_other_user);
  CHANNEL_TEST_ADD ("changes/sent-then-refused", test_sent_then_refused);
  CHANNEL_TEST_ADD ("changes/sent-then-still-good", test_sent_then_still_good);
  CHANNEL_TEST_ADD ("changes/unsent-moves", test_unsent_moves);
  CHANNEL_TEST_ADD ("changes/unsent-is-refused", test_unsent_is_refused);
  CHANNEL_TEST_ADD ("changes/unsent-is-not-looked-up", test_unsent_is_not_looked_up);
  CHANNEL_TEST_ADD ("changes/while-connecting", test_changed_while_connecting);
  CHANNEL_TEST_ADD ("changes/connecting-then-unpinned", test_connecting_then_unpinned);
  CHANNEL_TEST_ADD ("changes/busy-machine", test_busy_machine);
  CHANNEL_TEST_ADD ("changes/reload-of-the-same-authorities", test_reload_same);
  CHANNEL_TEST_ADD ("changes/reload-of-other-authorities", test_reload_other);
  CHANNEL_TEST_ADD ("changes/rotation-of-both", test_rotation);
  CHANNEL_TEST_ADD ("changes/stale-connection-is-passed-over", test_stale_connection);
  CHANNEL_TEST_ADD ("changes/stale-connections-are-passed-over-at-once", test_stale_connections);
  CHANNEL_TEST_ADD ("changes/certificate-expires", test_certificate_expires);
  CHANNEL_TEST_ADD ("changes/pin-expires", test_pin_expires);
  CHANNEL_TEST_ADD ("changes/fetcher-goes", test_fetcher_goes);
  return g_test_run ();
}
