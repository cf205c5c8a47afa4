/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looking up pins and refusals: each method asynchronous, with a waiting twin. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-call.h"

/**
 * certpin_client_get_pin_async:
 * @client: a client
 * @host: a host, or a pattern
 * @options: (nullable): `a{sv}`, the options of `org.certpin.Certpin1.Pins.GetPin`; sunk if
 * floating
 * @cancellable: (nullable): cancels the waiting, not the change
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
  g_autoptr (GTask) task = g_task_new (client, cancellable, callback, user_data);

  g_task_set_source_tag (task, certpin_client_get_pin_async);
  certpin_call_start_pins (
      task, "GetPin",
      g_variant_new ("(@s@a{sv})", certpin_call_text (host), certpin_call_options (options)));
}

/**
 * certpin_client_get_pin_finish:
 * @client: a client
 * @result: what the callback was given
 *
 * Errors: the ones of that method, and `CERTPIN_ERROR_SERVICE_UNAVAILABLE`.
 *
 * Returns: (transfer full): the pin, `a{sv}`, or %NULL with @error set
 *
 * Since: 0.1
 */
GVariant *
certpin_client_get_pin_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
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
 * Errors: the ones of that method, and `CERTPIN_ERROR_SERVICE_UNAVAILABLE`.
 *
 * Returns: (transfer full): the pin, `a{sv}`, or %NULL with @error set
 *
 * Since: 0.1
 */
GVariant *
certpin_client_get_pin (CertpinClient *client, const char *host, GVariant *options,
                        GCancellable *cancellable, GError **error)
{
  g_autoptr (CertpinWait) wait = certpin_wait_begin ();

  certpin_client_get_pin_async (client, host, options, cancellable, certpin_wait_on_result, wait);
  return certpin_client_get_pin_finish (client, certpin_wait_for_result (wait), error);
}

/**
 * certpin_client_last_failure_async:
 * @client: a client
 * @host: a host
 * @cancellable: (nullable): cancels the waiting, not the change
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
  g_autoptr (GTask) task = g_task_new (client, cancellable, callback, user_data);

  g_task_set_source_tag (task, certpin_client_last_failure_async);
  certpin_call_start_pins (task, "LastFailure", g_variant_new ("(@s)", certpin_call_text (host)));
}

/**
 * certpin_client_last_failure_finish:
 * @client: a client
 * @result: what the callback was given
 *
 * Errors: the ones of `org.certpin.Certpin1.Pins.LastFailure`, and
 * `CERTPIN_ERROR_SERVICE_UNAVAILABLE`.
 *
 * Returns: (transfer full): the evidence, `a{sv}`, or %NULL with @error set
 *
 * Since: 0.1
 */
GVariant *
certpin_client_last_failure_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
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
 * Errors: the ones of `org.certpin.Certpin1.Pins.LastFailure`, and
 * `CERTPIN_ERROR_SERVICE_UNAVAILABLE`.
 *
 * Returns: (transfer full): the evidence, `a{sv}`, or %NULL with @error set
 *
 * Since: 0.1
 */
GVariant *
certpin_client_last_failure (CertpinClient *client, const char *host, GCancellable *cancellable,
                             GError **error)
{
  g_autoptr (CertpinWait) wait = certpin_wait_begin ();

  certpin_client_last_failure_async (client, host, cancellable, certpin_wait_on_result, wait);
  return certpin_client_last_failure_finish (client, certpin_wait_for_result (wait), error);
}
