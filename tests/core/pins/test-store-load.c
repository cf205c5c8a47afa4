/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what a store makes of run-time files that somebody broke, moved or forged: it starts, it
 * says so, and what the file may have been about is refused. */

#include "config.h"

#include "tests/core/pins/store-fixture.h"

#include "daemon/core/base/cpd-fault.h"
#include "daemon/core/pins/cpd-pin-file-name.h"
#include "daemon/core/pins/cpd-pin-file.h"
#include "daemon/core/pins/cpd-pin-folder.h"

#include <glib/gstdio.h>

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM CPD_LAYER_SYSTEM
#define USER   CPD_LAYER_USER

/* Writes a file into the system's folder, beside a good one of good.example, and starts anew. */
static char *
restart_with (StoreFixture *f, const char *name, const char *contents)
{
  char *path = test_folder_write (f->system, name, contents);

  store_write (f->system, "good.example.pin", "good.example", 9);
  store_fixture_reopen (f);
  return path;
}

static void
test_good_file (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *text = store_format ("h.example", 1);
  g_autofree char *path = restart_with (f, "h.example.pin", text);

  g_assert_cmpuint (f->problems->len, ==, 0);
  store_assert_key (f, SYSTEM, "h.example", 1);
  store_assert_key (f, SYSTEM, "good.example", 9);
}

static void
test_broken_file_blocks_its_host (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = restart_with (f, "h.example.pin", "broken");

  g_assert_cmpuint (f->problems->len, ==, 1);
  store_assert_blocked (f, SYSTEM, "h.example");
  store_assert_key (f, SYSTEM, "good.example", 9);
  store_assert_silent (f, SYSTEM, "other.example");
}

/* As a later certpind may have written it, before it was replaced by this one. */
static void
test_newer_format_blocks_its_host (StoreFixture *f, gconstpointer user_data)
{
  static const char text[] = "[Pin File]\nVersion=2\nMore=1\n[Pin]\nHosts=h.example\n";
  g_autofree char *path = restart_with (f, "h.example.pin", text);
  g_autofree char *contents = NULL;

  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 1);
  store_assert_blocked (f, SYSTEM, "h.example");
  store_assert_key (f, SYSTEM, "good.example", 9);
  g_assert_true (g_file_get_contents (path, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, text);
}

static void
test_empty_file_blocks_its_host (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = restart_with (f, "h.example.pin", "");

  store_assert_blocked (f, SYSTEM, "h.example");
  store_assert_key (f, SYSTEM, "good.example", 9);
}

/* Up to the key's last character: a key may be written without its padding. */
static void
test_torn_file_blocks_its_host (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *text = store_format ("h.example", 1);

  for (size_t length = 0; length < strlen (text) - strlen ("=\n"); length++)
    {
      g_autofree char *part = g_strndup (text, length);
      g_autofree char *path = restart_with (f, "h.example.pin", part);

      store_assert_blocked (f, SYSTEM, "h.example");
    }
}

static void
test_broken_file_is_kept (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = restart_with (f, "h.example.pin", "broken");
  g_autofree char *contents = NULL;

  g_assert_true (g_file_get_contents (path, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "broken");
}

static void
test_broken_file_is_healed_by_pinning (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = restart_with (f, "h.example.pin", "broken");

  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  store_assert_key (f, SYSTEM, "h.example", 1);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 0);
  store_assert_key (f, SYSTEM, "h.example", 1);
}

static void
test_undecodable_name_blocks_the_layer (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = restart_with (f, "a..b.pin", "broken");

  g_assert_cmpuint (f->problems->len, ==, 1);
  store_assert_blocked (f, SYSTEM, "good.example");
  store_assert_blocked (f, SYSTEM, "other.example");
}

static void
test_moved_file_blocks_both_hosts (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *text = store_format ("b.example", 1);
  g_autofree char *path = restart_with (f, "a.example.pin", text);

  g_assert_cmpuint (f->problems->len, ==, 1);
  store_assert_blocked (f, SYSTEM, "a.example");
  store_assert_blocked (f, SYSTEM, "b.example");
}

/* What would not outlive the next start is not acknowledged. The file of the host's own name is
 * replaced. */
