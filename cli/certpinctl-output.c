/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All text that people read goes through here: it is aligned and coloured, and whatever came from
 * elsewhere is printed without control characters, so that it cannot play with the terminal. */

#include "config.h"

#include "certpinctl-output.h"

#include "certpinctl-json.h"

#include <certpin.h>

#include <errno.h>
#include <string.h>

#define RESET "\033[0m"
#define BOLD  "\033[1m"
#define RED   "\033[31m"

/* Words that have a colour wherever a whole cell or value consists of them. */
static const struct
{
  const char *word;
  const char *code;
} colours[] = {
  { "active", "\033[32m" },
  { "blocked", RED },
  { "expired", "\033[33m" },
  { "report", "\033[33m" },
};

static const char *
colour_of (const CtlStream *stream, const char *text)
{
  for (size_t i = 0; stream->colour && i < G_N_ELEMENTS (colours); i++)
    if (strcmp (text, colours[i].word) == 0)
      return colours[i].code;
  return NULL;
}

static void
print_text (const CtlStream *stream, const char *code, const char *text)
{
  if (code != NULL && stream->colour)
    fprintf (stream->file, "%s%s" RESET, code, text);
  else
    fputs (text, stream->file);
}

static gboolean
is_safe (gunichar c)
{
  GUnicodeType type = g_unichar_type (c);

  return type != G_UNICODE_CONTROL && type != G_UNICODE_FORMAT && type != G_UNICODE_LINE_SEPARATOR
         && type != G_UNICODE_PARAGRAPH_SEPARATOR;
}

/* Returns: (transfer full): @text on one line, with control and format characters spelled out */
char *
ctl_text_clean (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_autoptr (GString) clean = g_string_new (NULL);

  for (const char *c = valid; *c != '\0'; c = g_utf8_next_char (c))
    if (is_safe (g_utf8_get_char (c)))
      g_string_append_unichar (clean, g_utf8_get_char (c));
    else
      g_string_append_printf (clean, "\\u%04x", g_utf8_get_char (c));
  return g_string_free (g_steal_pointer (&clean), /* free_segment= */ FALSE);
}

/* Returns: (transfer full): the point in time as ISO 8601 in UTC, or a number where no calendar
 * goes that far */
char *
ctl_text_of_time (gint64 unix_s)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (unix_s);

  return time != NULL ? g_date_time_format_iso8601 (time)
                      : g_strdup_printf ("%" G_GINT64_FORMAT, unix_s);
}

void
ctl_print_heading (const CtlStream *stream, const char *text)
{
  g_autofree char *clean = ctl_text_clean (text);

  print_text (stream, BOLD, clean);
  fputc ('\n', stream->file);
}

/* Every `x` of the contract is a point in time, and 0 is none. */
static char *
text_of_value (GVariant *value)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return ctl_text_clean (g_variant_get_string (value, NULL));
  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_INT64))
    return g_variant_print (value, /* type_annotate= */ FALSE);
  return g_variant_get_int64 (value) != 0 ? ctl_text_of_time (g_variant_get_int64 (value))
                                          : g_strdup ("");
}

/* Returns: (transfer full): a line for each string of an array, or the one of another value */
static GPtrArray *
lines_of_value (GVariant *value)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func (g_free);

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY))
    {
      g_autofree const char **texts = g_variant_get_strv (value, NULL);

      for (size_t i = 0; texts[i] != NULL; i++)
        g_ptr_array_add (lines, ctl_text_clean (texts[i]));
    }
  else
    {
      g_autofree char *text = text_of_value (value);

      if (*text != '\0')
        g_ptr_array_add (lines, g_steal_pointer (&text));
    }
  return lines;
}

/* `fields` ends with one that has no key; those that `values` does not have are left out. */
void
ctl_print_fields (const CtlStream *stream, GVariant *values, const CtlField *fields)
{
  int width = 0;

  for (const CtlField *field = fields; field->key != NULL; field++)
    width = MAX (width, (int)strlen (field->label));
  for (const CtlField *field = fields; field->key != NULL; field++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (values, field->key, NULL);
      g_autoptr (GPtrArray) lines = value != NULL ? lines_of_value (value) : NULL;

      for (unsigned int i = 0; lines != NULL && i < lines->len; i++)
        {
          const char *line = lines->pdata[i];

          fprintf (stream->file, "  %-*s  ", width, i == 0 ? field->label : "");
          print_text (stream, colour_of (stream, line), line);
          fputc ('\n', stream->file);
        }
    }
}

static int
width_of_column (GPtrArray *rows, unsigned int column)
{
  glong width = 0;

  for (unsigned int i = 0; i < rows->len; i++)
    {
      char **cells = rows->pdata[i];

      width = MAX (width, g_utf8_strlen (cells[column], -1));
    }
  return (int)width;
}

