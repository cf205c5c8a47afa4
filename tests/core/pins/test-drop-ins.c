/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that pin files of administrators and packages bind everybody, that what cannot be read of
 * them refuses rather than lets through, and that a reload takes over all of them or none. */

#include "config.h"

#include "tests/core/pins/store-fixture.h"
#include "tests/lib/test-loop.h"
#include "tests/lib/test-pki.h"

#include "daemon/core/base/cpd-fault.h"

#include <glib/gstdio.h>

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES CPD_LAYER_FILES

static void
test_missing_folders (StoreFixture *f, gconstpointer user_data)
{
  g_assert_cmpuint (f->problems->len, ==, 0);
  store_assert_silent (f, FILES, "h.example");
}

/* A disk that is not mounted, for one, which is no reason to check nothing. */
static void
test_link_to_nowhere_blocks_everything (StoreFixture *f, gconstpointer user_data)
{
  g_assert_cmpint (symlink ("/nonexistent", f->admin), ==, 0);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 1);
  store_assert_blocked (f, FILES, "h.example");
  g_assert_cmpint (g_unlink (f->admin), ==, 0);
}

static void
test_in_force_for_everybody (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = NULL;
  g_autofree char *source = NULL;

  store_write (f->vendor, "a.pin", "**.h.example", 1);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 0);
  store_assert_key (f, FILES, "www.h.example:443", 1);
  pin = store_get (f, STORE_OTHER_UID, FILES, "h.example");
  g_assert_nonnull (pin);
  source = cpd_pin_source_build_path (pin->source);
  g_assert_true (g_str_has_suffix (source, "/vendor/a.pin"));
}

static void
test_other_files_are_ignored (StoreFixture *f, gconstpointer user_data)
{
  store_write (f->vendor, "a.pin~", "h.example", 1);
  store_write (f->vendor, "README", "h.example", 1);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 0);
  store_assert_silent (f, FILES, "h.example");
}

static void
test_all_names_count (StoreFixture *f, gconstpointer user_data)
{
  store_write (f->vendor, "a.pin", "a.example", 1);
  store_write (f->admin, "b.pin", "b.example", 2);
  store_fixture_reopen (f);
  store_assert_key (f, FILES, "a.example", 1);
  store_assert_key (f, FILES, "b.example", 2);
}

static void
test_same_name_masks (StoreFixture *f, gconstpointer user_data)
{
  store_write (f->vendor, "a.pin", "h.example", 1);
  store_write (f->admin, "a.pin", "h.example", 2);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 0);
  store_assert_key (f, FILES, "h.example", 2);
}

static void
test_empty_file_masks (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = test_folder_write (f->admin, "a.pin", "");

  store_write (f->vendor, "a.pin", "h.example", 1);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 0);
  store_assert_silent (f, FILES, "h.example");
}

static void
test_dev_null_masks (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = g_build_filename (f->admin, "a.pin", NULL);

  store_write (f->vendor, "a.pin", "h.example", 1);
  g_assert_no_errno (g_mkdir (f->admin, 0700));
  g_assert_no_errno (symlink ("/dev/null", path));
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 0);
  store_assert_silent (f, FILES, "h.example");
}

static void
test_broken_file_does_not_unmask (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = test_folder_write (f->admin, "a.pin", "broken");

  store_write (f->vendor, "a.pin", "h.example", 1);
  store_fixture_reopen (f);
  store_assert_blocked (f, FILES, "h.example");
}

static void
test_host_twice_is_blocked (StoreFixture *f, gconstpointer user_data)
{
  store_write (f->vendor, "a.pin", "h.example", 1);
  store_write (f->admin, "b.pin", "H.example.", 1);
  store_write (f->admin, "c.pin", "other.example", 3);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 1);
  store_assert_blocked (f, FILES, "h.example");
  store_assert_key (f, FILES, "other.example", 3);
}

static void
test_host_thrice_is_blocked (StoreFixture *f, gconstpointer user_data)
{
  store_write (f->admin, "a.pin", "h.example", 1);
  store_write (f->admin, "b.pin", "h.example", 1);
  store_write (f->admin, "c.pin", "h.example", 1);
  store_fixture_reopen (f);
  store_assert_blocked (f, FILES, "h.example");
}

