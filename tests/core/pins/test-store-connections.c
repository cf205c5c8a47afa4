/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that the pins of a connection last as long as that and are nobody else's, also those that
 * a call of it makes after it has left; and that they have limits of their own. */

#include "config.h"

#include "tests/core/pins/store-fixture.h"

#define TRANSIENT CPD_LAYER_TRANSIENT

#define HOST "h.example"
#define DEMO "snap:demo"

static CpdOwner
open_connection (StoreFixture *f, CpdOwner parent)
{
  g_autoptr (GError) error = NULL;
  CpdOwner connection = 0;

  cpd_store_open_connection (f->store, parent, &connection, &error);
  g_assert_no_error (error);
  return connection;
}

static unsigned int
count_pins (StoreFixture *f, CpdOwner owner)
{
  g_autoptr (GPtrArray) pins = cpd_store_list_after (f->store, TRANSIENT, owner, NULL, 100);

  return pins->len;
}

static void
test_users (StoreFixture *f, gconstpointer user_data)
{
  CpdOwner app = store_meet (f, STORE_OTHER_UID, DEMO);
  g_autoptr (GArray) none = NULL, uids = NULL;

  store_pin (f, open_connection (f, STORE_OTHER_UID), TRANSIENT, HOST, 1);
  store_pin (f, open_connection (f, app), TRANSIENT, HOST, 2);
  store_pin (f, app, CPD_LAYER_APP, HOST, 3);
  none = cpd_store_list_uids (f->store);
  g_assert_cmpuint (none->len, ==, 0);
  store_pin (f, STORE_OTHER_UID, CPD_LAYER_USER, HOST, 4);
  uids = cpd_store_list_uids (f->store);
  g_assert_cmpuint (uids->len, ==, 1);
  g_assert_cmpuint (g_array_index (uids, guint32, 0), ==, STORE_OTHER_UID);
}

/* A pin whose file would have about so many bytes. */
static gboolean
block_at_length (StoreFixture *f, CpdOwner owner, const char *host, size_t bytes, GError **error)
{
  g_autofree char *reason = g_strnfill (bytes, 'x');
  g_autoptr (CpdHost) parsed = test_host (host);
  g_autoptr (CpdPin) pin = cpd_pin_new_blocked (parsed, TRANSIENT, reason);

  return store_set_pin (f, owner, pin, error);
}

