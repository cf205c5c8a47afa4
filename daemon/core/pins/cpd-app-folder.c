/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The folder of an app that has no pins left is removed: anybody can make up names of apps, so that
 * otherwise such folders could become more and more, and every start would read them all. */

#include "config.h"

#include "daemon/core/pins/cpd-app-folder.h"

#include "daemon/core/pins/cpd-durable.h"
#include "daemon/core/pins/cpd-pin-file-name.h"
#include "daemon/core/pins/cpd-pin-folder.h"
#include "daemon/core/pins/cpd-sighting-file.h"

#include <unistd.h>

static gboolean
has_pins (GPtrArray *names)
{
  for (unsigned int i = 0; i < names->len; i++)
    if (g_str_has_suffix (names->pdata[i], CPD_PIN_FILE_SUFFIX))
      return TRUE;
  return FALSE;
}

/* What else this service writes there says something of pins only. */
static void
remove_files (int folder_fd, GPtrArray *names)
{
  for (unsigned int i = 0; i < names->len; i++)
    {
      const char *name = names->pdata[i];

      if (g_str_equal (name, CPD_SIGHTING_FILE_NAME)
          || cpd_durable_is_leftover (name, CPD_PIN_FILE_SUFFIX))
        unlinkat (folder_fd, name, 0);
    }
}

/* Removes the folder, if it has no pins and nobody else has put anything there. Blocks. Without the
 * lock, it only looks.
 * Returns: whether it has none, for sure */
gboolean
cpd_app_folder_tidy (CpdStateDir *dir, const char *name)
{
  g_autofree char *path = cpd_state_dir_build_path (dir, name);
  int fd = cpd_state_dir_lookup (dir, name, NULL);
  g_autoptr (GPtrArray) names = fd >= 0 ? cpd_pin_folder_list (fd, path, NULL) : NULL;
  gboolean is_empty = names != NULL && !has_pins (names);

  if (is_empty && cpd_state_dir_is_locked (dir))
    {
      remove_files (fd, names);
      cpd_state_dir_remove (dir, name);
    }
  if (fd >= 0)
    close (fd);
  return is_empty;
}
