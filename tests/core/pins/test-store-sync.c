/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a change which the disk does not take is undone in the folder, too: what its caller
 * was refused does not come true with the next start, and the caller is told so; or, where that is
 * not certain, that. And that the disk has all of a change once it is acknowledged. */

#define _GNU_SOURCE /* renameat2() */
#include "config.h"

#include "tests/core/pins/store-fixture.h"

#include <glib/gstdio.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM CPD_LAYER_SYSTEM
#define USER   CPD_LAYER_USER

/* What is broken: S_IFREG, S_IFDIR: files, folders no more reach the disk; and these. 0: all is
 * well. Changes are written in threads. */
static volatile gint broken;

#define ONCE        1 /* the next time alone */
#define NO_EXCHANGE 2 /* two files cannot change places */
#define NO_LINKS    4 /* there are no hard links, or the file is another user's */
#define NO_UNDO     8 /* old files do not come back */
#define FULL        16

/* What is not on disk yet: of inode numbers. */
static GHashTable *dirty;
static GMutex dirty_lock;

#define PROPER(name) ((__typeof__ (&name))dlsym (RTLD_NEXT, #name))

static void
note (int fd, gboolean is_dirty)
{
  struct stat status;

  g_mutex_lock (&dirty_lock);
  if (dirty != NULL && fstat (fd, &status) == 0 && is_dirty)
    g_hash_table_add (dirty, GSIZE_TO_POINTER (status.st_ino));
  else if (dirty != NULL && fstat (fd, &status) == 0)
    g_hash_table_remove (dirty, GSIZE_TO_POINTER (status.st_ino));
  g_mutex_unlock (&dirty_lock);
}

static gboolean
breaks (gint what)
{
  return (g_atomic_int_get (&broken) & what) != 0;
}

static int
fail (int code)
{
  errno = code;
  return -1;
}

/* These are in the place of the C library's. */

int
fsync (int fd)
{
  gint now = g_atomic_int_get (&broken);
  struct stat status;

  if (fstat (fd, &status) == 0 && (status.st_mode & S_IFMT) == ((mode_t)now & S_IFMT))
    {
      if ((now & ONCE) != 0)
        g_atomic_int_set (&broken, now & ~(ONCE | S_IFMT));
      return fail (EIO);
    }
  note (fd, FALSE);
  return PROPER (fsync) (fd);
}

ssize_t
write (int fd, const void *data, size_t length)
{
  struct stat status;

  if (fstat (fd, &status) == 0 && S_ISREG (status.st_mode))
    {
      if (breaks (FULL))
        return length > 1 ? PROPER (write) (fd, data, 1) : fail (ENOSPC);
      note (fd, TRUE);
    }
  return PROPER (write) (fd, data, length);
}

int
mkdirat (int fd, const char *name, mode_t mode)
{
  int status = PROPER (mkdirat) (fd, name, mode);

  if (status == 0)
    note (fd, TRUE);
  return status;
}

int
renameat2 (int old_fd, const char *old, int new_fd, const char *new, unsigned int flags)
{
  if (breaks (NO_EXCHANGE))
    return fail (EINVAL);
  note (new_fd, TRUE);
  return PROPER (renameat2) (old_fd, old, new_fd, new, flags);
}

int
renameat (int old_fd, const char *old, int new_fd, const char *new)
{
  if (breaks (NO_UNDO) && g_str_has_prefix (old, ".") && faccessat (new_fd, new, F_OK, 0) == 0
      && !breaks (NO_EXCHANGE))
    return fail (EROFS);
  if (breaks (NO_UNDO) && g_str_equal (old, ".old"))
    return fail (EROFS);
  note (new_fd, TRUE);
  return PROPER (renameat) (old_fd, old, new_fd, new);
}

int
linkat (int old_fd, const char *old, int new_fd, const char *new, int flags)
{
  return breaks (NO_LINKS) ? fail (EPERM) : PROPER (linkat) (old_fd, old, new_fd, new, flags);
}

