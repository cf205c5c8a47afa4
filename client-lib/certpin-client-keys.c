/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pinning keys, and changing those of a pin and nothing else of it: each method asynchronous, with
 * a waiting twin. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-arguments.h"
#include "certpin-task.h"
#include "certpin-wait.h"

#include "dbus/certpin-names.h"

static const CertpinMethod pin_keys = { CERTPIN_PINS_IFACE, "PinKeys", "(a{sv})", TRUE };
static const CertpinMethod add_keys = { CERTPIN_PINS_IFACE, "AddKeys", "(a{sv})", TRUE };
static const CertpinMethod remove_keys = { CERTPIN_PINS_IFACE, "RemoveKeys", "(a{sv})", TRUE };

/* Returns: floating: the arguments of each method */
static GVariant *
new_arguments (const char *host, const char *const *keys, GVariant *options)
{
  return g_variant_new ("(@s@as@a{sv})", certpin_arguments_text (host),
                        certpin_arguments_texts (keys), options);
}

/**
 * certpin_client_pin_keys_async:
 * @client: a client
 * @host: a host pattern: `h.example`, `*.h.example` or `**.h.example`, with an optional
 *   `:port`
 * @keys: (array zero-terminated=1): 1 to 64 keys, in any spelling that
 *   certpin_key_new_from_text() reads
 * @options: (nullable): an `a{sv}` with the options of `org.certpin.Certpin1.Pins.PinKeys`, as
 *   certpin_pin_builder_build() makes it; consumed if floating
 * @cancellable: (nullable): ends the wait; the change may still happen
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Pins keys, like certpin_client_pin_certificate_async(), but without a certificate. If one
 * key is invalid, nothing changes.
 *
 * In @callback, call certpin_client_pin_keys_finish() to get the result.
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

  task = certpin_task_new (client, certpin_client_pin_keys_async, cancellable, callback, user_data);
  given = certpin_task_take_options (task, options);
  if (given != NULL)
    certpin_task_call (task, &pin_keys, new_arguments (host, keys, given));
}

/**
 * certpin_client_pin_keys_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_pin_keys_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a host pattern
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: there are no keys or more than 64, or an option is
 *   unknown, of the wrong type or out of range
 * - `CERTPIN_ERROR_INVALID_KEY`: a text is not a SHA-256 key
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
certpin_client_pin_keys_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_pin_keys_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return certpin_task_finish_record (result, CERTPIN_TYPE_PIN, error);
}

/**
 * certpin_client_pin_keys:
 * @client: a client
 * @host: a host pattern: `h.example`, `*.h.example` or `**.h.example`, with an optional
 *   `:port`
 * @keys: (array zero-terminated=1): 1 to 64 keys, in any spelling that
 *   certpin_key_new_from_text() reads
 * @options: (nullable): an `a{sv}` with the options of `org.certpin.Certpin1.Pins.PinKeys`, as
 *   certpin_pin_builder_build() makes it; consumed if floating
 * @cancellable: (nullable): ends the wait; the change may still happen
 *
 * Pins keys, like certpin_client_pin_certificate(), but without a certificate. If one key is
 * invalid, nothing changes.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a host pattern
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: there are no keys or more than 64, or an option is
 *   unknown, of the wrong type or out of range
 * - `CERTPIN_ERROR_INVALID_KEY`: a text is not a SHA-256 key
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
 * certpin_client_add_keys_async:
 * @client: a client
 * @host: the host pattern, exactly as it was pinned
 * @keys: (array zero-terminated=1): 1 to 64 keys, in any spelling that
 *   certpin_key_new_from_text() reads
 * @options: (nullable): an `a{sv}` with the options of `org.certpin.Certpin1.Pins.AddKeys`;
 *   consumed if floating
 * @cancellable: (nullable): ends the wait; the change may still happen
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Adds keys to a pin. Everything else of the pin stays as it is. A key that the pin already
 * has stays in its place.
 *
 * In @callback, call certpin_client_add_keys_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_add_keys_async (CertpinClient *client, const char *host, const char *const *keys,
                               GVariant *options, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GVariant) given = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (host != NULL);
  g_return_if_fail (keys != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_add_keys_async, cancellable, callback, user_data);
  given = certpin_task_take_options (task, options);
  if (given != NULL)
    certpin_task_call (task, &add_keys, new_arguments (host, keys, given));
}

/**
 * certpin_client_add_keys_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_add_keys_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a host pattern
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: there are no keys or more than 64, an option is unknown,
 *   of the wrong type or out of range, or the pin comes from a file, which the message names
 * - `CERTPIN_ERROR_INVALID_KEY`: a text is not a SHA-256 key
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not change these pins
 * - `CERTPIN_ERROR_NOT_PINNED`: the scope has no pin for exactly this pattern
 * - `CERTPIN_ERROR_BLOCKED`: the host is blocked; pin it again
 * - `CERTPIN_ERROR_PIN_EXPIRED`: the pin has expired; pin the host again
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: the pin would have more than 64 keys, or the pins would
 *   take too much room
 * - `CERTPIN_ERROR_STORE_FAILED`: the change could not be written to disk; the message says
 *   what is in force
 *
 * Returns: (transfer full): the pin, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinPin *
certpin_client_add_keys_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_add_keys_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return certpin_task_finish_record (result, CERTPIN_TYPE_PIN, error);
}

/**
 * certpin_client_add_keys:
 * @client: a client
 * @host: the host pattern, exactly as it was pinned
 * @keys: (array zero-terminated=1): 1 to 64 keys, in any spelling that
 *   certpin_key_new_from_text() reads
 * @options: (nullable): an `a{sv}` with the options of `org.certpin.Certpin1.Pins.AddKeys`;
 *   consumed if floating
 * @cancellable: (nullable): ends the wait; the change may still happen
 *
 * Adds keys to a pin. Everything else of the pin stays as it is. A key that the pin already
 * has stays in its place.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a host pattern
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: there are no keys or more than 64, an option is unknown,
 *   of the wrong type or out of range, or the pin comes from a file, which the message names
 * - `CERTPIN_ERROR_INVALID_KEY`: a text is not a SHA-256 key
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not change these pins
 * - `CERTPIN_ERROR_NOT_PINNED`: the scope has no pin for exactly this pattern
 * - `CERTPIN_ERROR_BLOCKED`: the host is blocked; pin it again
 * - `CERTPIN_ERROR_PIN_EXPIRED`: the pin has expired; pin the host again
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: the pin would have more than 64 keys, or the pins would
 *   take too much room
 * - `CERTPIN_ERROR_STORE_FAILED`: the change could not be written to disk; the message says
 *   what is in force
 *
 * Returns: (transfer full): the pin, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinPin *
certpin_client_add_keys (CertpinClient *client, const char *host, const char *const *keys,
                         GVariant *options, GCancellable *cancellable, GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (host != NULL, NULL);
  g_return_val_if_fail (keys != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_add_keys_async (client, host, keys, options, cancellable, certpin_wait_on_result,
                                 wait);
  return certpin_client_add_keys_finish (client, certpin_wait_for_result (wait), error);
}

/**
 * certpin_client_remove_keys_async:
 * @client: a client
 * @host: the host pattern, exactly as it was pinned
 * @keys: (array zero-terminated=1): 1 to 64 keys, in any spelling that
 *   certpin_key_new_from_text() reads
 * @options: (nullable): an `a{sv}` with the options of `org.certpin.Certpin1.Pins.RemoveKeys`;
 *   consumed if floating
 * @cancellable: (nullable): ends the wait; the change may still happen
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Removes keys from a pin. Everything else of the pin stays as it is. From then on, no server
 * passes with such a key, and connections that were accepted because of it are closed.
 *
 * In @callback, call certpin_client_remove_keys_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_remove_keys_async (CertpinClient *client, const char *host, const char *const *keys,
                                  GVariant *options, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GVariant) given = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (host != NULL);
  g_return_if_fail (keys != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_remove_keys_async, cancellable, callback,
                           user_data);
  given = certpin_task_take_options (task, options);
  if (given != NULL)
    certpin_task_call (task, &remove_keys, new_arguments (host, keys, given));
}

/**
 * certpin_client_remove_keys_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_remove_keys_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a host pattern
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: there are no keys or more than 64, the pin does not have
 *   one of them, none would remain, an option is unknown, of the wrong type or out of range,
 *   or the pin comes from a file, which the message names
 * - `CERTPIN_ERROR_INVALID_KEY`: a text is not a SHA-256 key
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not change these pins
 * - `CERTPIN_ERROR_NOT_PINNED`: the scope has no pin for exactly this pattern
 * - `CERTPIN_ERROR_BLOCKED`: the host is blocked; pin it again
 * - `CERTPIN_ERROR_PIN_EXPIRED`: the pin has expired; pin the host again
 * - `CERTPIN_ERROR_STORE_FAILED`: the change could not be written to disk; the message says
 *   what is in force
 *
 * Returns: (transfer full): the pin, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinPin *
certpin_client_remove_keys_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_remove_keys_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return certpin_task_finish_record (result, CERTPIN_TYPE_PIN, error);
}

/**
 * certpin_client_remove_keys:
 * @client: a client
 * @host: the host pattern, exactly as it was pinned
 * @keys: (array zero-terminated=1): 1 to 64 keys, in any spelling that
 *   certpin_key_new_from_text() reads
 * @options: (nullable): an `a{sv}` with the options of `org.certpin.Certpin1.Pins.RemoveKeys`;
 *   consumed if floating
 * @cancellable: (nullable): ends the wait; the change may still happen
 *
 * Removes keys from a pin. Everything else of the pin stays as it is. From then on, no server
 * passes with such a key, and connections that were accepted because of it are closed.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a host pattern
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: there are no keys or more than 64, the pin does not have
 *   one of them, none would remain, an option is unknown, of the wrong type or out of range,
 *   or the pin comes from a file, which the message names
 * - `CERTPIN_ERROR_INVALID_KEY`: a text is not a SHA-256 key
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not change these pins
 * - `CERTPIN_ERROR_NOT_PINNED`: the scope has no pin for exactly this pattern
 * - `CERTPIN_ERROR_BLOCKED`: the host is blocked; pin it again
 * - `CERTPIN_ERROR_PIN_EXPIRED`: the pin has expired; pin the host again
 * - `CERTPIN_ERROR_STORE_FAILED`: the change could not be written to disk; the message says
 *   what is in force
 *
 * Returns: (transfer full): the pin, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinPin *
certpin_client_remove_keys (CertpinClient *client, const char *host, const char *const *keys,
                            GVariant *options, GCancellable *cancellable, GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (host != NULL, NULL);
  g_return_val_if_fail (keys != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_remove_keys_async (client, host, keys, options, cancellable,
                                    certpin_wait_on_result, wait);
  return certpin_client_remove_keys_finish (client, certpin_wait_for_result (wait), error);
}
