/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From bytes to one response: interim heads, the final one, the body, the end. A head that arrives
 * in one piece, as most do, is read where it is; only one in several pieces is kept. */

#include "config.h"

#include "daemon/transport/cpd-http-reader.h"

#include "client-lib/certpin-error.h"

typedef enum
{
  STATE_HEAD,
  STATE_BODY,
  STATE_COMPLETE,
  STATE_FAILED,
} State;

struct _CpdHttpReader
{
  char *method;
  State state;
  CpdHttpScan scan;  /* of the head that is being read */
  GByteArray *kept;  /* what came of it so far */
  CpdHttpHead *head; /* the last one that was read; NULL before */
  unsigned int interim;
  CpdHttpBody body;
  gboolean dirty;  /* bytes came behind the response, or the connection has ended */
  GError *failure; /* with STATE_FAILED */
};

CpdHttpReader *
cpd_http_reader_new (const char *method)
{
  CpdHttpReader *reader = g_new0 (CpdHttpReader, 1);

  reader->method = g_strdup (method);
  reader->kept = g_byte_array_new ();
  return reader;
}

void
cpd_http_reader_free (CpdHttpReader *reader)
{
  g_free (reader->method);
  g_byte_array_unref (reader->kept);
  g_clear_pointer (&reader->head, cpd_http_head_unref);
  g_clear_error (&reader->failure);
  g_free (reader);
}

static gboolean
fail (CpdHttpReader *reader, GError *reason, GError **error)
{
  reader->state = STATE_FAILED;
  reader->failure = g_error_copy (reason);
  g_propagate_error (error, reason);
  return FALSE;
}

static void
take (const char **input, gsize *length, gsize taken)
{
  *input += taken;
  *length -= taken;
}

/* Puts the head together where it comes in pieces. One byte more than a head may have is enough to
 * refuse it; the rest of a large input is not copied. */
static void
keep (CpdHttpReader *reader, const char *input, gsize length)
{
  gsize room = CPD_HTTP_SECTION_MAX_BYTES + 1 - reader->kept->len;

  g_byte_array_append (reader->kept, (const guint8 *)input, (guint)MIN (length, room));
}

/* Checks what has arrived of a head, and reads it if that is all.
 * Returns: whether it is valid so far */
static gboolean
scan_head (CpdHttpReader *reader, const char *data, gsize available, GError **error)
{
  CpdHttpHead *head;

  if (!cpd_http_scan_check (&reader->scan, data, available, error))
    return FALSE;
  if (!cpd_http_scan_is_complete (&reader->scan))
    return TRUE;
  head = cpd_http_head_new (data, reader->scan.scanned, reader->method, error);
  if (head == NULL)
    return FALSE;
  g_clear_pointer (&reader->head, cpd_http_head_unref);
  reader->head = head;
  if (!cpd_http_head_is_interim (head) || ++reader->interim <= CPD_HTTP_INTERIM_MAX)
    return TRUE;
  return cpd_http_exceed (error, "%d interim responses", CPD_HTTP_INTERIM_MAX);
}

static CpdHttpPart
begin_after_head (CpdHttpReader *reader)
{
  reader->scan = (CpdHttpScan){ .scanned = 0 };
  g_byte_array_set_size (reader->kept, 0);
  if (cpd_http_head_is_interim (reader->head))
    return CPD_HTTP_PART_INTERIM;
  cpd_http_body_init (&reader->body, reader->head);
  reader->state = STATE_BODY;
  return CPD_HTTP_PART_HEAD;
}

static gboolean
read_head (CpdHttpReader *reader, const char **input, gsize *length, CpdHttpPart *part,
           GError **error)
{
  gsize before = reader->kept->len;
  gboolean valid;

  if (before > 0)
    {
      keep (reader, *input, *length);
      valid = scan_head (reader, (const char *)reader->kept->data, reader->kept->len, error);
    }
  else
    valid = scan_head (reader, *input, *length, error);
  if (!valid)
    return FALSE;
  if (cpd_http_scan_is_complete (&reader->scan))
    {
      take (input, length, reader->scan.scanned - before);
      *part = begin_after_head (reader);
      return TRUE;
    }
  if (before == 0)
    keep (reader, *input, *length);
  take (input, length, *length);
  return TRUE;
}

static gboolean
read_body (CpdHttpReader *reader, const char **input, gsize *length, CpdHttpPart *part,
           CpdHttpSpan *span, GError **error)
{
  gssize taken = cpd_http_body_read (&reader->body, *input, *length, span, error);

  if (taken < 0)
    return FALSE;
  take (input, length, (gsize)taken);
  if (span->length > 0)
    *part = CPD_HTTP_PART_CONTENT;
  else if (cpd_http_body_is_complete (&reader->body))
    {
      reader->state = STATE_COMPLETE;
      reader->dirty = *length > 0;
      *part = CPD_HTTP_PART_END;
    }
  return TRUE;
}

gboolean
cpd_http_reader_read (CpdHttpReader *reader, const char **input, gsize *length, CpdHttpPart *part,
                      CpdHttpSpan *span, GError **error)
{
  GError *reason = NULL;

  *part = CPD_HTTP_PART_NONE;
  *span = (CpdHttpSpan){ .length = 0 };
  switch (reader->state)
    {
    case STATE_HEAD:
      if (!read_head (reader, input, length, part, &reason))
        return fail (reader, reason, error);
      return TRUE;
    case STATE_BODY:
      if (!read_body (reader, input, length, part, span, &reason))
        return fail (reader, reason, error);
      return TRUE;
    case STATE_COMPLETE:
      reader->dirty |= *length > 0;
      *part = CPD_HTTP_PART_END;
      return TRUE;
    default:
      g_propagate_error (error, g_error_copy (reader->failure));
      return FALSE;
    }
}

gboolean
cpd_http_reader_end (CpdHttpReader *reader, gboolean clean, GError **error)
{
  reader->dirty = TRUE;
  switch (reader->state)
    {
    case STATE_HEAD:
      g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_TRUNCATED,
                           reader->kept->len > 0 ? "the end of its head is missing"
                                                 : "no byte of it came");
      return FALSE;
    case STATE_BODY:
      if (!cpd_http_body_end (&reader->body, clean, error))
        return FALSE;
      reader->state = STATE_COMPLETE;
      return TRUE;
    case STATE_COMPLETE:
      return TRUE;
    default:
      g_propagate_error (error, g_error_copy (reader->failure));
      return FALSE;
    }
}

CpdHttpHead *
cpd_http_reader_get_head (CpdHttpReader *reader)
{
  return reader->head;
}

gboolean
cpd_http_reader_is_reusable (const CpdHttpReader *reader)
{
  return reader->state == STATE_COMPLETE && reader->head->keeps && !reader->dirty;
}
