/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that an app's number is never another app's, that only apps which have nothing make room
 * for others, and what is made of folders of apps that a restart finds. */

#include "config.h"

#include "daemon/core/base/cpd-fault.h"
#include "tests/core/pins/store-fixture.h"

#include <glib/gstdio.h>

#include <string.h>
#include <unistd.h>

#define APP  CPD_LAYER_APP
#define USER CPD_LAYER_USER
#define UID  STORE_OTHER_UID

#define WEATHER "flatpak:org.example.Weather"

static CpdApps *
get_apps (StoreFixture *f)
{
  return cpd_store_get_apps (f->store);
}

/* Returns: (transfer full) */
static char *
name_of (unsigned int number)
{
  return g_strdup_printf ("flatpak:org.example.App_%u", number);
}

static void
fill (StoreFixture *f, unsigned int count)
{
  for (unsigned int i = 0; i < count; i++)
    {
      g_autofree char *name = name_of (i);

      store_meet (f, UID, name);
    }
}

static gboolean
is_known (StoreFixture *f, guint32 uid, const char *name)
{
  CpdOwner owner;

  return cpd_apps_lookup (get_apps (f), uid, name, &owner);
}

static void
refuse_one_more (StoreFixture *f)
{
  g_autoptr (GError) error = NULL;
  CpdOwner owner;

  g_assert_false (cpd_store_meet_app (f->store, UID, WEATHER, &owner, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED);
  g_assert_nonnull (strstr (error->message, WEATHER));
  g_assert_false (is_known (f, UID, WEATHER));
}

static void
test_numbers (StoreFixture *f, gconstpointer user_data)
{
  CpdOwner first = store_meet (f, UID, WEATHER), other = store_meet (f, UID, "snap:demo"),
           of_another = store_meet (f, STORE_UID, WEATHER);
  g_autoptr (GArray) apps = cpd_apps_list (get_apps (f), UID);

  g_assert_true (cpd_owner_is_app (first));
  g_assert_cmpuint (cpd_owner_get_uid (first), ==, UID);
  g_assert_cmpuint (first, !=, other);
  g_assert_cmpuint (first >> 32, !=, of_another >> 32);
  g_assert_cmpuint (store_meet (f, UID, WEATHER), ==, first);
  g_assert_cmpstr (cpd_apps_get_name (get_apps (f), first), ==, WEATHER);
  g_assert_null (cpd_apps_get_name (get_apps (f), UID));
  g_assert_cmpuint (apps->len, ==, 2);
}

/* Each has to go for a later one; whoever comes back is somebody new. */
static void
test_numbers_are_not_reused (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (GHashTable) seen = cpd_owner_table_new (NULL);
  unsigned int met = 0;

  for (unsigned int i = 0; i < 4 * CPD_APPS_MAX; i++)
    {
      g_autofree char *name = name_of (i % (2 * CPD_APPS_MAX));
      gboolean known = is_known (f, UID, name);
      CpdOwner owner = store_meet (f, UID, name);

      g_assert_cmpint (g_hash_table_contains (seen, &owner), ==, known);
      cpd_owner_table_set (seen, owner, f);
      met += !known;
    }
  g_assert_cmpuint (g_hash_table_size (seen), ==, met);
  g_assert_cmpuint (met, >, 2 * CPD_APPS_MAX);
}

static void
test_bound (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (GArray) apps = NULL;

  fill (f, CPD_APPS_MAX);
  store_meet (f, STORE_UID, WEATHER);
  g_assert_cmpuint (f->forgotten->len, ==, 0);
  store_meet (f, UID, WEATHER);
  apps = cpd_apps_list (get_apps (f), UID);
  g_assert_cmpuint (apps->len, ==, CPD_APPS_MAX);
  g_assert_cmpuint (f->forgotten->len, ==, 1);
  g_assert_cmpuint (cpd_owner_get_uid (g_array_index (f->forgotten, CpdOwner, 0)), ==, UID);
  g_assert_true (is_known (f, UID, WEATHER));
  g_assert_true (is_known (f, STORE_UID, WEATHER));
}

static void
test_held_is_not_forgotten (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (GArray) apps = NULL;

  fill (f, CPD_APPS_MAX);
  apps = cpd_apps_list (get_apps (f), UID);
  for (unsigned int i = 0; i < apps->len; i++)
    cpd_apps_hold (get_apps (f), g_array_index (apps, CpdOwner, i));
  cpd_apps_hold (get_apps (f), g_array_index (apps, CpdOwner, 5));
  refuse_one_more (f);
  cpd_apps_release (get_apps (f), g_array_index (apps, CpdOwner, 5));
  refuse_one_more (f);
  cpd_apps_release (get_apps (f), g_array_index (apps, CpdOwner, 5));
  store_meet (f, UID, WEATHER);
  g_assert_cmpuint (f->forgotten->len, ==, 1);
  g_assert_cmpuint (g_array_index (f->forgotten, CpdOwner, 0), ==,
                    g_array_index (apps, CpdOwner, 5));
  g_assert_null (cpd_apps_get_name (get_apps (f), g_array_index (apps, CpdOwner, 5)));
}

/* One by one they get a pin, the last of them a block. */
static void
test_pinned_is_not_forgotten (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (GArray) apps = NULL;
  CpdOwner last;

  fill (f, CPD_APPS_MAX);
  apps = cpd_apps_list (get_apps (f), UID);
  last = g_array_index (apps, CpdOwner, CPD_APPS_MAX - 1);
  for (unsigned int i = 0; i + 1 < apps->len; i++)
    store_pin (f, g_array_index (apps, CpdOwner, i), APP, "h.example", 1);
  store_block (f, last, APP, "h.example");
  refuse_one_more (f);
  g_assert_true (store_remove_pin_of (f, last, APP, "h.example", NULL));
  store_meet (f, UID, WEATHER);
  g_assert_cmpuint (g_array_index (f->forgotten, CpdOwner, 0), ==, last);
  g_assert_cmpuint (f->forgotten->len, ==, 1);
}

static void
on_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (CpdPin) pin = cpd_store_change_finish (CPD_STORE (source), result, NULL);

  g_assert_nonnull (pin);
  *(gboolean *)user_data = TRUE;
}