/* What is replaced or removed makes room. */
static void
test_limit_of_bytes (StoreFixture *f, gconstpointer user_data)
{
  const size_t half = 128 * 1024;
  CpdOwner one = open_connection (f, STORE_UID), other = open_connection (f, STORE_UID);
  g_autoptr (GError) error = NULL;

  g_assert_true (block_at_length (f, one, "a.example", half, NULL));
  g_assert_true (block_at_length (f, one, "b.example", half - 1024, NULL));
  g_assert_false (block_at_length (f, one, "c.example", 1024, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED);
  g_assert_true (block_at_length (f, other, "c.example", half, NULL));
  g_assert_true (block_at_length (f, one, "a.example", 1024, NULL));
  g_assert_true (block_at_length (f, one, "c.example", 1024, NULL));
  g_assert_true (store_remove_pin_of (f, one, TRANSIENT, "b.example", NULL));
  g_assert_true (block_at_length (f, one, "d.example", half, NULL));
  g_assert_cmpuint (count_pins (f, one), ==, 3);
}

/* As many pins as fit. */
static void
fill (StoreFixture *f, CpdOwner connection)
{
  for (int i = 0; i < 64; i++)
    {
      g_autofree char *host = g_strdup_printf ("h%d.example", i);

      store_pin (f, connection, TRANSIENT, host, 1);
    }
}

static void
test_limit_of_pins (StoreFixture *f, gconstpointer user_data)
{
  CpdOwner one = open_connection (f, STORE_UID), other = open_connection (f, STORE_UID);
  g_autoptr (CpdPin) last = test_pin ("last.example", TRANSIENT, 1);
  g_autoptr (GError) error = NULL;

  fill (f, one);
  g_assert_false (store_set_pin (f, one, last, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED);
  g_assert_true (store_set_pin (f, other, last, NULL));
}

static void
check_connections (StoreFixture *f, CpdOwner parent, unsigned int most)
{
  g_autoptr (GArray) connections = g_array_new (FALSE, FALSE, sizeof (CpdOwner));
  g_autoptr (GError) error = NULL;
  CpdOwner more = 0;

  for (unsigned int i = 0; i < most; i++)
    {
      CpdOwner connection = open_connection (f, parent);

      g_array_append_val (connections, connection);
    }
  g_assert_false (cpd_store_open_connection (f->store, parent, &more, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED);
  g_assert_cmpuint (more, ==, 0);
  cpd_store_close_connection (f->store, g_array_index (connections, CpdOwner, most / 2));
  open_connection (f, parent);
}

/* Neither a user, nor an app, nor another app takes what is another's; who leaves makes room. */
static void
test_limit_of_connections (StoreFixture *f, gconstpointer user_data)
{
  check_connections (f, store_meet (f, STORE_UID, DEMO), CPD_APP_CONNECTIONS_MAX);
  check_connections (f, store_meet (f, STORE_UID, "snap:other"), CPD_APP_CONNECTIONS_MAX);
  check_connections (f, STORE_UID, CPD_USER_CONNECTIONS_MAX);
  check_connections (f, STORE_OTHER_UID, CPD_USER_CONNECTIONS_MAX);
}

/* People are not asked to allow what there is no room for. */
static void
test_asks_for_room (StoreFixture *f, gconstpointer user_data)
{
  CpdOwner connection = open_connection (f, STORE_UID);
  g_autoptr (CpdHost) pinned = test_host ("h0.example"), other = test_host (HOST);
  g_autoptr (GError) error = NULL;

  fill (f, connection);
  g_assert_true (cpd_store_check_room (f->store, TRANSIENT, connection, pinned, NULL));
  g_assert_true (cpd_store_check_room (f->store, CPD_LAYER_USER, STORE_UID, other, NULL));
  g_assert_false (cpd_store_check_room (f->store, TRANSIENT, connection, other, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED);
}

/* Nobody's requests pass because of them; those that were under way are refused. */
static void
assert_nobodys (StoreFixture *f, CpdOwner ended)
{
  g_autoptr (CpdPin) own = store_get (f, ended, TRANSIENT, HOST);
  g_autoptr (CpdPin) of_user = store_get (f, STORE_UID, TRANSIENT, HOST);
  g_autoptr (CpdPin) of_next = store_get (f, open_connection (f, STORE_UID), TRANSIENT, HOST);

  g_assert_nonnull (own);
  g_assert_cmpint (own->state, ==, CPD_STATE_BLOCKED);
  g_assert_null (of_user);
  g_assert_null (of_next);
  g_assert_cmpuint (count_pins (f, ended), ==, 0);
}

static void
test_ends (StoreFixture *f, gconstpointer user_data)
{
  CpdOwner connection = open_connection (f, STORE_UID);

  store_pin (f, connection, TRANSIENT, HOST, 1);
  g_assert_cmpuint (count_pins (f, connection), ==, 1);
  cpd_store_close_connection (f->store, connection);
  assert_nobodys (f, connection);
  g_assert_cmpuint (f->forgotten->len, ==, 1);
  g_assert_cmpuint (g_array_index (f->forgotten, CpdOwner, 0), ==, connection);
}

/* A call that was read before its connection left makes its change: nothing is wrong with it, but
 * nobody has the pin, and nobody is told; so there is none to be removed. */
static void
test_changes_after_the_end (StoreFixture *f, gconstpointer user_data)
{
  CpdOwner connection = open_connection (f, STORE_UID), next = open_connection (f, STORE_UID);
  g_autoptr (GError) error = NULL;
  guint64 before;

  cpd_store_close_connection (f->store, connection);
  cpd_store_close_connection (f->store, next);
  before = cpd_store_get_generation (f->store, connection);
  store_pin (f, connection, TRANSIENT, HOST, 1);
  assert_nobodys (f, connection);
  assert_nobodys (f, next);
  g_assert_false (store_remove_pin_of (f, connection, TRANSIENT, HOST, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED);
  g_assert_cmpuint (f->changes, ==, 0);
  g_assert_cmpuint (cpd_store_get_generation (f->store, connection), ==, before);
}

static void
on_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (CpdPin) pin = cpd_store_change_finish (CPD_STORE (source), result, NULL);

  g_assert_nonnull (pin);
  *(gboolean *)user_data = TRUE;
}

static void
test_ends_during_a_change (StoreFixture *f, gconstpointer user_data)
{
  CpdOwner connection = open_connection (f, STORE_UID);
  g_autoptr (CpdPin) pin = test_pin (HOST, TRANSIENT, 1);
  gboolean done = FALSE;

  cpd_store_set_pin_async (f->store, connection, pin, on_done, &done);
  cpd_store_close_connection (f->store, connection);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
  assert_nobodys (f, connection);
  g_assert_cmpuint (f->changes, ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  STORE_TEST_ADD ("/core/store/connections/users", test_users);
  STORE_TEST_ADD ("/core/store/connections/bytes", test_limit_of_bytes);
  STORE_TEST_ADD ("/core/store/connections/pins", test_limit_of_pins);
  STORE_TEST_ADD ("/core/store/connections/number", test_limit_of_connections);
  STORE_TEST_ADD ("/core/store/connections/room", test_asks_for_room);
  STORE_TEST_ADD ("/core/store/connections/ends", test_ends);
  STORE_TEST_ADD ("/core/store/connections/changes-after-the-end", test_changes_after_the_end);
  STORE_TEST_ADD ("/core/store/connections/ends-during-a-change", test_ends_during_a_change);
  return g_test_run ();
}
