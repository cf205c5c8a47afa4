/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests whose response is a stream. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-exchange.h"
#include "certpin-request-private.h"
#include "certpin-send.h"
#include "certpin-task.h"
#include "certpin-upload.h"
#include "certpin-wait.h"

/* Returns: (transfer full): the body, in memory or not */
static CertpinContent *
content_of (CertpinRequest *request)
{
  GObject *content = certpin_request_get_content (request);
  GBytes *bytes = certpin_request_get_body (request);
  g_autoptr (GInputStream) stream = NULL;

  if (content != NULL)
    return CERTPIN_CONTENT (g_object_ref (content));
  stream = g_memory_input_stream_new_from_bytes (bytes);
  return certpin_content_new_for_stream (stream, (goffset)g_bytes_get_size (bytes));
}

/* Sends the body through a descriptor. */
static void
send_large (CertpinRequest *request, GVariant *options, GTask *task)
{
  g_autofree char *url = g_uri_to_string (certpin_request_get_uri (request));
  g_autoptr (CertpinContent) content = content_of (request);
  g_autoptr (CertpinRequest) bare
      = certpin_request_new (certpin_request_get_method (request), url,
                             certpin_request_get_headers (request), /* body= */ NULL, NULL);
  g_autoptr (GVariant) given = certpin_task_take_options (task, options);
  CertpinUpload upload = { g_task_get_source_object (task), bare, content, given };

  if (given == NULL)
    return;
  upload.cancellable = g_task_get_cancellable (task);
  g_task_set_name (task, CERTPIN_EXCHANGE_GATHERED);
  certpin_upload_start (task, &upload);
}

/**
 * certpin_client_send_async:
 * @client: a client
 * @request: the request
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Requests.SecureRequest`; consumed if floating
 * @cancellable: (nullable): cancels the request, in the service too, until @callback is called
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Sends a request to a pinned host, like certpin_client_secure_request_async(), but the result is
 * there as soon as the head of the response is, and the body is a stream of any size,
 * certpin_response_get_stream(). A user may have 32 streams of more than 64 KiB at a time. The body
 * of @request may also have any size, in memory or not; certpin_client_upload() tells how far it
 * has come.
 *
 * In @callback, call certpin_client_send_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_send_async (CertpinClient *client, CertpinRequest *request, GVariant *options,
                           GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (request != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  if (!certpin_exchange_needs_descriptor (request))
    {
      certpin_send_begin (client, request, options, /* descriptors= */ NULL,
                          certpin_client_send_async, cancellable, callback, user_data);
      return;
    }
  task = certpin_task_new (client, certpin_client_send_async, cancellable, callback, user_data);
  send_large (request, options, task);
}

/**
 * certpin_client_send_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_send_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range
 * - `CERTPIN_ERROR_INVALID_HOST`: the host of the URL cannot be pinned
 * - `CERTPIN_ERROR_INVALID_KEY`: an element of the option `require-keys` is not a SHA-256
 *   key
 * - `CERTPIN_ERROR_NOT_SECURE`: a redirect leads to a URL that is not https
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: the request is too large, or the user has too many
 *   requests or bodies under way
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not make requests
 * - `CERTPIN_ERROR_NOT_PINNED`: nothing is pinned for the host
 * - `CERTPIN_ERROR_BLOCKED`: the host is blocked
 * - `CERTPIN_ERROR_PIN_EXPIRED`: a pin of the host has expired
 * - `CERTPIN_ERROR_ADDRESS_DENIED`: the host has only addresses that requests may not go to
 * - `CERTPIN_ERROR_UNREACHABLE`: the host cannot be found or connected to
 * - `CERTPIN_ERROR_OFFLINE`: this machine has no network
 * - `CERTPIN_ERROR_PROXY_FAILED`: the proxy cannot be reached, is not trusted, or did not connect
 *   to the host
 * - `CERTPIN_ERROR_PROXY_AUTH_REQUIRED`: the proxy demands credentials, or does not accept those
 *   that the service has
 * - `CERTPIN_ERROR_TIMED_OUT`: the request took longer than its timeout
 * - `CERTPIN_ERROR_TLS_FAILED`: the TLS handshake failed
 * - `CERTPIN_ERROR_UNTRUSTED`: the certification path of the server is not valid
 * - `CERTPIN_ERROR_PIN_MISMATCH`: the server does not hold a pinned key
 * - `CERTPIN_ERROR_PIN_CHANGED`: a pin or a trust anchor changed after the request was sent
 * - `CERTPIN_ERROR_TRUNCATED`: the connection ended before the response was complete
 * - `CERTPIN_ERROR_BODY_TOO_LARGE`: the response body is larger than the option `max-body`
 *   allows
 * - `CERTPIN_ERROR_PROTOCOL_ERROR`: the response is not valid HTTP/1.1, or redirects to a
 *   URL that is not valid
 * - `CERTPIN_ERROR_CANCELLED`: the request was ended by its method
 *   `org.certpin.Certpin1.Request.Cancel`
 *
 * If the body of the request is a file or a stream, and cannot be read, the error is that of it; if
 * it ends early, `G_IO_ERROR_PARTIAL_INPUT`.
 *
 * Returns: (transfer full): the response, with a stream, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinResponse *
certpin_client_send_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_send_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return certpin_exchange_take_response (G_TASK (result), /* streams= */ TRUE, error);
}