static void
assert_one_file (StoreFixture *f)
{
  g_autoptr (GDir) dir = g_dir_open (f->system, 0, NULL);

  g_assert_cmpstr (g_dir_read_name (dir), ==, "h.example.pin");
  g_assert_null (g_dir_read_name (dir));
}

static void
assert_no_file (StoreFixture *f)
{
  g_autoptr (GDir) dir = g_dir_open (f->system, 0, NULL);

  g_assert_true (dir == NULL || g_dir_read_name (dir) == NULL);
}

static void
start_anew (StoreFixture *f)
{
  g_atomic_int_set (&broken, 0);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 0);
}

/* From now on. */
static void
break_disk (gconstpointer what)
{
  g_atomic_int_set (&broken, GPOINTER_TO_INT (what));
}

/* Whether it can be known what becomes of a change. */
static gboolean
is_certain (gconstpointer what)
{
  gint bits = GPOINTER_TO_INT (what);
  gboolean is_lost = (bits & (NO_EXCHANGE | NO_LINKS)) == (NO_EXCHANGE | NO_LINKS);

  return (bits & S_IFMT) != S_IFDIR || ((bits & ONCE) != 0 && (bits & NO_UNDO) == 0 && !is_lost);
}

static void
assert_told (const GError *error, gboolean certain)
{
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
  g_test_message ("%s", error->message);
  g_assert_cmpint (g_str_has_suffix (error->message, "; nothing was changed"), ==, certain);
  g_assert_cmpint (strstr (error->message, "may be after a restart") != NULL, ==, !certain);
}

static void
fail_to_pin (StoreFixture *f, guint8 key, gboolean certain)
{
  g_autoptr (CpdPin) pin = test_pin ("h.example", SYSTEM, key);
  g_autoptr (GError) error = NULL;

  g_assert_false (store_set_pin (f, STORE_UID, pin, &error));
  assert_told (error, certain);
}

static void
fail_to_unpin (StoreFixture *f, gboolean certain)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (store_remove_pin (f, SYSTEM, "h.example", &error));
  assert_told (error, certain);
}

static void
test_override (StoreFixture *f, gconstpointer what)
{
  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  break_disk (what);
  fail_to_pin (f, 2, is_certain (what));
  store_assert_key (f, SYSTEM, "h.example", 1);
  g_assert_cmpint (store_is_unstored (f, SYSTEM, "h.example"), ==, !is_certain (what));
  start_anew (f);
  store_assert_key (f, SYSTEM, "h.example", 1);
  assert_one_file (f);
}

/* `what` happens when the folders are there already. */
static void
test_first (StoreFixture *f, gconstpointer what)
{
  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  g_assert_true (store_remove_pin (f, SYSTEM, "h.example", NULL));
  break_disk (what);
  fail_to_pin (f, 1, (GPOINTER_TO_INT (what) & NO_LINKS) != 0 || is_certain (what));
  start_anew (f);
  store_assert_silent (f, SYSTEM, "h.example");
  assert_no_file (f);
}

static void
test_unpin (StoreFixture *f, gconstpointer what)
{
  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  break_disk (what);
  fail_to_unpin (f, is_certain (what));
  store_assert_key (f, SYSTEM, "h.example", 1);
  start_anew (f);
  store_assert_key (f, SYSTEM, "h.example", 1);
  assert_one_file (f);
}

/* Then the caller is told; and as soon as the disk takes it, it has what is in force. */
static void
test_no_undo (StoreFixture *f, gconstpointer what)
{
  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  break_disk (what);
  fail_to_pin (f, 2, /* certain= */ FALSE);
  store_assert_key (f, SYSTEM, "h.example", 1);
  break_disk (0);
  store_wait_until_stored (f, SYSTEM, "h.example");
  start_anew (f);
  store_assert_key (f, SYSTEM, "h.example", 1);
  break_disk (what);
  fail_to_unpin (f, /* certain= */ FALSE);
  store_assert_key (f, SYSTEM, "h.example", 1);
  break_disk (0);
  store_wait_until_stored (f, SYSTEM, "h.example");
  start_anew (f);
  store_assert_key (f, SYSTEM, "h.example", 1);
}