/* It has no pin yet, but will have one in a moment. */
static void
test_written_is_not_forgotten (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = test_pin ("h.example", APP, 1);
  g_autoptr (GArray) apps = NULL;
  gboolean done = FALSE;

  fill (f, CPD_APPS_MAX);
  apps = cpd_apps_list (get_apps (f), UID);
  for (unsigned int i = 1; i < apps->len; i++)
    cpd_apps_hold (get_apps (f), g_array_index (apps, CpdOwner, i));
  cpd_store_set_pin_async (f->store, g_array_index (apps, CpdOwner, 0), pin, on_done, &done);
  refuse_one_more (f);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
  refuse_one_more (f);
}

/* An app that is met again after it was forgotten has nothing of what it had. */
static void
test_forgotten_has_nothing (StoreFixture *f, gconstpointer user_data)
{
  CpdOwner before = store_meet (f, UID, WEATHER), after;
  guint64 generation;

  store_pin (f, before, APP, "h.example", 1);
  g_assert_true (store_remove_pin_of (f, before, APP, "h.example", NULL));
  generation = cpd_store_get_generation (f->store, before);
  g_assert_cmpuint (generation, >, cpd_store_get_generation (f->store, UID));
  for (unsigned int i = 0; i < CPD_APPS_MAX; i++)
    {
      g_autofree char *name = name_of (i);

      cpd_apps_hold (get_apps (f), store_meet (f, UID, name));
    }
  g_assert_false (is_known (f, UID, WEATHER));
  cpd_apps_release (get_apps (f), store_meet (f, UID, "flatpak:org.example.App_0"));
  g_assert_cmpuint (cpd_store_get_generation (f->store, before), <, generation);
  after = store_meet (f, UID, WEATHER);
  g_assert_cmpuint (after, !=, before);
  g_assert_cmpuint (cpd_store_get_generation (f->store, after), ==,
                    cpd_store_get_generation (f->store, UID));
}

static void
on_failed (CpdLogbook *logbook, const char *message, unsigned int *failures)
{
  (*failures)++;
}

static void
finish_writing (CpdLogbook *logbook)
{
  while (cpd_logbook_is_busy (logbook))
    g_main_context_iteration (NULL, TRUE);
}