static void
test_moved_file_is_not_healed_by_pinning (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *text = store_format ("b.example", 1);
  g_autofree char *path = restart_with (f, "a.example.pin", text);
  g_autoptr (CpdPin) pin = test_pin ("b.example", SYSTEM, 2);
  g_autoptr (GError) set_error = NULL, remove_error = NULL;

  g_assert_false (store_set_pin (f, STORE_UID, pin, &set_error));
  g_assert_error (set_error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
  g_assert_nonnull (strstr (set_error->message, path));
  g_assert_false (store_remove_pin (f, SYSTEM, "b.example", &remove_error));
  g_assert_error (remove_error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
  store_pin (f, STORE_UID, SYSTEM, "a.example", 3);
  store_assert_blocked (f, SYSTEM, "b.example");
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 0);
  store_assert_key (f, SYSTEM, "a.example", 3);
  store_pin (f, STORE_UID, SYSTEM, "b.example", 2);
  store_assert_key (f, SYSTEM, "b.example", 2);
}

static void
test_two_pins_in_one_file_block_both (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *first = store_format ("h.example", 1);
  g_autofree char *text
      = g_strconcat (first, "[Second]\nHost=b.example\n", strstr (first, "Keys="), NULL);
  g_autofree char *path = restart_with (f, "h.example.pin", text);

  store_assert_blocked (f, SYSTEM, "h.example");
  store_assert_blocked (f, SYSTEM, "b.example");
}

/* The name says only that it was cut, but the file's Host= can still be read. */
static void
test_broken_long_name_blocks_its_host (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *label = g_strnfill (63, 'a');
  g_autofree char *host = g_strjoin (".", label, label, label, "example", NULL);
  g_autofree char *text
      = g_strdup_printf ("[Pin File]\nVersion=1\n[Pin]\nHost=%s\nKeys=nonsense\n", host);
  g_autoptr (CpdHost) parsed = test_host (host);
  g_autofree char *name = cpd_pin_file_name (parsed);
  g_autofree char *path = restart_with (f, name, text);

  store_assert_blocked (f, SYSTEM, host);
  store_assert_key (f, SYSTEM, "good.example", 9);
}

/* Two files of one host, of which one is broken: whatever the order in which the folder lists
 * them. */
static void
test_broken_namesake_blocks (StoreFixture *f, gconstpointer user_data)
{
  static const char *const names[] = { "H.example.pin", "h.example..pin", "%68.example.pin",
                                       "h%2Eexample.pin", "h.exampl%65.pin" };
  g_autofree char *text = store_format ("h.example", 1);

  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *good = test_folder_write (f->system, "h.example.pin", text);
      g_autofree char *path = restart_with (f, names[i], "broken");

      store_assert_blocked (f, SYSTEM, "h.example");
      g_assert_no_errno (g_unlink (path));
    }
}

static void
test_link_is_not_followed (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *target = g_build_filename (f->folder, "target", NULL);
  g_autofree char *path = g_build_filename (f->system, "h.example.pin", NULL);

  store_write (f->folder, "target", "h.example", 1);
  store_write (f->system, "good.example.pin", "good.example", 9);
  g_assert_no_errno (symlink (target, path));
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 1);
  store_assert_blocked (f, SYSTEM, "h.example");
  store_assert_key (f, SYSTEM, "good.example", 9);
}