static void
test_host_twice_in_one_file (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *first = store_format ("h.example", 1);
  g_autofree char *text
      = g_strconcat (first, "[Again]\nHost=h.example\n", strstr (first, "Keys="), NULL);
  g_autofree char *path = test_folder_write (f->admin, "a.pin", text);

  store_fixture_reopen (f);
  store_assert_blocked (f, FILES, "h.example");
}

static void
test_broken_file_blocks_its_hosts (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *good = store_format ("a.example", 1);
  g_autofree char *text = g_strconcat (good, "[Bad]\nHost=b.example\nKeys=nonsense\n", NULL);
  g_autofree char *path = test_folder_write (f->admin, "a.pin", text);

  store_write (f->admin, "c.pin", "c.example", 3);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 1);
  store_assert_blocked (f, FILES, "a.example");
  store_assert_blocked (f, FILES, "b.example");
  store_assert_key (f, FILES, "c.example", 3);
}

static void
test_unknown_hosts_block_the_layer (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = test_folder_write (f->admin, "a.pin", "[Pin File]\nVersion=2\n");

  store_write (f->admin, "c.pin", "c.example", 3);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 1);
  store_assert_blocked (f, FILES, "anything.example");
  store_assert_blocked (f, FILES, "c.example");
}

static void
test_link_is_not_followed (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *target = g_build_filename (f->folder, "target", NULL);
  g_autofree char *path = g_build_filename (f->admin, "a.pin", NULL);

  store_write (f->folder, "target", "h.example", 1);
  g_assert_no_errno (g_mkdir (f->admin, 0700));
  g_assert_no_errno (symlink (target, path));
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 1);
  store_assert_blocked (f, FILES, "h.example");
}

static void
test_writable_by_others (StoreFixture *f, gconstpointer user_data)
{
  static const int modes[] = { 0660, 0602, 0666 };
  g_autofree char *path = g_build_filename (f->admin, "a.pin", NULL);

  for (size_t i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      store_write (f->admin, "a.pin", "h.example", 1);
      g_assert_no_errno (g_chmod (path, modes[i]));
      store_fixture_reopen (f);
      g_assert_cmpuint (f->problems->len, ==, 1);
      store_assert_blocked (f, FILES, "h.example");
    }
}

static void
test_readable_by_others (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = g_build_filename (f->admin, "a.pin", NULL);

  store_write (f->admin, "a.pin", "h.example", 1);
  g_assert_no_errno (g_chmod (path, 0644));
  store_fixture_reopen (f);
  store_assert_key (f, FILES, "h.example", 1);
}

static void
test_foreign_owner (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = g_build_filename (f->admin, "a.pin", NULL);

  if (geteuid () != 0)
    {
      g_test_skip ("only root can give a file away");
      return;
    }
  store_write (f->admin, "a.pin", "h.example", 1);
  g_assert_no_errno (chown (path, STORE_OTHER_UID, 0));
  store_fixture_reopen (f);
  store_assert_blocked (f, FILES, "h.example");
}

static void
test_foreign_mask (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = test_folder_write (f->admin, "a.pin", "");

  store_write (f->vendor, "a.pin", "h.example", 1);
  g_assert_no_errno (g_chmod (path, 0666));
  store_fixture_reopen (f);
  store_assert_blocked (f, FILES, "h.example");
}

static void
test_folder_writable_by_others (StoreFixture *f, gconstpointer user_data)
{
  store_write (f->admin, "a.pin", "h.example", 1);
  g_assert_no_errno (g_chmod (f->admin, 0777));
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 1);
  store_assert_blocked (f, FILES, "other.example");
}

static void
test_folder_that_is_a_file_blocks_the_layer (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = test_folder_write (f->folder, "vendor", "");

  store_write (f->admin, "a.pin", "h.example", 1);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 1);
  store_assert_blocked (f, FILES, "h.example");
  store_assert_blocked (f, FILES, "other.example");
}