/* It is forgotten just while what was seen for it is written, which fails: that is not tried
 * again. */
static void
test_forgotten_while_seen (StoreFixture *f, gconstpointer user_data)
{
  CpdLogbook *logbook = cpd_store_get_logbook (f->store);
  CpdOwner app = store_meet (f, UID, WEATHER);
  g_autofree char *folder
      = g_build_filename (f->state, "apps/4200000/flatpak/org.example.Weather", NULL);
  g_autoptr (GPtrArray) keys = g_ptr_array_new_with_free_func ((GDestroyNotify)certpin_key_unref);
  const CpdObservation observation = { keys, "CN=h.example", "CN=CA", G_MAXINT64, TEST_PKI_NOW };
  g_autoptr (CpdPin) pin = NULL;
  unsigned int failures = 0;

  store_pin (f, app, APP, "h.example", 1);
  pin = store_get (f, app, APP, "h.example");
  g_ptr_array_add (keys, test_key (1));
  cpd_logbook_note (logbook, app, pin, &observation);
  g_signal_connect (logbook, "failed", G_CALLBACK (on_failed), &failures);
  store_break (folder);
  cpd_logbook_write (logbook);
  cpd_logbook_forget (logbook, app);
  g_assert_nonnull (cpd_logbook_lookup (logbook, app, pin)); /* while it is being written */
  finish_writing (logbook);
  g_assert_cmpuint (failures, ==, 1);
  g_assert_null (cpd_logbook_lookup (logbook, app, pin));
  cpd_logbook_write (logbook);
  finish_writing (logbook);
  g_assert_cmpuint (failures, ==, 1);
  store_heal (folder);
}

/* What a folder in the state folder of a restart does. */

static void
pin_app (StoreFixture *f, guint32 uid, const char *name, guint8 fill)
{
  store_pin (f, store_meet (f, uid, name), APP, "h.example", fill);
}

static void
write_app (StoreFixture *f, const char *folder, guint8 fill)
{
  g_autofree char *path = g_build_filename (f->state, folder, NULL);

  store_write (path, "h.example.pin", "h.example", fill);
}

static void
assert_pinned (StoreFixture *f, guint32 uid, const char *name, guint8 fill)
{
  g_autoptr (CpdPin) pin = store_get (f, store_meet (f, uid, name), APP, "h.example");
  g_autoptr (CertpinKey) key = test_key (fill);

  g_assert_nonnull (pin);
  g_assert_true (cpd_pin_has_key (pin, key));
}

/* Whether whoever asks is refused all hosts, by this layer. */
static gboolean
is_refused_all (StoreFixture *f, CpdOwner owner, CpdLayer layer)
{
  g_autoptr (CpdPin) pin = store_get (f, owner, layer, "whatever.example");

  return pin != NULL && pin->state == CPD_STATE_BLOCKED;
}

/* Returns: (transfer none): the problem that names this */
static const CpdFault *
assert_told_of (StoreFixture *f, const char *text)
{
  for (unsigned int i = 0; i < f->problems->len; i++)
    {
      g_autofree char *line = cpd_fault_to_text (f->problems->pdata[i]);

      g_test_message ("%s", line);
      if (strstr (line, text) != NULL)
        return f->problems->pdata[i];
    }
  g_assert_not_reached ();
}

/* With what follows and what to do, to which nothing is added later. */
static void
assert_told_in_full (StoreFixture *f, const char *text, const char *more)
{
  const CpdFault *problem = assert_told_of (f, text);

  g_assert_true (problem->says_all && strstr (problem->sentence, "restart certpind") != NULL);
  g_assert_nonnull (strstr (problem->sentence, more));
}

static void
test_loads (StoreFixture *f, gconstpointer user_data)
{
  pin_app (f, UID, WEATHER, 1);
  pin_app (f, UID, "snap:demo_key", 2);
  pin_app (f, STORE_UID, WEATHER, 3);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 0);
  g_assert_true (is_known (f, UID, WEATHER));
  assert_pinned (f, UID, WEATHER, 1);
  assert_pinned (f, UID, "snap:demo_key", 2);
  assert_pinned (f, STORE_UID, WEATHER, 3);
  g_assert_false (is_refused_all (f, UID, USER));
}

