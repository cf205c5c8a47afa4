/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The head of a response (RFC 9112, sections 4 to 6), and where its body ends. Two readers that
 * disagree on that can be made to give one answer to another request, so what is not certain is
 * refused. libsoup's parser is not used: it skips lines that it cannot read, takes broken status
 * lines and field names, and changes the order and the spelling of fields. */

#include "config.h"

#include "daemon/transport/cpd-http-head.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/base/cpd-text.h"

#include <string.h>

#define QUOTED_MAX 60

/* # is a digit, + one that is not 0. */
static const char status_line[] = "HTTP/1.# +##";
#define STATUS_LINE_LENGTH strlen (status_line)
#define MINOR_AT           strlen ("HTTP/1.")
#define STATUS_AT          strlen ("HTTP/1.1 ")

enum
{
  LINE_BEGIN,  /* in what `status_line` describes */
  LINE_REASON, /* in the reason phrase */
  LINE_CR,
  LINE_COMPLETE,
};

typedef struct
{
  CpdHttpHead head;
  GStringChunk *text; /* of names and values */
  GArray *fields;     /* of CpdHttpField */
} Head;

static gboolean
fits_status_line (gsize index, char c)
{
  if (index == STATUS_LINE_LENGTH)
    return c == ' ' || c == '\r'; /* without a reason phrase, some leave out the space, too */
  if (status_line[index] == '#')
    return g_ascii_isdigit (c);
  if (status_line[index] == '+')
    return g_ascii_isdigit (c) && c != '0';
  return status_line[index] == c;
}

static gboolean
check_status_byte (CpdHttpScan *scan, char c)
{
  switch (scan->line)
    {
    case LINE_BEGIN:
      if (!fits_status_line (scan->scanned, c))
        return FALSE;
      if (scan->scanned == STATUS_LINE_LENGTH)
        scan->line = c == ' ' ? LINE_REASON : LINE_CR;
      return TRUE;
    case LINE_REASON:
      if (c == '\r')
        scan->line = LINE_CR;
      return c == '\r' || cpd_http_is_text (c);
    default:
      scan->line = LINE_COMPLETE;
      return c == '\n';
    }
}

static gboolean
refuse_status_line (const char *data, gsize available, GError **error)
{
  gsize length = 0;
  g_autofree char *shown = NULL;

  while (length < available && data[length] != '\r' && data[length] != '\n')
    length++;
  shown = cpd_text_shorten (data, length, QUOTED_MAX);
  return cpd_http_refuse (error, "‘%s’ is not a status line of HTTP/1", shown);
}

static gboolean
check_status_line (CpdHttpScan *scan, const char *data, gsize available, GError **error)
{
  while (scan->scanned < available && scan->line != LINE_COMPLETE)
    {
      if (scan->scanned == CPD_HTTP_SECTION_MAX_BYTES)
        return cpd_http_exceed (error, "%d bytes in its status line", CPD_HTTP_SECTION_MAX_BYTES);
      if (!check_status_byte (scan, data[scan->scanned]))
        return refuse_status_line (data, available, error);
      scan->scanned++;
    }
  scan->fields.size = scan->scanned;
  return TRUE;
}

gboolean
cpd_http_scan_check (CpdHttpScan *scan, const char *data, gsize available, GError **error)
{
  gssize taken;

  if (scan->line != LINE_COMPLETE && !check_status_line (scan, data, available, error))
    return FALSE;
  if (scan->line != LINE_COMPLETE)
    return TRUE;
  taken = cpd_http_fields_check (&scan->fields, "header", data + scan->scanned,
                                 available - scan->scanned, error);
  if (taken < 0)
    return FALSE;
  scan->scanned += (gsize)taken;
  return TRUE;
}

gboolean
cpd_http_scan_is_complete (const CpdHttpScan *scan)
{
  return cpd_http_fields_are_complete (&scan->fields);
}

/* Returns: (transfer full) (nullable): the values of all fields of that name as one list; NULL
 * where there are none */
static char *
dup_values (const CpdHttpHead *head, const char *name)
{
  GString *values = NULL;

  for (unsigned int i = 0; i < head->n_fields; i++)
    {
      if (g_ascii_strcasecmp (head->fields[i].name, name) != 0)
        continue;
      if (values == NULL)
        values = g_string_new (head->fields[i].value);
      else
        g_string_append_printf (values, ", %s", head->fields[i].value);
    }
  return values != NULL ? g_string_free (values, FALSE) : NULL;
}

/* How often an element is in a list. `wanted`: (nullable): in any case; NULL: whichever, but not an
 * empty one, which does not count (RFC 9110, section 5.6.1.2). */
static unsigned int
count_elements (const char *list, const char *wanted)
{
  unsigned int count = 0;
  const char *element;
  gsize length;

  while ((element = cpd_http_list_next (&list, &length)) != NULL)
    if (wanted == NULL)
      count += length > 0;
    else
      count += length == strlen (wanted) && g_ascii_strncasecmp (element, wanted, length) == 0;
  return count;
}

static gboolean
is_only_element (const char *list, const char *wanted)
{
  return count_elements (list, wanted) == 1 && count_elements (list, NULL) == 1;
}

static gboolean
refuse_value (GError **error, const char *name, const char *value, const char *why)
{
  g_autofree char *shown = cpd_text_shorten (value, strlen (value), QUOTED_MAX);

  return cpd_http_refuse (error, "the %s ‘%s’ %s", name, shown, why);
}

/* RFC 9112, section 6.3, item 5: a length that is repeated is one, as long as it is the same.
 * 030 and 30 are not the same: some read the first as octal. */
