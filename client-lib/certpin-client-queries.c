/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looking up pins and refusals: each method asynchronous, with a waiting twin. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-arguments.h"
#include "certpin-task.h"
#include "certpin-wait.h"

#include "dbus/certpin-names.h"

static const CertpinMethod get_pin = { CERTPIN_PINS_IFACE, "GetPin", "(a{sv})" };
static const CertpinMethod last_failure = { CERTPIN_PINS_IFACE, "LastFailure", "(a{sv})" };

/**
 * certpin_client_get_pin_async:
 * @client: a client
 * @host: a host, or a host pattern, which is taken literally
 * @options: (nullable): an `a{sv}` with the options of `org.certpin.Certpin1.Pins.GetPin`;
 *   consumed if floating
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Looks up the pin of a host: the most specific one that matches, in the narrowest scope
 * that has one.
 *
 * In @callback, call certpin_client_get_pin_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_get_pin_async (CertpinClient *client, const char *host, GVariant *options,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GVariant) given = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (host != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_get_pin_async, cancellable, callback, user_data);
  given = certpin_task_take_options (task, options);
  if (given != NULL)
    certpin_task_call (task, &get_pin,
                       g_variant_new ("(@s@a{sv})", certpin_arguments_text (host), given));
}

/**
 * certpin_client_get_pin_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_get_pin_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is neither a host nor a host pattern
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: a sandboxed app may not see the scope or the app
 * - `CERTPIN_ERROR_NOT_PINNED`: nothing is pinned for the host
 * - `CERTPIN_ERROR_STORE_FAILED`: no pin is known, but some of the stored pins cannot be read
 *
 * Returns: (transfer full): the pin, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinPin *
certpin_client_get_pin_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_get_pin_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return certpin_task_finish_record (result, CERTPIN_TYPE_PIN, error);
}

/**
 * certpin_client_get_pin:
 * @client: a client
 * @host: a host, or a host pattern, which is taken literally
 * @options: (nullable): an `a{sv}` with the options of `org.certpin.Certpin1.Pins.GetPin`;
 *   consumed if floating
 * @cancellable: (nullable): cancels the call
 *
 * Looks up the pin of a host: the most specific one that matches, in the narrowest scope
 * that has one.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is neither a host nor a host pattern
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: a sandboxed app may not see the scope or the app
 * - `CERTPIN_ERROR_NOT_PINNED`: nothing is pinned for the host
 * - `CERTPIN_ERROR_STORE_FAILED`: no pin is known, but some of the stored pins cannot be read
 *
 * Returns: (transfer full): the pin, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinPin *
certpin_client_get_pin (CertpinClient *client, const char *host, GVariant *options,
                        GCancellable *cancellable, GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (host != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_get_pin_async (client, host, options, cancellable, certpin_wait_on_result, wait);
  return certpin_client_get_pin_finish (client, certpin_wait_for_result (wait), error);
}

/**
 * certpin_client_last_failure_async:
 * @client: a client
 * @host: a host, with an optional `:port`
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Finds out why the last refused request of the user to a host was refused.
 *
 * In @callback, call certpin_client_last_failure_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_last_failure_async (CertpinClient *client, const char *host,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (host != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_last_failure_async, cancellable, callback,
                           user_data);
  certpin_task_call (task, &last_failure, g_variant_new ("(@s)", certpin_arguments_text (host)));
}

/**
 * certpin_client_last_failure_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_last_failure_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a host
 * - `CERTPIN_ERROR_NOT_PINNED`: the service has refused no request to the host since it
 *   started
 *
 * Returns: (transfer full): the refusal, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinFailure *
certpin_client_last_failure_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_last_failure_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return certpin_task_finish_record (result, CERTPIN_TYPE_FAILURE, error);
}

/**
 * certpin_client_last_failure:
 * @client: a client
 * @host: a host, with an optional `:port`
 * @cancellable: (nullable): cancels the call
 *
 * Finds out why the last refused request of the user to a host was refused.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a host
 * - `CERTPIN_ERROR_NOT_PINNED`: the service has refused no request to the host since it
 *   started
 *
 * Returns: (transfer full): the refusal, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinFailure *
certpin_client_last_failure (CertpinClient *client, const char *host, GCancellable *cancellable,
                             GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (host != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_last_failure_async (client, host, cancellable, certpin_wait_on_result, wait);
  return certpin_client_last_failure_finish (client, certpin_wait_for_result (wait), error);
}