/* Never in that of its user. */
static void
test_unknown_has_no_folder (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *of_user = cpd_apps_make_folder (get_apps (f), UID);
  g_autofree char *of_app = cpd_apps_make_folder (get_apps (f), store_meet (f, UID, WEATHER));

  g_assert_cmpstr (of_user, ==, "users/4200000");
  g_assert_cmpstr (of_app, ==, "apps/4200000/flatpak/org.example.Weather");
  g_assert_null (cpd_apps_make_folder (get_apps (f), cpd_owner_new_app (UID, 0)));
}

static gboolean
is_there (StoreFixture *f, const char *name)
{
  g_autofree char *path = g_build_filename (f->state, name, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* With its last pin, and not before. */
static void
test_folder_goes (StoreFixture *f, gconstpointer user_data)
{
  const char *folder = "apps/4200000/flatpak/org.example.Weather";
  g_autofree char *path = g_build_filename (f->state, folder, NULL);
  CpdOwner app = store_meet (f, UID, WEATHER);

  for (int turn = 0; turn < 2; turn++)
    {
      store_pin (f, app, APP, "one.example", 1);
      store_pin (f, app, APP, "two.example", 1);
      store_write (path, "sightings", "h.example", 1);
      g_assert_true (store_remove_pin_of (f, app, APP, "one.example", NULL));
      g_assert_true (is_there (f, "apps/4200000/flatpak/org.example.Weather/two.example.pin"));
      g_assert_true (is_there (f, "apps/4200000/flatpak/org.example.Weather/sightings"));
      g_assert_true (store_remove_pin_of (f, app, APP, "two.example", NULL));
      g_assert_false (is_there (f, folder));
    }
  g_assert_true (is_there (f, "apps/4200000/flatpak"));
  store_pin (f, UID, USER, "one.example", 1);
  g_assert_true (store_remove_pin_of (f, UID, USER, "one.example", NULL));
  g_assert_true (is_there (f, "users/4200000"));
}

/* What is not the service's stays. */
static void
test_folders_without_pins (StoreFixture *f, gconstpointer user_data)
{
  const char *folders[] = { "apps/4200000/flatpak/org.example.App_1",
                            "apps/4200000/flatpak/org.example.App_2", "apps/4200000/snap/demo" };
  static const char *const files[] = { "sightings", ".old", "README" };
  g_autoptr (GArray) apps = NULL;

  pin_app (f, UID, WEATHER, 1);
  for (size_t i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *path = g_build_filename (f->state, folders[i], NULL);

      store_write (path, files[i], "h.example", 1);
    }
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 0);
  apps = cpd_apps_list (get_apps (f), UID);
  g_assert_cmpuint (apps->len, ==, 1);
  assert_pinned (f, UID, WEATHER, 1);
  g_assert_false (is_there (f, folders[0]));
  g_assert_false (is_there (f, folders[1]));
  g_assert_true (is_there (f, "apps/4200000/snap/demo/README"));
}

/* All of them have a block, as the files do not say whose they are. So none is left out, and there
 * is no room for more. */
static void
test_loads_more_than_the_bound (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (GArray) apps = NULL;

  for (unsigned int i = 0; i < CPD_APPS_MAX + 3; i++)
    {
      g_autofree char *folder = g_strdup_printf ("apps/4200000/flatpak/org.example.App_%u", i);

      write_app (f, folder, 1);
    }
  store_fixture_reopen (f);
  apps = cpd_apps_list (get_apps (f), UID);
  g_assert_cmpuint (apps->len, ==, CPD_APPS_MAX + 3);
  refuse_one_more (f);
}

static void
test_wrong_names_are_ignored (StoreFixture *f, gconstpointer user_data)
{
  static const char *const folders[] = {
    "apps/x/flatpak/org.example.Weather",      "apps/04200000/flatpak/org.example.Weather",
    "apps/4294967295/flatpak/org.example.App", "apps/-1/flatpak/org.example.App",
    "apps/4200000/appimage/org.example.App",   "apps/4200000/flatpak/org.example",
    "apps/4200000/flatpak/org.example.App:b",  "apps/4200000/snap/Demo",
    "apps/4200000/snap/org.example.Weather",
  };
  g_autoptr (GArray) apps = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (folders); i++)
    write_app (f, folders[i], 1);
  pin_app (f, UID, WEATHER, 2);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, G_N_ELEMENTS (folders));
  assert_told_in_full (f, "apps/x", "is ignored");
  assert_told_in_full (f, "apps/04200000", "is ignored");
  assert_told_in_full (f, "apps/4294967295", "is ignored");
  assert_told_in_full (f, "apps/4200000/appimage", "is ignored");
  assert_told_in_full (f, "apps/4200000/flatpak/org.example:", "is ignored");
  assert_told_in_full (f, "apps/4200000/flatpak/org.example.App:b", "is ignored");
  assert_told_in_full (f, "apps/4200000/snap/Demo", "is ignored");
  apps = cpd_apps_list (get_apps (f), UID);
  g_assert_cmpuint (apps->len, ==, 1);
  assert_pinned (f, UID, WEATHER, 2);
  g_assert_false (is_refused_all (f, UID, USER));
}

