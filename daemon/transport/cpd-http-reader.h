/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/transport/cpd-http-body.h"

G_BEGIN_DECLS

/* More interim responses (RFC 9110, section 15.2) before the final one are refused. */
#define CPD_HTTP_INTERIM_MAX 16

/* What was found next in the bytes of a response. */
typedef enum
{
  CPD_HTTP_PART_NONE,    /* all bytes were taken, and more are needed */
  CPD_HTTP_PART_INTERIM, /* the head of an interim response: cpd_http_reader_get_head () */
  CPD_HTTP_PART_HEAD,    /* the head of the final response: cpd_http_reader_get_head () */
  CPD_HTTP_PART_CONTENT, /* a run of the body's content: `span` */
  CPD_HTTP_PART_END,     /* the response is complete; what follows does not belong to it */
} CpdHttpPart;

/* Reads one response to one request from the bytes of a connection: interim heads, the final head,
 * the body. Knows no socket. It has one owner. */
typedef struct _CpdHttpReader CpdHttpReader;

/* `method`: of the request, as it was sent.
 * Returns: (transfer full) */
CpdHttpReader *cpd_http_reader_new (const char *method);
void cpd_http_reader_free (CpdHttpReader *reader);

/* Finds the next part in the bytes that follow those of the last call. Call it with the same input
 * until the part is NONE or END: a part may be there without bytes of its own, for example the end
 * of a response without a body.
 * `input`, `length`: (inout): move on by what was taken
 * `span`: (out): with CPD_HTTP_PART_CONTENT at least one byte, which points into the input;
 * otherwise empty
 * Errors: CERTPIN_ERROR_PROTOCOL_ERROR, as soon as no further bytes could make the response valid;
 * each later call fails as well. */
gboolean cpd_http_reader_read (CpdHttpReader *reader, const char **input, gsize *length,
                               CpdHttpPart *part, CpdHttpSpan *span, GError **error);

/* To be called when the connection ends. `clean`: whether the server has said so (TLS's
 * close_notify), so that nobody can have cut it.
 * Errors: CERTPIN_ERROR_TRUNCATED; CERTPIN_ERROR_PROTOCOL_ERROR after a call that failed.
 * Returns: whether the response is complete: it was before, or its body ends with the connection
 * and the end is clean */
gboolean cpd_http_reader_end (CpdHttpReader *reader, gboolean clean, GError **error);

/* Returns: (nullable) (transfer none): the last head that was found, until the next one is */
CpdHttpHead *cpd_http_reader_get_head (CpdHttpReader *reader);

/* Whether the connection may carry another request: the response is complete, its head allows it,
 * and no byte came behind it. Bytes that come later are the caller's to see. */
gboolean cpd_http_reader_is_reusable (const CpdHttpReader *reader);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdHttpReader, cpd_http_reader_free)

G_END_DECLS
