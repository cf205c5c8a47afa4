/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the system says of a file that cannot be read or written, and what helps. */

#include "config.h"

#include "certpinctl-trouble.h"

#include "certpinctl-similar.h"

#include <glib/gi18n.h>

#include <errno.h>
#include <string.h>

/* Of a folder with more files, only the first are looked at. */
#define FILES_MAX 1000

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

/* Returns: (transfer full): the names in the folder; none if it cannot be read */
static GPtrArray *
list_folder (const char *folder)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && names->len < FILES_MAX && (name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return g_steal_pointer (&names);
}

/* Returns: (transfer full) (nullable): the question whether a file beside it is meant */
char *
ctl_trouble_ask (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path), *name = g_path_get_basename (path);
  g_autoptr (GPtrArray) names = list_folder (folder);
  g_auto (GStrv) similar
      = ctl_similar_find (name, (const char *const *)names->pdata, CTL_SIMILAR_FILE);

  for (size_t i = 0; strchr (path, '/') != NULL && similar[i] != NULL; i++)
    {
      g_autofree char *bare = similar[i];

      similar[i] = g_build_filename (folder, bare, NULL);
    }
  return similar[0] != NULL ? ctl_similar_ask ((const char *const *)similar) : NULL;
}

static const char *
help_reading (int number)
{
  switch (number)
    {
    case ENOENT:
    case ENOTDIR:
      return _ ("; check its name and its folder");
    case EACCES:
    case EPERM:
      return _ ("; ask its owner for a copy that you may read");
    case EISDIR:
      return _ ("; name a file in it");
    default:
      return "";
    }
}

/* `number`: of errno. Returns: (transfer full): what is wrong with reading it, and what helps */
char *
ctl_trouble_read (const char *path, int number)
{
  g_autofree char *question = number == ENOENT ? ctl_trouble_ask (path) : NULL;

  return g_strconcat (g_strerror (number), question != NULL ? "; " : help_reading (number),
                      question, NULL);
}

static const char *
help_writing (int number)
{
  switch (number)
    {
    case ENOENT:
      return _ ("; make its folder first");
    case EACCES:
    case EPERM:
    case EROFS:
      return _ ("; choose a folder in which you may write");
    case EISDIR:
      return _ ("; name a file in it");
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return _ ("; make room there, or write elsewhere");
    default:
      return "";
    }
}

/* Returns: (transfer full): what is wrong with writing there, and what helps */
char *
ctl_trouble_write (int number)
{
  return g_strconcat (g_strerror (number), help_writing (number), NULL);
}
