/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What libsoup knows of an answer, as it is passed on. */

#include "config.h"

#include "daemon/transport/cpd-answer.h"

#include "daemon/transport/cpd-response-headers.h"

static guint64
between (guint64 from, guint64 to)
{
  return from != 0 && to > from ? to - from : 0;
}

static void
read_timings (CpdAnswer *answer, SoupMessageMetrics *metrics)
{
  guint64 tls_start = soup_message_metrics_get_tls_start (metrics);

  answer->resolve_us = between (soup_message_metrics_get_dns_start (metrics),
                                soup_message_metrics_get_dns_end (metrics));
  answer->connect_us = between (soup_message_metrics_get_connect_start (metrics), tls_start);
  answer->tls_us = between (tls_start, soup_message_metrics_get_connect_end (metrics));
  answer->first_byte_us = between (soup_message_metrics_get_request_start (metrics),
                                   soup_message_metrics_get_response_start (metrics));
}

/* Takes all but the body, which is yet to be read, and `reused`.
 * Returns: whether the headers are valid */
gboolean
cpd_answer_begin (CpdAnswer *answer, SoupMessage *message, GError **error)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  GTlsProtocolVersion version = soup_message_get_tls_protocol_version (message);

  answer->status = soup_message_get_status (message);
  answer->tls_version = version == G_TLS_PROTOCOL_VERSION_TLS_1_3 ? "1.3" : "1.2";
  answer->tls_cipher = g_strdup (soup_message_get_tls_ciphersuite_name (message));
  read_timings (answer, soup_message_get_metrics (message));
  answer->headers = cpd_response_headers_read (headers, answer->status, error);
  return answer->headers != NULL;
}

/* Whether a body of `length` bytes is what was announced: libsoup takes the end of a closed
 * connection for the end of the body, whatever that was. */
gboolean
cpd_answer_has_length (const CpdAnswer *answer, SoupMessage *message, guint64 length)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);

  return soup_message_get_method (message) == SOUP_METHOD_HEAD
         || answer->status == SOUP_STATUS_NO_CONTENT || answer->status == SOUP_STATUS_NOT_MODIFIED
         || soup_message_headers_get_encoding (headers) != SOUP_ENCODING_CONTENT_LENGTH
         || length == (guint64)soup_message_headers_get_content_length (headers);
}

void
cpd_answer_clear (CpdAnswer *answer)
{
  g_clear_pointer (&answer->headers, g_variant_unref);
  g_clear_pointer (&answer->body, g_bytes_unref);
  g_clear_pointer (&answer->tls_cipher, g_free);
}
