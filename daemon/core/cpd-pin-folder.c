/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The folder of one run-time layer: one pin a file. Writing is durable: once it has returned, a
 * crash or a power cut leaves the new file; until then the old one, and never half of either. Where
 * it fails, the old file is there again: what a caller was refused must not come true with a
 * restart; and where not even that can be done, the caller is told. Reading never skips: what
 * cannot be read blocks the host it is about or, where that is not known, the whole layer. */

#define _GNU_SOURCE /* renameat2() */
#include "config.h"

#include "cpd-pin-folder.h"

#include "client-lib/certpin-error.h"

#include <glib/gstdio.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The old file while a change is made, of which there is one at a time. It is not read, being no
 * pin file's name. */
#define OLD_NAME ".old"

static gboolean
fail (GError **error, const char *doing, const char *path)
{
  int code = errno;

  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED, "cannot %s ‘%s’: %s", doing, path,
               g_strerror (code));
  return FALSE;
}

/* Returns: whether it is a regular file that is not too large; its size then */
static gboolean
check_file (int fd, const char *name, gsize *size, GError **error)
{
  struct stat status;

  if (fstat (fd, &status) == 0 && S_ISREG (status.st_mode)
      && status.st_size <= CPD_PIN_FILE_MAX_BYTES)
    {
      *size = (gsize)status.st_size;
      return TRUE;
    }
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED,
               "‘%s’ is no regular file of at most %d MiB", name,
               CPD_PIN_FILE_MAX_BYTES / (1024 * 1024));
  return FALSE;
}

/* Returns: (transfer full): as much of `size` bytes as there is */
static GBytes *
read_all (int fd, const char *name, gsize size, GError **error)
{
  g_autofree char *data = g_malloc (size + 1);
  gsize length = 0;
  gssize got;

  while ((got = read (fd, data + length, size - length)) > 0)
    length += (gsize)got;
  if (got == 0)
    return g_bytes_new_take (g_steal_pointer (&data), length);
  fail (error, "read", name);
  return NULL;
}

/* Reads a regular file, without following a link and without waiting on what is no file.
 * Returns: (transfer full): its contents */
GBytes *
cpd_pin_folder_read_file (int folder_fd, const char *name, GError **error)
{
  int fd = openat (folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  GBytes *text = NULL;
  gsize size;

  if (fd < 0 && errno == ELOOP)
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED,
                 "‘%s’ is a link, and links are not followed; put the file itself there", name);
  else if (fd < 0)
    fail (error, "open", name);
  else
    {
      if (check_file (fd, name, &size, error))
        text = read_all (fd, name, size, error);
      close (fd);
    }
  return text;
}

static void
block_host (CpdPinTable *table, CpdLayer layer, CpdHost *host, const char *reason)
{
  g_autoptr (CpdPin) pin = cpd_pin_new_blocked (host, layer, reason);

  cpd_pin_table_set (table, pin);
}

/* Refuses what the file may have been about: the host of its name, and those that it speaks of.
 * `hosts`: (nullable) */
static void
block (CpdPinTable *table, CpdLayer layer, const char *name, GPtrArray *hosts, const char *reason)
{
  g_autoptr (CpdHost) host = cpd_pin_file_name_to_host (name);

  if (host == NULL && (hosts == NULL || hosts->len == 0))
    cpd_pin_table_block_all (table, reason);
  if (host != NULL)
    block_host (table, layer, host, reason);
  for (unsigned int i = 0; hosts != NULL && i < hosts->len; i++)
    block_host (table, layer, hosts->pdata[i], reason);
}

/* Returns: (transfer full) (nullable): the pin of a file that holds exactly the one its name tells
 * of */
static CpdPin *
read_pin (GBytes *text, const char *name, const CpdPinFileContext *context, GPtrArray **hosts,
          GError **error)
{
  g_autoptr (GPtrArray) pins = cpd_pin_file_parse (text, context, hosts, error);
  g_autofree char *proper = NULL;
  CpdPin *pin;

  if (pins == NULL)
    return NULL;
  pin = pins->len == 1 ? pins->pdata[0] : NULL;
  proper = pin != NULL ? cpd_pin_file_name (pin->host) : NULL;
  if (g_strcmp0 (proper, name) != 0)
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED,
                   "pin file ‘%s’ does not hold exactly the pin that its name tells of",
                   context->source);
      return NULL;
    }
  pin->stored_bytes = (guint32)g_bytes_get_size (text);
  return cpd_pin_ref (pin);
}

static void
load_file (int folder_fd, const char *name, const CpdPinFileContext *context, CpdPinTable *table,
           GPtrArray *problems)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) text = cpd_pin_folder_read_file (folder_fd, name, &error);
  g_autoptr (GPtrArray) hosts = NULL;
  g_autoptr (CpdPin) pin = NULL, other = NULL;

  if (text != NULL)
    pin = read_pin (text, name, context, &hosts, &error);
  else
    g_prefix_error (&error, "pin file ‘%s’: ", context->source);
  if (pin == NULL)
    {
      block (table, context->layer, name, hosts, error->message);
      g_ptr_array_add (problems, g_strdup (error->message));
      return;
    }
  other = cpd_pin_table_get (table, pin->host);
  if (other == NULL) /* else a file that cannot be read has blocked the host */
    cpd_pin_table_set (table, pin);
}

