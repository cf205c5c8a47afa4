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

/* One key of a group. */
typedef struct
{
  unsigned int number;
  const char *value; /* in the text of the line, which is the key in the table of lines */
} Line;

/* `path`: (nullable) */
CpdKeyFile *
cpd_key_file_new (const char *path)
{
  CpdKeyFile *file = g_new0 (CpdKeyFile, 1);

  file->path = g_strdup (path);
  file->lines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
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
  const Line *line = g_hash_table_lookup (file->lines, key);

  return line != NULL ? line->number : file->begin;
}

/* Whether the group that is being read has the key. */
gboolean
cpd_key_file_has_key (CpdKeyFile *file, const char *key)
{
  return g_hash_table_contains (file->lines, key);
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
 * neither group nor key. `text`: (transfer full): without the space around it
 * Returns: whether the line is one that GKeyFile can read */
static gboolean
scan_line (CpdKeyFile *file, char *text, unsigned int number)
{
  g_autofree char *key = text;
  char *equals = strchr (text, '=');
  Line *line;

  if (*text == '\0' || *text == '#')
    return TRUE;
  if (equals == NULL)
    {
      complain_of_line (file, number, text, "is neither a [group] nor a key=value");
      return FALSE;
    }
  *equals = '\0';
  g_strchomp (key);
  if (g_hash_table_contains (file->lines, key))
    {
      *equals = '=';
      file->is_plain = FALSE;
      complain_of_line (file, number, text, "repeats a key of its group");
      return TRUE;
    }
  line = g_new (Line, 1);
  line->number = number;
  line->value = equals + 1;
  g_hash_table_insert (file->lines, g_steal_pointer (&key), line);
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

/* A name that means the same to everybody who reads key files. For GKeyFile, Encoding= is no usual
 * key. */
static gboolean
is_plain_name (const char *name, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if (!g_ascii_isalnum (name[i]))
      return FALSE;
  return length > 0 && strncmp (name, "Encoding", length) != 0;
}

/* Likewise, text without escapes, controls and space around it. */
static gboolean
is_plain_text (const char *text, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if (text[i] == '\\' || g_ascii_iscntrl (text[i]))
      return FALSE;
  return length == 0 || (text[0] != ' ' && text[length - 1] != ' ');
}

/* Whether the line, as it is in the file, is a comment or a key that needs no GKeyFile to be
 * read. */
static gboolean
is_plain_line (const char *line, size_t length)
{
  const char *equals = memchr (line, '=', length);
  size_t name_length = equals != NULL ? (size_t)(equals - line) : 0;

  return length == 0 || line[0] == '#'
         || (equals != NULL && is_plain_name (line, name_length)
             && is_plain_text (equals + 1, length - name_length - 1));
}

/* Likewise, the line that begins a group. */
static gboolean
is_plain_group (const char *line, size_t length)
{
  return length > 2 && line[0] == '[' && line[length - 1] == ']'
         && is_plain_text (line + 1, length - 2) && memchr (line + 1, '[', length - 2) == NULL
         && memchr (line + 1, ']', length - 2) == NULL;
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
      char *line = take_line (file, &start, &length);

      file->is_plain = file->is_plain && is_plain_line (start, length);
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

/* Returns: whether the keys of the group can be read */
static gboolean
load_group (CpdKeyFile *file)
{
  g_autoptr (GError) error = NULL;

  file->content = g_key_file_new ();
  if (g_key_file_load_from_data (file->content, file->of_group, file->group_length,
                                 G_KEY_FILE_KEEP_TRANSLATIONS, &error))
    file->group = g_key_file_get_start_group (file->content);
  else
    complain_of_line (file, file->begin, file->of_group,
                      "is not a [group], or one of its keys has no name");
  return file->group != NULL;
}

/* Most groups need no GKeyFile, which takes several times as long: there may be 100 000.
 * Returns: whether the keys of the group can be read */
static gboolean
finish_group (CpdKeyFile *file)
{
  size_t length = strcspn (file->of_group, "\n");

  g_clear_pointer (&file->content, g_key_file_unref);
  g_clear_pointer (&file->group, g_free);
  file->is_plain = file->is_plain && is_plain_group (file->of_group, length);
  if (!file->is_plain)
    return load_group (file);
  file->group = g_strndup (file->of_group + 1, length - 2);
  return TRUE;
}

/* Goes on to the next group whose keys can be read.
 * Returns: whether there is one; otherwise, all that is wrong with the file itself is known */
gboolean
cpd_key_file_next_group (CpdKeyFile *file)
{
  while (*file->next != '\0' && !(file->gives_up && file->faults->len > FAULTS_MAX))
    {
      file->of_group = file->next;
      file->is_plain = TRUE;
      begin_group (file);
      scan_lines (file);
      file->group_length = (gsize)(file->next - file->of_group);
      if (finish_group (file))
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

/* Returns: (transfer none): the group that is being read, as a GKeyFile, which has nothing else */
GKeyFile *
cpd_key_file_get_content (CpdKeyFile *file)
{
  if (file->content == NULL)
    {
      file->content = g_key_file_new ();
      g_key_file_load_from_data (file->content, file->of_group, file->group_length,
                                 G_KEY_FILE_KEEP_TRANSLATIONS, NULL);
    }
  return file->content;
}

/* Returns: (transfer none) (nullable): the value of a key, if it needs no GKeyFile to be read */
static const char *
find_plain (CpdKeyFile *file, const char *key)
{
  const Line *line = file->is_plain ? g_hash_table_lookup (file->lines, key) : NULL;

  return line != NULL ? line->value : NULL;
}

/* The value of a key of the group that is being read. GLib gives a value and an error at once where
 * an escape is unknown; here such a value cannot be read.
 * Errors: G_KEY_FILE_ERROR.
 * Returns: (transfer full) */
char *
cpd_key_file_get_text (CpdKeyFile *file, const char *key, GError **error)
{
  const char *plain = find_plain (file, key);
  g_autoptr (GError) reason = NULL;
  g_autofree char *text = NULL;

  if (plain != NULL)
    return g_strdup (plain);
  text = g_key_file_get_string (cpd_key_file_get_content (file), file->group, key, &reason);
  if (g_error_matches (reason, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_KEY_NOT_FOUND))
    {
      g_set_error_literal (error, G_KEY_FILE_ERROR, reason->code, "it is missing; add it");
      return NULL;
    }
  if (reason == NULL)
    return g_steal_pointer (&text);
  g_propagate_error (error, g_steal_pointer (&reason));
  return NULL;
}

/* Returns: (transfer full) (nullable): the values of a key that has several, with a semicolon
 * between them, or after each; NULL: there is no such key, or it cannot be read */
GStrv
cpd_key_file_get_list (CpdKeyFile *file, const char *key)
{
  const char *plain = find_plain (file, key);
  GStrv list;
  unsigned int length;

  if (plain == NULL)
    return g_key_file_get_string_list (cpd_key_file_get_content (file), file->group, key, NULL,
                                       NULL);
  list = g_strsplit (plain, ";", -1);
  length = g_strv_length (list);
  if (length > 0 && *list[length - 1] == '\0')
    g_clear_pointer (&list[length - 1], g_free);
  return list;
}

/* Whether it is plain that the group has no other keys; if not, look at its content. */
gboolean
cpd_key_file_has_only (CpdKeyFile *file, const char *const *keys)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, file->lines);
  while (file->is_plain && g_hash_table_iter_next (&iter, &key, NULL))
    if (!g_strv_contains (keys, key))
      return FALSE;
  return file->is_plain;
}
