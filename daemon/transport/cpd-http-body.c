/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The body of a response, from its first byte to its last (RFC 9112, sections 6 to 8). It is whole
 * only if its own framing says so, or, where it has none, the end of TLS. Nothing is guessed. */

#include "config.h"

#include "daemon/transport/cpd-http-body.h"

#include "client-lib/certpin-error.h"

#include <string.h>

enum
{
  STATE_COMPLETE,
  STATE_CONTENT,    /* `left` bytes of it are to come */
  STATE_SIZE_FIRST, /* at the first digit of a chunk size */
  STATE_SIZE,
  STATE_SIZE_SPACE, /* behind it */
  STATE_EXTENSION,
  STATE_SIZE_LF,
  STATE_CHUNK_CR, /* behind the data of a chunk */
  STATE_CHUNK_LF,
  STATE_TRAILERS,
};

void
cpd_http_body_init (CpdHttpBody *body, const CpdHttpHead *head)
{
  *body = (CpdHttpBody){ .framing = head->framing };
  switch (head->framing)
    {
    case CPD_HTTP_FRAMING_LENGTH:
      body->left = head->length;
      body->state = head->length > 0 ? STATE_CONTENT : STATE_COMPLETE;
      break;
    case CPD_HTTP_FRAMING_CHUNKED:
      body->state = STATE_SIZE_FIRST;
      break;
    case CPD_HTTP_FRAMING_UNTIL_END:
      body->left = G_MAXUINT64;
      body->state = STATE_CONTENT;
      break;
    default:
      body->state = STATE_COMPLETE;
    }
}

static gboolean
refuse (GError **error, const char *what, char c)
{
  g_autofree char *found = cpd_http_describe_byte (c);

  return cpd_http_refuse (error, "%s %s", what, found);
}

static gboolean
check_digit (CpdHttpBody *body, char c, GError **error)
{
  if (!g_ascii_isxdigit (c))
    return refuse (error, "a chunk size starts with", c);
  if (body->left > G_MAXINT64 / 16)
    return cpd_http_refuse (error, "a chunk size is larger than %" G_GINT64_FORMAT, G_MAXINT64);
  body->left = body->left * 16 + (guint64)g_ascii_xdigit_value (c);
  body->state = STATE_SIZE;
  return TRUE;
}

/* RFC 9112, section 7.1. White space may stand before the semicolon of an extension; some pad the
 * size with it. */
static gboolean
check_size_end (CpdHttpBody *body, char c, GError **error)
{
  if (c == ' ' || c == '\t')
    body->state = STATE_SIZE_SPACE;
  else if (c == ';')
    body->state = STATE_EXTENSION;
  else if (c == '\r')
    body->state = STATE_SIZE_LF;
  else
    return refuse (error, "a chunk size is followed by", c);
  return TRUE;
}

/* RFC 9112, section 7.1.1: extensions are ignored. Whatever their form, they move no boundary. */
static gboolean
check_extension (CpdHttpBody *body, char c, GError **error)
{
  if (c == '\r')
    body->state = STATE_SIZE_LF;
  else if (!cpd_http_is_text (c))
    return refuse (error, "a chunk extension contains", c);
  return TRUE;
}

static gboolean
check_line_end (CpdHttpBody *body, char c, GError **error)
{
  if (c != '\n')
    return refuse (error, "the carriage return behind a chunk size is followed by", c);
  body->state = body->left > 0 ? STATE_CONTENT : STATE_TRAILERS;
  return TRUE;
}

static gboolean
check_chunk_end (CpdHttpBody *body, char c, GError **error)
{
  gboolean at_cr = body->state == STATE_CHUNK_CR;

  if (c != (at_cr ? '\r' : '\n'))
    return refuse (error, "the data of a chunk is not followed by a line end but by", c);
  body->state = at_cr ? STATE_CHUNK_LF : STATE_SIZE_FIRST;
  body->overhead = 0;
  return TRUE;
}

static gboolean
check_byte (CpdHttpBody *body, char c, GError **error)
{
  if (++body->overhead > CPD_HTTP_SECTION_MAX_BYTES)
    return cpd_http_exceed (error, "%d bytes in the line of a chunk size",
                            CPD_HTTP_SECTION_MAX_BYTES);
  switch (body->state)
    {
    case STATE_SIZE_FIRST:
      return check_digit (body, c, error);
    case STATE_SIZE:
      return g_ascii_isxdigit (c) ? check_digit (body, c, error) : check_size_end (body, c, error);
    case STATE_SIZE_SPACE:
      return check_size_end (body, c, error);
    case STATE_EXTENSION:
      return check_extension (body, c, error);
    case STATE_SIZE_LF:
      return check_line_end (body, c, error);
    default:
      return check_chunk_end (body, c, error);
    }
}

/* Returns: how many bytes it took; -1 on error */
static gssize
read_framing (CpdHttpBody *body, const char *data, gsize length, GError **error)
{
  gssize taken;

  if (body->state != STATE_TRAILERS)
    return check_byte (body, *data, error) ? 1 : -1;
  taken = cpd_http_fields_check (&body->trailers, "trailer", data, length, error);
  if (cpd_http_fields_are_complete (&body->trailers))
    body->state = STATE_COMPLETE;
  return taken;
}

static gsize
read_content (CpdHttpBody *body, const char *data, gsize length, CpdHttpSpan *span)
{
  *span = (CpdHttpSpan){ .data = data, .length = (gsize)MIN (length, body->left) };
  body->left -= span->length;
  body->received += span->length;
  if (body->left == 0)
    body->state = body->framing == CPD_HTTP_FRAMING_CHUNKED ? STATE_CHUNK_CR : STATE_COMPLETE;
  return span->length;
}

gssize
cpd_http_body_read (CpdHttpBody *body, const char *data, gsize length, CpdHttpSpan *span,
                    GError **error)
{
  gsize taken = 0;

  *span = (CpdHttpSpan){ .length = 0 };
  while (taken < length && span->length == 0 && body->state != STATE_COMPLETE)
    {
      gssize more;

      if (body->state == STATE_CONTENT)
        {
          taken += read_content (body, data + taken, length - taken, span);
          continue;
        }
      more = read_framing (body, data + taken, length - taken, error);
      if (more < 0)
        return -1;
      taken += (gsize)more;
    }
  return (gssize)taken;
}

gboolean
cpd_http_body_is_complete (const CpdHttpBody *body)
{
  return body->state == STATE_COMPLETE;
}

gboolean
cpd_http_body_end (CpdHttpBody *body, gboolean clean, GError **error)
{
  if (body->framing == CPD_HTTP_FRAMING_UNTIL_END && clean)
    body->state = STATE_COMPLETE;
  if (body->state == STATE_COMPLETE)
    return TRUE;
  if (body->framing == CPD_HTTP_FRAMING_UNTIL_END)
    g_set_error_literal (
        error, CERTPIN_ERROR, CERTPIN_ERROR_TRUNCATED,
        "the body has no length, and the connection ended without TLS's close_notify");
  else if (body->framing == CPD_HTTP_FRAMING_LENGTH)
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_TRUNCATED,
                 "the body has %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " bytes",
                 body->received, body->received + body->left);
  else
    g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_TRUNCATED,
                         "the end of the chunked body is missing");
  return FALSE;
}
