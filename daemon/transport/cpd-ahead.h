/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/* What was read ahead from a socket. Zeros: nothing. */
typedef struct
{
  guint8 *bytes; /* NULL: nothing */
  gsize begin, end;
  gboolean drained; /* the socket: it is not read again before whoever polls it says so */
} CpdAhead;

gboolean cpd_ahead_is_empty (const CpdAhead *ahead);
gsize cpd_ahead_take (CpdAhead *ahead, void *buffer, gsize size);
ssize_t cpd_ahead_fill (CpdAhead *ahead, int socket);
void cpd_ahead_clear (CpdAhead *ahead);

G_END_DECLS
