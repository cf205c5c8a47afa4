/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that the pins of an app are that app's: kept over a restart, apart from those of its user,
 * of other apps and of the system, and changed without a word to anybody else. */

#include "config.h"

#include "tests/core/pins/store-fixture.h"

#define APP    CPD_LAYER_APP
#define USER   CPD_LAYER_USER
#define SYSTEM CPD_LAYER_SYSTEM

#define HOST    "h.example"
#define WEATHER "flatpak:org.example.Weather"
#define MAPS    "flatpak:org.example.Maps"
#define DEMO    "snap:demo"

/* Everybody whose pins these tests look at. */
typedef struct
{
  CpdOwner user, weather, maps, demo, other_user, weather_of_other;
} Owners;

static Owners
meet_all (StoreFixture *f)
{
  return (Owners){ .user = STORE_UID,
                   .weather = store_meet (f, STORE_UID, WEATHER),
                   .maps = store_meet (f, STORE_UID, MAPS),
                   .demo = store_meet (f, STORE_UID, DEMO),
                   .other_user = STORE_OTHER_UID,
                   .weather_of_other = store_meet (f, STORE_OTHER_UID, WEATHER) };
}

/* Asserts which key a layer's pin of the host has, as this owner sees it in a policy; 0: it has
 * none. */
static void
assert_has (StoreFixture *f, CpdOwner owner, CpdLayer layer, guint8 fill)
{
  g_autoptr (CpdPin) pin = store_get (f, owner, layer, HOST);
  g_autoptr (CertpinKey) key = test_key (fill);

  g_assert_cmpint (pin != NULL, ==, fill != 0);
  g_assert_true (pin == NULL || (pin->keys->len == 1 && cpd_pin_has_key (pin, key)));
}

/* Whether the owner may look at the pin of the host in that layer, in each way there is. */
static gboolean
can_see (StoreFixture *f, CpdOwner owner, CpdLayer layer)
{
  g_autoptr (CpdHost) host = test_host (HOST);
  g_autoptr (CpdPin) got = cpd_store_get_pin (f->store, layer, owner, host);
  g_autoptr (CpdPin) found = cpd_store_find_pin (f->store, layer, owner, host);
  g_autoptr (GPtrArray) matching = cpd_store_list_matching (f->store, layer, owner, host);
  g_autoptr (GPtrArray) listed = cpd_store_list_after (f->store, layer, owner, NULL, 9);

  g_assert_cmpint (found != NULL, ==, got != NULL);
  g_assert_cmpuint (matching->len, ==, got != NULL);
  g_assert_cmpuint (listed->len, ==, got != NULL);
  return got != NULL;
}

/* One pin of each, with keys of their own. */
static Owners
pin_for_all (StoreFixture *f)
{
  Owners owners = meet_all (f);

  store_pin (f, owners.user, USER, HOST, 1);
  store_pin (f, owners.weather, APP, HOST, 2);
  store_pin (f, owners.maps, APP, HOST, 3);
  store_pin (f, owners.demo, APP, HOST, 4);
  store_pin (f, owners.other_user, USER, HOST, 5);
  store_pin (f, owners.weather_of_other, APP, HOST, 6);
  store_pin (f, STORE_UID, SYSTEM, HOST, 7);
  return owners;
}

static void
assert_all (StoreFixture *f, const Owners *owners)
{
  assert_has (f, owners->user, USER, 1);
  assert_has (f, owners->user, APP, 0);
  assert_has (f, owners->weather, APP, 2);
  assert_has (f, owners->maps, APP, 3);
  assert_has (f, owners->demo, APP, 4);
  assert_has (f, owners->other_user, USER, 5);
  assert_has (f, owners->other_user, APP, 0);
  assert_has (f, owners->weather_of_other, APP, 6);
}

static void
test_apart (StoreFixture *f, gconstpointer user_data)
{
  Owners owners = pin_for_all (f);

  assert_all (f, &owners);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 0);
  owners = meet_all (f);
  assert_all (f, &owners);
}

/* All that applies: the user's pin binds that user's apps, and nobody else's. */
static void
test_binds (StoreFixture *f, gconstpointer user_data)
{
  Owners owners = pin_for_all (f);

  assert_has (f, owners.weather, USER, 1);
  assert_has (f, owners.maps, USER, 1);
  assert_has (f, owners.weather_of_other, USER, 5);
  assert_has (f, owners.weather, SYSTEM, 7);
  assert_has (f, owners.weather_of_other, SYSTEM, 7);
}

static void
test_sees (StoreFixture *f, gconstpointer user_data)
{
  Owners owners = meet_all (f);

  store_pin (f, owners.user, USER, HOST, 1);
  store_pin (f, owners.weather, APP, HOST, 2);
  g_assert_true (can_see (f, owners.user, USER));
  g_assert_true (can_see (f, owners.weather, APP));
  g_assert_false (can_see (f, owners.weather, USER));
  g_assert_false (can_see (f, owners.weather, SYSTEM));
  g_assert_false (can_see (f, owners.user, APP));
  g_assert_false (can_see (f, owners.maps, APP));
  g_assert_false (can_see (f, owners.maps, USER));
  g_assert_false (can_see (f, owners.weather_of_other, APP));
  g_assert_false (can_see (f, owners.other_user, USER));
  store_pin (f, owners.user, SYSTEM, HOST, 3);
  g_assert_true (can_see (f, owners.weather, SYSTEM));
}

