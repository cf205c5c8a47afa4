/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/transport/cpd-http-head.h"

G_BEGIN_DECLS

#define CPD_PROXY_ANSWER_SPOKE_EARLY                                                               \
  "closed the connection, or sent data before the host was sent any"

/* A proxy's answer to CONNECT, as it arrives. All zero at its first byte. */
typedef struct
{
  CpdHttpScan scan;
  GString *text; /* of the head that is being read; NULL: nothing came */
  unsigned int interim;
} CpdProxyAnswer;

void cpd_proxy_answer_clear (CpdProxyAnswer *answer);

/* Reads the next bytes.
 * `status`: (out): of the final response; 0: it is not there yet
 * Errors: CERTPIN_ERROR_PROXY_FAILED, with the end of a sentence that begins with the proxy's name
 * and has none of its text: a proxy can send back what it was sent, credentials included. */
gboolean cpd_proxy_answer_read (CpdProxyAnswer *answer, const char *data, gsize length,
                                unsigned int *status, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CpdProxyAnswer, cpd_proxy_answer_clear)

G_END_DECLS