static void
test_users_cannot_loosen (StoreFixture *f, gconstpointer user_data)
{
  store_write (f->admin, "a.pin", "h.example", 1);
  store_fixture_reopen (f);
  store_pin (f, STORE_UID, CPD_LAYER_USER, "h.example", 2);
  store_pin (f, STORE_UID, CPD_LAYER_SYSTEM, "h.example", 3);
  store_assert_key (f, FILES, "h.example", 1);
  store_assert_key (f, CPD_LAYER_SYSTEM, "h.example", 3);
  store_assert_key (f, CPD_LAYER_USER, "h.example", 2);
}

static void
test_reload_takes_over (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = g_build_filename (f->admin, "a.pin", NULL);
  g_autoptr (GError) error = NULL;

  store_write (f->admin, "a.pin", "h.example", 1);
  store_assert_silent (f, FILES, "h.example");
  g_assert_true (store_reload (f, &error));
  store_assert_key (f, FILES, "h.example", 1);
  g_assert_no_errno (g_unlink (path));
  g_assert_true (store_reload (f, &error));
  store_assert_silent (f, FILES, "h.example");
}

static void
test_reload_is_told (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdHost) target = test_host ("h.example");
  g_autoptr (CpdPolicy) before = cpd_store_get_policy (f->store, STORE_UID, target);
  g_autoptr (CpdPolicy) after = NULL;

  g_assert_true (store_reload (f, NULL));
  after = cpd_store_get_policy (f->store, STORE_UID, target);
  g_assert_cmpuint (f->changes, ==, 1);
  g_assert_cmpuint (f->changed_owner, ==, CPD_ALL_UIDS);
  g_assert_null (f->changed_host);
  g_assert_cmpuint (after->generation, >, before->generation);
}

