/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests, which can be cancelled: each carries a token by which the service knows it. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-call.h"

#include "dbus/certpin-names.h"

#define REQUEST_TIMEOUT_MS     30000
#define REQUEST_TIMEOUT_MAX_MS 600000

/* The request's options with a token, by which it can be cancelled. */
static GVariant *
add_token (GVariant *options, char **token)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (options);

  if (!g_variant_dict_lookup (&dict, "handle-token", "s", token))
    {
      *token = g_strdup_printf ("c%08x%08x", g_random_int (), g_random_int ());
      g_variant_dict_insert (&dict, "handle-token", "s", *token);
    }
  return g_variant_dict_end (&dict);
}

/**
 * certpin_client_secure_request_async:
 * @client: a client
 * @request: what to ask
 * @options: (nullable): `a{sv}`, the options of `org.certpin.Certpin1.Requests.SecureRequest`; sunk
 * if floating
 * @cancellable: (nullable): ends the request, in the service too
 * @callback: called when it is done
 * @user_data: for @callback
 *
 * Makes a request of a pinned host. Not one byte of it is sent before the server has proved a
 * pinned key.
 *
 * Since: 0.1
 */
void
certpin_client_secure_request_async (CertpinClient *client, CertpinRequest *request,
                                     GVariant *options, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (client, cancellable, callback, user_data);
  g_autoptr (GVariant) given = g_variant_ref_sink (certpin_call_options (options));
  g_autofree char *url = g_uri_to_string (certpin_request_get_uri (request));
  guint32 timeout_ms = REQUEST_TIMEOUT_MS;
  CertpinCall *call = g_new0 (CertpinCall, 1);
  GVariant *with_token;

  g_task_set_source_tag (task, certpin_client_secure_request_async);
  g_variant_lookup (given, "timeout-ms", "u", &timeout_ms);
  with_token = add_token (given, &call->cancel_path);
  call->interface = CERTPIN_REQUESTS_IFACE;
  call->method = "SecureRequest";
  call->parameters
      = g_variant_new ("(ss@a(ss)@ay@a{sv})", certpin_request_get_method (request), url,
                       certpin_request_get_headers (request),
                       certpin_call_bytes (certpin_request_get_body (request)), with_token);
  call->timeout_ms = (int)MIN (timeout_ms, REQUEST_TIMEOUT_MAX_MS) + CERTPIN_GRACE_MS;
  certpin_call_start (task, call);
}

/**
 * certpin_client_secure_request_finish:
 * @client: a client
 * @result: what the callback was given
 *
 * Errors: those of `org.certpin.Certpin1.Requests.SecureRequest`, and
 * `CERTPIN_ERROR_SERVICE_UNAVAILABLE`.
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinResponse *
certpin_client_secure_request_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_autoptr (GVariant) reply = g_task_propagate_pointer (G_TASK (result), error);
  g_autoptr (GVariant) headers = NULL, body = NULL, info = NULL;
  g_autoptr (GBytes) bytes = NULL;
  guint32 status;

  if (reply == NULL)
    return NULL;
  g_variant_get (reply, "(u@a(ss)@ay@a{sv})", &status, &headers, &body, &info);
  bytes = g_variant_get_data_as_bytes (body);
  return certpin_response_new (status, headers, bytes, info);
}

/**
 * certpin_client_secure_request:
 * @client: a client
 * @request: what to ask
 * @options: (nullable): `a{sv}`, as of the asynchronous function; sunk if floating
 * @cancellable: (nullable): ends the request, in the service too
 *
 * Does what certpin_client_secure_request_async() does, and waits.
 *
 * Errors: as of certpin_client_secure_request_finish().
 *
 * Returns: (transfer full): the response, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinResponse *
certpin_client_secure_request (CertpinClient *client, CertpinRequest *request, GVariant *options,
                               GCancellable *cancellable, GError **error)
{
  g_autoptr (CertpinWait) wait = certpin_wait_begin ();

  certpin_client_secure_request_async (client, request, options, cancellable,
                                       certpin_wait_on_result, wait);
  return certpin_client_secure_request_finish (client, certpin_wait_for_result (wait), error);
}
