/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A key file, and what GKeyFile does not tell of it: the line of each key, what is said twice, and
 * everything that is wrong instead of the first thing. It has one group in memory at a time: there
 * may be 100 000. */

#include "config.h"

#include "daemon/core/base/cpd-key-file.h"

#include "daemon/core/base/cpd-fault.h"
#include "daemon/core/base/cpd-text.h"

#include <string.h>

/* Of one file, no more than that are told. */
#define FAULTS_MAX 100

#define SHOWN_MAX_BYTES 80

/* `path`: (nullable) */
CpdKeyFile *
cpd_key_file_new (const char *path)
{
  CpdKeyFile *file = g_new0 (CpdKeyFile, 1);

  file->path = g_strdup (path);
  file->lines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  file->groups = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  file->faults = cpd_faults_new ();
  return file;
}

/* `file`: (nullable) */
void
cpd_key_file_free (CpdKeyFile *file)
{
  if (file == NULL)
    return;
  g_free (file->path);
  g_clear_pointer (&file->content, g_key_file_unref);
  g_free (file->group);
  g_hash_table_unref (file->lines);
  g_hash_table_unref (file->groups);
  g_ptr_array_unref (file->faults);
  g_free (file->text);
  g_free (file);
}

static void
add_fault (CpdKeyFile *file, unsigned int line, const char *key, const char *sentence)
{
  cpd_faults_take (file->faults, FAULTS_MAX, cpd_fault_new (file->path, line, key, sentence));
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
  add_fault (file, line, NULL, text);
}

/* Notes what is wrong with a key of the group that is being read. */
void
cpd_key_file_complain (CpdKeyFile *file, const char *key, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  add_fault (file, cpd_key_file_find_line (file, key), key, text);
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
  gpointer line = g_hash_table_lookup (file->lines, key);

  return line != NULL ? GPOINTER_TO_UINT (line) : file->begin;
}

/* Whether the group that is being read has the key. */
gboolean
cpd_key_file_has_key (CpdKeyFile *file, const char *key)
{
  return g_hash_table_contains (file->lines, key);
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

/* A line that is wrong in itself. */
static void
complain_of_line (CpdKeyFile *file, unsigned int number, const char *line, const char *what)
{
  g_autofree char *shown = cpd_text_shorten (line, strcspn (line, "\n"), SHOWN_MAX_BYTES);

  file->is_malformed = TRUE;
  if (file->is_secret)
    cpd_key_file_complain_at (file, number, "this line %s", what);
  else
    cpd_key_file_complain_at (file, number, "‘%s’ %s", shown, what);
}

/* GKeyFile lets the last of repeated keys win: none may pass in silence. It stops at what is
 * neither group nor key.
 * Returns: whether the line is one that GKeyFile can read */
static gboolean
scan_line (CpdKeyFile *file, const char *line, unsigned int number)
{
  const char *equals = strchr (line, '=');
  char *key;

  if (*line == '\0' || *line == '#')
    return TRUE;
  if (equals == NULL)
    {
      complain_of_line (file, number, line, "is neither a [group] nor a key=value");
      return FALSE;
    }
  key = g_strchomp (g_strndup (line, (gsize)(equals - line)));
  if (g_hash_table_contains (file->lines, key))
    {
      complain_of_line (file, number, line, "repeats a key of its group");
      g_free (key);
      return TRUE;
    }
  g_hash_table_insert (file->lines, key, GUINT_TO_POINTER (number));
  return TRUE;
}

/* Returns: whether the next line begins a group */
static gboolean
is_at_group (const CpdKeyFile *file)
{
  return file->next[strspn (file->next, " \t\r\v\f")] == '[';
}

/* Goes on to the next line. `start`: (out): of this one, in the text.
 * Returns: (transfer full): this one, without the space around it */
static char *
take_line (CpdKeyFile *file, char **start, size_t *length)
{
  char *end = strchr (file->next, '\n');

  *start = file->next;
  *length = end != NULL ? (size_t)(end - file->next) : strlen (file->next);
  file->next = end != NULL ? end + 1 : file->next + *length;
  file->next_line++;
  return g_strstrip (g_strndup (*start, *length));
}

/* Reads lines up to the next group. Those that GKeyFile could not read are made empty. */
static void
scan_lines (CpdKeyFile *file)
{
  while (*file->next != '\0' && !is_at_group (file))
    {
      unsigned int number = file->next_line;
      char *start;
      size_t length;
      g_autofree char *line = take_line (file, &start, &length);

      if (!scan_line (file, line, number))
        memset (start, ' ', length);
    }
}

/* Reads the line that begins a group. GKeyFile merges repeated groups: none may pass in silence. */
static void
begin_group (CpdKeyFile *file)
{
  char *start;
  size_t length;
  char *line;

  file->begin = file->next_line;
  g_hash_table_remove_all (file->lines);
  line = take_line (file, &start, &length);
  if (g_hash_table_contains (file->groups, line))
    complain_of_line (file, file->begin, line, "repeats a group");
  g_hash_table_add (file->groups, line);
}

/* `text`: the lines of one group. Returns: whether its keys can be read */
static gboolean
load_group (CpdKeyFile *file, const char *text, gsize length)
{
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&file->content, g_key_file_unref);
  g_clear_pointer (&file->group, g_free);
  file->content = g_key_file_new ();
  if (g_key_file_load_from_data (file->content, text, length, G_KEY_FILE_KEEP_TRANSLATIONS, &error))
    file->group = g_key_file_get_start_group (file->content);
  else
    complain_of_line (file, file->begin, text, "is not a [group], or one of its keys has no name");
  return file->group != NULL;
}

/* Goes on to the next group whose keys can be read.
 * Returns: whether there is one; otherwise, all that is wrong with the file itself is known */
gboolean
cpd_key_file_next_group (CpdKeyFile *file)
{
  const char *start;

  while (*file->next != '\0' && !(file->gives_up && file->faults->len > FAULTS_MAX))
    {
      start = file->next;
      begin_group (file);
      scan_lines (file);
      if (load_group (file, start, (gsize)(file->next - start)))
        return TRUE;
    }
  return FALSE;
}

/* Begins to read a text.
 * Returns: whether its groups can be read, if only to say what is wrong with them */
gboolean
cpd_key_file_open (CpdKeyFile *file, const char *data, gsize length)
{
  file->text = g_strndup (data != NULL ? data : "", length);
  file->next = file->text;
  file->next_line = 1;
  if (strlen (file->text) != length || !g_utf8_validate (file->text, -1, NULL))
    {
      file->is_malformed = TRUE;
      cpd_key_file_complain_at (file, 0, "it is not text in UTF-8");
      return FALSE;
    }
  while (*file->next != '\0' && !is_at_group (file))
    {
      unsigned int number = file->next_line;
      char *start;
      size_t line_length;
      g_autofree char *line = take_line (file, &start, &line_length);

      if (*line != '\0' && *line != '#')
        complain_of_line (file, number, line, "stands before the first [group]");
    }
  return TRUE;
}
