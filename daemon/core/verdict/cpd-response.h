/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How long the parts of an order took, in microseconds. A kept connection was made for another
 * order. */
typedef struct
{
  guint64 queue, resolve, connect, tls, first_byte, total;
} CpdTimings;

/* What a server answered to an order, and what is known of the connection. It is filled where it is
 * made and only read afterwards. */
typedef struct
{
  unsigned int status;
  GStrv headers; /* names and values in turn, as the server sent them; UTF-8 */
  GBytes *body;
  gboolean streams;        /* the body comes by the order's transfer instead */
  char *url;               /* the final one */
  const char *tls_version; /* static, as all that is const */
  const char *tls_cipher;  /* NULL: unknown */
  char *proxy;             /* NULL: none */
  gboolean reused;         /* the connection */
  unsigned int redirects;  /* that were followed */
  CpdTimings timings;
} CpdResponse;

void cpd_response_free (CpdResponse *response);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdResponse, cpd_response_free)

G_END_DECLS