/* Whether a folder that cannot be opened is just not there, which is fine. A link to nowhere is
 * not: what it led to may have held pins. */
gboolean
cpd_pin_folder_is_absent (const char *folder)
{
  struct stat status;

  return lstat (folder, &status) < 0 && errno == ENOENT;
}

/* Loads all pins of a folder, which may be missing. `problems`: of char *, gets a sentence for each
 * file that blocks something. */
void
cpd_pin_folder_load (const char *folder, const CpdPinFileContext *context, CpdPinTable *table,
                     GPtrArray *problems)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = NULL;
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  const char *name;

  if (fd < 0 && cpd_pin_folder_is_absent (folder))
    return;
  if (fd < 0)
    fail (&error, "open the folder", folder);
  else
    dir = g_dir_open (folder, 0, &error);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      CpdPinFileContext of_file = *context;

      of_file.source = path;
      if (g_str_has_suffix (name, CPD_PIN_FILE_SUFFIX))
        load_file (fd, name, &of_file, table, problems);
    }
  if (error != NULL)
    {
      cpd_pin_table_block_all (table, error->message);
      g_ptr_array_add (problems, g_strdup (error->message));
    }
  if (fd >= 0)
    close (fd);
}

static gboolean
sync_folder (const char *folder, GError **error)
{
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean synced = fd >= 0 && fsync (fd) == 0;

  if (!synced)
    fail (error, "write out the folder", folder);
  if (fd >= 0)
    close (fd);
  return synced;
}

static gboolean
write_file (const char *path, GBytes *text, GError **error)
{
  g_autoptr (GError) reason = NULL;
  gsize length;
  const char *data = g_bytes_get_data (text, &length);

  if (g_file_set_contents_full (path, data, (gssize)length,
                                G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                &reason))
    return TRUE;
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED, "cannot write ‘%s’: %s", path,
               reason->message);
  return FALSE;
}

/* Whether there is no folder, which would become an `old` that nobody can remove. */
static gboolean
check_no_folder (const char *path, const char *doing, GError **error)
{
  struct stat status;

  if (lstat (path, &status) < 0 || !S_ISDIR (status.st_mode))
    return TRUE;
  errno = EISDIR;
  return fail (error, doing, path);
}

/* Writes a file so that the one before, if there is one, is there as `old` afterwards. `existed`:
 * set to whether there is */
static gboolean
replace (const char *path, const char *old, GBytes *text, gboolean *existed, GError **error)
{
  gboolean linked, done;

  g_unlink (old); /* of a change that a crash cut short */
  linked = link (path, old) == 0;
  *existed = linked || errno != ENOENT;
  if (linked || !*existed)
    return write_file (path, text, error);
  /* The file system knows no hard links, or the file is another user's, of which none may be made:
   * the two change places. */
  done = write_file (old, text, error)
         && (renameat2 (AT_FDCWD, old, AT_FDCWD, path, RENAME_EXCHANGE) == 0
             || fail (error, "replace", path));
  if (!done)
    g_unlink (old); /* it is not the old one */
  return done;
}

static gboolean
undo (const char *path, const char *old, gboolean existed)
{
  return existed ? g_rename (old, path) == 0 : g_unlink (path) == 0 || errno == ENOENT;
}

/* Ends a change. `existed`: there was a file before. `reason`: (transfer full): why it failed;
 * NULL: it did not. Where it cannot be undone, the old file stays as `old`, for people. */
static gboolean
settle (const char *path, const char *old, gboolean existed, GError *reason, GError **error)
{
  const gboolean done = reason == NULL;

  if (!done && !undo (path, old, existed))
    {
      g_set_error (error, reason->domain, reason->code,
                   "%s; it cannot be undone either (%s), so it may come into force with a restart; "
                   "mend the disk, then make the change again",
                   reason->message, g_strerror (errno));
      g_error_free (reason);
      return FALSE;
    }
  g_unlink (old); /* a rename to another name of the same file does nothing */
  if (!done)
    g_propagate_error (error, reason);
  return done;
}

/* Makes the folder, too. Blocks until the file is on disk. Errors: CERTPIN_ERROR_STORE_FAILED. */
gboolean
cpd_pin_folder_write (const char *folder, const char *name, GBytes *text, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *old = g_build_filename (folder, OLD_NAME, NULL);
  g_autoptr (GError) reason = NULL;
  gboolean existed;

  if (g_mkdir_with_parents (folder, 0700) < 0)
    return fail (error, "make the folder", folder);
  if (!check_no_folder (path, "replace", error))
    return FALSE;
  if (replace (path, old, text, &existed, &reason))
    sync_folder (folder, &reason);
  return settle (path, old, existed, g_steal_pointer (&reason), error);
}

/* A file that is not there is removed already. Errors: CERTPIN_ERROR_STORE_FAILED. */
gboolean
cpd_pin_folder_remove (const char *folder, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *old = g_build_filename (folder, OLD_NAME, NULL);
  g_autoptr (GError) reason = NULL;

  if (!check_no_folder (path, "remove", error))
    return FALSE;
  if (g_rename (path, old) < 0)
    return errno == ENOENT || fail (error, "remove", path);
  sync_folder (folder, &reason);
  return settle (path, old, /* existed= */ TRUE, g_steal_pointer (&reason), error);
}
