/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a server presents. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-arguments.h"
#include "certpin-handle.h"
#include "certpin-task.h"
#include "certpin-wait.h"

#include "dbus/certpin-names.h"

static const CertpinMethod fetch_chain = { CERTPIN_REQUESTS_IFACE, "FetchChain", "(aaya{sv})" };

static CertpinCall *
new_call (const char *host, GVariant *options)
{
  g_autofree char *token = NULL;
  GVariant *with_token = certpin_handle_add (options, &token);
  CertpinCall *call = certpin_call_new (
      &fetch_chain, g_variant_new ("(@s@a{sv})", certpin_arguments_text (host), with_token));

  call->timeout_ms = certpin_handle_get_timeout_ms (options);
  call->token = g_steal_pointer (&token);
  return call;
}

/**
 * certpin_client_fetch_chain_async:
 * @client: a client
 * @host: a host, with an optional `:port`; it need not be pinned
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Requests.FetchChain`; consumed if floating
 * @cancellable: (nullable): cancels the call, in the service too
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Finds out which certificates a server presents. The service sends it nothing but a TLS
 * handshake. A chain that is not valid, or that the pins do not accept, is a result, not an
 * error.
 *
 * Nobody has vouched for the chain. A program that pins one of its certificates trusts the
 * network at this moment, unless it compares a key with what the operator of the server says.
 *
 * In @callback, call certpin_client_fetch_chain_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_fetch_chain_async (CertpinClient *client, const char *host, GVariant *options,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GVariant) given = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (host != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_fetch_chain_async, cancellable, callback,
                           user_data);
  given = certpin_task_take_options (task, options);
  if (given != NULL)
    certpin_task_submit (task, new_call (host, given));
}

/* `array`: aay. Returns: (transfer full): of GBytes */
static GPtrArray *
take_der (GVariant *array)
{
  GPtrArray *certificates = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  GVariantIter iter;
  GVariant *der;

  g_variant_iter_init (&iter, array);
  while ((der = g_variant_iter_next_value (&iter)) != NULL)
    {
      g_ptr_array_add (certificates, g_variant_get_data_as_bytes (der));
      g_variant_unref (der);
    }
  return certificates;
}

/**
 * certpin_client_fetch_chain_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_fetch_chain_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a single host, or the option `port`
 *   contradicts it
 * - `CERTPIN_ERROR_INVALID_KEY`: one of the option `keys` is none
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not make requests; or the host is not pinned,
 *   and the user may not pin hosts
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: the user has too many requests under way
 * - `CERTPIN_ERROR_ADDRESS_DENIED`: the host has only addresses that requests may not go to
 * - `CERTPIN_ERROR_UNREACHABLE`: the host cannot be found or connected to
 * - `CERTPIN_ERROR_OFFLINE`: this machine has no network
 * - `CERTPIN_ERROR_PROXY_FAILED`: the proxy cannot be reached, is not trusted, or did not connect
 *   to the host
 * - `CERTPIN_ERROR_PROXY_AUTH_REQUIRED`: the proxy demands credentials, or does not accept those
 *   that the service has
 * - `CERTPIN_ERROR_TIMED_OUT`: the handshake took longer than its timeout
 * - `CERTPIN_ERROR_TLS_FAILED`: the server presented no certificate
 * - `CERTPIN_ERROR_CANCELLED`: the call was ended by its method
 *   `org.certpin.Certpin1.Request.Cancel`
 *
 * Returns: (transfer full): the certificates, what is in them, and whether they are trusted; or
 *   %NULL with @error set
 *
 * Since: 0.1
 */
CertpinChain *
certpin_client_fetch_chain_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_autoptr (GVariant) reply = NULL, certificates = NULL, info = NULL;
  g_autoptr (GPtrArray) der = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_fetch_chain_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  reply = g_task_propagate_pointer (G_TASK (result), error);
  if (reply == NULL)
    return NULL;
  g_variant_get (reply, "(@aay@a{sv})", &certificates, &info);
  der = take_der (certificates);
  return certpin_chain_new (info, der);
}

/**
 * certpin_client_fetch_chain:
 * @client: a client
 * @host: a host, with an optional `:port`; it need not be pinned
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Requests.FetchChain`; consumed if floating
 * @cancellable: (nullable): cancels the call, in the service too
 *
 * Finds out which certificates a server presents. The service sends it nothing but a TLS
 * handshake. A chain that is not valid, or that the pins do not accept, is a result, not an
 * error.
 *
 * Nobody has vouched for the chain. A program that pins one of its certificates trusts the
 * network at this moment, unless it compares a key with what the operator of the server says.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a single host, or the option `port`
 *   contradicts it
 * - `CERTPIN_ERROR_INVALID_KEY`: one of the option `keys` is none
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not make requests; or the host is not pinned,
 *   and the user may not pin hosts
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: the user has too many requests under way
 * - `CERTPIN_ERROR_ADDRESS_DENIED`: the host has only addresses that requests may not go to
 * - `CERTPIN_ERROR_UNREACHABLE`: the host cannot be found or connected to
 * - `CERTPIN_ERROR_OFFLINE`: this machine has no network
 * - `CERTPIN_ERROR_PROXY_FAILED`: the proxy cannot be reached, is not trusted, or did not connect
 *   to the host
 * - `CERTPIN_ERROR_PROXY_AUTH_REQUIRED`: the proxy demands credentials, or does not accept those
 *   that the service has
 * - `CERTPIN_ERROR_TIMED_OUT`: the handshake took longer than its timeout
 * - `CERTPIN_ERROR_TLS_FAILED`: the server presented no certificate
 * - `CERTPIN_ERROR_CANCELLED`: the call was ended by its method
 *   `org.certpin.Certpin1.Request.Cancel`
 *
 * Returns: (transfer full): the certificates, what is in them, and whether they are trusted; or
 *   %NULL with @error set
 *
 * Since: 0.1
 */
CertpinChain *
certpin_client_fetch_chain (CertpinClient *client, const char *host, GVariant *options,
                            GCancellable *cancellable, GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (host != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_fetch_chain_async (client, host, options, cancellable, certpin_wait_on_result,
                                    wait);
  return certpin_client_fetch_chain_finish (client, certpin_wait_for_result (wait), error);
}
