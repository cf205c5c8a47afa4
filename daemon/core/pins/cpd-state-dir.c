/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The folder of all run-time pins, and the lock on it: only one process at a time may write there,
 * and only that process knows the current state. The lock is on the folder itself, so no lock file
 * can be removed meanwhile, and it ends with the process. Folders below are opened one component at
 * a time, without following symbolic links. */

#include "config.h"

#include "daemon/core/pins/cpd-state-dir.h"

#include "client-lib/certpin-error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* How often a lock that another process holds is tried. */
#define LOCK_STEP_MS 5

/* A pin, its folders, and the file that replaces its old one fit into that. */
#define ROOM_BYTES (64 * 1024)

struct _CpdStateDir
{
  char *path;
  GMutex lock;     /* of the next two */
  int fd;          /* of the locked folder; -1: it is not locked */
  gboolean is_new; /* it was not there before */

  /* Atomic. The folder's entries are on disk if both are equal. They start unequal, because an
   * earlier process may have crashed before it synced them. */
  int made, synced;
};

CpdStateDir *
cpd_state_dir_new (const char *path)
{
  CpdStateDir *dir = g_atomic_rc_box_new0 (CpdStateDir);

  dir->path = g_strdup (path);
  dir->fd = -1;
  dir->made = 1;
  g_mutex_init (&dir->lock);
  return dir;
}

CpdStateDir *
cpd_state_dir_ref (CpdStateDir *dir)
{
  return g_atomic_rc_box_acquire (dir);
}

static void
state_dir_clear (gpointer data)
{
  CpdStateDir *dir = data;

  g_free (dir->path);
  g_mutex_clear (&dir->lock);
  if (dir->fd >= 0)
    close (dir->fd);
}

void
cpd_state_dir_unref (CpdStateDir *dir)
{
  if (dir != NULL)
    g_atomic_rc_box_release_full (dir, state_dir_clear);
}

/* Returns: (transfer none) */
const char *
cpd_state_dir_get_path (CpdStateDir *dir)
{
  return dir->path;
}

/* Returns: (transfer full) */
char *
cpd_state_dir_build_path (CpdStateDir *dir, const char *name)
{
  return g_build_filename (dir->path, name, NULL);
}

static int
fail (GError **error, const char *doing, const char *path, int code)
{
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED, "cannot %s the folder ‘%s’: %s",
               doing, path, g_strerror (code));
  return -1;
}

/* Returns: the folder, to be closed; -1 with errno set */
static int
open_root (CpdStateDir *dir)
{
  int locked;

  g_mutex_lock (&dir->lock);
  locked = dir->fd;
  g_mutex_unlock (&dir->lock);
  return locked >= 0 ? fcntl (locked, F_DUPFD_CLOEXEC, 0) : open (dir->path, FOLDER_FLAGS);
}

static gboolean
wait_for_lock (int fd, unsigned int most_ms, GCancellable *cancellable)
{
  for (unsigned int waited = 0; flock (fd, LOCK_EX | LOCK_NB) < 0; waited += LOCK_STEP_MS)
    {
      if (errno != EWOULDBLOCK && errno != EINTR)
        return FALSE;
      if (waited >= most_ms || g_cancellable_is_cancelled (cancellable))
        {
          errno = EWOULDBLOCK;
          return FALSE;
        }
      g_usleep (LOCK_STEP_MS * 1000);
    }
  return TRUE;
}

static gboolean
refuse_lock (CpdStateDir *dir, int code, GError **error)
{
  if (code != EWOULDBLOCK)
    return fail (error, "lock", dir->path, code) >= 0;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY,
               "another certpind uses the state folder ‘%s’; stop that one, or name another folder "
               "with --state-dir",
               dir->path);
  return FALSE;
}

/* Returns: the folder, locked; -1: with `error` set */
static int
open_locked (CpdStateDir *dir, unsigned int most_ms, GCancellable *cancellable, GError **error)
{
  gboolean is_new = !g_file_test (dir->path, G_FILE_TEST_EXISTS);
  int fd = -1, code;

  if (g_mkdir_with_parents (dir->path, 0700) < 0)
    return fail (error, "make", dir->path, errno);
  fd = open (dir->path, FOLDER_FLAGS);
  if (fd < 0)
    return fail (error, "open", dir->path, errno);
  if (wait_for_lock (fd, most_ms, cancellable))
    {
      dir->is_new = dir->is_new || is_new;
      return fd;
    }
  code = errno;
  close (fd);
  refuse_lock (dir, code, error);
  return -1;
}

/* Makes the folder if necessary, and waits for the lock, up to the given time. Blocks. Does nothing
 * if it already has the lock.
 * Errors: G_IO_ERROR_BUSY: another process has it; CERTPIN_ERROR_STORE_FAILED. */
gboolean
cpd_state_dir_lock (CpdStateDir *dir, unsigned int most_ms, GCancellable *cancellable,
                    GError **error)
{
  gboolean locked;

  g_mutex_lock (&dir->lock);
  if (dir->fd < 0)
    dir->fd = open_locked (dir, most_ms, cancellable, error);
  locked = dir->fd >= 0;
  g_mutex_unlock (&dir->lock);
  return locked;
}

gboolean
cpd_state_dir_is_locked (CpdStateDir *dir)
{
  gboolean locked;

  g_mutex_lock (&dir->lock);
  locked = dir->fd >= 0;
  g_mutex_unlock (&dir->lock);
  return locked;
}

