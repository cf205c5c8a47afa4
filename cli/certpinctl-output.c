/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All text for people is printed here, aligned and coloured. Every value is cleaned just before it
 * is written, wherever it came from, so that none can be forgotten; colours and line ends are added
 * after that. */

#include "config.h"

#include "certpinctl-output.h"

#include "certpinctl-json.h"
#include "certpinctl-text.h"
#include "certpinctl-time.h"

#include <glib/gi18n.h>

#include <certpin.h>

#include <stdarg.h>
#include <string.h>

#define RESET    "\033[0m"
#define BOLD     "\033[1m"
#define RED      "\033[31m"
#define BOLD_RED "\033[1;31m"
#define GREEN    "\033[32m"

/* Of the further lines of a message. */
#define MESSAGE_INDENT 2

/* Of a table on a terminal. The last column has room for a time; longer text goes on below. */
#define FIRST_COLUMN_MIN 20
#define LAST_COLUMN_MIN  20

/* Cells and values with these words are coloured. Red is what refuses requests, or lets through
 * what should be refused. Yellow cannot be read on a light background. */
static const struct
{
  const char *word;
  const char *code;
} colours[] = {
  { N_ ("active"), GREEN }, { N_ ("ok"), GREEN },   { "✓", GREEN },
  { N_ ("FAILED"), RED },   { "✗", RED },           { N_ ("blocked"), RED },
  { N_ ("expired"), RED },  { N_ ("paused"), RED }, { "report", RED },
};

/* Of these, what is shown for people. */
static const char *
shown (const char *text)
{
  for (size_t i = 0; i < G_N_ELEMENTS (colours); i++)
    if (strcmp (text, colours[i].word) == 0)
      return _ (text);
  return text;
}

static const char *
colour_of (const char *text)
{
  for (size_t i = 0; i < G_N_ELEMENTS (colours); i++)
    if (strcmp (text, colours[i].word) == 0)
      return colours[i].code;
  return NULL;
}

/* The only place that writes text. `code`: (nullable): its colour. `width`: pads the text to it */
static void
print_text (CtlStream *stream, const char *code, const char *text, int width)
{
  g_autofree char *clean = ctl_text_clean (text);
  gboolean coloured = code != NULL && stream->colour;
  g_autofree char *whole = g_strconcat (coloured ? code : "", clean, coloured ? RESET : "", NULL);

  ctl_stream_write (stream, whole, strlen (whole));
  for (int i = (int)g_utf8_strlen (clean, -1); i < width; i++)
    ctl_stream_write (stream, " ", 1);
}

/* An empty line, or the end of one. */
void
ctl_print_blank (CtlStream *stream)
{
  ctl_stream_write (stream, "\n", 1);
}

/* Prints one line; the format has no newline. */
void
ctl_print_line (CtlStream *stream, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  print_text (stream, /* code= */ NULL, text, 0);
  ctl_print_blank (stream);
}

/* `text`: lines, of which the last has no newline. */
void
ctl_print_lines (CtlStream *stream, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (size_t i = 0; lines[i] != NULL; i++)
    ctl_print_line (stream, "%s", lines[i]);
}

/* The answer is typed behind it, so it is shown at once and without a new line. */
void
ctl_print_question (CtlStream *stream, const char *text)
{
  const char *choices = _ (" [y/N] ");

  print_text (stream, BOLD, text, 0);
  ctl_stream_write (stream, choices, strlen (choices));
  ctl_stream_flush (stream, NULL);
}

void
ctl_print_heading (CtlStream *stream, const char *text)
{
  print_text (stream, BOLD, text, 0);
  ctl_print_blank (stream);
}

/* A part of a line, padded to a width, and coloured if it is one of the words that are. */
void
ctl_print_cell (CtlStream *stream, const char *text, int width)
{
  print_text (stream, colour_of (text), shown (text), width);
}

/* Prints the rest of a line that has `column` characters already. If it is too long for a terminal,
 * it goes on in further lines, which are indented, by its own spaces as well; a word is never
 * parted.
 * `code`: (nullable): the colour of the text */
