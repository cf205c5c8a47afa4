/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pin files of the administrator and of packages, which are only read. As with systemd's
 * drop-ins, a file replaces those of the same name in later folders, and an empty one (or a link to
 * /dev/null) masks them. They bind every user, so they must belong to root or to this program's
 * user, and only the owner may write to them. */

#include "config.h"

#include "daemon/core/pins/cpd-drop-ins.h"

#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/pins/cpd-pin-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  CpdPinTable *table;
  GHashTable *names;   /* the file names that were met */
  GPtrArray *problems; /* of char * */
} Load;

static void
tell (Load *load, const char *problem)
{
  g_ptr_array_add (load->problems, g_strdup (problem));
}

/* `hosts`: (nullable): NULL: all */
static void
block_hosts (Load *load, GPtrArray *hosts, const char *reason)
{
  if (hosts == NULL)
    cpd_pin_table_block_all (load->table, reason);
  for (unsigned int i = 0; hosts != NULL && i < hosts->len; i++)
    {
      g_autoptr (CpdPin) pin = cpd_pin_new_blocked (hosts->pdata[i], CPD_LAYER_FILES, reason);
      cpd_pin_table_set (load->table, pin);
    }
}

/* A host that is pinned twice is blocked: it is not clear which pin applies. */
static void
add_pin (Load *load, CpdPin *pin)
{
  g_autoptr (CpdPin) other = cpd_pin_table_get (load->table, pin->host);
  g_autoptr (GPtrArray) hosts = NULL;
  g_autofree char *reason = NULL;

  if (other == NULL)
    {
      cpd_pin_table_set (load->table, pin);
      return;
    }
  hosts = g_ptr_array_new ();
  g_ptr_array_add (hosts, pin->host);
  reason = g_strdup_printf ("host ‘%s’ is pinned twice: in ‘%s’ and in ‘%s’",
                            cpd_host_get_text (pin->host),
                            other->source != NULL ? other->source : "another file", pin->source);
  block_hosts (load, hosts, reason);
  tell (load, reason);
}

static gboolean
is_safe (const struct stat *status, const char *path, GError **error)
{
  if ((status->st_uid == 0 || status->st_uid == geteuid ())
      && (S_ISLNK (status->st_mode) || (status->st_mode & (S_IWGRP | S_IWOTH)) == 0))
    return TRUE;
  return cpd_refuse (error, CERTPIN_ERROR_STORE_FAILED,
                     "‘%s’ must belong to root, and only root may write to it", path);
}

/* Whether the file is empty, so that it only masks others. */
static gboolean
is_mask (int folder_fd, const char *name, const struct stat *status)
{
  char target[16] = "";

  if (S_ISREG (status->st_mode))
    return status->st_size == 0;
  return S_ISLNK (status->st_mode) && readlinkat (folder_fd, name, target, sizeof target - 1) > 0
         && g_str_equal (target, "/dev/null");
}

/* A file that a pin file names; it must be as safe as the pin file. */
static GBytes *
read_beside (const char *name, gpointer folder, GError **error)
{
  int folder_fd = *(int *)folder;
  struct stat status;

  if (fstatat (folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0
      && !is_safe (&status, name, error))
    return NULL;
  return cpd_pin_folder_read_file (folder_fd, name, error);
}

static void
load_file (Load *load, int folder_fd, const char *name, const char *path)
{
  const CpdPinFileContext context = { .layer = CPD_LAYER_FILES,
                                      .source = path,
                                      .read_beside = read_beside,
                                      .folder = &folder_fd,
                                      .problems = load->problems };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) text = NULL;
  g_autoptr (GPtrArray) hosts = NULL, pins = NULL;
  struct stat status;

  if (fstatat (folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
    g_set_error (&error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED, "cannot examine ‘%s’: %s", path,
                 g_strerror (errno));
  else if (is_safe (&status, path, &error) && is_mask (folder_fd, name, &status))
    return;
  if (error == NULL && (text = cpd_pin_folder_read_file (folder_fd, name, &error)) == NULL)
    g_prefix_error (&error, "pin file ‘%s’: ", path);
  if (text != NULL)
    pins = cpd_pin_file_parse (text, &context, &hosts, &error);
  else
    tell (load, error->message);
  if (pins == NULL)
    block_hosts (load, hosts, error->message);
  for (unsigned int i = 0; pins != NULL && i < pins->len; i++)
    add_pin (load, pins->pdata[i]);
}

/* Whether a folder that cannot be opened does not exist, which is allowed. A dangling link is not:
 * its target may have had pins. */
static gboolean
is_absent (const char *folder)
{
  struct stat status;

  return lstat (folder, &status) < 0 && errno == ENOENT;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* Returns: (transfer full): the names of the folder's pin files that no earlier folder has,
 * sorted */
static GPtrArray *
list_names (Load *load, int folder_fd, const char *folder, GError **error)
{
  g_autoptr (GPtrArray) all = cpd_pin_folder_list (folder_fd, folder, error);
  GPtrArray *names;

  if (all == NULL)
    return NULL;
  names = g_ptr_array_new_with_free_func (g_free);
  for (unsigned int i = 0; i < all->len; i++)
    if (g_str_has_suffix (all->pdata[i], CPD_PIN_FILE_SUFFIX)
        && g_hash_table_add (load->names, g_strdup (all->pdata[i])))
      g_ptr_array_add (names, g_strdup (all->pdata[i]));
  g_ptr_array_sort (names, compare_names);
  return names;
}

static void
load_folder (Load *load, const char *folder)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) names = NULL;
  struct stat status;
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0 && is_absent (folder))
    return;
  if (fd < 0 || fstat (fd, &status) < 0)
    g_set_error (&error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED, "cannot open ‘%s’: %s", folder,
                 g_strerror (errno));
  else if (is_safe (&status, folder, &error))
    names = list_names (load, fd, folder, &error);
  if (names == NULL)
    {
      block_hosts (load, NULL, error->message);
      tell (load, error->message);
    }
  for (unsigned int i = 0; names != NULL && i < names->len; i++)
    {
      g_autofree char *path = g_build_filename (folder, names->pdata[i], NULL);
      load_file (load, fd, names->pdata[i], path);
    }
  if (fd >= 0)
    close (fd);
}

/* `folders`: the first one has priority; each may be missing. `problems`: of char *: gets a
 * sentence for everything that blocks something.
 * Returns: (transfer full): the pins of all of them */
CpdPinTable *
cpd_drop_ins_load (const char *const *folders, GPtrArray *problems)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Load load
      = { .table = cpd_pin_table_new (CPD_LAYER_FILES), .names = names, .problems = problems };

  for (size_t i = 0; folders[i] != NULL; i++)
    load_folder (&load, folders[i]);
  return load.table;
}
