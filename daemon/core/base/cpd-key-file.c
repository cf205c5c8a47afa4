/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A key file, and what GKeyFile does not tell of it: the line of each key, what is said twice, and
 * everything that is wrong instead of the first thing. */

#include "config.h"

#include "daemon/core/base/cpd-key-file.h"

#include "daemon/core/base/cpd-text.h"

#include <string.h>

/* Of one file, no more than that are told. */
#define FAULTS_MAX 100

#define SHOWN_MAX_BYTES 80

/* `kind`: such as “pin file” */
CpdKeyFile *
cpd_key_file_new (const char *kind, const char *path)
{
  CpdKeyFile *file = g_new0 (CpdKeyFile, 1);

  file->name = g_strdup_printf ("%s ‘%s’", kind, path);
  file->content = g_key_file_new ();
  file->lines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  file->faults = g_ptr_array_new_with_free_func (g_free);
  return file;
}

/* `file`: (nullable) */
void
cpd_key_file_free (CpdKeyFile *file)
{
  if (file == NULL)
    return;
  g_free (file->name);
  g_key_file_unref (file->content);
  g_hash_table_unref (file->lines);
  g_ptr_array_unref (file->faults);
  g_free (file);
}

static void
add_fault (CpdKeyFile *file, unsigned int line, const char *text)
{
  if (file->faults->len > FAULTS_MAX)
    return;
  if (file->faults->len == FAULTS_MAX)
    text = "more is wrong with it, which is not listed";
  g_ptr_array_add (file->faults, line != 0 && file->faults->len < FAULTS_MAX
                                     ? g_strdup_printf ("%s, line %u: %s", file->name, line, text)
                                     : g_strdup_printf ("%s: %s", file->name, text));
}

/* Notes what is wrong. `line`: 0: it is not about one line */
void
cpd_key_file_complain_at (CpdKeyFile *file, unsigned int line, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  add_fault (file, line, text);
}

/* `error`: (transfer full): why the key cannot be read */
void
cpd_key_file_complain_of_error (CpdKeyFile *file, const char *key, GError *error)
{
  cpd_key_file_complain (file, key, "%s", error->message);
  g_error_free (error);
}

/* Returns: where the key is in the group that is being read, or that group where it is missing */
unsigned int
cpd_key_file_find_line (CpdKeyFile *file, const char *key)
{
  g_autofree char *group = g_strdup_printf ("[%s]", file->group);
  g_autofree char *name = g_strconcat (group, key, NULL);
  gpointer line = g_hash_table_lookup (file->lines, name);

  if (line == NULL)
    line = g_hash_table_lookup (file->lines, group);
  return GPOINTER_TO_UINT (line);
}

/* Whether the group that is being read has the key. */
gboolean
cpd_key_file_has_key (CpdKeyFile *file, const char *key)
{
  return g_key_file_has_key (file->content, file->group, key, NULL);
}

/* The value of a key of the group that is being read. GLib gives a value and an error at once where
 * an escape is unknown; here such a value cannot be read.
 * Errors: G_KEY_FILE_ERROR.
 * Returns: (transfer full) */
char *
cpd_key_file_get_text (CpdKeyFile *file, const char *key, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autofree char *text = g_key_file_get_string (file->content, file->group, key, &reason);

  if (reason == NULL)
    return g_steal_pointer (&text);
  g_propagate_error (error, g_steal_pointer (&reason));
  return NULL;
}

static char *
show_line (const char *line)
{
  g_autofree char *shown = cpd_text_shorten (line, strlen (line), SHOWN_MAX_BYTES);

  return g_strdup_printf ("‘%s’", shown);
}

/* GKeyFile merges repeated groups and lets the last of repeated keys win: neither may pass in
 * silence. It stops at what is neither group nor key.
 * Returns: whether the line is one that GKeyFile can read */
static gboolean
scan_line (CpdKeyFile *file, char **group, char *line, unsigned int number)
{
  char *equals = strchr (line, '=');
  g_autofree char *shown = file->is_secret ? g_strdup ("this line") : show_line (line);
  g_autofree char *name = NULL;

  if (*line == '\0' || *line == '#')
    return TRUE;
  if (*line == '[')
    {
      g_free (*group);
      *group = g_strdup (line);
      name = g_strdup (line);
    }
  else if (equals != NULL)
    {
      g_autofree char *key = g_strchomp (g_strndup (line, (gsize)(equals - line)));
      name = g_strconcat (*group, key, NULL);
    }
  else
    {
      cpd_key_file_complain_at (file, number, "%s is neither a [group] nor a key=value", shown);
      return FALSE;
    }
  if (g_hash_table_contains (file->lines, name))
    cpd_key_file_complain_at (file, number, "%s repeats a group, or a key of its group", shown);
  else
    g_hash_table_insert (file->lines, g_steal_pointer (&name), GUINT_TO_POINTER (number));
  return TRUE;
}

/* Returns: (transfer full): the text without the lines that are none */
static char *
scan (CpdKeyFile *file, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autofree char *group = g_strdup ("");

  for (unsigned int i = 0; lines[i] != NULL; i++)
    {
      g_autofree char *line = g_strstrip (g_strdup (lines[i]));

      if (!scan_line (file, &group, line, i + 1))
        *lines[i] = '\0';
    }
  return g_strjoinv ("\n", lines);
}

/* Returns: whether its groups can be read, if only to say what is wrong with them */
gboolean
cpd_key_file_load (CpdKeyFile *file, const char *data, gsize length)
{
  g_autofree char *text = g_strndup (data != NULL ? data : "", length);
  g_autofree char *lines = NULL;
  g_autoptr (GError) error = NULL;

  if (strlen (text) != length || !g_utf8_validate (text, -1, NULL))
    {
      cpd_key_file_complain_at (file, 0, "it is not text in UTF-8");
      return FALSE;
    }
  lines = scan (file, text);
  if (g_key_file_load_from_data (file->content, lines, strlen (lines), G_KEY_FILE_KEEP_TRANSLATIONS,
                                 &error))
    return TRUE;
  cpd_key_file_complain_at (file, 0, "%s",
                            file->is_secret ? "it is not a key file" : error->message);
  return FALSE;
}