static void
print_wrapped (CtlStream *stream, const char *code, const char *text, int column, int indent)
{
  g_autofree char *clean = ctl_text_clean (text);
  int spaces = (int)strspn (clean, " ");
  g_auto (GStrv) words = g_strsplit (clean + spaces, " ", -1);
  glong at = column + spaces;

  print_text (stream, /* code= */ NULL, "", spaces);
  for (size_t i = 0; words[i] != NULL; i++)
    {
      glong length = g_utf8_strlen (words[i], -1);
      gboolean fits = stream->columns == 0 || at + (i > 0) + length <= stream->columns;

      if (i > 0 && !fits)
        ctl_print_blank (stream);
      if (i > 0)
        print_text (stream, /* code= */ NULL, "", fits ? 1 : indent + spaces);
      at = (i > 0 && !fits ? indent + spaces : at + (i > 0)) + length;
      print_text (stream, code, words[i], 0);
    }
  ctl_print_blank (stream);
}

void
ctl_print_wrapped (CtlStream *stream, const char *text, int column, int indent)
{
  print_wrapped (stream, /* code= */ NULL, text, column, indent);
}

/* Prints a command that can be pasted into a shell. If it is too long for a terminal, its last word
 * goes on the next line. */
void
ctl_print_command (CtlStream *stream, const char *prefix, const char *command)
{
  const char *last = strrchr (command, ' ');
  int indent = (int)g_utf8_strlen (prefix, -1);
  gboolean fits = stream->columns == 0 || indent + g_utf8_strlen (command, -1) <= stream->columns;

  /* In quotes, a backslash would be a part of the word. */
  if (fits || last == NULL || strpbrk (last, "\'\"") != NULL)
    {
      ctl_print_line (stream, "%s%s", prefix, command);
      return;
    }
  ctl_print_line (stream, "%s%.*s \\", prefix, (int)(last - command), command);
  ctl_print_line (stream, "%*s%s", indent + 4, "", last + 1);
}

/* In the D-Bus interface every `x` is a point in time, and 0 means none. */
static char *
text_of_value (GVariant *value)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return g_variant_dup_string (value, NULL);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
    return g_strdup (g_variant_get_boolean (value) ? _ ("true") : _ ("false"));
  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_INT64))
    return g_variant_print (value, /* type_annotate= */ FALSE);
  return g_variant_get_int64 (value) != 0 ? ctl_time_to_text (g_variant_get_int64 (value))
                                          : g_strdup ("");
}

/* Returns: (transfer full): one line for each string of an array; one line for any other value */
static GStrv
lines_of_value (GVariant *value)
{
  g_autofree char *text = NULL;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY))
    return g_variant_dup_strv (value, NULL);
  text = text_of_value (value);
  return g_strdupv ((char *[]){ *text != '\0' ? text : NULL, NULL });
}

static int
width_of_labels (GVariant *values, const CtlField *fields)
{
  int width = 0;

  for (const CtlField *field = fields; field->key != NULL; field++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (values, field->key, NULL);
      g_auto (GStrv) lines = value != NULL ? lines_of_value (value) : NULL;

      if (lines != NULL && lines[0] != NULL)
        width = MAX (width, (int)g_utf8_strlen (_ (field->label), -1));
    }
  return width;
}

static void
print_word (CtlStream *stream, const char *word)
{
  print_text (stream, colour_of (word), shown (word), 0);
  ctl_print_blank (stream);
}

/* `fields` ends with one that has no key; fields that are not in `values` are skipped. */
void
ctl_print_fields (CtlStream *stream, GVariant *values, const CtlField *fields)
{
  int width = width_of_labels (values, fields);

  for (const CtlField *field = fields; field->key != NULL; field++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (values, field->key, NULL);
      g_auto (GStrv) lines = value != NULL ? lines_of_value (value) : NULL;

      for (size_t i = 0; lines != NULL && lines[i] != NULL; i++)
        {
          print_text (stream, /* code= */ NULL, "", 2);
          print_text (stream, /* code= */ NULL, i == 0 ? _ (field->label) : "", width + 2);
          if (colour_of (lines[i]) != NULL)
            print_word (stream, lines[i]);
          else
            ctl_print_wrapped (stream, lines[i], width + 4, width + 4);
        }
    }
}

/* A row of one cell is not in the columns. */
static gboolean
is_whole_line (char **cells)
{
  return cells[0] != NULL && cells[1] == NULL;
}