/* Returns: 0; or the errno with which a new file would fail */
static int
find_obstacle (int root)
{
  struct statvfs disk;

  if (fstatvfs (root, &disk) < 0)
    return errno;
  if ((disk.f_flag & ST_RDONLY) != 0)
    return EROFS;
  if ((guint64)disk.f_bavail * disk.f_frsize < ROOM_BYTES
      || (disk.f_files > 0 && disk.f_favail == 0))
    return ENOSPC;
  return faccessat (root, ".", W_OK | X_OK, /* flags= */ 0) < 0 ? errno : 0;
}

/* Whether pins can be stored, as far as that can be seen without a write. Blocks.
 * Errors: CERTPIN_ERROR_STORE_FAILED. */
gboolean
cpd_state_dir_check_room (CpdStateDir *dir, GError **error)
{
  int root = open_root (dir), code;

  if (root < 0)
    return fail (error, "open", dir->path, errno) >= 0;
  code = find_obstacle (root);
  close (root);
  return code == 0 || fail (error, "store pins in", dir->path, code) >= 0;
}

/* Why a folder could not be opened: a link is reported as a link. */
static int
refuse_folder (CpdStateDir *dir, int parent, const char *name, int code, GError **error)
{
  const char *last = strrchr (name, '/');
  g_autofree char *path = cpd_state_dir_build_path (dir, name);
  struct stat status;

  if (fstatat (parent, last != NULL ? last + 1 : name, &status, AT_SYMLINK_NOFOLLOW) < 0
      || !S_ISLNK (status.st_mode))
    return fail (error, "open", path, code);
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED,
               "the folder ‘%s’ is a symbolic link, which is not followed; put the folder itself "
               "there",
               path);
  return -1;
}

/* One component. `name`: the path from the top; its last component is opened.
 * Returns: the folder; -1: it does not exist, or with `error` set */
static int
open_step (CpdStateDir *dir, int parent, const char *name, gboolean make, GError **error)
{
  const char *slash = strrchr (name, '/'), *last = slash != NULL ? slash + 1 : name;
  int fd, code;

  if (make && mkdirat (parent, last, 0700) == 0)
    g_atomic_int_inc (&dir->made);
  fd = openat (parent, last, FOLDER_FLAGS | O_NOFOLLOW);
  code = errno;
  if (fd >= 0 || (!make && code == ENOENT))
    return fd;
  return refuse_folder (dir, parent, name, code, error);
}

/* Whether it could not be opened because it does not exist, which is allowed. A dangling link is
 * not: its target may have had pins. */
static gboolean
is_absent (CpdStateDir *dir)
{
  int code = errno;
  struct stat status;
  gboolean is = code == ENOENT && lstat (dir->path, &status) < 0 && errno == ENOENT;

  errno = code;
  return is;
}

/* `name`: of a folder below, in one or two parts. Returns: as open_step () */
static int
walk (CpdStateDir *dir, const char *name, gboolean make, GError **error)
{
  const char *slash = strchr (name, '/');
  g_autofree char *first = slash != NULL ? g_strndup (name, (gsize)(slash - name)) : NULL;
  int root = open_root (dir), middle = -1, fd = -1;

  if (root < 0 && !make && is_absent (dir))
    return -1;
  if (root < 0)
    return fail (error, "open", dir->path, errno);
  if (first == NULL)
    fd = open_step (dir, root, name, make, error);
  else if ((middle = open_step (dir, root, first, make, error)) >= 0)
    fd = open_step (dir, middle, name, make, error);
  if (middle >= 0)
    close (middle);
  close (root);
  return fd;
}

/* `name`: of a folder below: “system”, “users”, “users/UID”.
 * Returns: the folder, to be closed; -1: it does not exist, or with `error` set.
 * Errors: CERTPIN_ERROR_STORE_FAILED. */
int
cpd_state_dir_lookup (CpdStateDir *dir, const char *name, GError **error)
{
  return walk (dir, name, /* make= */ FALSE, error);
}

/* This process did not make a folder that it may not read. */
static gboolean
sync_folder (int root, const char *name)
{
  int fd = openat (root, name, FOLDER_FLAGS | O_NOFOLLOW);
  gboolean synced
      = fd >= 0 ? fsync (fd) == 0 : errno == ENOENT || errno == EACCES || errno == ENOTDIR;

  if (fd >= 0)
    close (fd);
  return synced;
}

/* Syncs the folders' own entries: a folder that is lost in a power cut loses its pins. */
static gboolean
sync_entries (CpdStateDir *dir, GError **error)
{
  int made = g_atomic_int_get (&dir->made);
  gboolean synced;
  int root;

  if (g_atomic_int_get (&dir->synced) == made)
    return TRUE;
  root = open_root (dir);
  synced = root >= 0 && sync_folder (root, "users") && sync_folder (root, ".")
           && (!dir->is_new || sync_folder (root, ".."));
  if (synced)
    g_atomic_int_set (&dir->synced, made);
  else
    fail (error, "write out", dir->path, errno);
  if (root >= 0)
    close (root);
  return synced;
}

/* As above, but makes the folder durably. Only for the holder of the lock.
 * Returns: the folder, to be closed; -1: with `error` set */
int
cpd_state_dir_make (CpdStateDir *dir, const char *name, GError **error)
{
  int fd = walk (dir, name, /* make= */ TRUE, error);

  if (fd < 0 || sync_entries (dir, error))
    return fd;
  close (fd);
  return -1;
}
