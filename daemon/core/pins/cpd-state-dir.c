/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The folder of all run-time pins, and the lock on it: only one process at a time may write there,
 * and only that process knows the current state. The lock is on the folder itself, so no lock file
 * can be removed meanwhile, and it ends with the process. Folders below are opened one component at
 * a time, without following symbolic links. Users take turns at writing there: the disk is
 * everybody's, and so are the threads that wait for it. */

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

/* How many pins are written at a time: GTask has ten threads, and does other work as well. Of one
 * uid: a pin of an app, and one of the user's own, which so never waits for those of the apps. */
#define WRITES_MAX         6
#define WRITES_MAX_PER_UID 2

struct _CpdStateDir
{
  char *path;
  CpdQueue *turns;    /* at writing; for the main loop alone */
  GMutex lock;        /* of the next three */
  int fd;             /* of the locked folder; -1: it is not locked */
  gboolean is_new;    /* it was not there before */
  GHashTable *synced; /* names of folders below that are on disk for good */
};

CpdStateDir *
cpd_state_dir_new (const char *path)
{
  CpdStateDir *dir = g_atomic_rc_box_new0 (CpdStateDir);

  dir->path = g_strdup (path);
  dir->turns = cpd_queue_new_without_bodies (WRITES_MAX_PER_UID, G_MAXUINT64, WRITES_MAX);
  dir->fd = -1;
  dir->synced = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
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
  cpd_queue_free (dir->turns);
  g_hash_table_unref (dir->synced);
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

/* Returns: (transfer none): whose turn it is to write; any number may wait. For the main loop
 * alone; whoever has a place has a reference to `dir` */
CpdQueue *
cpd_state_dir_get_turns (CpdStateDir *dir)
{
  return dir->turns;
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
open_step (CpdStateDir *dir, int parent, const char *name, gboolean make, gboolean *made,
           GError **error)
{
  const char *slash = strrchr (name, '/'), *last = slash != NULL ? slash + 1 : name;
  int fd, code;

  if (make && mkdirat (parent, last, 0700) == 0)
    *made = TRUE;
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

/* `name`: of a folder below, of one part or more. `made`: (out): some of it was not there before.
 * Returns: as open_step () */
static int
walk (CpdStateDir *dir, const char *name, gboolean make, gboolean *made, GError **error)
{
  int fd = open_root (dir);

  *made = FALSE;
  if (fd < 0 && !make && is_absent (dir))
    return -1;
  if (fd < 0)
    return fail (error, "open", dir->path, errno);
  for (const char *end = name; end != NULL && fd >= 0; end = *end != '\0' ? end + 1 : NULL)
    {
      g_autofree char *part = NULL;
      int parent = fd;

      end += strcspn (end, "/");
      part = g_strndup (name, (gsize)(end - name));
      fd = open_step (dir, parent, part, make, made, error);
      close (parent);
    }
  return fd;
}

/* `name`: of a folder below: “system”, “users”, “users/UID”, “apps/UID/KIND/ID”.
 * Returns: the folder, to be closed; -1: it does not exist, or with `error` set.
 * Errors: CERTPIN_ERROR_STORE_FAILED. */
int
cpd_state_dir_lookup (CpdStateDir *dir, const char *name, GError **error)
{
  gboolean made;

  return walk (dir, name, /* make= */ FALSE, &made, error);
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

/* Syncs the entries of a folder and of all above it: a folder that is lost in a power cut loses its
 * pins. */
static gboolean
sync_entries (CpdStateDir *dir, const char *name, GError **error)
{
  g_autofree char *above = g_strdup (name);
  int root = open_root (dir);
  gboolean synced = root >= 0;
  char *slash;

  while (synced && (slash = strrchr (above, '/')) != NULL)
    {
      *slash = '\0';
      synced = sync_folder (root, above);
    }
  synced = synced && sync_folder (root, ".") && (!dir->is_new || sync_folder (root, ".."));
  if (!synced)
    fail (error, "write out", dir->path, errno);
  if (root >= 0)
    close (root);
  return synced;
}

/* Whether a folder is on disk for good. An earlier process may have crashed before it synced one
 * that is there. */
static gboolean
make_durable (CpdStateDir *dir, const char *name, gboolean made, GError **error)
{
  gboolean known;

  g_mutex_lock (&dir->lock);
  known = !made && g_hash_table_contains (dir->synced, name);
  g_mutex_unlock (&dir->lock);
  if (known)
    return TRUE;
  if (!sync_entries (dir, name, error))
    return FALSE;
  g_mutex_lock (&dir->lock);
  g_hash_table_add (dir->synced, g_strdup (name));
  g_mutex_unlock (&dir->lock);
  return TRUE;
}

/* As above, but makes the folder durably. Only for the holder of the lock.
 * Returns: the folder, to be closed; -1: with `error` set */
int
cpd_state_dir_make (CpdStateDir *dir, const char *name, GError **error)
{
  gboolean made;
  int fd = walk (dir, name, /* make= */ TRUE, &made, error);

  if (fd < 0 || make_durable (dir, name, made, error))
    return fd;
  close (fd);
  return -1;
}

/* Removes a folder below the top ones, unless something is in it. Only for the holder of the lock,
 * and not while something is made in that folder. */
void
cpd_state_dir_remove (CpdStateDir *dir, const char *name)
{
  const char *last = strrchr (name, '/');
  g_autofree char *above = g_strndup (name, (gsize)(last - name));
  int parent = cpd_state_dir_lookup (dir, above, NULL);

  if (parent < 0)
    return;
  if (unlinkat (parent, last + 1, AT_REMOVEDIR) == 0)
    {
      g_mutex_lock (&dir->lock);
      g_hash_table_remove (dir->synced, name);
      g_mutex_unlock (&dir->lock);
    }
  close (parent);
}