/**
 * certpin_client_send:
 * @client: a client
 * @request: the request
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Requests.SecureRequest`; consumed if floating
 * @cancellable: (nullable): cancels the request, in the service too, until this function returns
 *
 * Sends a request to a pinned host, like certpin_client_secure_request(), but returns as soon as
 * the head of the response is there, and the body is a stream of any size,
 * certpin_response_get_stream(). A user may have 32 streams of more than 64 KiB at a time. The body
 * of @request may also have any size, in memory or not; certpin_client_upload() tells how far it
 * has come.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range
 * - `CERTPIN_ERROR_INVALID_HOST`: the host of the URL cannot be pinned
 * - `CERTPIN_ERROR_INVALID_KEY`: an element of the option `require-keys` is not a SHA-256
 *   key
 * - `CERTPIN_ERROR_NOT_SECURE`: a redirect leads to a URL that is not https
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: the request is too large, or the user has too many
 *   requests or bodies under way
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not make requests
 * - `CERTPIN_ERROR_NOT_PINNED`: nothing is pinned for the host
 * - `CERTPIN_ERROR_BLOCKED`: the host is blocked
 * - `CERTPIN_ERROR_PIN_EXPIRED`: a pin of the host has expired
 * - `CERTPIN_ERROR_ADDRESS_DENIED`: the host has only addresses that requests may not go to
 * - `CERTPIN_ERROR_UNREACHABLE`: the host cannot be found or connected to
 * - `CERTPIN_ERROR_OFFLINE`: this machine has no network
 * - `CERTPIN_ERROR_PROXY_FAILED`: the proxy cannot be reached, is not trusted, or did not connect
 *   to the host
 * - `CERTPIN_ERROR_PROXY_AUTH_REQUIRED`: the proxy demands credentials, or does not accept those
 *   that the service has
 * - `CERTPIN_ERROR_TIMED_OUT`: the request took longer than its timeout
 * - `CERTPIN_ERROR_TLS_FAILED`: the TLS handshake failed
 * - `CERTPIN_ERROR_UNTRUSTED`: the certification path of the server is not valid
 * - `CERTPIN_ERROR_PIN_MISMATCH`: the server does not hold a pinned key
 * - `CERTPIN_ERROR_PIN_CHANGED`: a pin or a trust anchor changed after the request was sent
 * - `CERTPIN_ERROR_TRUNCATED`: the connection ended before the response was complete
 * - `CERTPIN_ERROR_BODY_TOO_LARGE`: the response body is larger than the option `max-body`
 *   allows
 * - `CERTPIN_ERROR_PROTOCOL_ERROR`: the response is not valid HTTP/1.1, or redirects to a
 *   URL that is not valid
 * - `CERTPIN_ERROR_CANCELLED`: the request was ended by its method
 *   `org.certpin.Certpin1.Request.Cancel`
 *
 * If the body of the request is a file or a stream, and cannot be read, the error is that of it; if
 * it ends early, `G_IO_ERROR_PARTIAL_INPUT`.
 *
 * Returns: (transfer full): the response, with a stream, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinResponse *
certpin_client_send (CertpinClient *client, CertpinRequest *request, GVariant *options,
                     GCancellable *cancellable, GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (request != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_send_async (client, request, options, cancellable, certpin_wait_on_result, wait);
  return certpin_client_send_finish (client, certpin_wait_for_result (wait), error);
}
