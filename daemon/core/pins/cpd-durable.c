/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes and removes files durably. After a change has returned, it survives a crash or a power
 * cut; before, the old file does; a part of either never does. A failed change is undone: it must
 * not take effect after a restart; if even that is uncertain, the caller learns it. Only one change
 * in a folder at a time. */

#define _GNU_SOURCE /* renameat2() */
#include "config.h"

#include "daemon/core/pins/cpd-durable.h"

#include "daemon/core/base/cpd-refuse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The other of two files that are exchanged. Neither has the name of a pin file, so a crash leaves
 * nothing that would be read. */
#define NEW_NAME ".new"
#define OLD_NAME ".old"

/* What GLib appends to the name of a file that it replaces, as earlier versions of this program
 * did. */
#define RANDOM_SUFFIX_BYTES 6

static const char *
find_remedy (int code)
{
  if (code == ENOSPC || code == EDQUOT)
    return "free some space there";
  if (code == EROFS)
    return "make that disk writable";
  if (code == EISDIR)
    return "remove that folder";
  if (code == EACCES || code == EPERM)
    return "give the user of certpind write access there";
  return "fix that folder or its disk";
}

static gboolean
fail (GError **error, const char *doing, const CpdDurableFile *file)
{
  int code = errno;

  return cpd_refuse (error, CERTPIN_ERROR_STORE_FAILED, "cannot %s ‘%s’: %s; %s", doing, file->path,
                     g_strerror (code), find_remedy (code));
}

static gboolean
sync_file (int fd)
{
  int status;

  do
    status = fsync (fd);
  while (status < 0 && errno == EINTR);
  return status == 0;
}

static gboolean
write_all (int fd, const char *data, gsize length)
{
  while (length > 0)
    {
      gssize written = write (fd, data, length);

      if (written < 0 && errno != EINTR)
        return FALSE;
      data += MAX (written, 0);
      length -= (gsize)MAX (written, 0);
    }
  return TRUE;
}