/* Whether an export of the app, known or not, would leave out pins that it may have. */
static void
assert_unknown (StoreFixture *f, guint32 uid, gboolean is_unknown)
{
  const char *of_app = cpd_store_get_block (f->store, APP, store_meet (f, uid, WEATHER)),
             *of_another = cpd_store_get_block (f->store, APP, cpd_owner_new_app (uid, 0));

  g_assert_cmpint (of_app != NULL, ==, is_unknown);
  g_assert_cmpint (of_another != NULL, ==, is_unknown);
  g_assert_null (cpd_store_get_block (f->store, APP, uid)); /* whose programs are no app */
}

/* Whatever step of the way cannot be read: what it may have held applied to that user's apps. */
static void
test_unreadable_blocks_the_user (StoreFixture *f, gconstpointer user_data)
{
  static const char *const folders[] = { "apps/4200000", "apps/4200000/flatpak" };

  for (size_t i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *path = g_build_filename (f->state, folders[i], NULL);

      pin_app (f, UID, WEATHER, 1);
      store_break (path);
      store_fixture_reopen (f);
      assert_told_in_full (f, "all of its requests are refused", folders[i]);
      g_assert_true (is_refused_all (f, UID, USER));
      g_assert_true (is_refused_all (f, store_meet (f, UID, "snap:demo"), USER));
      g_assert_false (is_refused_all (f, STORE_UID, USER));
      assert_unknown (f, UID, TRUE);
      assert_unknown (f, STORE_UID, FALSE);
      store_heal (path);
      store_fixture_reopen (f);
      g_assert_false (is_refused_all (f, UID, USER));
      assert_unknown (f, UID, FALSE);
      assert_pinned (f, UID, WEATHER, 1);
    }
}

/* It is that app's alone. */
static void
test_unreadable_app_is_blocked (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path
      = g_build_filename (f->state, "apps/4200000/flatpak/org.example.Weather", NULL);

  pin_app (f, UID, WEATHER, 1);
  store_break (path);
  store_fixture_reopen (f);
  assert_told_of (f, "apps/4200000/flatpak/org.example.Weather");
  g_assert_true (is_refused_all (f, store_meet (f, UID, WEATHER), APP));
  g_assert_false (is_refused_all (f, store_meet (f, UID, "snap:demo"), APP));
  g_assert_false (is_refused_all (f, UID, USER));
}

static void
test_unreadable_top_blocks_everybody (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = g_build_filename (f->state, "apps", NULL);

  pin_app (f, UID, WEATHER, 1);
  store_break (path);
  store_fixture_reopen (f);
  assert_told_in_full (f, "all requests are refused", "apps");
  g_assert_true (is_refused_all (f, STORE_UID, CPD_LAYER_SYSTEM));
  g_assert_true (is_refused_all (f, store_meet (f, UID, WEATHER), CPD_LAYER_SYSTEM));
}

