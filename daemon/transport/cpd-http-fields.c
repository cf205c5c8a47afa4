/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Field lines (RFC 9110, section 5; RFC 9112, section 5), in a head or behind the last chunk. They
 * are checked byte by byte as they arrive. What is lenient in libsoup's parser is refused here: a
 * line that is not a field, white space before the colon, a line end that is not CRLF. */

#include "config.h"

#include "daemon/transport/cpd-http-fields.h"

#include "client-lib/certpin-error.h"

#include <string.h>

enum
{
  STATE_LINE, /* at the first byte of a line */
  STATE_NAME,
  STATE_VALUE,
  STATE_VALUE_CR,
  STATE_EMPTY_CR, /* in the empty line */
  STATE_COMPLETE,
};

static void
    G_GNUC_PRINTF (4, 0) set_protocol_error (GError **error, const char *before, const char *after,
                                             const char *format, va_list arguments)
{
  g_autofree char *text = g_strdup_vprintf (format, arguments);

  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR, "sent a response %s%s%s", before,
               text, after);
}

gboolean
cpd_http_refuse (GError **error, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  set_protocol_error (error, "that is not valid HTTP/1.1: ", "", format, arguments);
  va_end (arguments);
  return FALSE;
}

gboolean
cpd_http_exceed (GError **error, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  set_protocol_error (error, "with more than ", ", the limit of certpin", format, arguments);
  va_end (arguments);
  return FALSE;
}

gboolean
cpd_http_is_text (char c)
{
  return c == '\t' || !g_ascii_iscntrl (c);
}

char *
cpd_http_describe_byte (char c)
{
  switch (c)
    {
    case '\0':
      return g_strdup ("a NUL byte");
    case '\t':
    case ' ':
      return g_strdup ("white space");
    case '\r':
      return g_strdup ("a carriage return");
    case '\n':
      return g_strdup ("a line feed");
    default:
      if (g_ascii_isprint (c))
        return g_strdup_printf ("‘%c’", c);
      return g_strdup_printf ("the byte 0x%02x", (guint8)c);
    }
}

/* RFC 9110, section 5.6.2 */
static gboolean
is_token (char c)
{
  return g_ascii_isalnum (c) || (c != '\0' && strchr ("-!#$%&'*+.^_`|~", c) != NULL);
}

static gboolean
is_space (char c)
{
  return c == ' ' || c == '\t';
}

static const char *
ellipsis (const CpdHttpFields *fields)
{
  return fields->name_length > sizeof fields->name ? "…" : "";
}

static int
shown_length (const CpdHttpFields *fields)
{
  return (int)MIN (fields->name_length, sizeof fields->name);
}

static gboolean
check_line_start (CpdHttpFields *fields, const char *what, char c, GError **error)
{
  g_autofree char *found = NULL;

  if (c == '\r')
    {
      fields->state = STATE_EMPTY_CR;
      return TRUE;
    }
  if (is_space (c) && fields->count > 0) /* a line fold, RFC 9112, section 5.2 */
    {
      fields->state = STATE_VALUE;
      return TRUE;
    }
  if (!is_token (c))
    {
      found = cpd_http_describe_byte (c);
      return cpd_http_refuse (error, "a %s line starts with %s instead of a field name", what,
                              found);
    }
  if (++fields->count > CPD_HTTP_FIELDS_MAX)
    return cpd_http_exceed (error, "%d %s fields", CPD_HTTP_FIELDS_MAX, what);
  fields->state = STATE_NAME;
  fields->name[0] = c;
  fields->name_length = 1;
  return TRUE;
}

static gboolean
check_name (CpdHttpFields *fields, const char *what, char c, GError **error)
{
  g_autofree char *found = NULL;

  if (c == ':')
    {
      fields->state = STATE_VALUE;
      return TRUE;
    }
  if (is_token (c))
    {
      if (fields->name_length < sizeof fields->name)
        fields->name[fields->name_length] = c;
      fields->name_length++;
      return TRUE;
    }
  found = cpd_http_describe_byte (c);
  return cpd_http_refuse (error, "the %s field name ‘%.*s%s’ is followed by %s instead of a colon",
                          what, shown_length (fields), fields->name, ellipsis (fields), found);
}

