/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/transport/cpd-http-fields.h"

G_BEGIN_DECLS

/* Where the body of a response ends (RFC 9112, section 6.3). */
typedef enum
{
  CPD_HTTP_FRAMING_NONE,      /* there is no body: HEAD, 1xx, 204, 304, a CONNECT that succeeded */
  CPD_HTTP_FRAMING_LENGTH,    /* after `length` bytes */
  CPD_HTTP_FRAMING_CHUNKED,   /* after the last chunk and its trailer section */
  CPD_HTTP_FRAMING_UNTIL_END, /* with the connection */
} CpdHttpFraming;

typedef struct
{
  const char *name;   /* as sent; a token (RFC 9110, section 5.6.2) */
  const char *value;  /* UTF-8, without ASCII control characters but HTAB */
  gboolean is_latin1; /* it was not sent as UTF-8, and was read as Latin-1 */
} CpdHttpField;

/* The head of one response, interim or final. An immutable, reference-counted value: only this
 * module makes one, nobody changes it. */
typedef struct
{
  unsigned int minor_version; /* of HTTP/1; what is above 1 is to be treated as 1 */
  unsigned int status;        /* 100 to 999, never 101 */
  const CpdHttpField *fields; /* in the order in which they were sent */
  unsigned int n_fields;
  CpdHttpFraming framing;
  guint64 length; /* with CPD_HTTP_FRAMING_LENGTH: bytes, at most G_MAXINT64 */
  gboolean keeps; /* the connection may carry another request, as far as the head says */
} CpdHttpHead;

/* How far the check of one head has come. All zero at its first byte; only the function below
 * changes it. */
typedef struct
{
  gsize scanned;     /* bytes, from the head's first one */
  unsigned int line; /* where it is in the status line */
  CpdHttpFields fields;
} CpdHttpScan;

/* Checks a head that arrives in pieces. `data` holds all that has arrived of it, from its first
 * byte; what an earlier call has checked is not looked at again, so a head costs the same in one
 * piece as byte by byte. Where bytes of the body follow they are not touched.
 * Errors: CERTPIN_ERROR_PROTOCOL_ERROR, as soon as no further bytes could make the head valid.
 * After one, the head must not be checked any further.
 * Returns: FALSE on error. Whether the head is complete is told by cpd_http_scan_is_complete ();
 * its size is then `scan->scanned`. */
gboolean cpd_http_scan_check (CpdHttpScan *scan, const char *data, gsize available, GError **error);
gboolean cpd_http_scan_is_complete (const CpdHttpScan *scan);

/* Reads a head that was checked and is complete: `data` and `length` are its bytes alone.
 * `method`: of the request that it answers; it decides whether there is a body.
 * Errors: CERTPIN_ERROR_PROTOCOL_ERROR, where it is not certain where the body ends, or where it
 * switches to a protocol that nobody has asked for (status 101).
 * Returns: (transfer full) */
CpdHttpHead *cpd_http_head_new (const char *data, gsize length, const char *method, GError **error);
CpdHttpHead *cpd_http_head_ref (CpdHttpHead *head);
void cpd_http_head_unref (CpdHttpHead *head);

/* Whether it is not the final response (RFC 9110, section 15.2). */
gboolean cpd_http_head_is_interim (const CpdHttpHead *head);

/* `name`: in any case.
 * Returns: (nullable): the first field of that name */
const CpdHttpField *cpd_http_head_find (const CpdHttpHead *head, const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdHttpHead, cpd_http_head_unref)

G_END_DECLS