static void
test_writing_does_not_follow_a_link (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *target = test_folder_write (f->folder, "target", "untouched");
  g_autofree char *path = g_build_filename (f->system, "h.example.pin", NULL);
  g_autofree char *contents = NULL;

  g_assert_no_errno (g_mkdir_with_parents (f->system, 0700));
  g_assert_no_errno (symlink (target, path));
  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  g_assert_true (g_file_get_contents (target, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "untouched");
  store_fixture_reopen (f);
  store_assert_key (f, SYSTEM, "h.example", 1);
}

static void
test_what_is_no_file_blocks_its_host (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *folder = g_build_filename (f->system, "a.example.pin", NULL);
  g_autofree char *pipe_path = g_build_filename (f->system, "b.example.pin", NULL);

  g_assert_no_errno (g_mkdir_with_parents (folder, 0700));
  g_assert_no_errno (mkfifo (pipe_path, 0600));
  store_fixture_reopen (f);
  store_assert_blocked (f, SYSTEM, "a.example");
  store_assert_blocked (f, SYSTEM, "b.example");
}

static void
test_folder_that_is_a_link_blocks_the_layer (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *elsewhere = g_build_filename (f->folder, "elsewhere", NULL);

  store_write (elsewhere, "h.example.pin", "h.example", 1);
  g_assert_no_errno (symlink (elsewhere, f->system));
  store_fixture_reopen (f);
  store_assert_blocked (f, SYSTEM, "h.example");
  store_assert_blocked (f, SYSTEM, "other.example");
}

static GError *
fail_to_pin (StoreFixture *f, CpdLayer layer)
{
  g_autoptr (CpdPin) pin = test_pin ("h.example", layer, 1);
  GError *error = NULL;

  g_assert_false (store_set_pin (f, STORE_UID, pin, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
  return error;
}

/* Whatever step of the way is a link: what it leads to is neither read nor written, nor removed
 * from. */
static void
test_no_link_on_the_way (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *users = g_build_filename (f->state, "users", NULL);
  const struct
  {
    const char *path;
    CpdLayer layer;
  } cases[] = { { f->system, SYSTEM }, { f->user, USER }, { users, USER } };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *away = g_build_filename (f->folder, "away", NULL);
      g_autoptr (GError) set_error = NULL, remove_error = NULL;

      store_pin (f, STORE_UID, cases[i].layer, "good.example", 1);
      g_assert_no_errno (g_rename (cases[i].path, away));
      g_assert_no_errno (symlink (away, cases[i].path));
      set_error = fail_to_pin (f, cases[i].layer);
      g_assert_nonnull (strstr (set_error->message, "is a symbolic link"));
      g_assert_false (store_remove_pin (f, cases[i].layer, "good.example", &remove_error));
      g_assert_error (remove_error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
      store_fixture_reopen (f);
      g_assert_cmpuint (f->problems->len, ==, 1);
      store_assert_blocked (f, cases[i].path == users ? SYSTEM : cases[i].layer, "h.example");
      g_assert_no_errno (g_unlink (cases[i].path));
      g_assert_no_errno (g_rename (away, cases[i].path));
      store_fixture_reopen (f);
      store_assert_key (f, cases[i].layer, "good.example", 1);
      store_assert_silent (f, cases[i].layer, "h.example");
    }
}

static void
assert_left (const char *folder, const char *name, gboolean is)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  if (g_file_test (path, G_FILE_TEST_EXISTS) != is)
    g_test_message ("%s", path);
  g_assert_cmpint (g_file_test (path, G_FILE_TEST_EXISTS), ==, is);
}

/* Of this version and of earlier ones; but nothing that somebody else may have put there. */
static void
test_leftovers_are_removed (StoreFixture *f, gconstpointer user_data)
{
  static const char *const ours[]
      = { ".new", ".old", "h.example.pin.AB3xYz", "%2A.h.example.pin.000000" };
  static const char *const others[]
      = { "h.example.pin.backup", "h.example.pin.AB3xY",  "h.example.pin~",
          "h.example.AB3xYz",     "h.example.pin.AB3.Yz", ".hidden" };
  const char *const folders[] = { f->system, f->user };

  for (size_t i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      for (size_t n = 0; n < G_N_ELEMENTS (ours); n++)
        store_write (folders[i], ours[n], "h.example", 1);
      for (size_t n = 0; n < G_N_ELEMENTS (others); n++)
        store_write (folders[i], others[n], "h.example", 1);
      store_fixture_reopen (f);
      g_assert_cmpuint (f->problems->len, ==, 0);
      for (size_t n = 0; n < G_N_ELEMENTS (ours); n++)
        assert_left (folders[i], ours[n], FALSE);
      for (size_t n = 0; n < G_N_ELEMENTS (others); n++)
        assert_left (folders[i], others[n], TRUE);
    }
}

static void
test_leftovers_that_are_no_files_stay (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *target = test_folder_write (f->folder, "target", "untouched");
  g_autofree char *link_path = g_build_filename (f->system, "h.example.pin.AB3xYz", NULL);
  g_autofree char *folder = g_build_filename (f->system, "b.example.pin.AB3xYz", NULL);

  g_assert_no_errno (g_mkdir_with_parents (folder, 0700));
  g_assert_no_errno (symlink (target, link_path));
  store_fixture_reopen (f);
  g_assert_true (g_file_test (link_path, G_FILE_TEST_IS_SYMLINK));
  g_assert_true (g_file_test (folder, G_FILE_TEST_IS_DIR));
}

/* As --check does, beside a service that may just be writing it. */
static void
test_who_only_looks_removes_nothing (StoreFixture *f, gconstpointer user_data)
{
  static const char *const no_dirs[] = { NULL };
  const CpdStoreSettings settings = { .state_dir = f->state, .pins_dirs = no_dirs };
  g_autoptr (CpdStore) looking = cpd_store_new (&settings);
  g_autoptr (GPtrArray) problems = NULL;

  store_write (f->system, ".new", "h.example", 1);
  problems = cpd_store_load (looking);
  g_assert_cmpuint (problems->len, ==, 0);
  assert_left (f->system, ".new", TRUE);
}

static void
assert_may_only_look (StoreFixture *f)
{
  g_autoptr (CpdPin) pin = test_pin ("b.example", SYSTEM, 2);
  g_autoptr (GError) set_error = NULL, remove_error = NULL;

  g_assert_false (store_set_pin (f, STORE_UID, pin, &set_error));
  g_assert_error (set_error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
  g_assert_false (store_remove_pin (f, SYSTEM, "h.example", &remove_error));
  g_assert_error (remove_error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
}

/* The second waits in vain, and changes nothing; until the first has gone. */
static void
test_two_stores_of_one_folder (StoreFixture *f, gconstpointer user_data)
{
  static const char *const no_dirs[] = { NULL };
  const CpdStoreSettings settings = { .state_dir = f->state, .pins_dirs = no_dirs };
  CpdStore *first = f->store;
  g_autoptr (GError) error = NULL;

  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  f->store = cpd_store_new (&settings);
  g_assert_false (cpd_store_lock (f->store, /* most_ms= */ 20, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, f->state));
  g_ptr_array_unref (cpd_store_load (f->store));
  store_assert_key (f, SYSTEM, "h.example", 1);
  assert_may_only_look (f);
  g_object_unref (first);
  store_pin (f, STORE_UID, SYSTEM, "h.example", 3);
}

static void
test_folder_that_is_a_file_blocks_the_layer (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = test_folder_write (f->state, "system", "");

  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 1);
  store_assert_blocked (f, SYSTEM, "other.example");
}

/* It was found a moment before. */
static void
test_user_that_disappears_is_blocked (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdStateDir) dir = cpd_state_dir_new (f->state);
  g_autoptr (GPtrArray) problems = cpd_faults_new ();
  g_autoptr (CpdHost) host = test_host ("h.example");
  const CpdPinFileContext user = { .layer = CPD_LAYER_USER },
                          system = { .layer = CPD_LAYER_SYSTEM };
  g_autoptr (CpdPinTable) table = cpd_pin_table_new (CPD_LAYER_USER);
  g_autoptr (CpdPin) pin = NULL;

  cpd_pin_folder_load (dir, "system", &system, table, problems);
  g_assert_cmpuint (problems->len, ==, 0);
  cpd_pin_folder_load (dir, "users/1", &user, table, problems);
  g_assert_cmpuint (problems->len, ==, 1);
  pin = cpd_pin_table_find (table, host);
  g_assert_cmpint (pin->state, ==, CPD_STATE_BLOCKED);
}

static void
test_users_that_are_a_file_block_everybody (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = test_folder_write (f->state, "users", "");
  g_autoptr (CpdPin) pin = NULL;

  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 1);
  pin = store_get (f, STORE_OTHER_UID, SYSTEM, "other.example");
  g_assert_nonnull (pin);
  g_assert_cmpint (pin->state, ==, CPD_STATE_BLOCKED);
}

static void
test_users_that_lead_nowhere_block_everybody (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = g_build_filename (f->state, "users", NULL);

  g_assert_cmpint (g_mkdir_with_parents (f->state, 0700), ==, 0);
  g_assert_cmpint (symlink ("/nonexistent", path), ==, 0);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 1);
  store_assert_blocked (f, SYSTEM, "other.example");
}