/* Pins of a uid that another service may have by now. */
static void
test_dynamic (StoreFixture *f, gconstpointer user_data)
{
  write_app (f, "apps/61200/flatpak/org.example.Weather", 1);
  store_fixture_reopen (f);
  assert_told_in_full (f, "all requests of that uid are refused", "apps/61200");
  g_assert_true (is_refused_all (f, STORE_DYNAMIC_UID, USER));
  g_assert_true (is_refused_all (f, store_meet (f, STORE_DYNAMIC_UID, "snap:demo"), USER));
  g_assert_false (is_refused_all (f, UID, USER));
}

static void
test_dynamic_is_not_kept (StoreFixture *f, gconstpointer user_data)
{
  CpdOwner owner = store_meet (f, STORE_DYNAMIC_UID, WEATHER);
  g_autoptr (CpdPin) before = NULL, after = NULL;
  g_autofree char *path = g_build_filename (f->state, "apps", NULL);

  store_pin (f, owner, APP, "h.example", 1);
  before = store_get (f, owner, APP, "h.example");
  g_assert_nonnull (before);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  store_fixture_reopen (f);
  after = store_get (f, store_meet (f, STORE_DYNAMIC_UID, WEATHER), APP, "h.example");
  g_assert_null (after);
}

static unsigned int
count_told (StoreFixture *f, CpdOwner owner)
{
  g_autoptr (GPtrArray) told = cpd_store_get_problems (f->store, owner);

  return told->len;
}

/* What is wrong with a user's pins may name hosts, which that user's apps must not learn. */
static void
test_who_is_told (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *users = g_build_filename (f->state, "users/4200000", NULL);
  g_autofree char *app
      = g_build_filename (f->state, "apps/4200000/flatpak/org.example.Weather", NULL);
  g_autofree char *of_user = test_folder_write (users, "secret.example.pin", "broken");
  g_autofree char *of_app = test_folder_write (app, "h.example.pin", "broken");

  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 2);
  g_assert_cmpuint (count_told (f, 0), ==, 2);
  g_assert_cmpuint (count_told (f, UID), ==, 2);
  g_assert_cmpuint (count_told (f, store_meet (f, UID, WEATHER)), ==, 1);
  g_assert_cmpuint (count_told (f, store_meet (f, UID, "snap:demo")), ==, 0);
  g_assert_cmpuint (count_told (f, UID + 1), ==, 0);
  g_assert_cmpuint (count_told (f, store_meet (f, 0, WEATHER)), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  STORE_TEST_ADD ("/core/apps/numbers", test_numbers);
  STORE_TEST_ADD ("/core/apps/numbers-are-not-reused", test_numbers_are_not_reused);
  STORE_TEST_ADD ("/core/apps/bound", test_bound);
  STORE_TEST_ADD ("/core/apps/held", test_held_is_not_forgotten);
  STORE_TEST_ADD ("/core/apps/pinned", test_pinned_is_not_forgotten);
  STORE_TEST_ADD ("/core/apps/written", test_written_is_not_forgotten);
  STORE_TEST_ADD ("/core/apps/forgotten", test_forgotten_has_nothing);
  STORE_TEST_ADD ("/core/apps/forgotten-while-seen", test_forgotten_while_seen);
  STORE_TEST_ADD ("/core/apps/loads", test_loads);
  STORE_TEST_ADD ("/core/apps/unknown", test_unknown_has_no_folder);
  STORE_TEST_ADD ("/core/apps/folder-goes", test_folder_goes);
  STORE_TEST_ADD ("/core/apps/folders-without-pins", test_folders_without_pins);
  STORE_TEST_ADD ("/core/apps/loads-many", test_loads_more_than_the_bound);
  STORE_TEST_ADD ("/core/apps/wrong-names", test_wrong_names_are_ignored);
  STORE_TEST_ADD ("/core/apps/unreadable", test_unreadable_blocks_the_user);
  STORE_TEST_ADD ("/core/apps/unreadable-app", test_unreadable_app_is_blocked);
  STORE_TEST_ADD ("/core/apps/unreadable-top", test_unreadable_top_blocks_everybody);
  STORE_TEST_ADD ("/core/apps/dynamic", test_dynamic);
  STORE_TEST_ADD ("/core/apps/dynamic-is-not-kept", test_dynamic_is_not_kept);
  STORE_TEST_ADD ("/core/apps/who-is-told", test_who_is_told);
  return g_test_run ();
}
