/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Changing pins: each method asynchronous, with a waiting twin. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-arguments.h"
#include "certpin-call.h"
#include "certpin-wait.h"

#include "dbus/certpin-names.h"

static const CertpinMethod pin_certificate
    = { CERTPIN_PINS_IFACE, "PinCertificate", "(a{sv})", TRUE };
static const CertpinMethod pin_keys = { CERTPIN_PINS_IFACE, "PinKeys", "(a{sv})", TRUE };
static const CertpinMethod unpin = { CERTPIN_PINS_IFACE, "Unpin", "()", TRUE };
static const CertpinMethod block_host = { CERTPIN_PINS_IFACE, "BlockHost", "()", TRUE };

/**
 * certpin_client_pin_certificate_async:
 * @client: a client
 * @host: a host pattern: `h.example`, `*.h.example` or `**.h.example`, with an optional `:port`
 * @certificate: exactly one DER certificate
 * @options: (nullable): `a{sv}`, the options of `org.certpin.Certpin1.Pins.PinCertificate`; sunk if
 * floating
 * @cancellable: (nullable): cancels the waiting, not the change
 * @callback: called when it is done
 * @user_data: for @callback
 *
 * Pins a certificate: from now on a server of the host must hold its key. Replaces what the scope
 * said of the host before.
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

  task = certpin_call_new_task (client, certpin_client_pin_certificate_async, cancellable, callback,
                                user_data);
  given = certpin_call_take_options (task, options);
  if (given != NULL)
    certpin_call_start (task, &pin_certificate,
                        g_variant_new ("(@s@ay@a{sv})", certpin_arguments_text (host),
                                       certpin_arguments_bytes (certificate), given));
}

/**
 * certpin_client_pin_certificate_finish:
 * @client: a client
 * @result: what the callback was given
 *
 * Errors: those of `org.certpin.Certpin1.Pins.PinCertificate`, and of every call
 * (#CertpinClient).
 *
 * Returns: (transfer full): the pin, `a{sv}`, or %NULL with @error set
 *
 * Since: 0.1
 */
GVariant *
certpin_client_pin_certificate_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_pin_certificate_async),
                        NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return certpin_call_finish_value (result, error);
}

/**
 * certpin_client_pin_certificate:
 * @client: a client
 * @host: a host pattern: `h.example`, `*.h.example` or `**.h.example`, with an optional `:port`
 * @certificate: exactly one DER certificate
 * @options: (nullable): `a{sv}`, the options of `org.certpin.Certpin1.Pins.PinCertificate`; sunk if
 * floating
 * @cancellable: (nullable): cancels the waiting
 *
 * Does what certpin_client_pin_certificate_async() does, and waits.
 *
 * Errors: as of certpin_client_pin_certificate_finish().
 *
 * Returns: (transfer full): the pin, `a{sv}`, or %NULL with @error set
 *
 * Since: 0.1
 */
GVariant *
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
 * certpin_client_pin_keys_async:
 * @client: a client
 * @host: a host pattern
 * @keys: (array zero-terminated=1): keys, in any spelling that certpin_key_new_from_text() reads
 * @options: (nullable): `a{sv}`, the options of `org.certpin.Certpin1.Pins.PinKeys`; sunk if
 * floating
 * @cancellable: (nullable): cancels the waiting, not the change
 * @callback: called when it is done
 * @user_data: for @callback
 *
 * Pins keys themselves. All or nothing.
 *
 * Since: 0.1
 */
void
certpin_client_pin_keys_async (CertpinClient *client, const char *host, const char *const *keys,
                               GVariant *options, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GVariant) given = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (host != NULL);
  g_return_if_fail (keys != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_call_new_task (client, certpin_client_pin_keys_async, cancellable, callback,
                                user_data);
  given = certpin_call_take_options (task, options);
  if (given != NULL)
    certpin_call_start (task, &pin_keys,
                        g_variant_new ("(@s@as@a{sv})", certpin_arguments_text (host),
                                       certpin_arguments_texts (keys), given));
}

/**
 * certpin_client_pin_keys_finish:
 * @client: a client
 * @result: what the callback was given
 *
 * Errors: those of `org.certpin.Certpin1.Pins.PinKeys`, and of every call
 * (#CertpinClient).
 *
 * Returns: (transfer full): the pin, `a{sv}`, or %NULL with @error set
 *
 * Since: 0.1
 */
