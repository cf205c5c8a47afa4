/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* What a server answered, and over which connection. */
typedef struct
{
  unsigned int status;
  GVariant *headers; /* a(ss) */
  GBytes *body;
  const char *tls_version;
  char *tls_cipher;
  gboolean reused;
  guint64 resolve_us, connect_us, tls_us, first_byte_us;
} CpdAnswer;

gboolean cpd_answer_begin (CpdAnswer *answer, SoupMessage *message, GError **error);
gboolean cpd_answer_has_length (const CpdAnswer *answer, SoupMessage *message, guint64 length);
void cpd_answer_clear (CpdAnswer *answer);

G_END_DECLS
