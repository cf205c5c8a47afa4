/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A response as a value. It is filled where it is made and only read afterwards. */

#include "config.h"

#include "certpin-response.h"

#include "certpin-response-private.h"
#include "certpin-status.h"

struct _CertpinResponse
{
  unsigned int status;
  GVariant *headers; /* a(ss) */
  GBytes *body;
  GInputStream *stream; /* (nullable): the body, instead of `body` */
  CertpinEvidence *evidence;
};

G_DEFINE_BOXED_TYPE (CertpinResponse, certpin_response, certpin_response_ref,
                     certpin_response_unref)

/**
 * certpin_response_new:
 * @status: the HTTP status code, 200 to 599
 * @headers: an `a(ss)` of names and values; consumed if floating
 * @body: the body
 * @evidence: what the service checked before it sent the request
 *
 * Creates a response.
 *
 * Returns: (transfer full): a response
 *
 * Since: 0.1
 */
CertpinResponse *
certpin_response_new (unsigned int status, GVariant *headers, GBytes *body,
                      CertpinEvidence *evidence)
{
  CertpinResponse *response;

  g_return_val_if_fail (CERTPIN_IS_FINAL_STATUS (status), NULL);
  g_return_val_if_fail (headers != NULL && g_variant_is_of_type (headers, G_VARIANT_TYPE ("a(ss)")),
                        NULL);
  g_return_val_if_fail (body != NULL, NULL);
  g_return_val_if_fail (CERTPIN_IS_EVIDENCE (evidence), NULL);

  response = g_atomic_rc_box_new0 (CertpinResponse);
  response->status = status;
  response->headers = g_variant_ref_sink (headers);
  response->body = g_bytes_ref (body);
  response->evidence = g_object_ref (evidence);
  return response;
}

/* As certpin_response_new(), with a stream as the body. */
CertpinResponse *
certpin_response_new_for_stream (unsigned int status, GVariant *headers, GInputStream *stream,
                                 CertpinEvidence *evidence)
{
  g_autoptr (GBytes) none = g_bytes_new_static ("", 0);
  CertpinResponse *response = certpin_response_new (status, headers, none, evidence);

  response->stream = g_object_ref (stream);
  return response;
}

/**
 * certpin_response_ref:
 * @response: a response
 *
 * Adds a reference to a response.
 *
 * Returns: (transfer full): @response
 *
 * Since: 0.1
 */
CertpinResponse *
certpin_response_ref (CertpinResponse *response)
{
  g_return_val_if_fail (response != NULL, NULL);

  return g_atomic_rc_box_acquire (response);
}

static void
response_clear (gpointer data)
{
  CertpinResponse *response = data;

  g_variant_unref (response->headers);
  g_bytes_unref (response->body);
  g_clear_object (&response->stream);
  g_object_unref (response->evidence);
}

/**
 * certpin_response_unref:
 * @response: (nullable) (transfer full): a response
 *
 * Drops a reference to a response. The response is freed with its last reference.
 *
 * Since: 0.1
 */
void
certpin_response_unref (CertpinResponse *response)
{
  if (response != NULL)
    g_atomic_rc_box_release_full (response, response_clear);
}

/**
 * certpin_response_get_status:
 * @response: a response
 *
 * Gets the status code of a response. An error status is a response like any other.
 *
 * Returns: the HTTP status code, 200 to 599
 *
 * Since: 0.1
 */
unsigned int
certpin_response_get_status (CertpinResponse *response)
{
  g_return_val_if_fail (response != NULL, 0);

  return response->status;
}

/**
 * certpin_response_get_headers:
 * @response: a response
 *
 * Gets the headers of a response. Headers with the same name are in the order of the server, and
 * a value that is not UTF-8 was read as Latin-1.
 *
 * Returns: (transfer none): the names and values, an `a(ss)`
 *
 * Since: 0.1
 */
GVariant *
certpin_response_get_headers (CertpinResponse *response)
{
  g_return_val_if_fail (response != NULL, NULL);

  return response->headers;
}

/**
 * certpin_response_get_header:
 * @response: a response
 * @name: the name of a header, in upper or lower case
 *
 * Gets the first value of a header.
 *
 * Returns: (transfer none) (nullable): the value, or %NULL if there is no such header
 *
 * Since: 0.1
 */
const char *
certpin_response_get_header (CertpinResponse *response, const char *name)
{
  GVariantIter iter;
  const char *field, *value;

  g_return_val_if_fail (response != NULL, NULL);
  g_return_val_if_fail (name != NULL, NULL);

  g_variant_iter_init (&iter, response->headers);
  while (g_variant_iter_next (&iter, "(&s&s)", &field, &value))
    if (g_ascii_strcasecmp (field, name) == 0)
      return value;
  return NULL;
}

/**
 * certpin_response_get_body:
 * @response: a response
 *
 * Gets the body of a response, without the transfer coding, and with the content coding of the
 * server.
 *
 * Returns: (transfer none): the body; empty if the response has a stream
 *
 * Since: 0.1
 */
GBytes *
certpin_response_get_body (CertpinResponse *response)
{
  g_return_val_if_fail (response != NULL, NULL);

  return response->body;
}

/**
 * certpin_response_get_stream:
 * @response: a response
 *
 * Gets the stream of the body of a response to certpin_client_send(). Such a response always has
 * one, also if the body is empty. Other responses have none; their body is
 * certpin_response_get_body().
 *
 * The stream ends only if the whole body was received. If the body was cut, reading fails, behind
 * all that was received, with the reason: `CERTPIN_ERROR_TRUNCATED`, `CERTPIN_ERROR_PIN_CHANGED`,
 * `CERTPIN_ERROR_TIMED_OUT`, `CERTPIN_ERROR_BODY_TOO_LARGE`, `CERTPIN_ERROR_PROTOCOL_ERROR`,
 * `CERTPIN_ERROR_LIMIT_EXCEEDED`, `CERTPIN_ERROR_CANCELLED`, `CERTPIN_ERROR_FAILED`, or
 * `CERTPIN_ERROR_SERVICE_UNAVAILABLE` if the service or the connection to the bus ended. From then
 * on, each read fails with that reason. A read that is cancelled fails with
 * `G_IO_ERROR_CANCELLED`; the next one goes on.
 *
 * A stream that is closed or freed before its end cancels the request. The program must read it
 * within the time that `org.certpin.Certpin1.Requests.SecureRequest` says.
 *
 * Returns: (transfer none) (nullable): the stream, or %NULL if the response has none
 *
 * Since: 0.1
 */
GInputStream *
certpin_response_get_stream (CertpinResponse *response)
{
  g_return_val_if_fail (response != NULL, NULL);

  return response->stream;
}

/**
 * certpin_response_get_evidence:
 * @response: a response
 *
 * Gets the evidence of a response, such as the key that matched.
 *
 * Returns: (transfer none): the evidence
 *
 * Since: 0.1
 */
CertpinEvidence *
certpin_response_get_evidence (CertpinResponse *response)
{
  g_return_val_if_fail (response != NULL, NULL);

  return response->evidence;
}
