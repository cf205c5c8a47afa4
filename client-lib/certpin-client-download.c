/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Downloads to files. Each has a thread of its own, since writing a file blocks. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-download.h"
#include "certpin-job.h"
#include "certpin-task.h"

static void
download_free (gpointer data)
{
  CertpinDownload *download = data;

  if (download->progress.destroy != NULL)
    download->progress.destroy (download->progress.data);
  g_object_unref (download->client);
  certpin_request_unref (download->request);
  g_object_unref (download->file);
  g_clear_pointer (&download->options, g_variant_unref);
  g_clear_object (&download->cancellable);
  g_clear_pointer (&download->failed, certpin_response_unref);
  g_free (download);
}

static CertpinResponse *
download_run (gpointer transfer, GError **error)
{
  return certpin_download_run (transfer, error);
}

/**
 * certpin_client_download_async:
 * @client: a client
 * @request: the request
 * @file: a file of this machine; a regular file, or one that does not exist
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Requests.SecureRequest`; consumed if floating
 * @cancellable: (nullable): cancels the download
 * @progress: (nullable) (scope notified) (closure progress_data) (destroy progress_destroy):
 *   called with the bytes that the file has, and those that it will have, -1 if that is not known;
 *   at most ten times a second, and at the end, also if the body was cut
 * @progress_data: data for @progress
 * @progress_destroy: (nullable): frees @progress_data
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Sends a request to a pinned host, and writes the body of the response to a file if its status is
 * one of success, 200 to 299. With any other status, the file is unchanged and the response has a
 * stream, as that of certpin_client_send().
 *
 * The file is replaced only by a whole body, which is on disk before. It keeps its permissions; a
 * new file has those that the umask allows.
 *
 * If the response to a GET is cut, or the call is cancelled, and the server sent a strong entity
 * tag, what came stays beside @file, in a file with the suffix `.certpin-part`. The next download
 * of the same URL to the same file requests only the rest of it, if the server still has the same
 * version and the same key. The status is then 206, although the whole file is there. A download
 * that got no response does not change what stayed, unless the server was refused. Otherwise, a
 * download that fails leaves nothing; only if the program ends meanwhile, what came stays in a
 * hidden file beside @file, whose name begins with `.certpin-` and which is not continued.
 *
 * In @callback, call certpin_client_download_finish() to get the result. @progress is called in the
 * same main context.
 *
 * Since: 0.1
 */
void
certpin_client_download_async (CertpinClient *client, CertpinRequest *request, GFile *file,
                               GVariant *options, GCancellable *cancellable,
                               GFileProgressCallback progress, gpointer progress_data,
                               GDestroyNotify progress_destroy, GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  CertpinDownload *download;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (request != NULL);
  g_return_if_fail (G_IS_FILE (file));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_download_async, cancellable, callback, user_data);
  download = g_new0 (CertpinDownload, 1);
  download->client = g_object_ref (client);
  download->request = certpin_request_ref (request);
  download->file = g_object_ref (file);
  download->options = certpin_task_take_options (task, options);
  download->cancellable = cancellable != NULL ? g_object_ref (cancellable) : NULL;
  download->progress
      = (CertpinProgress){ progress, progress_data, progress_destroy, g_task_get_context (task) };
  if (download->options != NULL)
    certpin_job_start (task, download_run, download, download_free);
  else
    download_free (download);
}

/**
 * certpin_client_download_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_download_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range, or the file is not a file of this machine
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
 * If the file cannot be written, the error is one of `G_IO_ERROR`, such as
 * `G_IO_ERROR_NO_SPACE` or `G_IO_ERROR_PERMISSION_DENIED`.
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinResponse *
certpin_client_download_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_download_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * certpin_client_download_get_failed_response:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Gets the response to a download that failed after the response had come: its body was cut, or the
 * file could not be written. The last call of the progress function says how many bytes the file
 * would have.
 *
 * Returns: (transfer none) (nullable): the response, without its body; it lives as long as @result.
 *   %NULL: the download did not fail, or it failed before there was a response with a status of
 *   success.
 *
 * Since: 0.1
 */
CertpinResponse *
certpin_client_download_get_failed_response (CertpinClient *client, GAsyncResult *result)
{
  CertpinDownload *download;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_download_async), NULL);

  download = certpin_job_get_transfer (G_TASK (result));
  return download != NULL ? download->failed : NULL;
}

/**
 * certpin_client_download:
 * @client: a client
 * @request: the request
 * @file: a file of this machine; a regular file, or one that does not exist
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Requests.SecureRequest`; consumed if floating
 * @cancellable: (nullable): cancels the download
 * @progress: (nullable) (scope call) (closure progress_data): called with the bytes that the file
 *   has, and those that it will have, -1 if that is not known; at most ten times a second, and at
 *   the end, also if the body was cut
 * @progress_data: data for @progress
 *
 * Sends a request to a pinned host, and writes the body of the response to a file if its status is
 * one of success, 200 to 299. With any other status, the file is unchanged and the response has a
 * stream, as that of certpin_client_send().
 *
 * The file is replaced only by a whole body, which is on disk before. It keeps its permissions; a
 * new file has those that the umask allows.
 *
 * If the response to a GET is cut, or the call is cancelled, and the server sent a strong entity
 * tag, what came stays beside @file, in a file with the suffix `.certpin-part`. The next download
 * of the same URL to the same file requests only the rest of it, if the server still has the same
 * version and the same key. The status is then 206, although the whole file is there. A download
 * that got no response does not change what stayed, unless the server was refused. Otherwise, a
 * download that fails leaves nothing; only if the program ends meanwhile, what came stays in a
 * hidden file beside @file, whose name begins with `.certpin-` and which is not continued.
 *
 * This function waits for the result. It calls @progress itself.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range, or @file is not a file of this machine
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
 * If the file cannot be written, the error is one of `G_IO_ERROR`, such as
 * `G_IO_ERROR_NO_SPACE` or `G_IO_ERROR_PERMISSION_DENIED`.
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinResponse *
certpin_client_download (CertpinClient *client, CertpinRequest *request, GFile *file,
                         GVariant *options, GCancellable *cancellable,
                         GFileProgressCallback progress, gpointer progress_data, GError **error)
{
  g_autoptr (GVariant) given = NULL;
  CertpinDownload run;
  CertpinResponse *response;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (request != NULL, NULL);
  g_return_val_if_fail (G_IS_FILE (file), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  given = certpin_task_sink_options (options, error);
  if (given == NULL)
    return NULL;
  run = (CertpinDownload){ client, request, file, given, cancellable };
  run.progress.function = progress;
  run.progress.data = progress_data;
  response = certpin_download_run (&run, error);
  g_clear_pointer (&run.failed, certpin_response_unref);
  return response;
}