static int
width_of_column (GPtrArray *rows, unsigned int column)
{
  glong width = 0;

  for (unsigned int i = 0; i < rows->len; i++)
    {
      char **cells = rows->pdata[i];
      g_autofree char *clean
          = is_whole_line (cells) ? g_strdup ("") : ctl_text_clean (shown (cells[column]));

      width = MAX (width, g_utf8_strlen (clean, -1));
    }
  return (int)width;
}

/* `left`: the width of the columns before it. On a terminal, it goes on below. */
static void
print_last_cell (CtlStream *stream, const char *code, const char *text, int left)
{
  if (code == NULL)
    {
      ctl_print_wrapped (stream, text, left, left);
      return;
    }
  print_text (stream, code, text, 0);
  ctl_print_blank (stream);
}

/* Returns: (transfer full): the text; without its middle if it has more characters than that */
static char *
shorten (const char *text, int width)
{
  g_autofree char *clean = ctl_text_clean (text);
  glong length = g_utf8_strlen (clean, -1);
  glong end = (width - 1) * 2 / 3;
  g_autofree char *first = NULL, *last = NULL;

  if (length <= width)
    return g_steal_pointer (&clean);
  first = g_utf8_substring (clean, 0, width - 1 - end);
  last = g_utf8_substring (clean, length - end, length);
  return g_strconcat (first, "…", last, NULL);
}

/* One long host must not move the other columns off a terminal. `others`: what they need.
 * Returns: how wide the first column is */
static int
width_of_first_column (CtlStream *stream, GPtrArray *rows, int others)
{
  int width = width_of_column (rows, 0);

  return stream->columns == 0 ? width
                              : MIN (width, MAX (stream->columns - others - 2, FIRST_COLUMN_MIN));
}

/* `rows`: of strings, each with `columns` cells, or with one, which is a line of its own; the first
 * row is the heading. The last column is never padded. */
void
ctl_print_table (CtlStream *stream, GPtrArray *rows, unsigned int columns)
{
  g_autofree int *widths = g_new0 (int, columns);
  int last_width = MIN (width_of_column (rows, columns - 1), LAST_COLUMN_MIN), left = 0;

  for (unsigned int column = 1; column + 1 < columns; column++)
    {
      widths[column] = width_of_column (rows, column) + 2;
      left += widths[column];
    }
  widths[0] = width_of_first_column (stream, rows, left + last_width) + 2;
  left += widths[0];
  for (unsigned int i = 0; i < rows->len; i++)
    {
      char **cells = rows->pdata[i];

      unsigned int last = is_whole_line (cells) ? 0 : columns - 1;

      for (unsigned int column = 0; column < last; column++)
        {
          g_autofree char *text = shorten (shown (cells[column]), widths[column] - 2);

          print_text (stream, i == 0 ? BOLD : colour_of (cells[column]), text, widths[column]);
        }
      print_last_cell (stream, i == 0 ? BOLD : colour_of (cells[last]), shown (cells[last]),
                       last > 0 ? left : 0);
    }
}

/* `code`: (nullable): the colour of the text */
static void
print_message (CtlStream *stream, const char *name_code, const char *code, const char *text)
{
  static const char name[] = "certpinctl:";

  print_text (stream, name_code, name, (int)strlen (name) + 1);
  print_wrapped (stream, code, text, (int)strlen (name) + 1, MESSAGE_INDENT);
}

/* `kind`: (nullable): what stands before the text, such as "warning" */
void
ctl_print_message (CtlStream *stream, const char *kind, const char *text)
{
  g_autofree char *whole
      = g_strconcat (kind != NULL ? kind : "", kind != NULL ? ": " : "", text, NULL);

  print_message (stream, BOLD, /* code= */ NULL, whole);
}

/* Why the program fails. `refused`: it is a refusal, which nobody should overlook */
void
ctl_print_error (CtlStream *stream, const char *text, gboolean refused)
{
  print_message (stream, BOLD_RED, refused ? RED : NULL, text);
}

/* `document`: sunk if floating */
void
ctl_print_json (CtlStream *stream, GVariant *document)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (document);
  g_autofree char *json = ctl_json_from_variant (value);

  ctl_stream_write (stream, json, strlen (json));
  ctl_print_blank (stream);
}