/* Nothing is touched then, and nothing half written stays. */
static void
test_full (StoreFixture *f, gconstpointer what)
{
  break_disk (what);
  fail_to_pin (f, 1, /* certain= */ TRUE);
  store_assert_silent (f, SYSTEM, "h.example");
  assert_no_file (f);
  break_disk (0);
  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  break_disk (what);
  fail_to_pin (f, 2, /* certain= */ TRUE);
  store_assert_key (f, SYSTEM, "h.example", 1);
  assert_one_file (f);
  start_anew (f);
  store_assert_key (f, SYSTEM, "h.example", 1);
}

/* Exchanges and links are no more than means. */
static void
test_without_means (StoreFixture *f, gconstpointer what)
{
  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  break_disk (what);
  store_pin (f, STORE_UID, SYSTEM, "h.example", 2);
  store_assert_key (f, SYSTEM, "h.example", 2);
  assert_one_file (f);
  start_anew (f);
  store_assert_key (f, SYSTEM, "h.example", 2);
  break_disk (what);
  g_assert_true (store_remove_pin (f, SYSTEM, "h.example", NULL));
  start_anew (f);
  store_assert_silent (f, SYSTEM, "h.example");
  assert_no_file (f);
}

/* It cannot be replaced, and stands in no other pin's way. */
static void
test_folder (StoreFixture *f, gconstpointer what)
{
  g_autofree char *in_its_place = g_build_filename (f->system, "g.example.pin", NULL);
  g_autoptr (CpdPin) pin = test_pin ("g.example", SYSTEM, 1);

  g_assert_no_errno (g_mkdir_with_parents (in_its_place, 0700));
  store_fixture_reopen (f);
  g_assert_false (store_set_pin (f, STORE_UID, pin, NULL));
  g_assert_false (store_remove_pin (f, SYSTEM, "g.example", NULL));
  g_assert_no_errno (rmdir (in_its_place));
  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  store_pin (f, STORE_UID, SYSTEM, "h.example", 2);
  assert_one_file (f);
}

/* What a crash left of an earlier change is in nobody's way, and is not read. */
static void
test_left_over (StoreFixture *f, gconstpointer what)
{
  store_write (f->system, ".old", "h.example", 9);
  store_write (f->system, ".new", "h.example", 9);
  store_fixture_reopen (f);
  store_assert_silent (f, SYSTEM, "h.example");
  break_disk (what);
  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  store_pin (f, STORE_UID, SYSTEM, "h.example", 2);
  assert_one_file (f);
  start_anew (f);
  store_assert_key (f, SYSTEM, "h.example", 2);
}

/* The names that end with a change are left out: they are nobody's. */
static void
assert_clean (void)
{
  g_mutex_lock (&dirty_lock);
  g_assert_cmpuint (g_hash_table_size (dirty), ==, 0);
  g_mutex_unlock (&dirty_lock);
}

/* The first pin of a user makes folders, which must be on disk, too. */
static void
test_all_is_on_disk (StoreFixture *f, gconstpointer what)
{
  dirty = g_hash_table_new (g_direct_hash, g_direct_equal);
  break_disk (what);
  store_pin (f, STORE_UID, USER, "h.example", 1);
  assert_clean ();
  store_pin (f, STORE_OTHER_UID, USER, "h.example", 1);
  assert_clean ();
  store_pin (f, STORE_UID, USER, "h.example", 2);
  assert_clean ();
  store_pin (f, STORE_UID, SYSTEM, "h.example", 2);
  assert_clean ();
  g_assert_true (store_remove_pin (f, USER, "h.example", NULL));
  assert_clean ();
  g_atomic_int_set (&broken, 0);
  g_clear_pointer (&dirty, g_hash_table_unref);
}

/* So does the first pin of an app, which has a folder of four parts. */
static void
test_all_of_an_app_is_on_disk (StoreFixture *f, gconstpointer what)
{
  CpdOwner app = store_meet (f, STORE_UID, "flatpak:org.example.App");
  CpdOwner other = store_meet (f, STORE_UID, "snap:demo");

  dirty = g_hash_table_new (g_direct_hash, g_direct_equal);
  store_pin (f, app, CPD_LAYER_APP, "h.example", 1);
  assert_clean ();
  store_pin (f, other, CPD_LAYER_APP, "h.example", 1);
  assert_clean ();
  store_pin (f, app, CPD_LAYER_APP, "h.example", 2);
  assert_clean ();
  g_clear_pointer (&dirty, g_hash_table_unref);
}

