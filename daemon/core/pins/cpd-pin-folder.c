/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads the folder of one run-time layer: one pin in each file. It never skips a file: one that
 * cannot be read blocks its host or, if that is not known, the whole layer. */

#include "config.h"

#include "daemon/core/pins/cpd-pin-file-name.h"
#include "daemon/core/pins/cpd-pin-folder.h"

#include "daemon/core/base/cpd-fault.h"
#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/pins/cpd-durable.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean
fail (GError **error, const char *doing, const char *path)
{
  int code = errno;

  return cpd_refuse (error, CERTPIN_ERROR_STORE_FAILED, "cannot %s ‘%s’: %s", doing, path,
                     g_strerror (code));
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
  return cpd_refuse (error, CERTPIN_ERROR_STORE_FAILED,
                     "‘%s’ is not a regular file of at most %d MiB", name,
                     CPD_PIN_FILE_MAX_BYTES / (1024 * 1024));
}

/* Returns: (transfer full): up to `size` bytes */
static GBytes *
read_all (int fd, const char *name, gsize size, GError **error)
{
  g_autofree char *data = g_malloc (size + 1);
  gsize length = 0;
  gssize got = 1;

  while (length < size && got != 0 && (got > 0 || errno == EINTR))
    {
      got = read (fd, data + length, size - length);
      length += (gsize)MAX (got, 0);
    }
  if (got >= 0)
    return g_bytes_new_take (g_steal_pointer (&data), length);
  fail (error, "read", name);
  return NULL;
}

/* Reads a regular file, without following a link and without blocking on a pipe or a device.
 * Returns: (transfer full): its contents */
GBytes *
cpd_pin_folder_read_file (int folder_fd, const char *name, GError **error)
{
  int fd = openat (folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  GBytes *text = NULL;
  gsize size;

  if (fd < 0 && errno == ELOOP)
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED,
                 "‘%s’ is a symbolic link, which is not followed; put the file itself there", name);
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

/* `path`: of the folder, for messages.
 * Returns: (transfer full): the names of everything in it, or NULL if one may be missing */
GPtrArray *
cpd_pin_folder_list (int folder_fd, const char *path, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  int fd = openat (folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = fd >= 0 ? fdopendir (fd) : NULL;
  struct dirent *entry;

  while (stream != NULL && (errno = 0, entry = readdir (stream)) != NULL)
    if (!g_str_equal (entry->d_name, ".") && !g_str_equal (entry->d_name, ".."))
      g_ptr_array_add (names, g_strdup (entry->d_name));
  if (errno != 0)
    {
      fail (error, "list the folder", path);
      g_clear_pointer (&names, g_ptr_array_unref);
    }
  if (stream != NULL)
    closedir (stream);
  else if (fd >= 0)
    close (fd);
  return g_steal_pointer (&names);
}

static void
block_host (CpdPinTable *table, CpdHost *host, const CpdPinFileContext *context, const char *reason)
{
  g_autoptr (CpdPin) pin = cpd_pin_new_blocked (host, context->layer, reason);

  pin->source = cpd_pin_source_new (context->source);
  cpd_pin_table_set (table, pin);
}

/* Blocks the hosts that the file may be for: that of its name, and those in it.
 * `hosts`: (nullable) */
static void
block (CpdPinTable *table, const char *name, const CpdPinFileContext *context, GPtrArray *hosts,
       const char *reason)
{
  g_autoptr (CpdHost) host = cpd_pin_file_name_to_host (name);

  if (host == NULL && (hosts == NULL || hosts->len == 0))
    cpd_pin_table_block_all (table, reason);
  if (host != NULL)
    block_host (table, host, context, reason);
  for (unsigned int i = 0; hosts != NULL && i < hosts->len; i++)
    block_host (table, hosts->pdata[i], context, reason);
}

/* Returns: (transfer full) (nullable): the pin of a file that has exactly one, for the host in its
 * name */
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
                   "it must hold exactly one pin, that of the host in its name");
      return NULL;
    }
  pin->stored_bytes = (guint32)g_bytes_get_size (text);
  return cpd_pin_ref (pin);
}