/* A folder under users/ that names no uid as it is written is somebody's pins that cannot be
 * assigned. */
static void
test_unknown_user_is_a_problem (StoreFixture *f, gconstpointer user_data)
{
  static const char *const names[] = { "alice", "007", "-1", "4294967295" };

  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *folder = g_build_filename (f->state, "users", names[i], NULL);
      g_autofree char *path = g_build_filename (folder, "h.example.pin", NULL);

      store_write (folder, "h.example.pin", "h.example", 1);
      store_fixture_reopen (f);
      if (f->problems->len != 1)
        g_test_message ("%s", names[i]);
      g_assert_cmpuint (f->problems->len, ==, 1);
      g_assert_no_errno (g_unlink (path));
      g_assert_no_errno (g_rmdir (folder));
    }
}

/* Somebody made it by hand. */
static void
test_folder_of_a_dynamic_uid_blocks (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *folder = g_strdup_printf ("%s/users/%u", f->state, STORE_DYNAMIC_UID);
  g_autoptr (CpdPin) pin = NULL;

  store_pin (f, STORE_UID, SYSTEM, "h.example", 2);
  store_write (folder, "h.example.pin", "h.example", 1);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 1);
  pin = store_get (f, STORE_DYNAMIC_UID, USER, "h.example");
  g_assert_nonnull (pin);
  g_assert_cmpint (pin->state, ==, CPD_STATE_BLOCKED);
}

