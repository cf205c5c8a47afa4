/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests whose response is in memory. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-error.h"
#include "certpin-exchange.h"
#include "certpin-handle.h"
#include "certpin-send.h"
#include "certpin-task.h"
#include "certpin-wait.h"

/* Of a response in memory, unless the program says otherwise. */
#define BODY_MAX_BYTES ((guint64)64 * 1024 * 1024)

/* Returns: (transfer full): the evidence, as if the body had been in the reply */
static CertpinEvidence *
add_size (CertpinEvidence *evidence, gsize size)
{
  g_auto (GVariantDict) dict
      = G_VARIANT_DICT_INIT (certpin_record_get_description (CERTPIN_RECORD (evidence)));

  g_variant_dict_insert (&dict, "body-bytes", "t", (guint64)size);
  return certpin_evidence_new (g_variant_dict_end (&dict));
}

/* The body came by a descriptor, and is put together now. */
static void
gather_on_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  CertpinResponse *response = g_task_get_task_data (task);
  g_autoptr (CertpinEvidence) evidence = NULL;
  g_autoptr (GBytes) body = NULL;
  GError *error = NULL;

  if (g_output_stream_splice_finish (G_OUTPUT_STREAM (source), result, &error) < 0)
    {
      g_task_return_error (task, error);
      return;
    }
  body = g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (source));
  evidence = add_size (certpin_response_get_evidence (response), g_bytes_get_size (body));
  g_task_return_pointer (task,
                         certpin_response_new (certpin_response_get_status (response),
                                               certpin_response_get_headers (response), body,
                                               evidence),
                         (GDestroyNotify)certpin_response_unref);
}

/* `response`: (transfer full) (nullable): NULL: `error` says why. `error`: (transfer full) */
static void
gather (GTask *task, CertpinResponse *response, GError *error)
{
  g_autoptr (GOutputStream) memory = NULL;

  if (response == NULL)
    g_task_return_error (task, error);
  else if (certpin_response_get_stream (response) == NULL)
    g_task_return_pointer (task, response, (GDestroyNotify)certpin_response_unref);
  else
    {
      memory = g_memory_output_stream_new_resizable ();
      g_task_set_task_data (task, response, (GDestroyNotify)certpin_response_unref);
      g_output_stream_splice_async (
          memory, certpin_response_get_stream (response),
          G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE | G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET,
          G_PRIORITY_DEFAULT, g_task_get_cancellable (task), gather_on_done, g_object_ref (task));
    }
}

static void
gather_on_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  CertpinResponse *response
      = certpin_exchange_take_response (G_TASK (result), /* streams= */ FALSE, &error);

  gather (task, response, error);
}

static void
gather_on_sent (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  CertpinResponse *response = certpin_client_send_finish (CERTPIN_CLIENT (source), result, &error);

  gather (task, response, error);
}

/* What is kept in memory has a limit, and the timeout is that of all of it, whether or not a body
 * goes through a descriptor; unless the program has said itself how it wants the body.
 * Returns: (transfer full) */
static GVariant *
add_limits (GVariant *options)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (options);
  guint32 timeout_ms = CERTPIN_HANDLE_TIMEOUT_MS;
  g_autofree char *stream = NULL;

  g_variant_dict_lookup (&dict, "stream", "s", &stream);
  g_variant_dict_lookup (&dict, "timeout-ms", "u", &timeout_ms);
  if (g_strcmp0 (stream, "never") != 0 && !g_variant_dict_contains (&dict, "max-body"))
    g_variant_dict_insert (&dict, "max-body", "t", BODY_MAX_BYTES);
  if (stream == NULL && !g_variant_dict_contains (&dict, "stream-timeout-ms"))
    g_variant_dict_insert (&dict, "stream-timeout-ms", "u", timeout_ms);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
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
 * The body of @request may have any size. The response is complete in memory. Its body may have
 * 64 MiB, or as many bytes as the option `max-body` says; large bodies go through descriptors by
 * themselves. The option `timeout-ms` is the limit of all of it. For bodies that need not be in
 * memory, use
 * certpin_client_send_async().
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
  g_autoptr (GVariant) given = NULL, limited = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (request != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_secure_request_async, cancellable, callback,
                           user_data);
  given = certpin_task_take_options (task, options);
  if (given == NULL)
    return;
  limited = add_limits (given);
  if (certpin_exchange_needs_descriptor (request))
    certpin_client_send_async (client, request, limited, cancellable, gather_on_sent,
                               g_object_ref (task));
  else
    certpin_send_begin (client, request, limited, /* descriptors= */ NULL, certpin_send_begin,
                        cancellable, gather_on_reply, g_object_ref (task));
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
 * - `CERTPIN_ERROR_CANCELLED`: the request was ended by its method
 *   `org.certpin.Certpin1.Request.Cancel`
 *
 * If the body of the request is a file or a stream, and cannot be read, the error is that of it; if
 * it ends early, `G_IO_ERROR_PARTIAL_INPUT`.
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinResponse *
certpin_client_secure_request_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_secure_request_async),
                        NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
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
 * The body of @request may have any size. The response is complete in memory. Its body may have
 * 64 MiB, or as many bytes as the option `max-body` says; large bodies go through descriptors by
 * themselves. The option `timeout-ms` is the limit of all of it. For bodies that need not be in
 * memory, use
 * certpin_client_send().
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
