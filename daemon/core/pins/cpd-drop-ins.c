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
  GPtrArray *found;    /* of CpdFault: in what is being read */
  GPtrArray *problems; /* of CpdFault: in what was read */
} Load;

/* Whoever fixes a file goes through it from the top. */
static void
end_reading (Load *load)
{
  cpd_faults_sort (load->found);
  cpd_faults_add_all (load->problems, load->found);
  g_ptr_array_set_size (load->found, 0);
}

/* `host`: (nullable): NULL: all. `path`: of the file that is to blame */
static void
block (Load *load, CpdHost *host, const char *path, const char *reason)
{
  g_autoptr (CpdPin) pin
      = host != NULL ? cpd_pin_new_blocked (host, CPD_LAYER_FILES, reason) : NULL;

  if (pin == NULL)
    {
      cpd_pin_table_block_all (load->table, reason);
      return;
    }
  pin->source = cpd_pin_source_new (path);
  cpd_pin_table_set (load->table, pin);
}

/* `host`: (nullable): NULL: all. `problem`: (transfer full) */
static void
block_for (Load *load, CpdHost *host, CpdFault *problem)
{
  g_autofree char *reason = cpd_fault_to_text (problem);

  block (load, host, problem->file, reason);
  cpd_faults_take (load->found, CPD_FAULTS_MAX, problem);
}

/* A host that is pinned twice is blocked: it is not clear which pin applies. `path`: of the file
 * that is being read
 * Returns: whether it is pinned for the first time */
static gboolean
check_place (Load *load, const CpdPinPlace *place, const char *path)
{
  g_autoptr (CpdPin) other = cpd_pin_table_get (load->table, place->host);
  g_autofree char *sentence = NULL, *there = NULL;

  if (other == NULL)
    return TRUE;
  there = other->source != NULL ? cpd_pin_source_build_path (other->source) : NULL;
  if (g_strcmp0 (there, path) == 0)
    sentence
        = g_strdup_printf ("‘%s’ is pinned twice in this file", cpd_host_get_text (place->host));
  else
    sentence
        = g_strdup_printf ("‘%s’ is pinned twice: here and in ‘%s’",
                           cpd_host_get_text (place->host), there != NULL ? there : "another file");
  block_for (load, place->host, cpd_fault_new (path, place->line, "Host", sentence));
  return FALSE;
}

static void
add_pins (Load *load, GPtrArray *pins, GArray *places, const char *path)
{
  for (unsigned int i = 0; i < pins->len; i++)
    if (check_place (load, cpd_pin_places_get (places, i), path))
      cpd_pin_table_set (load->table, pins->pdata[i]);
}

/* Blocks the hosts of a file that is wrong, as far as they can be read. */
static void
block_places (Load *load, GArray *places, const char *path, const char *reason)
{
  for (unsigned int i = 0; i < places->len; i++)
    {
      const CpdPinPlace *place = cpd_pin_places_get (places, i);

      if (place->host != NULL && check_place (load, place, path))
        block (load, place->host, path, reason);
    }
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
  g_autoptr (GArray) places = cpd_pin_places_new ();
  const CpdPinFileContext context = { .layer = CPD_LAYER_FILES,
                                      .source = path,
                                      .read_beside = read_beside,
                                      .folder = &folder_fd,
                                      .problems = load->found,
                                      .places = places };
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
  else if (pins != NULL)
    add_pins (load, pins, places, path);
  else
    block_places (load, places, path, error->message);
  if (text != NULL && hosts == NULL)
    block (load, /* host= */ NULL, path, error->message);
  end_reading (load);
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
  end_reading (load);
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
  g_autoptr (GPtrArray) found = cpd_faults_new ();
  Load load = { .table = cpd_pin_table_new (CPD_LAYER_FILES),
                .names = names,
                .found = found,
                .problems = problems };

  cpd_pin_table_begin_filling (load.table);
  for (size_t i = 0; folders[i] != NULL; i++)
    load_folder (&load, folders[i]);
  cpd_pin_table_end_filling (load.table);
  return load.table;
}
