/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What can be judged without a connection: a chain, and which pins apply to a host. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-arguments.h"
#include "certpin-error.h"
#include "certpin-task.h"
#include "certpin-wait.h"

#include "dbus/certpin-names.h"

static const CertpinMethod explain_host = { CERTPIN_PINS_IFACE, "ExplainHost", "(a{sv})" };
static const CertpinMethod verify_chain = { CERTPIN_PINS_IFACE, "VerifyChain", "(a{sv})" };

/* Returns: floating */
static GVariant *
new_chain (GPtrArray *chain)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aay"));
  for (unsigned int i = 0; i < chain->len; i++)
    g_variant_builder_add_value (&builder, certpin_arguments_bytes (chain->pdata[i]));
  return g_variant_builder_end (&builder);
}

/**
 * certpin_client_explain_host_async:
 * @client: a client
 * @host: a host, with an optional `:port`
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Pins.ExplainHost`; consumed if floating
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Finds out which pins apply to a host, and why.
 *
 * In @callback, call certpin_client_explain_host_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_explain_host_async (CertpinClient *client, const char *host, GVariant *options,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GVariant) given = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (host != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_explain_host_async, cancellable, callback,
                           user_data);
  given = certpin_task_take_options (task, options);
  if (given != NULL)
    certpin_task_call (task, &explain_host,
                       g_variant_new ("(@s@a{sv})", certpin_arguments_text (host), given));
}

/**
 * certpin_client_explain_host_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_explain_host_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a single host, or the option `port`
 *   contradicts it
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range
 *
 * Returns: (transfer full): the explanation, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinExplanation *
certpin_client_explain_host_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_explain_host_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return certpin_task_finish_record (result, CERTPIN_TYPE_EXPLANATION, error);
}

/**
 * certpin_client_explain_host:
 * @client: a client
 * @host: a host, with an optional `:port`
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Pins.ExplainHost`; consumed if floating
 * @cancellable: (nullable): cancels the call
 *
 * Finds out which pins apply to a host, and why.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a single host, or the option `port`
 *   contradicts it
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range
 *
 * Returns: (transfer full): the explanation, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinExplanation *
certpin_client_explain_host (CertpinClient *client, const char *host, GVariant *options,
                             GCancellable *cancellable, GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (host != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_explain_host_async (client, host, options, cancellable, certpin_wait_on_result,
                                     wait);
  return certpin_client_explain_host_finish (client, certpin_wait_for_result (wait), error);
}

/**
 * certpin_client_verify_chain_async:
 * @client: a client
 * @host: a host, with an optional `:port`; empty to check neither name nor pins
 * @chain: (element-type GBytes): DER certificates in the order of a handshake, that of the
 *   server first
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Pins.VerifyChain`; consumed if floating
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Checks a certificate chain like that of a server, but without a connection. A chain that
 * is not valid is a verdict, not an error.
 *
 * In @callback, call certpin_client_verify_chain_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_verify_chain_async (CertpinClient *client, const char *host, GPtrArray *chain,
                                   GVariant *options, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GVariant) given = NULL;
  unsigned int hole;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (host != NULL);
  g_return_if_fail (chain != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_verify_chain_async, cancellable, callback,
                           user_data);
  given = certpin_task_take_options (task, options);
  if (given == NULL)
    return;
  if (g_ptr_array_find (chain, NULL, &hole))
    g_task_return_new_error (task, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                             "certificate %u of the chain is NULL", hole + 1);
  else
    certpin_task_call (
        task, &verify_chain,
        g_variant_new ("(@s@aay@a{sv})", certpin_arguments_text (host), new_chain (chain), given));
}

/**
 * certpin_client_verify_chain_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_verify_chain_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a single host
 * - `CERTPIN_ERROR_WRONG_FORMAT`: nothing in the chain is a certificate
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an element of the chain is %NULL, or an option is
 *   unknown, of the wrong type or out of range
 * - `CERTPIN_ERROR_INVALID_KEY`: an element of the option `keys` is not a SHA-256 key
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: the chain has more than 64 certificates or 1 MiB, or the
 *   user has too many calls waiting
 *
 * Returns: (transfer full): the verdict, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinChain *
certpin_client_verify_chain_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_verify_chain_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return certpin_task_finish_record (result, CERTPIN_TYPE_CHAIN, error);
}

/**
 * certpin_client_verify_chain:
 * @client: a client
 * @host: a host, with an optional `:port`; empty to check neither name nor pins
 * @chain: (element-type GBytes): DER certificates in the order of a handshake, that of the
 *   server first
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Pins.VerifyChain`; consumed if floating
 * @cancellable: (nullable): cancels the call
 *
 * Checks a certificate chain like that of a server, but without a connection. A chain that
 * is not valid is a verdict, not an error.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a single host
 * - `CERTPIN_ERROR_WRONG_FORMAT`: nothing in the chain is a certificate
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an element of the chain is %NULL, or an option is
 *   unknown, of the wrong type or out of range
 * - `CERTPIN_ERROR_INVALID_KEY`: an element of the option `keys` is not a SHA-256 key
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: the chain has more than 64 certificates or 1 MiB, or the
 *   user has too many calls waiting
 *
 * Returns: (transfer full): the verdict, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinChain *
certpin_client_verify_chain (CertpinClient *client, const char *host, GPtrArray *chain,
                             GVariant *options, GCancellable *cancellable, GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (host != NULL, NULL);
  g_return_val_if_fail (chain != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_verify_chain_async (client, host, chain, options, cancellable,
                                     certpin_wait_on_result, wait);
  return certpin_client_verify_chain_finish (client, certpin_wait_for_result (wait), error);
}