/* `sentence`: what is wrong, if that was not found in the file's text and told already */
static void
fail_file (CpdPinTable *table, const char *name, const CpdPinFileContext *context, GPtrArray *hosts,
           const char *sentence)
{
  CpdFault *problem;
  g_autofree char *reason = NULL;

  if (context->problems->len == 0)
    cpd_faults_take (context->problems, CPD_FAULTS_MAX,
                     cpd_fault_new (context->source, 0, NULL, sentence));
  problem = context->problems->pdata[0];
  reason = cpd_fault_to_text (problem);
  block (table, name, context, hosts, reason);
}

static void
load_file (int folder_fd, const char *name, const CpdPinFileContext *context, CpdPinTable *table)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) text = cpd_pin_folder_read_file (folder_fd, name, &error);
  g_autoptr (GPtrArray) hosts = NULL;
  g_autoptr (CpdPin) pin = NULL, other = NULL;

  if (text != NULL)
    pin = read_pin (text, name, context, &hosts, &error);
  if (pin == NULL)
    {
      fail_file (table, name, context, hosts, error->message);
      return;
    }
  other = cpd_pin_table_get (table, pin->host);
  if (other == NULL) /* otherwise, an unreadable file has blocked the host */
    cpd_pin_table_set (table, pin);
}

/* One folder while it is read. */
typedef struct
{
  const char *path;
  const CpdPinFileContext *context;
  CpdPinTable *table;
  GPtrArray *problems; /* of CpdFault */
  gboolean tidy;       /* what a crash left is removed */
} Load;

static void
load_entry (const Load *load, int folder_fd, const char *name)
{
  g_autofree char *path = NULL;
  g_autoptr (GPtrArray) problems = NULL;
  CpdPinFileContext of_file = *load->context;

  if (g_str_has_suffix (name, CPD_PIN_FILE_SUFFIX))
    {
      of_file.source = path = g_build_filename (load->path, name, NULL);
      of_file.problems = problems = cpd_faults_new ();
      load_file (folder_fd, name, &of_file, load->table);
      cpd_faults_add_all (load->problems, problems);
    }
  else if (load->tidy && cpd_durable_is_leftover (name, CPD_PIN_FILE_SUFFIX))
    cpd_durable_tidy (folder_fd, name);
}

/* The folder of a user or an app is loaded because it was found: one that is not there now may have
 * held pins. */
static void
check_presence (const char *path, const CpdPinFileContext *context, int fd, GError **error)
{
  if (fd < 0 && *error == NULL && context->layer > CPD_LAYER_SYSTEM)
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED,
                 "the folder ‘%s’ disappeared while the pins were read", path);
}

/* Loads all pins of a folder of `dir`. The system's may be missing. Removes what a crash left
 * there, if `dir` is locked. `problems`: of CpdFault: gets everything that blocks something. */
void
cpd_pin_folder_load (CpdStateDir *dir, const char *name, const CpdPinFileContext *context,
                     CpdPinTable *table, GPtrArray *problems)
{
  g_autofree char *path = cpd_state_dir_build_path (dir, name);
  const Load load = { .path = path,
                      .context = context,
                      .table = table,
                      .problems = problems,
                      .tidy = cpd_state_dir_is_locked (dir) };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) names = NULL;
  int fd = cpd_state_dir_lookup (dir, name, &error);

  check_presence (path, context, fd, &error);
  if (fd >= 0)
    names = cpd_pin_folder_list (fd, path, &error);
  for (unsigned int i = 0; names != NULL && i < names->len; i++)
    load_entry (&load, fd, names->pdata[i]);
  if (error != NULL)
    {
      cpd_pin_table_block_all (table, error->message);
      cpd_faults_tell (problems, error->message);
    }
  if (fd >= 0)
    close (fd);
}
