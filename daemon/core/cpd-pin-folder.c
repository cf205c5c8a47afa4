/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The folder of one run-time layer: one pin a file. Writing is durable: once it has returned, a
 * crash or a power cut leaves the new file; until then the old one, and never half of either.
 * Reading never skips: what cannot be read blocks the host it is about or, where that is not known,
 * the whole layer. */

#include "config.h"

#include "cpd-pin-folder.h"

#include "client-lib/certpin-error.h"

#include <glib/gstdio.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean
fail (GError **error, const char *doing, const char *path)
{
  int code = errno;

  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED, "cannot %s ‘%s’: %s", doing, path,
               g_strerror (code));
  return FALSE;
}

/* Reads a regular file, without following a link and without waiting on what is no file.
 * Returns: (transfer full): its contents */
GBytes *
cpd_pin_folder_read_file (int folder_fd, const char *name, GError **error)
{
  int fd = openat (folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  g_autofree char *data = NULL;
  struct stat status;
  gsize length = 0;
  gssize got = -1;

  if (fd < 0)
    {
      fail (error, "open", name);
      return NULL;
    }
  if (fstat (fd, &status) == 0 && S_ISREG (status.st_mode)
      && status.st_size <= CPD_PIN_FILE_MAX_BYTES)
    {
      data = g_malloc ((gsize)status.st_size + 1);
      while ((got = read (fd, data + length, (gsize)status.st_size - length)) > 0)
        length += (gsize)got;
    }
  else
    errno = EINVAL;
  if (got < 0)
    fail (error, "read", name);
  close (fd);
  return got >= 0 ? g_bytes_new_take (g_steal_pointer (&data), length) : NULL;
}

/* Refuses what the file may have been about. */
static void
block (CpdPinTable *table, CpdLayer layer, const char *name, const char *reason)
{
  g_autoptr (CpdHost) host = cpd_pin_file_name_to_host (name);
  g_autoptr (CpdPin) pin = NULL;

  if (host == NULL)
    {
      cpd_pin_table_block_all (table, reason);
      return;
    }
  pin = cpd_pin_new_blocked (host, layer, reason);
  cpd_pin_table_set (table, pin);
}

static void
load_file (int folder_fd, const char *name, const CpdPinFileContext *context, CpdPinTable *table,
           GPtrArray *problems)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) text = cpd_pin_folder_read_file (folder_fd, name, &error);
  g_autoptr (GPtrArray) hosts = NULL, pins = NULL;

  if (text != NULL)
    pins = cpd_pin_file_parse (text, context, &hosts, &error);
  if (pins != NULL && pins->len == 1)
    {
      CpdPin *pin = pins->pdata[0];
      g_autofree char *proper = cpd_pin_file_name (pin->host);

      pin->stored_bytes = (guint32)g_bytes_get_size (text);
      if (g_str_equal (proper, name))
        {
          cpd_pin_table_set (table, pin);
          return;
        }
    }
  if (error == NULL)
    g_set_error (&error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED,
                 "pin file ‘%s’ does not hold exactly the pin that its name tells of",
                 context->source);
  block (table, context->layer, name, error->message);
  g_ptr_array_add (problems, g_strdup (error->message));
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

  if (fd < 0 && errno == ENOENT)
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

/* Makes the folder, too. Blocks until the file is on disk. Errors: CERTPIN_ERROR_STORE_FAILED. */
gboolean
cpd_pin_folder_write (const char *folder, const char *name, GBytes *text, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) reason = NULL;
  gsize length;
  const char *data = g_bytes_get_data (text, &length);

  if (g_mkdir_with_parents (folder, 0700) < 0)
    return fail (error, "make the folder", folder);
  if (!g_file_set_contents_full (path, data, (gssize)length,
                                 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                 &reason))
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED, "cannot write ‘%s’: %s", path,
                   reason->message);
      return FALSE;
    }
  return sync_folder (folder, error);
}

/* A file that is not there is removed already. Errors: CERTPIN_ERROR_STORE_FAILED. */
gboolean
cpd_pin_folder_remove (const char *folder, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  if (g_unlink (path) < 0)
    return errno == ENOENT || fail (error, "remove", path);
  return sync_folder (folder, error);
}
