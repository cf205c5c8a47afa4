/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/transport/cpd-http-head.h"

G_BEGIN_DECLS

/* A run of a body's content, inside the bytes from which it was read. */
typedef struct
{
  const char *data;
  gsize length; /* 0: there was no content */
} CpdHttpSpan;

/* How far a body has come. All zero but for what cpd_http_body_init () sets; only the functions
 * below change it. It owns nothing. */
typedef struct
{
  unsigned int state;
  CpdHttpFraming framing;
  guint64 left;           /* bytes of content that are still to come, of the body or of the chunk */
  guint64 received;       /* bytes of content so far */
  gsize overhead;         /* bytes of the current chunk's line, or of the trailer section */
  CpdHttpFields trailers; /* checked, then dropped */
} CpdHttpBody;

/* Begins the body that follows `head`. It is complete at once if there is none. */
void cpd_http_body_init (CpdHttpBody *body, const CpdHttpHead *head);

/* Reads on, as far as the next run of content, and to the end of that run or of the input. It takes
 * no byte behind the body's end. If `span` has a length, there may be more to read in the input;
 * otherwise all of it was taken, or the body is complete.
 * `span`: (out): points into `data`
 * Errors: CERTPIN_ERROR_PROTOCOL_ERROR, as soon as no further bytes could make the body valid.
 * After one, the body must not be read any further, and what was read of it is not whole.
 * Returns: how many bytes it took; -1 on error */
gssize cpd_http_body_read (CpdHttpBody *body, const char *data, gsize length, CpdHttpSpan *span,
                           GError **error);

/* Whether all of it was read. A body that ends with the connection is complete only once
 * cpd_http_body_end () says so. */
gboolean cpd_http_body_is_complete (const CpdHttpBody *body);

/* To be called when the connection ends. `clean`: whether the server has said so (TLS's
 * close_notify), so that nobody can have cut it.
 * Errors: CERTPIN_ERROR_TRUNCATED.
 * Returns: whether the body is complete */
gboolean cpd_http_body_end (CpdHttpBody *body, gboolean clean, GError **error);

G_END_DECLS
