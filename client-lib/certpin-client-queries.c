/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looking up pins and refusals: each method asynchronous, with a waiting twin. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-arguments.h"
#include "certpin-call.h"
#include "certpin-wait.h"

#include "dbus/certpin-names.h"

static const CertpinMethod get_pin = { CERTPIN_PINS_IFACE, "GetPin", "(a{sv})" };
static const CertpinMethod last_failure = { CERTPIN_PINS_IFACE, "LastFailure", "(a{sv})" };

/**
 * certpin_client_get_pin_async:
 * @client: a client
 * @host: a host, or a pattern
 * @options: (nullable): `a{sv}`, the options of `org.certpin.Certpin1.Pins.GetPin`; sunk if
 * floating
 * @cancellable: (nullable): cancels the waiting
 * @callback: called when it is done
 * @user_data: for @callback
 *
 * Looks up the pin that wins for a host.
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

  task = certpin_call_new_task (client, certpin_client_get_pin_async, cancellable, callback,
                                user_data);
  given = certpin_call_take_options (task, options);
  if (given != NULL)
    certpin_call_start (task, &get_pin,
                        g_variant_new ("(@s@a{sv})", certpin_arguments_text (host), given));
}

/**
 * certpin_client_get_pin_finish:
 * @client: a client
 * @result: what the callback was given
 *
 * Errors: those of `org.certpin.Certpin1.Pins.GetPin`, and of every call
 * (#CertpinClient).
 *
 * Returns: (transfer full): the pin, `a{sv}`, or %NULL with @error set
 *
 * Since: 0.1
 */
GVariant *
certpin_client_get_pin_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_get_pin_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return certpin_call_finish_value (result, error);
}

/**
 * certpin_client_get_pin:
 * @client: a client
 * @host: a host, or a pattern
 * @options: (nullable): `a{sv}`, the options of `org.certpin.Certpin1.Pins.GetPin`; sunk if
 * floating
 * @cancellable: (nullable): cancels the waiting
 *
 * Does what certpin_client_get_pin_async() does, and waits.
 *
 * Errors: as of certpin_client_get_pin_finish().
 *
 * Returns: (transfer full): the pin, `a{sv}`, or %NULL with @error set
 *
 * Since: 0.1
 */
GVariant *
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
 * @host: a host
 * @cancellable: (nullable): cancels the waiting
 * @callback: called when it is done
 * @user_data: for @callback
 *
 * Gets the evidence of the last refused request to a host.
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

  task = certpin_call_new_task (client, certpin_client_last_failure_async, cancellable, callback,
                                user_data);
  certpin_call_start (task, &last_failure, g_variant_new ("(@s)", certpin_arguments_text (host)));
}

/**
 * certpin_client_last_failure_finish:
 * @client: a client
 * @result: what the callback was given
 *
 * Errors: those of `org.certpin.Certpin1.Pins.LastFailure`, and of every call
 * (#CertpinClient).
 *
 * Returns: (transfer full): the evidence, `a{sv}`, or %NULL with @error set
 *
 * Since: 0.1
 */
GVariant *
certpin_client_last_failure_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_last_failure_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return certpin_call_finish_value (result, error);
}

/**
 * certpin_client_last_failure:
 * @client: a client
 * @host: a host
 * @cancellable: (nullable): cancels the waiting
 *
 * Does what certpin_client_last_failure_async() does, and waits.
 *
 * Errors: as of certpin_client_last_failure_finish().
 *
 * Returns: (transfer full): the evidence, `a{sv}`, or %NULL with @error set
 *
 * Since: 0.1
 */
GVariant *
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
