/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The file that a pin is from. There may be 100 000 in one folder, so they share its path. */

#include "config.h"

#include "daemon/core/pins/cpd-pin-source.h"

#include <string.h>

struct _CpdPinSource
{
  gatomicrefcount ref_count;
  const char *folder; /* interned, for good: there are few folders, and threads need no lock */
  char name[];
};

CpdPinSource *
cpd_pin_source_new (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  gsize name_size = strlen (name) + 1;
  CpdPinSource *source = g_malloc (sizeof *source + name_size);

  g_atomic_ref_count_init (&source->ref_count);
  source->folder = g_intern_string (folder);
  memcpy (source->name, name, name_size);
  return source;
}

CpdPinSource *
cpd_pin_source_ref (CpdPinSource *source)
{
  g_atomic_ref_count_inc (&source->ref_count);
  return source;
}

/* `source`: (nullable) */
void
cpd_pin_source_unref (CpdPinSource *source)
{
  if (source != NULL && g_atomic_ref_count_dec (&source->ref_count))
    g_free (source);
}

/* Returns: (transfer none): the name of the file in its folder */
const char *
cpd_pin_source_get_name (const CpdPinSource *source)
{
  return source->name;
}

/* Returns: (transfer full) */
char *
cpd_pin_source_build_path (const CpdPinSource *source)
{
  return g_build_filename (source->folder, source->name, NULL);
}
