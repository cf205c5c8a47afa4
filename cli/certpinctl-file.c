/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Replaces the contents of a file, piece by piece, but all or nothing: after a full disk or a
 * signal, the file has its old contents. The new ones are written to a temporary file in the same
 * folder, which is then renamed. Anything but a regular file, such as a pipe or a device, is
 * written to directly. */

#define _GNU_SOURCE /* O_PATH */

#include "config.h"

#include "certpinctl-file.h"

#include "certpinctl-signals.h"
#include "certpinctl-stream.h"
#include "certpinctl-trouble.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LINKS_MAX        40 /* as the kernel follows */
#define TEMPORARY_LENGTH 32

/* The file to write. */
struct _CtlFile
{
  char *shown; /* its name for messages */
  int folder;  /* a descriptor of its folder, symbolic links resolved */
  char *base;  /* its name in the folder */
  gboolean direct;
  int flags;      /* for opening it to write directly */
  int descriptor; /* an open descriptor to write to instead; -1: none */
  char temporary[TEMPORARY_LENGTH];
  int output;      /* while it is written: what is written to; -1: it is not */
  struct stat old; /* what the temporary file will replace */
};

static void
remove_temporary (CtlFile *file)
{
  unlinkat (file->folder, file->temporary, 0);
  ctl_signals_release ();
}

/* If it was not committed, a file keeps its old contents. A signal that would end the program does
 * so now. */
void
ctl_file_free (CtlFile *file)
{
  if (file->output >= 0)
    {
      close (file->output);
      if (!file->direct)
        remove_temporary (file);
    }
  if (file->folder >= 0)
    close (file->folder);
  g_free (file->shown);
  g_free (file->base);
  g_free (file);
}

/* Sets the error, and returns FALSE. */
static gboolean
fail (const CtlFile *file, const char *what, int number, GError **error)
{
  g_autofree char *trouble = ctl_trouble_write (number);

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (number), "cannot %s ‘%s’: %s", what,
               file->shown, trouble);
  return FALSE;
}

/* Finding it */

