/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded into certpinctl: a system call that never fails here fails once, or a signal arrives
 * just then. AT names the call, and ERRNO or SIGNAL what happens at it. */

#define _GNU_SOURCE /* RTLD_NEXT */

#include <dlfcn.h>
#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NO_FD (-1)

static gboolean happened;
static int synced_fd = NO_FD; /* of the file whose end is near */

/* Whether the call is to fail. */
static gboolean
is_due (const char *call)
{
  const char *at = g_getenv ("CERTPIN_TEST_AT"), *number = g_getenv ("CERTPIN_TEST_ERRNO"),
             *sent = g_getenv ("CERTPIN_TEST_SIGNAL");

  if (happened || at == NULL || strcmp (at, call) != 0)
    return FALSE;
  happened = TRUE;
  if (sent != NULL)
    kill (getpid (), (int)g_ascii_strtoll (sent, NULL, 10));
  if (number != NULL)
    errno = (int)g_ascii_strtoll (number, NULL, 10);
  return number != NULL;
}

/* To a file or the standard output: what goes to the bus is left alone. */
ssize_t
write (int fd, const void *bytes, size_t length)
{
  ssize_t (*next) (int, const void *, size_t) = dlsym (RTLD_NEXT, "write");
  struct stat state;

  if (fstat (fd, &state) == 0 && (S_ISREG (state.st_mode) || fd == STDOUT_FILENO)
      && is_due ("write"))
    return -1;
  return next (fd, bytes, length);
}

int
fsync (int fd)
{
  int (*next) (int) = dlsym (RTLD_NEXT, "fsync");

  synced_fd = fd;
  return is_due ("fsync") ? -1 : next (fd);
}

int
close (int fd)
{
  int (*next) (int) = dlsym (RTLD_NEXT, "close");
  int result = next (fd);

  if (fd == synced_fd && is_due ("close"))
    result = -1;
  if (fd == synced_fd)
    synced_fd = NO_FD;
  return result;
}

int
renameat (int old_folder, const char *old_name, int new_folder, const char *new_name)
{
  int (*next) (int, const char *, int, const char *) = dlsym (RTLD_NEXT, "renameat");

  return is_due ("renameat") ? -1 : next (old_folder, old_name, new_folder, new_name);
}
