/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Uploads from streams. Each has a thread of its own, since reading a stream may block. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-error.h"
#include "certpin-request-private.h"
#include "certpin-task.h"
#include "certpin-upload.h"

static gboolean
check_request (CertpinRequest *request, GError **error)
{
  if (certpin_request_get_content (request) == NULL
      && g_bytes_get_size (certpin_request_get_body (request)) == 0)
    return TRUE;
  g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "a request with a body of its own cannot be uploaded with another one");
  return FALSE;
}

/**
 * certpin_client_upload_async:
 * @client: a client
 * @request: the request
 * @body: the body, which the library reads in a thread of its own
 * @length: how many bytes of @body to send; -1 for what is left of it
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Requests.SecureRequest`; consumed if floating
 * @cancellable: (nullable): cancels the upload
 * @progress: (nullable) (scope notified) (closure progress_data) (destroy progress_destroy):
 *   called with the bytes of the body that were read, and those that it has; at most ten times a
 *   second, and at the end
 * @progress_data: data for @progress
 * @progress_destroy: (nullable): frees @progress_data
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Sends a request to a pinned host, with a body of any size. @request must have none. The service
 * reads none of it before the server has proved that it holds a pinned key. If @body ends early, or
 * cannot be read, the server gets a request that is cut, never one that looks whole.
 *
 * The server is told how long the body is before it comes. So if @length is -1, and @body is not a
 * #GFileInputStream that says its size, all of it is read first, into a temporary file without a
 * name.
 *
 * The option `timeout-ms` does not count while the body is sent. The response has a stream, as that
 * of certpin_client_send(). If it comes before all of the body was sent, the rest is not.
 *
 * In @callback, call certpin_client_upload_finish() to get the result. @progress is called in the
 * same main context.
 *
 * Since: 0.1
 */
void
certpin_client_upload_async (CertpinClient *client, CertpinRequest *request, GInputStream *body,
                             gint64 length, GVariant *options, GCancellable *cancellable,
                             GFileProgressCallback progress, gpointer progress_data,
                             GDestroyNotify progress_destroy, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GVariant) given = NULL;
  g_autoptr (CertpinContent) content = NULL;
  CertpinUpload upload = { client, request };
  GError *error = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (request != NULL);
  g_return_if_fail (G_IS_INPUT_STREAM (body));
  g_return_if_fail (length >= -1);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_upload_async, cancellable, callback, user_data);
  given = certpin_task_sink_options (options, &error);
  if (given == NULL || !check_request (request, &error))
    {
      if (progress_destroy != NULL)
        progress_destroy (progress_data);
      g_task_return_error (task, error);
      return;
    }
  content = certpin_content_new_for_stream (body, length);
  upload.content = content;
  upload.options = given;
  upload.cancellable = cancellable;
  upload.progress = (CertpinProgress){ progress, progress_data, progress_destroy };
  certpin_upload_start (task, &upload);
}

/**
 * certpin_client_upload_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_upload_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range, or the request has a body
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
 * If the body cannot be read, the error is that of the stream; if it ends early,
 * `G_IO_ERROR_PARTIAL_INPUT`.
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinResponse *
certpin_client_upload_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_upload_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * certpin_client_upload:
 * @client: a client
 * @request: the request
 * @body: the body, which the library reads in a thread of its own
 * @length: how many bytes of @body to send; -1 for what is left of it
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Requests.SecureRequest`; consumed if floating
 * @cancellable: (nullable): cancels the upload
 * @progress: (nullable) (scope call) (closure progress_data): called with the bytes of the body
 *   that were read, and those that it has; at most ten times a second, and at the end
 * @progress_data: data for @progress
 *
 * Sends a request to a pinned host, with a body of any size. @request must have none. The service
 * reads none of it before the server has proved that it holds a pinned key. If @body ends early, or
 * cannot be read, the server gets a request that is cut, never one that looks whole.
 *
 * The server is told how long the body is before it comes. So if @length is -1, and @body is not a
 * #GFileInputStream that says its size, all of it is read first, into a temporary file without a
 * name.
 *
 * The option `timeout-ms` does not count while the body is sent. The response has a stream, as that
 * of certpin_client_send(). If it comes before all of the body was sent, the rest is not.
 *
 * This function waits for the result. It calls @progress itself.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range, or the request has a body
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
 * If the body cannot be read, the error is that of the stream; if it ends early,
 * `G_IO_ERROR_PARTIAL_INPUT`.
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinResponse *
certpin_client_upload (CertpinClient *client, CertpinRequest *request, GInputStream *body,
                       gint64 length, GVariant *options, GCancellable *cancellable,
                       GFileProgressCallback progress, gpointer progress_data, GError **error)
{
  g_autoptr (GVariant) given = NULL;
  g_autoptr (CertpinContent) content = NULL;
  CertpinUpload run;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (request != NULL, NULL);
  g_return_val_if_fail (G_IS_INPUT_STREAM (body), NULL);
  g_return_val_if_fail (length >= -1, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  given = certpin_task_sink_options (options, error);
  if (given == NULL || !check_request (request, error))
    return NULL;
  content = certpin_content_new_for_stream (body, length);
  run = (CertpinUpload){ client, request, content, given, cancellable };
  run.progress.function = progress;
  run.progress.data = progress_data;
  return certpin_upload_run (&run, error);
}