static gboolean
read_length (CpdHttpHead *head, const char *lengths, GError **error)
{
  const char *list = lengths;
  gsize size, other_size;
  const char *first = cpd_http_list_next (&list, &size);
  const char *other;
  g_autofree char *digits = g_strndup (first, size);

  head->framing = CPD_HTTP_FRAMING_LENGTH;
  if (!g_ascii_string_to_unsigned (digits, 10, 0, G_MAXINT64, &head->length, NULL))
    return refuse_value (error, "Content-Length", lengths, "is not a number of bytes");
  while ((other = cpd_http_list_next (&list, &other_size)) != NULL)
    if (other_size != size || memcmp (first, other, size) != 0)
      return refuse_value (error, "Content-Length", lengths, "is ambiguous");
  return TRUE;
}

/* RFC 9112, sections 6.1 and 6.3, items 3 and 4. No other coding was asked for. */
static gboolean
read_coding (CpdHttpHead *head, const char *codings, gboolean has_length, GError **error)
{
  head->framing = CPD_HTTP_FRAMING_CHUNKED;
  if (!is_only_element (codings, "chunked"))
    return refuse_value (error, "Transfer-Encoding", codings, "is not ‘chunked’ alone");
  if (has_length)
    return cpd_http_refuse (error, "there are both a Content-Length and a Transfer-Encoding");
  if (head->minor_version == 0)
    return refuse_value (error, "Transfer-Encoding", codings, "is not for HTTP/1.0");
  return TRUE;
}

static gboolean
is_tunnel (const CpdHttpHead *head, const char *method)
{
  return g_str_equal (method, "CONNECT") && head->status / 100 == 2;
}

/* RFC 9112, section 6.3 */
static gboolean
read_framing (CpdHttpHead *head, const char *method, GError **error)
{
  g_autofree char *lengths = dup_values (head, "Content-Length");
  g_autofree char *codings = dup_values (head, "Transfer-Encoding");

  if (g_str_equal (method, "HEAD") || cpd_http_head_is_interim (head) || head->status == 204
      || head->status == 304 || is_tunnel (head, method))
    {
      head->framing = CPD_HTTP_FRAMING_NONE;
      return TRUE;
    }
  /* `identity` was a coding once (RFC 2616, section 3.6), and means none. */
  if (codings != NULL && !is_only_element (codings, "identity"))
    return read_coding (head, codings, lengths != NULL, error);
  if (lengths != NULL)
    return read_length (head, lengths, error);
  head->framing = CPD_HTTP_FRAMING_UNTIL_END;
  return TRUE;
}

/* RFC 9112, section 9.3. The keep-alive of HTTP/1.0 is not used. */
static gboolean
does_keep (const CpdHttpHead *head, const char *method)
{
  g_autofree char *options = dup_values (head, "Connection");

  return head->minor_version > 0 && head->framing != CPD_HTTP_FRAMING_UNTIL_END
         && !is_tunnel (head, method)
         && (options == NULL || count_elements (options, "close") == 0);
}

static void
read_fields (Head *self, const char *cursor, const char *end)
{
  g_autoptr (GString) name = g_string_new (NULL);
  g_autoptr (GString) value = g_string_new (NULL);
  gboolean is_latin1;

  while (cpd_http_fields_next (&cursor, end, name, value, &is_latin1))
    {
      const CpdHttpField field
          = { .name = g_string_chunk_insert_len (self->text, name->str, (gssize)name->len),
              .value = g_string_chunk_insert_len (self->text, value->str, (gssize)value->len),
              .is_latin1 = is_latin1 };

      g_array_append_val (self->fields, field);
    }
  self->head.fields = (const CpdHttpField *)(gpointer)self->fields->data;
  self->head.n_fields = self->fields->len;
}

static void
head_clear (gpointer data)
{
  Head *self = data;

  g_string_chunk_free (self->text);
  g_array_unref (self->fields);
}

CpdHttpHead *
cpd_http_head_new (const char *data, gsize length, const char *method, GError **error)
{
  Head *self = g_atomic_rc_box_new0 (Head);
  g_autoptr (CpdHttpHead) head = &self->head;
  const char *line_end = memchr (data, '\n', length);

  self->text = g_string_chunk_new (length);
  self->fields = g_array_new (FALSE, FALSE, sizeof (CpdHttpField));
  head->minor_version = (unsigned int)g_ascii_digit_value (data[MINOR_AT]);
  for (gsize i = STATUS_AT; i < STATUS_LINE_LENGTH; i++)
    head->status = head->status * 10 + (unsigned int)g_ascii_digit_value (data[i]);
  read_fields (self, line_end + 1, data + length);

  if (head->status == 101) /* RFC 9110, section 7.8 */
    cpd_http_refuse (error, "it switches to another protocol (status 101) without being asked");
  else if (read_framing (head, method, error))
    {
      head->keeps = does_keep (head, method);
      return g_steal_pointer (&head);
    }
  return NULL;
}

CpdHttpHead *
cpd_http_head_ref (CpdHttpHead *head)
{
  return g_atomic_rc_box_acquire (head);
}

void
cpd_http_head_unref (CpdHttpHead *head)
{
  g_atomic_rc_box_release_full (head, head_clear);
}

gboolean
cpd_http_head_is_interim (const CpdHttpHead *head)
{
  return head->status < 200;
}

const CpdHttpField *
cpd_http_head_find (const CpdHttpHead *head, const char *name)
{
  for (unsigned int i = 0; i < head->n_fields; i++)
    if (g_ascii_strcasecmp (head->fields[i].name, name) == 0)
      return &head->fields[i];
  return NULL;
}
