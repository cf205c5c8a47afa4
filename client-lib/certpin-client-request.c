/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests, which can be cancelled: each carries a token by which the service knows it. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-arguments.h"
#include "certpin-error.h"
#include "certpin-handle.h"
#include "certpin-status.h"
#include "certpin-task.h"
#include "certpin-wait.h"

#include "dbus/certpin-names.h"

static const CertpinMethod secure_request
    = { CERTPIN_REQUESTS_IFACE, "SecureRequest", "(ua(ss)aya{sv})" };

static CertpinCall *
new_call (CertpinRequest *request, GVariant *options)
{
  g_autofree char *url = g_uri_to_string (certpin_request_get_uri (request));
  g_autofree char *token = NULL;
  GVariant *with_token = certpin_handle_add (options, &token);
  CertpinCall *call = certpin_call_new (
      &secure_request,
      g_variant_new ("(s@s@a(ss)@ay@a{sv})", certpin_request_get_method (request),
                     certpin_arguments_text (url), certpin_request_get_headers (request),
                     certpin_arguments_bytes (certpin_request_get_body (request)), with_token));

  call->timeout_ms = certpin_handle_get_timeout_ms (options);
  call->token = g_steal_pointer (&token);
  return call;
}

/**
 * certpin_client_secure_request_async:
 * @client: a client
 * @request: the request
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Requests.SecureRequest`; consumed if floating
 * @cancellable: (nullable): cancels the request, in the service too
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Sends a request to a pinned host. The service sends none of it before the server has
 * proved that it holds a pinned key.
 *
 * In @callback, call certpin_client_secure_request_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_secure_request_async (CertpinClient *client, CertpinRequest *request,
                                     GVariant *options, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GVariant) given = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (request != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_secure_request_async, cancellable, callback,
                           user_data);
  given = certpin_task_take_options (task, options);
  if (given != NULL)
    certpin_task_submit (task, new_call (request, given));
}

/**
 * certpin_client_secure_request_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_secure_request_async().
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
 * - `CERTPIN_ERROR_CANCELLED`: the request was cancelled
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinResponse *
certpin_client_secure_request_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_autoptr (GVariant) reply = NULL, headers = NULL, body = NULL, info = NULL;
  g_autoptr (GBytes) bytes = NULL;
  guint32 status;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_secure_request_async),
                        NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  reply = g_task_propagate_pointer (G_TASK (result), error);
  if (reply == NULL)
    return NULL;
  g_variant_get (reply, "(u@a(ss)@ay@a{sv})", &status, &headers, &body, &info);
  if (!CERTPIN_IS_FINAL_STATUS (status))
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
                   "the reply of the certpin service is not valid: %u is not an HTTP status code",
                   status);
      return NULL;
    }
  bytes = g_variant_get_data_as_bytes (body);
  return certpin_response_new (status, headers, bytes, info);
}

/**
 * certpin_client_secure_request:
 * @client: a client
 * @request: the request
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Requests.SecureRequest`; consumed if floating
 * @cancellable: (nullable): cancels the request, in the service too
 *
 * Sends a request to a pinned host. The service sends none of it before the server has
 * proved that it holds a pinned key.
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
 * - `CERTPIN_ERROR_CANCELLED`: the request was cancelled
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinResponse *
certpin_client_secure_request (CertpinClient *client, CertpinRequest *request, GVariant *options,
                               GCancellable *cancellable, GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (request != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_secure_request_async (client, request, options, cancellable,
                                       certpin_wait_on_result, wait);
  return certpin_client_secure_request_finish (client, certpin_wait_for_result (wait), error);
}