/* Writes a new file, under its own name, next to the old one, and waits for the disk. */
static gboolean
write_new (const CpdDurableFile *file, const char *name, GBytes *text, GError **error)
{
  gsize length;
  const char *data = g_bytes_get_data (text, &length);
  gboolean written;
  int fd;

  unlinkat (file->folder_fd, name, 0); /* of a change that a crash cut short */
  fd = openat (file->folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  written = fd >= 0 && write_all (fd, data, length) && sync_file (fd);
  if (!written)
    fail (error, "write", file);
  if (fd >= 0 && close (fd) < 0 && written)
    written = fail (error, "write", file);
  if (!written)
    unlinkat (file->folder_fd, name, 0);
  return written;
}

/* Where the old file is, while a change can be undone. */
typedef enum
{
  UNDO_NONE,     /* there was none */
  UNDO_EXCHANGE, /* under the new one's name */
  UNDO_OLD,      /* under a name of its own */
  UNDO_LOST,     /* nowhere */
} Undo;

/* Returns: the type, as in `st_mode`; 0: it does not exist */
static mode_t
find_type (const CpdDurableFile *file)
{
  struct stat status;

  if (fstatat (file->folder_fd, file->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
    return 0;
  return status.st_mode & S_IFMT;
}

/* A folder of that name could be moved away, but then nobody could remove it. */
static gboolean
check_no_folder (const CpdDurableFile *file, const char *doing, GError **error)
{
  if (find_type (file) != S_IFDIR)
    return TRUE;
  errno = EISDIR;
  return fail (error, doing, file);
}

/* Moves the new file into place. Some file systems cannot exchange two files, and some have no
 * links; if one can do neither, the old file is lost. */
static gboolean
put_in_place (const CpdDurableFile *file, Undo *undo, GError **error)
{
  const int fd = file->folder_fd;

  *undo = UNDO_EXCHANGE;
  if (renameat2 (fd, NEW_NAME, fd, file->name, RENAME_EXCHANGE) == 0)
    return TRUE;
  unlinkat (fd, OLD_NAME, 0); /* of a change that a crash cut short */
  if (find_type (file) == 0)
    *undo = UNDO_NONE;
  else
    *undo = linkat (fd, file->name, fd, OLD_NAME, 0) == 0 ? UNDO_OLD : UNDO_LOST;
  return renameat (fd, NEW_NAME, fd, file->name) == 0 || fail (error, "replace", file);
}

static gboolean
undo_change (const CpdDurableFile *file, Undo undo)
{
  const int fd = file->folder_fd;

  if (undo == UNDO_NONE)
    return unlinkat (fd, file->name, 0) == 0 || errno == ENOENT;
  if (undo == UNDO_EXCHANGE)
    return renameat (fd, NEW_NAME, fd, file->name) == 0;
  return undo == UNDO_OLD && renameat (fd, OLD_NAME, fd, file->name) == 0;
}

/* Waits until the change is on disk, or undoes it. `uncertain`: set if nobody knows whether the
 * disk has it. */
static gboolean
settle (const CpdDurableFile *file, Undo undo, gboolean *uncertain, GError **error)
{
  if (sync_file (file->folder_fd))
    return TRUE;
  fail (error, "sync the folder of", file);
  *uncertain = !undo_change (file, undo) || !sync_file (file->folder_fd);
  return FALSE;
}

/* Blocks until the file is on disk. `uncertain`: set to whether a failed change may still take
 * effect after a power cut.
 * Errors: CERTPIN_ERROR_STORE_FAILED. */
gboolean
cpd_durable_write (const CpdDurableFile *file, GBytes *text, gboolean *uncertain, GError **error)
{
  gboolean done = FALSE;
  Undo undo;

  *uncertain = FALSE;
  if (!check_no_folder (file, "replace", error) || !write_new (file, NEW_NAME, text, error))
    return FALSE;
  if (put_in_place (file, &undo, error))
    done = settle (file, undo, uncertain, error);
  unlinkat (file->folder_fd, NEW_NAME, 0);
  unlinkat (file->folder_fd, OLD_NAME, 0);
  return done;
}

/* For a file that may be lost, but not torn: after a power cut, it is the old one or the new one.
 * May run beside a change of other files in the folder.
 * Errors: CERTPIN_ERROR_STORE_FAILED. */
gboolean
cpd_durable_replace (const CpdDurableFile *file, GBytes *text, GError **error)
{
  g_autofree char *name = g_strdup_printf (".%s" NEW_NAME, file->name);

  if (!check_no_folder (file, "replace", error) || !write_new (file, name, text, error))
    return FALSE;
  if (renameat (file->folder_fd, name, file->folder_fd, file->name) == 0)
    return TRUE;
  fail (error, "replace", file);
  unlinkat (file->folder_fd, name, 0);
  return FALSE;
}

/* A file that does not exist counts as removed. Otherwise as above. */
gboolean
cpd_durable_remove (const CpdDurableFile *file, gboolean *uncertain, GError **error)
{
  const int fd = file->folder_fd;
  Undo undo = UNDO_OLD;
  gboolean done;

  *uncertain = FALSE;
  if (!check_no_folder (file, "remove", error))
    return FALSE;
  if (renameat (fd, file->name, fd, OLD_NAME) < 0)
    {
      if (errno != ENOENT)
        return fail (error, "remove", file);
      undo = UNDO_NONE; /* but that may not have reached the disk */
    }
  done = settle (file, undo, uncertain, error);
  unlinkat (fd, OLD_NAME, 0);
  return done;
}

/* Whether GLib may have made this random suffix. A suffix of only lower-case letters may be a word
 * that somebody appended; at random, it is rare. */
static gboolean
is_random (const char *suffix)
{
  gboolean is_word = TRUE;

  for (const char *c = suffix; *c != '\0'; c++)
    {
      if (!g_ascii_isalnum (*c))
        return FALSE;
      is_word = is_word && g_ascii_islower (*c);
    }
  return !is_word && strlen (suffix) == RANDOM_SUFFIX_BYTES;
}

/* `name`: of a file. `suffix`: of the files that are written here.
 * Returns: whether a crash during a change left it */
gboolean
cpd_durable_is_leftover (const char *name, const char *suffix)
{
  const char *dot = strrchr (name, '.');
  g_autofree char *stem = NULL;

  if ((*name == '.' && g_str_has_suffix (name, NEW_NAME)) || g_str_equal (name, OLD_NAME))
    return TRUE;
  if (dot == NULL || !is_random (dot + 1))
    return FALSE;
  stem = g_strndup (name, (gsize)(dot - name));
  return g_str_has_suffix (stem, suffix);
}

/* Removes it durably, if it is a file. Returns: whether it did */
gboolean
cpd_durable_tidy (int folder_fd, const char *name)
{
  struct stat status;

  return fstatat (folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG (status.st_mode)
         && unlinkat (folder_fd, name, 0) == 0 && sync_file (folder_fd);
}
