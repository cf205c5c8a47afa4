/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A head or a trailer section that has more bytes or more fields is refused. */
#define CPD_HTTP_SECTION_MAX_BYTES 65536
#define CPD_HTTP_FIELDS_MAX        1000

/* How far the check of one section of field lines (RFC 9112, section 5) has come. All zero at the
 * section's first byte; only the functions below change it. */
typedef struct
{
  unsigned int state;
  gsize size;         /* bytes so far; in a head with those of its status line */
  unsigned int count; /* fields so far */
  char name[48];      /* how the current field's name begins, for messages */
  unsigned int name_length;
} CpdHttpFields;

/* Checks the next bytes of a section. It takes no byte behind the empty line that ends the section.
 * `what` names the section in messages: "header" or "trailer".
 * Errors: CERTPIN_ERROR_PROTOCOL_ERROR; after one, the section must not be checked any further.
 * Returns: how many bytes it took, fewer than `length` only if the section is complete; -1 on
 * error */
gssize cpd_http_fields_check (CpdHttpFields *fields, const char *what, const char *data,
                              gsize length, GError **error);

/* Whether the empty line was seen. */
gboolean cpd_http_fields_are_complete (const CpdHttpFields *fields);

/* Reads the next field of a section that was checked and is complete. `cursor` points into it and
 * moves on; `end` is where the section ends. Line folds become a space, white space around the
 * value goes; a value that is not UTF-8 is read as Latin-1.
 * `name`, `value`: (out): what they held before goes
 * `is_latin1`: (out): whether the value was
 * Returns: whether there was one; FALSE at the empty line */
gboolean cpd_http_fields_next (const char **cursor, const char *end, GString *name, GString *value,
                               gboolean *is_latin1);

/* Reads the next element of a comma-separated list (RFC 9110, section 5.6.1) without quotes in it.
 * `list` points into it and moves on. An element may be empty.
 * Returns: (nullable): where the element begins; NULL behind the last one */
const char *cpd_http_list_next (const char **list, gsize *length);

/* Sets CERTPIN_ERROR_PROTOCOL_ERROR: what was sent is not HTTP/1.1. The message goes behind the
 * name of the host.
 * Returns: FALSE */
gboolean cpd_http_refuse (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Likewise: it is more than certpin takes, though HTTP/1.1 may allow it. The format says how much
 * it takes of what: "16 interim responses". */
gboolean cpd_http_exceed (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Whether a byte may be in a field value, a reason phrase or a chunk extension: no control
 * character but HTAB. */
gboolean cpd_http_is_text (char c);

/* Returns: (transfer full): a byte that is out of place, for a message: "‘(’", "a line feed" */
char *cpd_http_describe_byte (char c);

G_END_DECLS
