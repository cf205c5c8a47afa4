/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* One file of a folder that is open. */
typedef struct
{
  int folder_fd;
  const char *name;
  const char *path; /* for messages */
} CpdDurableFile;

gboolean
cpd_durable_write (const CpdDurableFile *file, GBytes *text, gboolean *uncertain, GError **error);
gboolean cpd_durable_replace (const CpdDurableFile *file, GBytes *text, GError **error);
gboolean cpd_durable_remove (const CpdDurableFile *file, gboolean *uncertain, GError **error);

gboolean cpd_durable_is_leftover (const char *name, const char *suffix);
gboolean cpd_durable_tidy (int folder_fd, const char *name);

G_END_DECLS
