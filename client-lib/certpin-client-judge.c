/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What can be judged without a connection: a chain, and which pins apply to a host. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-arguments.h"
#include "certpin-call.h"
#include "certpin-error.h"
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
 * @host: one host
 * @options: (nullable): `a{sv}`, the options of `org.certpin.Certpin1.Pins.ExplainHost`; sunk if
 *   floating
 * @cancellable: (nullable): cancels the waiting
 * @callback: called when it is done
 * @user_data: for @callback
 *
 * Says which pins apply to a host, and why.
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

  task = certpin_call_new_task (client, certpin_client_explain_host_async, cancellable, callback,
                                user_data);
  given = certpin_call_take_options (task, options);
  if (given != NULL)
    certpin_call_start (task, &explain_host,
                        g_variant_new ("(@s@a{sv})", certpin_arguments_text (host), given));
}

/**
 * certpin_client_explain_host_finish:
 * @client: a client
 * @result: what the callback was given
 *
 * Errors: those of `org.certpin.Certpin1.Pins.ExplainHost`, and of every call
 * (#CertpinClient).
 *
 * Returns: (transfer full): the explanation, `a{sv}`, or %NULL with @error set
 *
 * Since: 0.1
 */
GVariant *
certpin_client_explain_host_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_explain_host_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return certpin_call_finish_value (result, error);
}

/**
 * certpin_client_explain_host:
 * @client: a client
 * @host: one host
 * @options: (nullable): `a{sv}`, the options of `org.certpin.Certpin1.Pins.ExplainHost`; sunk if
 *   floating
 * @cancellable: (nullable): cancels the waiting
 *
 * Does what certpin_client_explain_host_async() does, and waits.
 *
 * Errors: as of certpin_client_explain_host_finish().
 *
 * Returns: (transfer full): the explanation, `a{sv}`, or %NULL with @error set
 *
 * Since: 0.1
 */
GVariant *
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
 * @host: one host, or "" for the path alone
 * @chain: (element-type GBytes): certificates in DER, as a server would present them
 * @options: (nullable): `a{sv}`, the options of `org.certpin.Certpin1.Pins.VerifyChain`; sunk if
 *   floating
 * @cancellable: (nullable): cancels the waiting
 * @callback: called when it is done
 * @user_data: for @callback
 *
 * Judges a chain as that of a connection would be, without one. A bad chain is an answer.
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

  task = certpin_call_new_task (client, certpin_client_verify_chain_async, cancellable, callback,
                                user_data);
  given = certpin_call_take_options (task, options);
  if (given == NULL)
    return;
  if (g_ptr_array_find (chain, NULL, &hole))
    g_task_return_new_error (task, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                             "certificate %u of the chain is missing", hole + 1);
  else
    certpin_call_start (
        task, &verify_chain,
        g_variant_new ("(@s@aay@a{sv})", certpin_arguments_text (host), new_chain (chain), given));
}

/**
 * certpin_client_verify_chain_finish:
 * @client: a client
 * @result: what the callback was given
 *
 * Errors: those of `org.certpin.Certpin1.Pins.VerifyChain`, and of every call
 * (#CertpinClient).
 *
 * Returns: (transfer full): the verdict, `a{sv}`, or %NULL with @error set
 *
 * Since: 0.1
 */
GVariant *
certpin_client_verify_chain_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_verify_chain_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return certpin_call_finish_value (result, error);
}

/**
 * certpin_client_verify_chain:
 * @client: a client
 * @host: one host, or "" for the path alone
 * @chain: (element-type GBytes): certificates in DER, as a server would present them
 * @options: (nullable): `a{sv}`, the options of `org.certpin.Certpin1.Pins.VerifyChain`; sunk if
 *   floating
 * @cancellable: (nullable): cancels the waiting
 *
 * Does what certpin_client_verify_chain_async() does, and waits.
 *
 * Errors: as of certpin_client_verify_chain_finish().
 *
 * Returns: (transfer full): the verdict, `a{sv}`, or %NULL with @error set
 *
 * Since: 0.1
 */
GVariant *
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