GVariant *
certpin_client_pin_keys_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_pin_keys_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return certpin_call_finish_value (result, error);
}

/**
 * certpin_client_pin_keys:
 * @client: a client
 * @host: a host pattern
 * @keys: (array zero-terminated=1): keys, in any spelling that certpin_key_new_from_text() reads
 * @options: (nullable): `a{sv}`, the options of `org.certpin.Certpin1.Pins.PinKeys`; sunk if
 * floating
 * @cancellable: (nullable): cancels the waiting
 *
 * Does what certpin_client_pin_keys_async() does, and waits.
 *
 * Errors: as of certpin_client_pin_keys_finish().
 *
 * Returns: (transfer full): the pin, `a{sv}`, or %NULL with @error set
 *
 * Since: 0.1
 */
GVariant *
certpin_client_pin_keys (CertpinClient *client, const char *host, const char *const *keys,
                         GVariant *options, GCancellable *cancellable, GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (host != NULL, NULL);
  g_return_val_if_fail (keys != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_pin_keys_async (client, host, keys, options, cancellable, certpin_wait_on_result,
                                 wait);
  return certpin_client_pin_keys_finish (client, certpin_wait_for_result (wait), error);
}

/**
 * certpin_client_unpin_async:
 * @client: a client
 * @host: the host pattern, exactly as pinned
 * @options: (nullable): `a{sv}`, the options of `org.certpin.Certpin1.Pins.Unpin`; sunk if floating
 * @cancellable: (nullable): cancels the waiting, not the change
 * @callback: called when it is done
 * @user_data: for @callback
 *
 * Removes a pin or a block.
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

  task = certpin_call_new_task (client, certpin_client_unpin_async, cancellable, callback,
                                user_data);
  given = certpin_call_take_options (task, options);
  if (given != NULL)
    certpin_call_start (task, &unpin,
                        g_variant_new ("(@s@a{sv})", certpin_arguments_text (host), given));
}

/**
 * certpin_client_unpin_finish:
 * @client: a client
 * @result: what the callback was given
 *
 * Errors: those of `org.certpin.Certpin1.Pins.Unpin`, and of every call
 * (#CertpinClient).
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

  return certpin_call_finish_done (result, error);
}

/**
 * certpin_client_unpin:
 * @client: a client
 * @host: the host pattern, exactly as pinned
 * @options: (nullable): `a{sv}`, the options of `org.certpin.Certpin1.Pins.Unpin`; sunk if floating
 * @cancellable: (nullable): cancels the waiting
 *
 * Does what certpin_client_unpin_async() does, and waits.
 *
 * Errors: as of certpin_client_unpin_finish().
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
 * @host: a host pattern
 * @reason: why, in plain text
 * @options: (nullable): `a{sv}`, the options of `org.certpin.Certpin1.Pins.BlockHost`; sunk if
 * floating
 * @cancellable: (nullable): cancels the waiting, not the change
 * @callback: called when it is done
 * @user_data: for @callback
 *
 * Blocks a host: its requests are refused until it is pinned or unpinned.
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

  task = certpin_call_new_task (client, certpin_client_block_host_async, cancellable, callback,
                                user_data);
  given = certpin_call_take_options (task, options);
  if (given != NULL)
    certpin_call_start (task, &block_host,
                        g_variant_new ("(@s@s@a{sv})", certpin_arguments_text (host),
                                       certpin_arguments_text (reason), given));
}

/**
 * certpin_client_block_host_finish:
 * @client: a client
 * @result: what the callback was given
 *
 * Errors: those of `org.certpin.Certpin1.Pins.BlockHost`, and of every call
 * (#CertpinClient).
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

  return certpin_call_finish_done (result, error);
}

/**
 * certpin_client_block_host:
 * @client: a client
 * @host: a host pattern
 * @reason: why, in plain text
 * @options: (nullable): `a{sv}`, the options of `org.certpin.Certpin1.Pins.BlockHost`; sunk if
 * floating
 * @cancellable: (nullable): cancels the waiting
 *
 * Does what certpin_client_block_host_async() does, and waits.
 *
 * Errors: as of certpin_client_block_host_finish().
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
