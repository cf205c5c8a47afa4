/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A key file that is being read, to its end whatever is wrong with it: whoever fixes it wants to
 * know everything. */
typedef struct
{
  char *name; /* for messages, with what kind of file it is */
  GKeyFile *content;
  GHashTable *lines;  /* "[group]" and "[group]key", owned → its number, from 1 */
  const char *group;  /* that is being read */
  GPtrArray *faults;  /* of char *: what is wrong with it */
  gboolean is_secret; /* no message repeats a line of it */
} CpdKeyFile;

CpdKeyFile *cpd_key_file_new (const char *kind, const char *path);
gboolean cpd_key_file_load (CpdKeyFile *file, const char *data, gsize length);
void cpd_key_file_free (CpdKeyFile *file);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdKeyFile, cpd_key_file_free)

gboolean cpd_key_file_has_key (CpdKeyFile *file, const char *key);
char *cpd_key_file_get_text (CpdKeyFile *file, const char *key, GError **error);
unsigned int cpd_key_file_find_line (CpdKeyFile *file, const char *key);

void cpd_key_file_complain_at (CpdKeyFile *file, unsigned int line, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
void cpd_key_file_complain_of_error (CpdKeyFile *file, const char *key, GError *error);

/* Notes what is wrong with a key of the group that is being read. */
#define cpd_key_file_complain(file, key, ...)                                                      \
  cpd_key_file_complain_at (file, cpd_key_file_find_line (file, key), __VA_ARGS__)

G_END_DECLS