/* Whichever of its parents are there already. */
static void
test_folders_of_many_parts (StoreFixture *f, gconstpointer what)
{
  static const char *const names[] = { "a",     "b/b",     "c/c/c",   "d/d/d/d", "a/b",
                                       "a/b/c", "a/b/c/d", "d/e/f/g", "d/d/d/e", "c/c/c" };

  dirty = g_hash_table_new (g_direct_hash, g_direct_equal);
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (f->state, names[i], NULL);
      g_autoptr (GError) error = NULL;
      int fd = cpd_state_dir_make (cpd_store_get_state_dir (f->store), names[i], &error);

      g_assert_no_error (error);
      close (fd);
      g_test_message ("%s", names[i]);
      g_assert_true (g_file_test (path, G_FILE_TEST_IS_DIR));
      assert_clean ();
      fd = cpd_state_dir_lookup (cpd_store_get_state_dir (f->store), names[i], &error);
      g_assert_cmpint (fd, >=, 0);
      close (fd);
    }
  g_clear_pointer (&dirty, g_hash_table_unref);
}

/* As after a crash between the making of folders and the sync. Then the first who uses them syncs
 * all that are above. */
static void
test_folders_of_an_earlier_process (StoreFixture *f, gconstpointer what)
{
  static const char *const names[] = { "a", "b/b", "c/c/c", "d/d/d/d" };

  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (f->state, names[i], NULL);
      g_autofree char *above = g_strdup (path);

      g_assert_no_errno (g_mkdir_with_parents (path, 0700));
      dirty = g_hash_table_new (g_direct_hash, g_direct_equal);
      while (strlen (above) > strlen (f->state))
        {
          int parent;

          *strrchr (above, '/') = '\0';
          parent = open (above, O_RDONLY | O_DIRECTORY);
          note (parent, TRUE);
          close (parent);
        }
      close (cpd_state_dir_make (cpd_store_get_state_dir (f->store), names[i], NULL));
      assert_clean ();
      g_clear_pointer (&dirty, g_hash_table_unref);
    }
}