/* Opens the folder of `path`, and keeps the last component. */
static gboolean
enter_folder (CtlFile *file, const char *path, GError **error)
{
  const char *slash = strrchr (path, '/');
  g_autofree char *folder = slash != NULL ? g_strndup (path, (gsize)(slash - path) + 1) : NULL;

  if (file->folder >= 0)
    close (file->folder);
  g_free (file->base);
  file->base = g_strdup (slash != NULL ? slash + 1 : path);
  file->folder = open (folder != NULL ? folder : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return file->folder >= 0 || fail (file, "write to", errno, error);
}

static gboolean
is_trusted (uid_t uid)
{
  return uid == 0 || uid == geteuid ();
}

/* Whether nobody but the caller and root can put a link or a pipe there. */
static gboolean
is_private (int folder)
{
  struct stat state;

  return fstat (folder, &state) == 0 && is_trusted (state.st_uid)
         && (state.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* The links in /proc/PID/fd, to which /dev/stdout leads, stand for open files, not for names. */
static gboolean
is_proc (int folder)
{
  struct statfs state;

  return fstatfs (folder, &state) == 0 && state.f_type == PROC_SUPER_MAGIC;
}

/* Returns: (transfer full) (nullable): the target of the link, relative to the same folder as
 * `path` */
static char *
read_link (const CtlFile *file, const char *path, GError **error)
{
  const char *slash = strrchr (path, '/');
  g_autofree char *folder = g_strndup (path, slash != NULL ? (gsize)(slash - path) + 1 : 0);
  char target[PATH_MAX];
  gssize length;

  if (!is_private (file->folder))
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_LOOP,
                   "‘%s’ is a symbolic link in a folder that others can write to; name the file "
                   "it leads to",
                   file->shown);
      return NULL;
    }
  length = readlinkat (file->folder, file->base, target, sizeof target - 1);
  if (length < 0)
    {
      fail (file, "write to", errno, error);
      return NULL;
    }
  target[length] = '\0';
  return g_strconcat (*target == '/' ? "" : folder, target, NULL);
}

/* Finds `name`, resolving symbolic links. `state->st_mode` is 0 if the file does not exist. */
static gboolean
find_file (CtlFile *file, const char *name, struct stat *state, GError **error)
{
  g_autofree char *path = g_strdup (name);

  for (unsigned int links = 0; links < LINKS_MAX; links++)
    {
      g_autofree char *from = g_steal_pointer (&path);

      *state = (struct stat){ 0 };
      if (!enter_folder (file, from, error))
        return FALSE;
      if (*file->base == '\0')
        return fail (file, "write to", *from == '\0' ? ENOENT : EISDIR, error);
      if (fstatat (file->folder, file->base, state, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT || fail (file, "write to", errno, error);
      if (!S_ISLNK (state->st_mode) || is_proc (file->folder))
        return TRUE;
      path = read_link (file, from, error);
      if (path == NULL)
        return FALSE;
    }
  return fail (file, "write to", ELOOP, error);
}

/* A descriptor of this process is used, not opened again: the caller may not be allowed to open
 * the file, and a new descriptor would begin at its start.
 * Returns: the descriptor; -1: it is none */
static int
find_descriptor (const CtlFile *file)
{
  struct stat folder, own;
  guint64 number;

  if (fstat (file->folder, &folder) == 0 && stat ("/proc/self/fd", &own) == 0
      && folder.st_dev == own.st_dev && folder.st_ino == own.st_ino
      && g_ascii_string_to_unsigned (file->base, 10, 0, G_MAXINT, &number, NULL))
    return (int)number;
  return -1;
}

/* In a sticky folder such as /tmp, another user's file can be neither removed nor replaced. */
static gboolean
is_stuck (int folder, const struct stat *state)
{
  struct stat around;

  return fstat (folder, &around) == 0 && (around.st_mode & S_ISVTX) != 0 && geteuid () != 0
         && around.st_uid != geteuid () && state->st_uid != geteuid ();
}

static gboolean
check_file (CtlFile *file, const struct stat *state, GError **error)
{
  gboolean exists = state->st_mode != 0;

  file->direct = exists && !S_ISREG (state->st_mode);
  file->descriptor = exists ? find_descriptor (file) : -1;
  if (file->descriptor >= 0)
    return TRUE;
  if (S_ISDIR (state->st_mode))
    return fail (file, "write to", EISDIR, error);
  if (exists && faccessat (file->folder, file->base, W_OK, AT_EACCESS) != 0)
    return fail (file, "write to", errno, error);
  if (S_ISFIFO (state->st_mode) && !is_trusted (state->st_uid) && !is_private (file->folder))
    {
      g_set_error (
          error, G_FILE_ERROR, G_FILE_ERROR_PERM,
          "‘%s’ is another user's pipe in a folder that others can write to; choose another file",
          file->shown);
      return FALSE;
    }
  /* Others may write to an open file as well; appending loses nothing of theirs. */
  file->flags = S_ISLNK (state->st_mode) ? O_APPEND : O_NOFOLLOW;
  if (S_ISREG (state->st_mode) && is_stuck (file->folder, state))
    return fail (file, "replace", EPERM, error);
  if (!file->direct && faccessat (file->folder, ".", W_OK | X_OK, AT_EACCESS) != 0)
    return fail (file, "make a temporary file beside", errno, error);
  return TRUE;
}

/* Finds the file and checks that the caller may write it, without changing anything, so that
 * errors show before a request is sent.
 * Errors: G_FILE_ERROR.
 * Returns: (transfer full) (nullable) */
CtlFile *
ctl_file_new (const char *name, GError **error)
{
  g_autoptr (CtlFile) file = g_new0 (CtlFile, 1);
  struct stat state;

  file->shown = g_strdup (name);
  file->folder = -1;
  file->output = -1;
  if (!find_file (file, name, &state, error) || !check_file (file, &state, error))
    return NULL;
  return g_steal_pointer (&file);
}

/* Whether it is written to as it is, so that nothing can be taken back: a pipe, or a device. */
gboolean
ctl_file_is_direct (const CtlFile *file)
{
  return file->direct;
}

/* Writing it */

/* Keeps owner, group and permissions. If the group cannot be kept, the new one gets only the
 * permissions of others. Returns FALSE with errno set on failure. */
static gboolean
keep_attributes (int fd, const struct stat *old)
{
  mode_t mode = old->st_mode & (S_IRWXU | S_IRWXG | S_IRWXO);

  if (fchown (fd, old->st_uid, old->st_gid) != 0 && fchown (fd, (uid_t)-1, old->st_gid) != 0)
    mode = (mode & (S_IRWXU | S_IRWXO)) | (mode & S_IRWXO) << 3;
  return fchmod (fd, mode) == 0;
}

/* Returns: a descriptor of a new file in the same folder, which only the caller may read until its
 * permissions are set; -1 with errno set */
static int
make_temporary (CtlFile *file, const struct stat *old)
{
  g_snprintf (file->temporary, sizeof file->temporary, ".certpinctl-%08x%08x", g_random_int (),
              g_random_int ());
  return openat (file->folder, file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                 old->st_mode != 0 ? 0600 : 0666);
}

static gboolean
begin_temporary (CtlFile *file, GError **error)
{
  ctl_signals_hold ();
  file->old = (struct stat){ 0 };
  if (fstatat (file->folder, file->base, &file->old, AT_SYMLINK_NOFOLLOW) == 0 || errno == ENOENT)
    file->output = make_temporary (file, &file->old);
  if (file->output >= 0)
    return TRUE;
  fail (file, "make a temporary file beside", errno, error);
  ctl_signals_release ();
  return FALSE;
}

/* Before the first piece. Signals are held until the file is committed or freed, unless it is
 * written to directly, so that the temporary file is always removed.
 * Errors: G_FILE_ERROR. */
gboolean
ctl_file_begin (CtlFile *file, GError **error)
{
  if (!file->direct)
    return begin_temporary (file, error);
  file->output = file->descriptor >= 0 ? fcntl (file->descriptor, F_DUPFD_CLOEXEC, 0)
                                       : openat (file->folder, file->base,
                                                 O_WRONLY | O_CLOEXEC | O_NOCTTY | file->flags);
  return file->output >= 0 || fail (file, "write to", errno, error);
}

/* Errors: G_FILE_ERROR */
gboolean
ctl_file_append (CtlFile *file, const char *bytes, gsize length, GError **error)
{
  return ctl_fd_write (file->output, bytes, length) || fail (file, "write to", errno, error);
}

/* Returns FALSE with errno set on failure. */
static gboolean
close_output (CtlFile *file)
{
  int output = file->output;

  file->output = -1;
  return close (output) == 0;
}

/* Returns FALSE with errno set on failure. */
static gboolean
fill_attributes (CtlFile *file)
{
  gboolean filled = (file->old.st_mode == 0 || keep_attributes (file->output, &file->old))
                    && fsync (file->output) == 0;
  int number = errno;

  if (!close_output (file))
    return FALSE;
  errno = number;
  return filled;
}

/* All pieces were written. On failure, the file keeps its old contents. A signal that would end the
 * program does so afterwards.
 * Errors: G_FILE_ERROR. */
gboolean
ctl_file_commit (CtlFile *file, GError **error)
{
  gboolean filled, replaced;
  int number;

  if (file->direct)
    return close_output (file) || fail (file, "write to", errno, error);
  filled = fill_attributes (file);
  replaced = filled && ctl_signals_caught () == 0
             && renameat (file->folder, file->temporary, file->folder, file->base) == 0;
  number = errno;
  if (!replaced)
    fail (file, filled ? "replace" : "write to", number, error);
  if (replaced)
    ctl_signals_release ();
  else
    remove_temporary (file);
  return replaced;
}