static gboolean
check_value (CpdHttpFields *fields, const char *what, char c, GError **error)
{
  g_autofree char *found = NULL;

  if (c == '\r')
    fields->state = STATE_VALUE_CR;
  else if (!cpd_http_is_text (c))
    {
      found = cpd_http_describe_byte (c);
      return cpd_http_refuse (error, "the %s field ‘%.*s%s’ contains %s", what,
                              shown_length (fields), fields->name, ellipsis (fields), found);
    }
  return TRUE;
}

static gboolean
check_line_end (CpdHttpFields *fields, const char *what, char c, GError **error)
{
  if (c != '\n')
    return cpd_http_refuse (error, "a %s line contains a carriage return without a line feed",
                            what);
  fields->state = fields->state == STATE_EMPTY_CR ? STATE_COMPLETE : STATE_LINE;
  return TRUE;
}

static gboolean
check_byte (CpdHttpFields *fields, const char *what, char c, GError **error)
{
  switch (fields->state)
    {
    case STATE_LINE:
      return check_line_start (fields, what, c, error);
    case STATE_NAME:
      return check_name (fields, what, c, error);
    case STATE_VALUE:
      return check_value (fields, what, c, error);
    default:
      return check_line_end (fields, what, c, error);
    }
}

gssize
cpd_http_fields_check (CpdHttpFields *fields, const char *what, const char *data, gsize length,
                       GError **error)
{
  gsize taken = 0;

  while (taken < length && fields->state != STATE_COMPLETE)
    {
      if (++fields->size > CPD_HTTP_SECTION_MAX_BYTES)
        {
          cpd_http_exceed (error, "%d bytes in its %s section", CPD_HTTP_SECTION_MAX_BYTES, what);
          return -1;
        }
      if (!check_byte (fields, what, data[taken++], error))
        return -1;
    }
  return (gssize)taken;
}

gboolean
cpd_http_fields_are_complete (const CpdHttpFields *fields)
{
  return fields->state == STATE_COMPLETE;
}

static void
trim (const char **begin, const char **end)
{
  while (*begin < *end && is_space (**begin))
    (*begin)++;
  while (*begin < *end && is_space ((*end)[-1]))
    (*end)--;
}

static void
append_line (GString *value, const char *begin, const char *end)
{
  trim (&begin, &end);
  if (begin < end && value->len > 0)
    g_string_append_c (value, ' ');
  g_string_append_len (value, begin, end - begin);
}

/* RFC 9110, section 5.5: what is not ASCII was once Latin-1. */
static void
decode_latin1 (GString *value)
{
  g_autofree char *raw = g_strndup (value->str, value->len);

  g_string_truncate (value, 0);
  for (const char *c = raw; *c != '\0'; c++)
    g_string_append_unichar (value, (guint8)*c);
}

gboolean
cpd_http_fields_next (const char **cursor, const char *end, GString *name, GString *value,
                      gboolean *is_latin1)
{
  const char *line = *cursor;
  const char *colon, *line_end;

  if (*line == '\r')
    return FALSE;
  colon = memchr (line, ':', (gsize)(end - line));
  g_string_truncate (name, 0);
  g_string_truncate (value, 0);
  g_string_append_len (name, line, colon - line);
  line = colon + 1;
  do
    {
      line_end = memchr (line, '\r', (gsize)(end - line));
      append_line (value, line, line_end);
      line = line_end + strlen ("\r\n");
    }
  while (is_space (*line));
  *cursor = line;
  *is_latin1 = !g_utf8_validate_len (value->str, value->len, NULL);
  if (*is_latin1)
    decode_latin1 (value);
  return TRUE;
}

const char *
cpd_http_list_next (const char **list, gsize *length)
{
  const char *begin = *list;
  const char *end;

  if (begin == NULL)
    return NULL;
  end = begin + strcspn (begin, ",");
  *list = *end == ',' ? end + 1 : NULL;
  trim (&begin, &end);
  *length = (gsize)(end - begin);
  return begin;
}
