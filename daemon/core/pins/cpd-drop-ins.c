/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pin files of the administrator and of packages, which are only read. As with systemd's
 * drop-ins, a file replaces those of the same name in later folders, and an empty one (or a link to
 * /dev/null) masks them. They bind every user, so they must belong to root or to this program's
 * user, and only the owner may write to them. */

#include "config.h"

#include "daemon/core/pins/cpd-pin-file-name.h"
#include "daemon/core/pins/cpd-drop-ins.h"

#include "daemon/core/base/cpd-fault.h"
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
  GPtrArray *problems; /* of CpdFault */
} Load;

/* `hosts`: (nullable): NULL: all. `path`: of the file that is to blame */
static void
block_hosts (Load *load, GPtrArray *hosts, const char *path, const char *reason)
{
  if (hosts == NULL)
    cpd_pin_table_block_all (load->table, reason);
  for (unsigned int i = 0; hosts != NULL && i < hosts->len; i++)
    {
      g_autoptr (CpdPin) pin = cpd_pin_new_blocked (hosts->pdata[i], CPD_LAYER_FILES, reason);

      pin->source = cpd_pin_source_new (path);
      cpd_pin_table_set (load->table, pin);
    }
}

/* `problem`: (transfer full): blocks hosts, or all of them if `hosts` is NULL */
static void
block_for (Load *load, GPtrArray *hosts, CpdFault *problem)
{
  g_autofree char *reason = cpd_fault_to_text (problem);

  block_hosts (load, hosts, problem->file, reason);
  cpd_faults_take (load->problems, CPD_FAULTS_MAX, problem);
}

/* A host that is pinned twice is blocked: it is not clear which pin applies. `line`: of the host */
static void
add_pin (Load *load, CpdPin *pin, unsigned int line)
{
  g_autoptr (CpdPin) other = cpd_pin_table_get (load->table, pin->host);
  g_autoptr (GPtrArray) hosts = NULL;
  g_autofree char *sentence = NULL, *here = NULL, *there = NULL;

  if (other == NULL)
    {
      cpd_pin_table_set (load->table, pin);
      return;
    }
  hosts = g_ptr_array_new ();
  g_ptr_array_add (hosts, pin->host);
  here = cpd_pin_source_build_path (pin->source);
  there = other->source != NULL ? cpd_pin_source_build_path (other->source) : NULL;
  sentence
      = g_strdup_printf ("‘%s’ is pinned twice: here and in ‘%s’", cpd_host_get_text (pin->host),
                         there != NULL ? there : "another file");
  block_for (load, hosts, cpd_fault_new (here, line, "Host", sentence));
}

static gboolean
is_safe (const struct stat *status, GError **error)
{
  if ((status->st_uid == 0 || status->st_uid == geteuid ())
      && (S_ISLNK (status->st_mode) || (status->st_mode & (S_IWGRP | S_IWOTH)) == 0))
    return TRUE;
  return cpd_refuse (error, CERTPIN_ERROR_STORE_FAILED,
                     "it must belong to root, and only root may write to it");
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

  if (fstatat (folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && !is_safe (&status, error))
    {
      g_prefix_error (error, "‘%s’: ", name);
      return NULL;
    }
  return cpd_pin_folder_read_file (folder_fd, name, error);
}

static void
load_file (Load *load, int folder_fd, const char *name, const char *path)
{
  g_autoptr (GArray) lines = g_array_new (FALSE, FALSE, sizeof (unsigned int));
  const CpdPinFileContext context = { .layer = CPD_LAYER_FILES,
                                      .source = path,
                                      .read_beside = read_beside,
                                      .folder = &folder_fd,
                                      .problems = load->problems,
                                      .lines = lines };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) text = NULL;
  g_autoptr (GPtrArray) hosts = NULL, pins = NULL;
  struct stat status;

  if (fstatat (folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
    g_set_error (&error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED, "it cannot be examined: %s",
                 g_strerror (errno));
  else if (is_safe (&status, &error) && is_mask (folder_fd, name, &status))
    return;
  if (error == NULL)
    text = cpd_pin_folder_read_file (folder_fd, name, &error);
  if (text != NULL)
    pins = cpd_pin_file_parse (text, &context, &hosts, &error);
  if (text == NULL)
    block_for (load, NULL, cpd_fault_new (path, 0, NULL, error->message));
  else if (pins == NULL)
    block_hosts (load, hosts, path, error->message);
  for (unsigned int i = 0; pins != NULL && i < pins->len; i++)
    add_pin (load, pins->pdata[i], g_array_index (lines, unsigned int, i));
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

/* Returns: (transfer container): the names of the folder's pin files that no earlier folder has,
 * sorted; the load owns them */
static GPtrArray *
list_names (Load *load, int folder_fd, const char *folder, GError **error)
{
  g_autoptr (GPtrArray) all = cpd_pin_folder_list (folder_fd, folder, error);
  GPtrArray *names;

  if (all == NULL)
    return NULL;
  names = g_ptr_array_new ();
  for (unsigned int i = 0; i < all->len; i++)
    if (g_str_has_suffix (all->pdata[i], CPD_PIN_FILE_SUFFIX)
        && !g_hash_table_contains (load->names, all->pdata[i]))
      {
        g_hash_table_add (load->names, all->pdata[i]);
        g_ptr_array_add (names, g_steal_pointer (&all->pdata[i]));
      }
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
    g_set_error (&error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED, "it cannot be opened: %s",
                 g_strerror (errno));
  else if (is_safe (&status, &error))
    names = list_names (load, fd, folder, &error);
  if (names == NULL)
    block_for (load, NULL, cpd_fault_new (folder, 0, NULL, error->message));
  for (unsigned int i = 0; names != NULL && i < names->len; i++)
    {
      g_autofree char *path = g_build_filename (folder, names->pdata[i], NULL);
      load_file (load, fd, names->pdata[i], path);
    }
  if (fd >= 0)
    close (fd);
}

/* `folders`: the first one has priority; each may be missing. `problems`: of CpdFault: gets
 * everything that blocks something.
 * Returns: (transfer full): the pins of all of them */
CpdPinTable *
cpd_drop_ins_load (const char *const *folders, GPtrArray *problems)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Load load
      = { .table = cpd_pin_table_new (CPD_LAYER_FILES), .names = names, .problems = problems };

  cpd_pin_table_begin_filling (load.table);
  for (size_t i = 0; folders[i] != NULL; i++)
    load_folder (&load, folders[i]);
  cpd_pin_table_end_filling (load.table);
  return load.table;
}