/* `rows`: of strings, each with `columns` cells; the first row is the heading. The last column is
 * never padded. */
void
ctl_print_table (const CtlStream *stream, GPtrArray *rows, unsigned int columns)
{
  g_autofree int *widths = g_new0 (int, columns);

  for (unsigned int column = 0; column + 1 < columns; column++)
    widths[column] = width_of_column (rows, column);
  for (unsigned int i = 0; i < rows->len; i++)
    {
      char **cells = rows->pdata[i];

      for (unsigned int column = 0; column < columns; column++)
        {
          int padding = widths[column] - (int)g_utf8_strlen (cells[column], -1);

          print_text (stream, i == 0 ? BOLD : colour_of (stream, cells[column]), cells[column]);
          fprintf (stream->file, "%*s", column + 1 < columns ? padding + 2 : 0, "");
        }
      fputc ('\n', stream->file);
    }
}

/* `kind`: (nullable): what stands before the text, such as "warning" */
void
ctl_print_message (const CtlStream *stream, const char *kind, const char *text)
{
  g_autofree char *clean = ctl_text_clean (text);

  print_text (stream, BOLD, "certpinctl:");
  fputc (' ', stream->file);
  if (kind != NULL)
    fprintf (stream->file, "%s: ", kind);
  fprintf (stream->file, "%s\n", clean);
}

/* `document`: sunk if floating */
void
ctl_print_json (const CtlStream *stream, GVariant *document)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (document);
  g_autofree char *json = ctl_json_from_variant (value);

  fprintf (stream->file, "%s\n", json);
}

/* The name under which machines know the error. */
const char *
ctl_error_name (const GError *error)
{
  if (error->domain == G_OPTION_ERROR)
    return "Usage";
  return certpin_error_get_name (error->domain == CERTPIN_ERROR ? error->code
                                                                : CERTPIN_ERROR_FAILED);
}

static CtlExit
exit_of_code (CertpinError code)
{
  switch (code)
    {
    case CERTPIN_ERROR_NOT_SECURE:
    case CERTPIN_ERROR_NOT_PINNED:
    case CERTPIN_ERROR_BLOCKED:
    case CERTPIN_ERROR_PIN_EXPIRED:
    case CERTPIN_ERROR_PIN_MISMATCH:
    case CERTPIN_ERROR_PIN_CHANGED:
    case CERTPIN_ERROR_UNTRUSTED:
    case CERTPIN_ERROR_TLS_FAILED:
      return CTL_EXIT_REFUSED;
    case CERTPIN_ERROR_INVALID_ARGUMENT:
    case CERTPIN_ERROR_INVALID_HOST:
    case CERTPIN_ERROR_INVALID_KEY:
    case CERTPIN_ERROR_WRONG_FORMAT:
    case CERTPIN_ERROR_FILE_NOT_FOUND:
    case CERTPIN_ERROR_SELF_SIGNED:
      return CTL_EXIT_BAD_INPUT;
    case CERTPIN_ERROR_UNREACHABLE:
    case CERTPIN_ERROR_OFFLINE:
    case CERTPIN_ERROR_TIMED_OUT:
    case CERTPIN_ERROR_TRUNCATED:
    case CERTPIN_ERROR_BODY_TOO_LARGE:
    case CERTPIN_ERROR_PROTOCOL_ERROR:
      return CTL_EXIT_NETWORK;
    case CERTPIN_ERROR_NOT_AUTHORIZED:
      return CTL_EXIT_NOT_AUTHORIZED;
    case CERTPIN_ERROR_SERVICE_UNAVAILABLE:
      return CTL_EXIT_NO_SERVICE;
    case CERTPIN_ERROR_CANCELLED:
      return CTL_EXIT_INTERRUPTED;
    case CERTPIN_ERROR_FAILED:
    case CERTPIN_ERROR_LIMIT_EXCEEDED:
    case CERTPIN_ERROR_STORE_FAILED:
      break;
    }
  return CTL_EXIT_FAILED;
}

CtlExit
ctl_error_exit (const GError *error)
{
  if (error->domain == G_OPTION_ERROR)
    return CTL_EXIT_USAGE;
  return error->domain == CERTPIN_ERROR ? exit_of_code (error->code) : CTL_EXIT_FAILED;
}

/* What could not be written is an error, not a matter of taste. */
gboolean
ctl_stream_flush (const CtlStream *stream, const char *name, GError **error)
{
  errno = 0;
  if (fflush (stream->file) == 0 && !ferror (stream->file))
    return TRUE;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "cannot write to %s%s%s", name,
               errno != 0 ? ": " : "", errno != 0 ? g_strerror (errno) : "");
  return FALSE;
}
