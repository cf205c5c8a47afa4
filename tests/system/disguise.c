/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded into the service: it reads other evidence of a process than there is in /proc, if the
 * process has it in its environment: CERTPIN_TEST_CGROUP in the place of cgroup, CERTPIN_TEST_LABEL
 * in that of attr/current. The processes of each control group are those in the file that
 * CERTPIN_TEST_PROCS names, in the service's own environment. So a test has apps without Flatpak
 * and snapd. And what is written for apps waits for the disk while the file is locked that
 * CERTPIN_TEST_HOLD names; it gets a byte for each file that has begun to wait. */

#define _GNU_SOURCE /* RTLD_NEXT, memfd_create() */

#include <dlfcn.h>
#include <fcntl.h>
#include <glib.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

typedef int (*OpenAt) (int folder, const char *name, int flags, ...);

int openat64 (int folder, const char *name, int flags, ...);

/* Returns: (transfer full) (nullable): a variable of the process whose folder in /proc this is */
static char *
find_variable (int folder, const char *name)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", folder);
  g_autofree char *process = g_file_read_link (link, NULL);
  g_autofree char *path
      = process != NULL ? g_build_filename (process, "environ", NULL) : g_strdup ("");
  g_autofree char *all = NULL;
  gsize length;

  if (!g_str_has_prefix (path, "/proc/") || !g_file_get_contents (path, &all, &length, NULL))
    return NULL;
  for (const char *one = all; one < all + length; one += strlen (one) + 1)
    if (g_str_has_prefix (one, name) && one[strlen (name)] == '=')
      return g_strdup (one + strlen (name) + 1);
  return NULL;
}

/* Returns: a file with the other evidence; -1: there is none */
static int
open_other (int folder, const char *name)
{
  gboolean is_label = strcmp (name, "attr/current") == 0;
  g_autofree char *text = NULL;
  int file;

  if (is_label || strcmp (name, "cgroup") == 0)
    text = find_variable (folder, is_label ? "CERTPIN_TEST_LABEL" : "CERTPIN_TEST_CGROUP");
  if (text == NULL)
    return -1;
  file = memfd_create ("evidence", MFD_CLOEXEC);
  if (write (file, text, strlen (text)) < 0 || lseek (file, 0, SEEK_SET) < 0)
    return -1;
  return file;
}

int
openat64 (int folder, const char *name, int flags, ...)
{
  OpenAt next = (OpenAt)dlsym (RTLD_NEXT, "openat64");
  int other = folder >= 0 ? open_other (folder, name) : -1;
  const char *list = getenv ("CERTPIN_TEST_PROCS");
  mode_t mode = 0;
  va_list rest;

  if (other >= 0)
    return other;
  if (list != NULL && g_str_has_suffix (name, "/cgroup.procs"))
    name = list;
  va_start (rest, flags);
  if ((flags & O_CREAT) != 0)
    mode = va_arg (rest, mode_t);
  va_end (rest);
  return next (folder, name, flags, mode);
}

/* Whether it is the file with which a pin of an app begins. */
static gboolean
is_of_app (int fd)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autofree char *path = g_file_read_link (link, NULL);

  return path != NULL && strstr (path, "/apps/") != NULL && g_str_has_suffix (path, "/.new");
}

int
fsync (int fd)
{
  int (*next) (int) = (int (*) (int))dlsym (RTLD_NEXT, "fsync");
  const char *hold = getenv ("CERTPIN_TEST_HOLD");
  int lock = hold != NULL && is_of_app (fd) ? open (hold, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;

  if (lock >= 0)
    {
      if (write (lock, ".", 1) == 1)
        flock (lock, LOCK_SH);
      close (lock);
    }
  return next (fd);
}