/* Why nothing of a layer is known names files, and so perhaps hosts. */
static void
test_block_of_the_user_is_hidden (StoreFixture *f, gconstpointer user_data)
{
  store_pin (f, STORE_UID, USER, HOST, 1);
  store_break (f->user);
  store_fixture_reopen (f);
  g_assert_nonnull (cpd_store_get_block (f->store, USER, STORE_UID));
  g_assert_null (cpd_store_get_block (f->store, USER, store_meet (f, STORE_UID, WEATHER)));
  g_assert_null (cpd_store_get_block (f->store, APP, store_meet (f, STORE_UID, WEATHER)));
}

static void
test_unpins_its_own (StoreFixture *f, gconstpointer user_data)
{
  Owners owners = pin_for_all (f);
  g_autoptr (GError) error = NULL;

  g_assert_true (store_remove_pin_of (f, owners.weather, APP, HOST, NULL));
  assert_has (f, owners.weather, APP, 0);
  assert_has (f, owners.maps, APP, 3);
  assert_has (f, owners.weather_of_other, APP, 6);
  assert_has (f, owners.user, USER, 1);
  g_assert_false (store_remove_pin_of (f, owners.weather, APP, HOST, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED);
  store_fixture_reopen (f);
  owners = meet_all (f);
  assert_has (f, owners.weather, APP, 0);
  assert_has (f, owners.maps, APP, 3);
  assert_has (f, owners.user, USER, 1);
}

static void
test_folders (StoreFixture *f, gconstpointer user_data)
{
  static const char *const files[]
      = { "apps/0/flatpak/org.example.Weather", "apps/0/flatpak/org.example.Maps",
          "apps/0/snap/demo", "apps/4200000/flatpak/org.example.Weather" };

  pin_for_all (f);
  for (size_t i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_build_filename (f->state, files[i], "h.example.pin", NULL);

      g_assert_true (g_file_test (path, G_FILE_TEST_IS_REGULAR));
    }
}

/* For whom a change is news. */
typedef struct
{
  Owners owners;
  guint64 user, weather, maps, other_user, weather_of_other;
} Generations;

static Generations
look (StoreFixture *f, const Owners *owners)
{
  return (Generations){ *owners,
                        cpd_store_get_generation (f->store, owners->user),
                        cpd_store_get_generation (f->store, owners->weather),
                        cpd_store_get_generation (f->store, owners->maps),
                        cpd_store_get_generation (f->store, owners->other_user),
                        cpd_store_get_generation (f->store, owners->weather_of_other) };
}

/* It always concerned the app Weather. `for_user`: its user and the other apps as well.
 * `for_other`: another user, too */
static void
assert_news (StoreFixture *f, const Generations *before, CpdOwner changed, gboolean for_user,
             gboolean for_other)
{
  Generations now = look (f, &before->owners);

  g_assert_cmpuint (f->changed_owner, ==, changed);
  g_assert_cmpuint (now.weather, >, before->weather);
  g_assert_cmpint (now.user > before->user, ==, for_user);
  g_assert_cmpint (now.maps > before->maps, ==, for_user);
  g_assert_cmpint (now.other_user > before->other_user, ==, for_other);
  g_assert_cmpint (now.weather_of_other > before->weather_of_other, ==, for_other);
}

static void
test_generations (StoreFixture *f, gconstpointer user_data)
{
  Owners owners = meet_all (f);
  Generations before = look (f, &owners);

  store_pin (f, owners.weather, APP, HOST, 1);
  assert_news (f, &before, owners.weather, /* for_user= */ FALSE, /* for_other= */ FALSE);
  before = look (f, &owners);
  store_pin (f, owners.user, USER, HOST, 1);
  assert_news (f, &before, owners.user, /* for_user= */ TRUE, /* for_other= */ FALSE);
  before = look (f, &owners);
  store_pin (f, owners.user, SYSTEM, HOST, 1);
  assert_news (f, &before, CPD_ALL_UIDS, /* for_user= */ TRUE, /* for_other= */ TRUE);
  g_assert_cmpuint (f->changes, ==, 3);
}

/* An app may have a tenth of what its user may have. */
static void
test_share (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) third = test_pin ("c.example", APP, 1);
  g_autoptr (GError) error = NULL;
  CpdOwner weather;

  f->max_pins = 29;
  store_fixture_reopen (f);
  weather = store_meet (f, STORE_UID, WEATHER);
  store_pin (f, weather, APP, "a.example", 1);
  store_pin (f, weather, APP, "b.example", 1);
  g_assert_false (cpd_store_check_room (f->store, APP, weather, third->host, NULL));
  g_assert_false (store_set_pin (f, weather, third, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED);
  store_pin (f, STORE_UID, USER, "c.example", 1);
  store_pin (f, store_meet (f, STORE_UID, MAPS), APP, "c.example", 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  STORE_TEST_ADD ("/core/store/apps/apart", test_apart);
  STORE_TEST_ADD ("/core/store/apps/binds", test_binds);
  STORE_TEST_ADD ("/core/store/apps/sees", test_sees);
  STORE_TEST_ADD ("/core/store/apps/block-is-hidden", test_block_of_the_user_is_hidden);
  STORE_TEST_ADD ("/core/store/apps/unpins", test_unpins_its_own);
  STORE_TEST_ADD ("/core/store/apps/folders", test_folders);
  STORE_TEST_ADD ("/core/store/apps/generations", test_generations);
  STORE_TEST_ADD ("/core/store/apps/share", test_share);
  return g_test_run ();
}