static void
write_for_account (StoreFixture *f, const char *account)
{
  g_autofree char *text = store_format ("h.example", 1);
  g_autofree char *header = g_strdup_printf ("[Pin File]\nAccount=%s\n", account);
  g_autoptr (GString) whole = g_string_new (text);
  g_autofree char *path = NULL;

  g_string_replace (whole, "[Pin File]\n", header, 1);
  path = test_folder_write (f->user, "h.example.pin", whole->str);
  store_fixture_reopen (f);
}

static void
test_own_account (StoreFixture *f, gconstpointer user_data)
{
  write_for_account (f, "root");
  g_assert_cmpuint (f->problems->len, ==, 0);
  store_assert_key (f, USER, "h.example", 1);
}

static void
test_foreign_account (StoreFixture *f, gconstpointer user_data)
{
  write_for_account (f, "somebody-else");
  g_assert_cmpuint (f->problems->len, ==, 1);
  store_assert_blocked (f, USER, "h.example");
}

static void
test_no_account (StoreFixture *f, gconstpointer user_data)
{
  store_write (f->user, "h.example.pin", "h.example", 1);
  store_fixture_reopen (f);
  store_assert_blocked (f, USER, "h.example");
}

#define ADD(name, function) STORE_TEST_ADD ("/core/store-load/" name, function)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("good-file", test_good_file);
  ADD ("broken/blocks-its-host", test_broken_file_blocks_its_host);
  ADD ("newer-format", test_newer_format_blocks_its_host);
  ADD ("broken/empty-blocks-its-host", test_empty_file_blocks_its_host);
  ADD ("broken/torn-blocks-its-host", test_torn_file_blocks_its_host);
  ADD ("broken/is-kept", test_broken_file_is_kept);
  ADD ("broken/is-healed-by-pinning", test_broken_file_is_healed_by_pinning);
  ADD ("broken/undecodable-name-blocks-the-layer", test_undecodable_name_blocks_the_layer);
  ADD ("broken/moved-blocks-both-hosts", test_moved_file_blocks_both_hosts);
  ADD ("broken/moved-is-not-healed", test_moved_file_is_not_healed_by_pinning);
  ADD ("broken/two-pins-block-both-hosts", test_two_pins_in_one_file_block_both);
  ADD ("broken/long-name-blocks-its-host", test_broken_long_name_blocks_its_host);
  ADD ("broken/namesake-blocks", test_broken_namesake_blocks);
  ADD ("link/is-not-followed", test_link_is_not_followed);
  ADD ("link/is-not-written-through", test_writing_does_not_follow_a_link);
  ADD ("link/folder-blocks-the-layer", test_folder_that_is_a_link_blocks_the_layer);
  ADD ("link/nowhere-on-the-way", test_no_link_on_the_way);
  ADD ("leftovers/are-removed", test_leftovers_are_removed);
  ADD ("leftovers/that-are-no-files-stay", test_leftovers_that_are_no_files_stay);
  ADD ("leftovers/stay-for-who-only-looks", test_who_only_looks_removes_nothing);
  ADD ("two-stores-of-one-folder", test_two_stores_of_one_folder);
  ADD ("no-file-blocks-its-host", test_what_is_no_file_blocks_its_host);
  ADD ("no-folder-blocks-the-layer", test_folder_that_is_a_file_blocks_the_layer);
  ADD ("users/one-that-disappears-is-blocked", test_user_that_disappears_is_blocked);
  ADD ("users/no-folder-blocks-everybody", test_users_that_are_a_file_block_everybody);
  ADD ("users/link-to-nowhere-blocks-everybody", test_users_that_lead_nowhere_block_everybody);
  ADD ("users/unknown-one-is-a-problem", test_unknown_user_is_a_problem);
  ADD ("folder-of-a-dynamic-uid-blocks", test_folder_of_a_dynamic_uid_blocks);
  ADD ("account/own", test_own_account);
  ADD ("account/foreign", test_foreign_account);
  ADD ("account/none", test_no_account);
  return g_test_run ();
}
