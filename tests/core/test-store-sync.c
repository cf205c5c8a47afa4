/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a change which the disk does not take is undone in the folder, too: what its caller
 * was refused does not come true with the next start. */

#include "config.h"

#include "store-fixture.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM CPD_LAYER_SYSTEM

/* Of which files (S_IFREG or S_IFDIR) no more reach the disk, and whether there are hard links (no
 * NO_LINKS) and whether old files come back (no NO_UNDO); 0: all is well. Changes are written in
 * threads. */
static volatile gint broken;

#define NO_LINKS 1
#define NO_UNDO  2

/* In the place of the C library's. */
int
fsync (int fd)
{
  int (*proper) (int) = (int (*) (int))dlsym (RTLD_NEXT, "fsync");
  struct stat status;

  if (fstat (fd, &status) == 0
      && (status.st_mode & S_IFMT) == ((mode_t)g_atomic_int_get (&broken) & S_IFMT))
    {
      errno = EIO;
      return -1;
    }
  return proper (fd);
}

/* As above; as where the file system has none, or the file is another user's. */
int
link (const char *from, const char *to)
{
  int (*proper) (const char *, const char *)
      = (int (*) (const char *, const char *))dlsym (RTLD_NEXT, "link");

  if ((g_atomic_int_get (&broken) & NO_LINKS) == 0 || access (from, F_OK) < 0)
    return proper (from, to);
  errno = EPERM;
  return -1;
}

/* As above; as where a disk has become read-only. */
int
rename (const char *from, const char *to)
{
  int (*proper) (const char *, const char *)
      = (int (*) (const char *, const char *))dlsym (RTLD_NEXT, "rename");

  if ((g_atomic_int_get (&broken) & NO_UNDO) == 0 || !g_str_has_suffix (from, "/.old"))
    return proper (from, to);
  errno = EROFS;
  return -1;
}

static void
assert_one_file (StoreFixture *f)
{
  g_autoptr (GDir) dir = g_dir_open (f->system, 0, NULL);

  g_assert_cmpstr (g_dir_read_name (dir), ==, "h.example.pin");
  g_assert_null (g_dir_read_name (dir));
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
breaks (gconstpointer what)
{
  g_atomic_int_set (&broken, GPOINTER_TO_INT (what));
}

/* Returns: (transfer full): why */
static GError *
fail_to_pin (StoreFixture *f, guint8 key)
{
  g_autoptr (CpdPin) pin = test_pin ("h.example", SYSTEM, key);
  GError *error = NULL;

  g_assert_false (store_set_pin (f, STORE_UID, pin, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
  return error;
}

/* Returns: (transfer full): why */
static GError *
fail_to_unpin (StoreFixture *f)
{
  GError *error = NULL;

  g_assert_false (store_remove_pin (f, SYSTEM, "h.example", &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
  return error;
}

static void
test_override (StoreFixture *f, gconstpointer what)
{
  g_autoptr (GError) error = NULL;

  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  breaks (what);
  error = fail_to_pin (f, 2);
  store_assert_key (f, SYSTEM, "h.example", 1);
  start_anew (f);
  store_assert_key (f, SYSTEM, "h.example", 1);
  assert_one_file (f);
}

static void
test_first (StoreFixture *f, gconstpointer what)
{
  g_autoptr (GError) error = NULL;

  breaks (what);
  error = fail_to_pin (f, 1);
  start_anew (f);
  store_assert_silent (f, SYSTEM, "h.example");
  g_assert_no_errno (rmdir (f->system));
}

static void
test_unpin (StoreFixture *f, gconstpointer what)
{
  g_autoptr (GError) error = NULL;

  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  breaks (what);
  error = fail_to_unpin (f);
  store_assert_key (f, SYSTEM, "h.example", 1);
  start_anew (f);
  store_assert_key (f, SYSTEM, "h.example", 1);
  assert_one_file (f);
}

/* Then the caller is told, and the old file is still there. */
static void
test_no_undo (StoreFixture *f, gconstpointer what)
{
  g_autofree char *old = g_build_filename (f->system, ".old", NULL);
  g_autoptr (GError) set_error = NULL, remove_error = NULL;

  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  breaks (what);
  set_error = fail_to_pin (f, 2);
  g_assert_nonnull (strstr (set_error->message, "cannot be undone either"));
  g_assert_true (g_file_test (old, G_FILE_TEST_EXISTS));
  store_assert_key (f, SYSTEM, "h.example", 1);
  remove_error = fail_to_unpin (f);
  g_assert_nonnull (strstr (remove_error->message, "cannot be undone either"));
  g_assert_true (g_file_test (old, G_FILE_TEST_EXISTS));
  g_atomic_int_set (&broken, 0);
}

/* Links are no more than a means. */
static void
test_without_links (StoreFixture *f, gconstpointer what)
{
  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  breaks (what);
  store_pin (f, STORE_UID, SYSTEM, "h.example", 2);
  store_assert_key (f, SYSTEM, "h.example", 2);
  assert_one_file (f);
  start_anew (f);
  store_assert_key (f, SYSTEM, "h.example", 2);
  breaks (what);
  g_assert_true (store_remove_pin (f, SYSTEM, "h.example", NULL));
  start_anew (f);
  store_assert_silent (f, SYSTEM, "h.example");
  g_assert_no_errno (rmdir (f->system));
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
  store_fixture_reopen (f);
  store_assert_silent (f, SYSTEM, "h.example");
  store_pin (f, STORE_UID, SYSTEM, "h.example", 1);
  store_pin (f, STORE_UID, SYSTEM, "h.example", 2);
  assert_one_file (f);
  start_anew (f);
  store_assert_key (f, SYSTEM, "h.example", 2);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    gint what;
    void (*test) (StoreFixture *f, gconstpointer what);
  } tests[] = {
    { "/core/store/sync/override/of-the-file", S_IFREG, test_override },
    { "/core/store/sync/override/of-the-folder", S_IFDIR, test_override },
    { "/core/store/sync/first/of-the-file", S_IFREG, test_first },
    { "/core/store/sync/first/of-the-folder", S_IFDIR, test_first },
    { "/core/store/sync/unpin/of-the-folder", S_IFDIR, test_unpin },
    { "/core/store/sync/no-links/both", NO_LINKS, test_without_links },
    { "/core/store/sync/no-links/override/of-the-file", NO_LINKS | S_IFREG, test_override },
    { "/core/store/sync/no-links/override/of-the-folder", NO_LINKS | S_IFDIR, test_override },
    { "/core/store/sync/no-links/first/of-the-folder", NO_LINKS | S_IFDIR, test_first },
    { "/core/store/sync/no-links/unpin/of-the-folder", NO_LINKS | S_IFDIR, test_unpin },
    { "/core/store/sync/no-undo", NO_UNDO | S_IFDIR, test_no_undo },
    { "/core/store/sync/no-links/no-undo", NO_LINKS | NO_UNDO | S_IFDIR, test_no_undo },
    { "/core/store/sync/folder", 0, test_folder },
    { "/core/store/sync/left-over", 0, test_left_over },
  };

  g_test_init (&argc, &argv, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, StoreFixture, GINT_TO_POINTER (tests[i].what), store_fixture_set_up,
                tests[i].test, store_fixture_tear_down);
  return g_test_run ();
}