static void
test_reload_all_or_nothing (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;

  store_write (f->admin, "a.pin", "h.example", 1);
  store_fixture_reopen (f);
  store_write (f->admin, "a.pin", "h.example", 2);
  store_write (f->admin, "b.pin", "new.example", 3);
  path = test_folder_write (f->admin, "c.pin", "broken");
  g_assert_false (store_reload (f, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
  store_assert_key (f, FILES, "h.example", 1);
  store_assert_silent (f, FILES, "new.example");
  g_assert_cmpuint (f->changes, ==, 0);
}

static char *
get_text (GPtrArray *problems, unsigned int index)
{
  g_assert_cmpuint (problems->len, >, index);
  return cpd_fault_to_text (problems->pdata[index]);
}

/* Its error has what fits, and the store all. */
static void
test_reload_tells_all (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path
      = test_folder_write (f->admin, "c.pin", "[Pin File]\nVersion=1\nA=1\nB=2\n");
  g_autofree char *first = NULL, *second = NULL;
  g_autoptr (GPtrArray) problems = NULL, none = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (store_reload (f, &error));
  problems = cpd_store_get_problems (f->store, /* uid= */ 0);
  first = get_text (problems, 0);
  second = get_text (problems, 1);
  g_assert_cmpuint (problems->len, ==, 2);
  g_assert_true (g_str_has_prefix (first, path));
  g_assert_nonnull (strstr (first, "c.pin:3: A=: "));
  g_assert_nonnull (strstr (second, "c.pin:4: B=: "));
  g_assert_nonnull (strstr (error->message, first));
  g_assert_nonnull (strstr (error->message, second));
  g_assert_no_errno (g_unlink (path));
  g_assert_true (store_reload (f, NULL));
  none = cpd_store_get_problems (f->store, /* uid= */ 0);
  g_assert_cmpuint (none->len, ==, 0);
}

static void
test_twice_is_told_with_its_line (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *text = NULL;

  store_write (f->admin, "a.pin", "h.example", 1);
  store_write (f->admin, "b.pin", "h.example", 2);
  store_fixture_reopen (f);
  text = get_text (f->problems, 0);
  g_test_message ("%s", text);
  g_assert_nonnull (strstr (text, "/b.pin:5: Host=: ‘h.example’ is pinned twice: here and in ‘"));
  g_assert_true (g_str_has_suffix (text, "/a.pin’"));
}

/* A file that is wrong hides nothing of what else is wrong in it. */
static void
test_wrong_file_tells_all (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = test_folder_write (
      f->admin, "b.pin",
      "[Pin File]\nVersion=1\n[a]\nKeys=none\nHost=h.example\nExpires=x\n"
      "[b]\nHost=H.example\nNote=b\n[c]\nNote=c\n[d]\nHost=other.example\nMode=x\n");
  static const char *const told[]
      = { "/b.pin:4: Keys=: ",  "/b.pin:6: Expires=: ",
          "/b.pin:7: Keys=: ",  "/b.pin:8: Host=: ‘h.example’ is pinned twice in this file",
          "/b.pin:10: Host=: ", "/b.pin:10: Keys=: ",
          "/b.pin:12: Keys=: ", "/b.pin:13: Host=: ‘other.example’ is pinned twice: here and in ‘",
          "/b.pin:14: Mode=: " };

  store_write (f->admin, "a.pin", "other.example", 1);
  store_fixture_reopen (f);
  for (unsigned int i = 0; i < f->problems->len; i++)
    {
      g_autofree char *text = cpd_fault_to_text (f->problems->pdata[i]);
      g_test_message ("%s", text);
    }
  g_assert_cmpuint (f->problems->len, ==, G_N_ELEMENTS (told));
  for (unsigned int i = 0; i < G_N_ELEMENTS (told); i++)
    {
      g_autofree char *text = cpd_fault_to_text (f->problems->pdata[i]);
      g_assert_nonnull (strstr (text, told[i]));
    }
  store_assert_blocked (f, FILES, "anything.example");
}

static void
test_reload_leaves_runtime_pins (StoreFixture *f, gconstpointer user_data)
{
  store_pin (f, STORE_UID, CPD_LAYER_USER, "h.example", 1);
  g_assert_true (store_reload (f, NULL));
  store_assert_key (f, CPD_LAYER_USER, "h.example", 1);
}

static void
reload_once_more (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_assert_true (cpd_store_reload_finish (CPD_STORE (source), result, NULL));
  cpd_store_reload_async (CPD_STORE (source), test_loop_on_result, user_data);
}

/* Whoever is told of one reload may ask for the next: it is read once. */
static void
test_reload_from_within (StoreFixture *f, gconstpointer user_data)
{
  GAsyncResult *pending = NULL;
  g_autoptr (GAsyncResult) result = NULL;

  cpd_store_reload_async (f->store, reload_once_more, &pending);
  result = test_loop_wait_for (&pending);
  g_assert_true (cpd_store_reload_finish (f->store, result, NULL));
  test_loop_run_for (100);
  g_assert_cmpuint (f->changes, ==, 2);
}

static void
add_refusals (void)
{
  STORE_TEST_ADD ("/core/drop-ins/broken/does-not-unmask", test_broken_file_does_not_unmask);
  STORE_TEST_ADD ("/core/drop-ins/broken/blocks-its-hosts", test_broken_file_blocks_its_hosts);
  STORE_TEST_ADD ("/core/drop-ins/broken/unknown-hosts-block-the-layer",
                  test_unknown_hosts_block_the_layer);
  STORE_TEST_ADD ("/core/drop-ins/twice/two-files", test_host_twice_is_blocked);
  STORE_TEST_ADD ("/core/drop-ins/twice/three-files", test_host_thrice_is_blocked);
  STORE_TEST_ADD ("/core/drop-ins/twice/one-file", test_host_twice_in_one_file);
  STORE_TEST_ADD ("/core/drop-ins/unsafe/link", test_link_is_not_followed);
  STORE_TEST_ADD ("/core/drop-ins/unsafe/writable-by-others", test_writable_by_others);
  STORE_TEST_ADD ("/core/drop-ins/unsafe/foreign-owner", test_foreign_owner);
  STORE_TEST_ADD ("/core/drop-ins/unsafe/mask", test_foreign_mask);
  STORE_TEST_ADD ("/core/drop-ins/unsafe/folder", test_folder_writable_by_others);
}

static void
write_pin_with_anchor (StoreFixture *f)
{
  g_autofree char *text = store_format ("h.example", 1);
  g_autofree char *with_anchor = g_strconcat (text, "TrustAnchors=ca.der\n", NULL);
  g_autofree char *path = test_folder_write (f->admin, "a.pin", with_anchor);
}

/* Returns: (transfer full): its path */
static char *
write_anchor (StoreFixture *f, const char *name)
{
  g_autoptr (TestIdentity) ca = TEST_IDENTITY (.subject = "CA", .is_ca = TRUE);
  char *path = g_build_filename (f->admin, name, NULL);
  g_autoptr (GError) error = NULL;
  gsize length;
  const char *der = g_bytes_get_data (test_identity_get_certificate (ca), &length);

  g_file_set_contents_full (path, der, (gssize)length, G_FILE_SET_CONTENTS_NONE, 0644, &error);
  g_assert_no_error (error);
  return path;
}

static void
test_anchor_beside (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = NULL;
  g_autoptr (CpdPin) pin = NULL;

  write_pin_with_anchor (f);
  path = write_anchor (f, "ca.der");
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 0);
  pin = store_get (f, STORE_UID, FILES, "h.example");
  g_assert_cmpuint (cpd_anchors_get_count (pin->anchors), ==, 1);
}

static void
test_anchor_through_a_link_blocks (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = NULL, *link = g_build_filename (f->admin, "ca.der", NULL);

  write_pin_with_anchor (f);
  path = write_anchor (f, "real");
  g_assert_no_errno (symlink (path, link));
  store_fixture_reopen (f);
  store_assert_blocked (f, FILES, "h.example");
}

static void
test_anchor_that_others_may_write_blocks (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = NULL;

  write_pin_with_anchor (f);
  path = write_anchor (f, "ca.der");
  g_assert_no_errno (g_chmod (path, 0666));
  store_fixture_reopen (f);
  store_assert_blocked (f, FILES, "h.example");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  STORE_TEST_ADD ("/core/drop-ins/missing-folders", test_missing_folders);
  STORE_TEST_ADD ("/core/drop-ins/link-to-nowhere-blocks-everything",
                  test_link_to_nowhere_blocks_everything);
  STORE_TEST_ADD ("/core/drop-ins/in-force-for-everybody", test_in_force_for_everybody);
  STORE_TEST_ADD ("/core/drop-ins/other-files-are-ignored", test_other_files_are_ignored);
  STORE_TEST_ADD ("/core/drop-ins/readable-by-others", test_readable_by_others);
  STORE_TEST_ADD ("/core/drop-ins/all-names-count", test_all_names_count);
  STORE_TEST_ADD ("/core/drop-ins/mask/same-name", test_same_name_masks);
  STORE_TEST_ADD ("/core/drop-ins/mask/empty-file", test_empty_file_masks);
  STORE_TEST_ADD ("/core/drop-ins/mask/dev-null", test_dev_null_masks);
  add_refusals ();
  STORE_TEST_ADD ("/core/drop-ins/folder-that-is-a-file",
                  test_folder_that_is_a_file_blocks_the_layer);
  STORE_TEST_ADD ("/core/drop-ins/users-cannot-loosen", test_users_cannot_loosen);
  STORE_TEST_ADD ("/core/drop-ins/reload/takes-over", test_reload_takes_over);
  STORE_TEST_ADD ("/core/drop-ins/reload/is-told", test_reload_is_told);
  STORE_TEST_ADD ("/core/drop-ins/reload/all-or-nothing", test_reload_all_or_nothing);
  STORE_TEST_ADD ("/core/drop-ins/reload/tells-all", test_reload_tells_all);
  STORE_TEST_ADD ("/core/drop-ins/twice-is-told-with-its-line", test_twice_is_told_with_its_line);
  STORE_TEST_ADD ("/core/drop-ins/wrong-file-tells-all", test_wrong_file_tells_all);
  STORE_TEST_ADD ("/core/drop-ins/reload/leaves-run-time-pins", test_reload_leaves_runtime_pins);
  STORE_TEST_ADD ("/core/drop-ins/reload/from-within", test_reload_from_within);
  STORE_TEST_ADD ("/core/drop-ins/anchors/beside", test_anchor_beside);
  STORE_TEST_ADD ("/core/drop-ins/anchors/link-blocks", test_anchor_through_a_link_blocks);
  STORE_TEST_ADD ("/core/drop-ins/anchors/writable-blocks",
                  test_anchor_that_others_may_write_blocks);
  return g_test_run ();
}
