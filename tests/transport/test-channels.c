/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what the channels of one user do to each other and to those of others, and which of them
 * go for the sake of room or time. */

#include "config.h"

#include "channel-fixture.h"
#include "tests/lib/test-loop.h"

/* As many connections as a user may set up at a time, and channels as it may have. */
#define SET_UPS  4
#define CHANNELS 64

static void
pin_for_other_uid (ChannelFixture *f)
{
  g_autoptr (CpdPin) pin = channel_make_pin ("127.0.0.1", CPD_LAYER_USER, f->leaf);

  channel_set_pin (f, CHANNEL_OTHER_UID, pin);
}

static void
cancel (Fetch *fetch)
{
  g_cancellable_cancel (fetch->cancellable);
  channel_assert_failed (fetch, CERTPIN_ERROR_CANCELLED);
}

/* Who waits for servers that say nothing keeps no other user waiting. */
static void
test_each_user_sets_up_its_own (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (GSocket) silent = channel_listen_silently ();
  Fetch *fetches[SET_UPS];

  channel_pin (f, f->leaf);
  pin_for_other_uid (f);
  for (size_t i = 0; i < SET_UPS; i++)
    fetches[i] = channel_start_at_silent (f, silent, CHANNEL_OTHER_UID);
  channel_assert_passes (f);
  for (size_t i = 0; i < SET_UPS; i++)
    {
      cancel (fetches[i]);
      fetch_free (fetches[i]);
    }
}

/* What waits for a free connection to one server takes no place of those that set one up. */
static void
test_queue_keeps_no_other_host_waiting (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (TestServer) second = test_server_new (f->leaf, f->root);
  g_autofree char *url = g_strdup_printf ("https://127.0.0.1:%u/", test_server_get_port (second));
  g_autoptr (Fetch) sent = NULL, elsewhere = NULL;
  Fetch *waiting[SET_UPS];

  f->config->connections_per_channel = 1;
  channel_renew_fetcher (f);
  channel_pin (f, f->leaf);
  sent = channel_start_held (f, CHANNEL_UID);
  for (size_t i = 0; i < SET_UPS; i++)
    waiting[i] = START (f, .method = "GET");
  elsewhere = START (f, .url = url);
  channel_assert_answered (elsewhere, 200);
  test_server_release (f->server);
  channel_assert_answered (sent, 200);
  for (size_t i = 0; i < SET_UPS; i++)
    {
      channel_assert_answered (waiting[i], 200);
      fetch_free (waiting[i]);
    }
}

/* A channel that is busy keeps its place, however long ago it was idle, and so hears of changes. */
static void
test_room_is_made_by_idle_ones (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = channel_make_pin ("*.room.localhost", CPD_LAYER_USER, f->leaf);
  g_autoptr (Fetch) sent = NULL;

  channel_pin (f, f->leaf);
  channel_set_pin (f, CHANNEL_UID, pin);
  channel_assert_passes (f);
  sent = channel_start_held (f, CHANNEL_UID);
  for (unsigned int i = 0; i < CHANNELS; i++)
    {
      g_autofree char *url = g_strdup_printf ("https://h%u.room.localhost:1/", i);
      g_autoptr (Fetch) unreachable = START (f, .url = url);

      channel_assert_failed (unreachable, CERTPIN_ERROR_UNREACHABLE);
    }
  channel_pin (f, f->other);
  channel_assert_failed (sent, CERTPIN_ERROR_PIN_CHANGED);
}

/* One that was idle and is busy again stays, and so hears of changes. */
static void
test_idle_channel_goes (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = channel_make_pin ("127.0.0.1", CPD_LAYER_USER, f->other);
  g_autoptr (Fetch) first = NULL, sent = NULL, last = NULL;

  f->config->channel_idle_s = 1;
  channel_renew_fetcher (f);
  channel_pin (f, f->leaf);
  pin_for_other_uid (f);
  first = START (f, .owner = CHANNEL_OTHER_UID);
  channel_assert_answered (first, 200);
  channel_assert_passes (f);
  sent = channel_start_held (f, CHANNEL_OTHER_UID);
  test_loop_run_for (2500);
  channel_set_pin (f, CHANNEL_OTHER_UID, pin);
  channel_assert_failed (sent, CERTPIN_ERROR_PIN_CHANGED);
  test_server_release (f->server);
  last = START (f, .method = "GET");
  channel_assert_answered (last, 200);
  g_assert_false (channel_was_reused (last));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  CHANNEL_TEST_ADD ("all/each-user-sets-up-its-own", test_each_user_sets_up_its_own);
  CHANNEL_TEST_ADD ("all/queue-keeps-no-other-host-waiting",
                    test_queue_keeps_no_other_host_waiting);
  CHANNEL_TEST_ADD ("all/room-is-made-by-idle-ones", test_room_is_made_by_idle_ones);
  CHANNEL_TEST_ADD ("all/idle-channel-goes", test_idle_channel_goes);
  return g_test_run ();
}