/* A link in any part is not followed, and a file is no folder. */
static void
test_no_folder_in_any_part (StoreFixture *f, gconstpointer what)
{
  static const char *const names[] = { "a", "a/b", "a/b/c", "a/b/c/d" };
  CpdStateDir *dir = cpd_store_get_state_dir (f->store);

  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (f->state, names[i], NULL);
      g_autoptr (GError) linked = NULL, filed = NULL;

      close (cpd_state_dir_make (dir, "a/b/c/d", NULL));
      store_break (path);
      g_assert_cmpint (cpd_state_dir_lookup (dir, "a/b/c/d", &filed), <, 0);
      g_assert_error (filed, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
      g_assert_no_errno (g_unlink (path));
      g_assert_no_errno (symlink (f->folder, path));
      g_assert_cmpint (cpd_state_dir_make (dir, "a/b/c/d", &linked), <, 0);
      g_assert_error (linked, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
      g_assert_nonnull (strstr (linked->message, "symbolic link"));
      g_assert_nonnull (strstr (linked->message, path));
      store_heal (path);
    }
}

/* The folder is there from an attempt that failed; the next one must not take it for stored. */
static void
test_folder_that_was_made_before (StoreFixture *f, gconstpointer what)
{
  g_autoptr (CpdPin) pin = test_pin ("h.example", USER, 1);

  dirty = g_hash_table_new (g_direct_hash, g_direct_equal);
  break_disk (GINT_TO_POINTER (S_IFDIR | ONCE));
  g_assert_false (store_set_pin (f, STORE_UID, pin, NULL));
  g_assert_true (g_file_test (f->user, G_FILE_TEST_IS_DIR));
  store_pin (f, STORE_UID, USER, "h.example", 1);
  assert_clean ();
  g_clear_pointer (&dirty, g_hash_table_unref);
}

/* A file that is gone may still be there after a power cut: who removes it again must not be told
 * that it is gone before the disk knows. */
static void
test_unpin_again (StoreFixture *f, gconstpointer what)
{
  g_autofree char *path = g_build_filename (f->system, "h.example.pin", NULL);

  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  g_assert_no_errno (g_unlink (path));
  break_disk (GINT_TO_POINTER (S_IFDIR));
  g_assert_false (store_remove_pin (f, SYSTEM, "h.example", NULL));
  store_assert_key (f, SYSTEM, "h.example", 1);
  break_disk (0);
  g_assert_true (store_remove_pin (f, SYSTEM, "h.example", NULL));
}

#define NO_MEANS (NO_EXCHANGE | NO_LINKS)

static const struct
{
  const char *path;
  gint what;
  void (*test) (StoreFixture *f, gconstpointer what);
} tests[] = {
  { "override/of-the-file", S_IFREG, test_override },
  { "override/of-the-folder", S_IFDIR, test_override },
  { "override/of-the-folder-once", S_IFDIR | ONCE, test_override },
  { "first/of-the-file", S_IFREG, test_first },
  { "first/of-the-folder", S_IFDIR, test_first },
  { "first/of-the-folder-once", S_IFDIR | ONCE, test_first },
  { "unpin/of-the-folder", S_IFDIR, test_unpin },
  { "unpin/of-the-folder-once", S_IFDIR | ONCE, test_unpin },
  { "unpin/again", 0, test_unpin_again },
  { "no-exchange/both", NO_EXCHANGE, test_without_means },
  { "no-exchange/override/of-the-file", NO_EXCHANGE | S_IFREG, test_override },
  { "no-exchange/override/of-the-folder", NO_EXCHANGE | S_IFDIR, test_override },
  { "no-exchange/override/of-the-folder-once", NO_EXCHANGE | S_IFDIR | ONCE, test_override },
  { "no-exchange/first/of-the-folder-once", NO_EXCHANGE | S_IFDIR | ONCE, test_first },
  { "no-links/both", NO_LINKS, test_without_means },
  { "no-links/override/of-the-folder-once", NO_LINKS | S_IFDIR | ONCE, test_override },
  { "no-means/both", NO_MEANS, test_without_means },
  { "no-means/override/of-the-file", NO_MEANS | S_IFREG, test_override },
  { "no-means/no-undo", NO_MEANS | S_IFDIR, test_no_undo },
  { "no-means/first/of-the-folder-once", NO_MEANS | S_IFDIR | ONCE, test_first },
  { "no-undo", NO_UNDO | S_IFDIR, test_no_undo },
  { "no-exchange/no-undo", NO_EXCHANGE | NO_UNDO | S_IFDIR, test_no_undo },
  { "full", FULL, test_full },
  { "full/no-exchange", FULL | NO_EXCHANGE, test_full },
  { "full/no-means", FULL | NO_MEANS, test_full },
  { "folder", 0, test_folder },
  { "folder/made-before", 0, test_folder_that_was_made_before },
  { "left-over", 0, test_left_over },
  { "left-over/no-exchange", NO_EXCHANGE, test_left_over },
  { "folder/many-parts", 0, test_folders_of_many_parts },
  { "folder/of-an-earlier-process", 0, test_folders_of_an_earlier_process },
  { "folder/no-folder", 0, test_no_folder_in_any_part },
  { "all-is-on-disk/app", 0, test_all_of_an_app_is_on_disk },
  { "all-is-on-disk", 0, test_all_is_on_disk },
  { "all-is-on-disk/no-exchange", NO_EXCHANGE, test_all_is_on_disk },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strconcat ("/core/store/sync/", tests[i].path, NULL);

      g_test_add (path, StoreFixture, GINT_TO_POINTER (tests[i].what), store_fixture_set_up,
                  tests[i].test, store_fixture_tear_down);
    }
  return g_test_run ();
}
