/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Changing pins: each method asynchronous, with a waiting twin. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-arguments.h"
#include "certpin-task.h"
#include "certpin-wait.h"

#include "dbus/certpin-names.h"

static const CertpinMethod pin_certificate
    = { CERTPIN_PINS_IFACE, "PinCertificate", "(a{sv})", TRUE };
static const CertpinMethod unpin = { CERTPIN_PINS_IFACE, "Unpin", "()", TRUE };
static const CertpinMethod block_host = { CERTPIN_PINS_IFACE, "BlockHost", "()", TRUE };

/**
 * certpin_client_pin_certificate_async:
 * @client: a client
 * @host: a host pattern: `h.example`, `*.h.example` or `**.h.example`, with an optional
 *   `:port`
 * @certificate: exactly one DER certificate
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Pins.PinCertificate`, as certpin_pin_builder_build() makes it; consumed
 *   if floating
 * @cancellable: (nullable): ends the wait; the change may still happen
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Pins the key of a certificate. From then on, a server of the host must prove that it holds
 * this key. The new pin replaces the one that its scope has for the same pattern.
 *
 * In @callback, call certpin_client_pin_certificate_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_pin_certificate_async (CertpinClient *client, const char *host, GBytes *certificate,
                                      GVariant *options, GCancellable *cancellable,
                                      GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GVariant) given = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (host != NULL);
  g_return_if_fail (certificate != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_pin_certificate_async, cancellable, callback,
                           user_data);
  given = certpin_task_take_options (task, options);
  if (given != NULL)
    certpin_task_call (task, &pin_certificate,
                       g_variant_new ("(@s@ay@a{sv})", certpin_arguments_text (host),
                                      certpin_arguments_bytes (certificate), given));
}

/**
 * certpin_client_pin_certificate_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_pin_certificate_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a host pattern
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range, or the certificate is that of an authority and the option `match` is not `path`
 * - `CERTPIN_ERROR_WRONG_FORMAT`: a certificate is not exactly one DER certificate; the host
 *   is blocked now, unless the option `on-failure` is `keep`
 * - `CERTPIN_ERROR_SELF_SIGNED`: a certificate is self-signed; the host is blocked now, unless
 *   the option `on-failure` is `keep`
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: the limit on pins is reached
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not change these pins
 * - `CERTPIN_ERROR_STORE_FAILED`: the change could not be written to disk; the message says
 *   what is in force
 *
 * Returns: (transfer full): the pin, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinPin *
certpin_client_pin_certificate_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_pin_certificate_async),
                        NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return certpin_task_finish_record (result, CERTPIN_TYPE_PIN, error);
}

/**
 * certpin_client_pin_certificate:
 * @client: a client
 * @host: a host pattern: `h.example`, `*.h.example` or `**.h.example`, with an optional
 *   `:port`
 * @certificate: exactly one DER certificate
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Pins.PinCertificate`, as certpin_pin_builder_build() makes it; consumed
 *   if floating
 * @cancellable: (nullable): ends the wait; the change may still happen
 *
 * Pins the key of a certificate. From then on, a server of the host must prove that it holds
 * this key. The new pin replaces the one that its scope has for the same pattern.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a host pattern
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range, or the certificate is that of an authority and the option `match` is not `path`
 * - `CERTPIN_ERROR_WRONG_FORMAT`: a certificate is not exactly one DER certificate; the host
 *   is blocked now, unless the option `on-failure` is `keep`
 * - `CERTPIN_ERROR_SELF_SIGNED`: a certificate is self-signed; the host is blocked now, unless
 *   the option `on-failure` is `keep`
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: the limit on pins is reached
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not change these pins
 * - `CERTPIN_ERROR_STORE_FAILED`: the change could not be written to disk; the message says
 *   what is in force
 *
 * Returns: (transfer full): the pin, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinPin *
certpin_client_pin_certificate (CertpinClient *client, const char *host, GBytes *certificate,
                                GVariant *options, GCancellable *cancellable, GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (host != NULL, NULL);
  g_return_val_if_fail (certificate != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_pin_certificate_async (client, host, certificate, options, cancellable,
                                        certpin_wait_on_result, wait);
  return certpin_client_pin_certificate_finish (client, certpin_wait_for_result (wait), error);
}

/**
 * certpin_client_unpin_async:
 * @client: a client
 * @host: the host pattern, exactly as it was pinned
 * @options: (nullable): an `a{sv}` with the options of `org.certpin.Certpin1.Pins.Unpin`;
 *   consumed if floating
 * @cancellable: (nullable): ends the wait; the change may still happen
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Removes the pin, or the block, of a host pattern. Without another pin, requests to the
 * host are refused from then on.
 *
 * In @callback, call certpin_client_unpin_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_unpin_async (CertpinClient *client, const char *host, GVariant *options,
                            GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GVariant) given = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (host != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_unpin_async, cancellable, callback, user_data);
  given = certpin_task_take_options (task, options);
  if (given != NULL)
    certpin_task_call (task, &unpin,
                       g_variant_new ("(@s@a{sv})", certpin_arguments_text (host), given));
}

/**
 * certpin_client_unpin_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_unpin_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a host pattern
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range, or the pin comes from a file, which the message names
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not change these pins
 * - `CERTPIN_ERROR_NOT_PINNED`: the scope has no pin and no block for exactly this pattern
 * - `CERTPIN_ERROR_STORE_FAILED`: the change could not be written to disk; the message says
 *   what is in force
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
certpin_client_unpin_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, client), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_unpin_async), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return certpin_task_finish_done (result, error);
}

/**
 * certpin_client_unpin:
 * @client: a client
 * @host: the host pattern, exactly as it was pinned
 * @options: (nullable): an `a{sv}` with the options of `org.certpin.Certpin1.Pins.Unpin`;
 *   consumed if floating
 * @cancellable: (nullable): ends the wait; the change may still happen
 *
 * Removes the pin, or the block, of a host pattern. Without another pin, requests to the
 * host are refused from then on.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a host pattern
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range, or the pin comes from a file, which the message names
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not change these pins
 * - `CERTPIN_ERROR_NOT_PINNED`: the scope has no pin and no block for exactly this pattern
 * - `CERTPIN_ERROR_STORE_FAILED`: the change could not be written to disk; the message says
 *   what is in force
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
certpin_client_unpin (CertpinClient *client, const char *host, GVariant *options,
                      GCancellable *cancellable, GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), FALSE);
  g_return_val_if_fail (host != NULL, FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  wait = certpin_wait_begin ();
  certpin_client_unpin_async (client, host, options, cancellable, certpin_wait_on_result, wait);
  return certpin_client_unpin_finish (client, certpin_wait_for_result (wait), error);
}

/**
 * certpin_client_block_host_async:
 * @client: a client
 * @host: a host pattern: `h.example`, `*.h.example` or `**.h.example`, with an optional
 *   `:port`
 * @reason: why, in at most 1024 bytes of plain text; refusals show it
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Pins.BlockHost`; consumed if floating
 * @cancellable: (nullable): ends the wait; the change may still happen
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Blocks a host: requests to it are refused until it is pinned or unpinned.
 *
 * In @callback, call certpin_client_block_host_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_block_host_async (CertpinClient *client, const char *host, const char *reason,
                                 GVariant *options, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GVariant) given = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (host != NULL);
  g_return_if_fail (reason != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_block_host_async, cancellable, callback,
                           user_data);
  given = certpin_task_take_options (task, options);
  if (given != NULL)
    certpin_task_call (task, &block_host,
                       g_variant_new ("(@s@s@a{sv})", certpin_arguments_text (host),
                                      certpin_arguments_text (reason), given));
}

/**
 * certpin_client_block_host_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_block_host_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a host pattern
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: the reason is too long or not plain text, or an option
 *   is unknown, of the wrong type or out of range
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: the limit on pins is reached
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not change these pins
 * - `CERTPIN_ERROR_STORE_FAILED`: the host is blocked, but the block is not on disk yet
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
certpin_client_block_host_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, client), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_block_host_async), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return certpin_task_finish_done (result, error);
}

/**
 * certpin_client_block_host:
 * @client: a client
 * @host: a host pattern: `h.example`, `*.h.example` or `**.h.example`, with an optional
 *   `:port`
 * @reason: why, in at most 1024 bytes of plain text; refusals show it
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Pins.BlockHost`; consumed if floating
 * @cancellable: (nullable): ends the wait; the change may still happen
 *
 * Blocks a host: requests to it are refused until it is pinned or unpinned.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a host pattern
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: the reason is too long or not plain text, or an option
 *   is unknown, of the wrong type or out of range
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: the limit on pins is reached
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not change these pins
 * - `CERTPIN_ERROR_STORE_FAILED`: the host is blocked, but the block is not on disk yet
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
certpin_client_block_host (CertpinClient *client, const char *host, const char *reason,
                           GVariant *options, GCancellable *cancellable, GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), FALSE);
  g_return_val_if_fail (host != NULL, FALSE);
  g_return_val_if_fail (reason != NULL, FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  wait = certpin_wait_begin ();
  certpin_client_block_host_async (client, host, reason, options, cancellable,
                                   certpin_wait_on_result, wait);
  return certpin_client_block_host_finish (client, certpin_wait_for_result (wait), error);
}
