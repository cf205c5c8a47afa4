/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A key file that is read group by group, to its end whatever is wrong with it: whoever fixes it
 * wants to know everything. */
typedef struct
{
  char *path;         /* for messages; NULL: it has none */
  GPtrArray *faults;  /* of CpdFault: what is wrong with it */
  gboolean is_secret; /* no message repeats a line of it */
  gboolean gives_up;  /* it is a stranger's: once too much is wrong, the rest is not read */

  char *group;          /* that is being read; NULL: none yet */
  GKeyFile *content;    /* that group, if it was needed; else NULL */
  const char *of_group; /* its text, up to `next` */
  gsize group_length;
  gboolean is_plain;      /* nothing in the group needs a GKeyFile to be read */
  gboolean is_malformed;  /* not all of its lines belong to a group, or some are there twice */
  GHashTable *lines;      /* keys of the group, owned → their lines */
  GHashTable *groups;     /* the names of those that were met */
  unsigned int begin;     /* the line of the group */
  char *text, *next;      /* all of it; what is not read yet */
  unsigned int next_line; /* the number of the first line there */
} CpdKeyFile;

CpdKeyFile *cpd_key_file_new (const char *path);
gboolean cpd_key_file_open (CpdKeyFile *file, const char *data, gsize length);
gboolean cpd_key_file_next_group (CpdKeyFile *file);
void cpd_key_file_free (CpdKeyFile *file);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdKeyFile, cpd_key_file_free)

gboolean cpd_key_file_has_key (CpdKeyFile *file, const char *key);
gboolean cpd_key_file_has_only (CpdKeyFile *file, const char *const *keys);
GStrv cpd_key_file_get_list (CpdKeyFile *file, const char *key);
GKeyFile *cpd_key_file_get_content (CpdKeyFile *file);
char *cpd_key_file_get_text (CpdKeyFile *file, const char *key, GError **error);
unsigned int cpd_key_file_find_line (CpdKeyFile *file, const char *key);

void cpd_key_file_complain (CpdKeyFile *file, const char *key, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
void cpd_key_file_complain_at (CpdKeyFile *file, unsigned int line, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
void cpd_key_file_complain_of_error (CpdKeyFile *file, const char *key, GError *error);

G_END_DECLS
