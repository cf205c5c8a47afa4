/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Letting a pin only report for a while, and ending that: each method asynchronous, with a waiting
 * twin. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-arguments.h"
#include "certpin-task.h"
#include "certpin-wait.h"

#include "dbus/certpin-names.h"

static const CertpinMethod pause_pin = { CERTPIN_PINS_IFACE, "PausePin", "(a{sv})", TRUE };
static const CertpinMethod resume_pin = { CERTPIN_PINS_IFACE, "ResumePin", "(a{sv})", TRUE };

/**
 * certpin_client_pause_pin_async:
 * @client: a client
 * @host: the host pattern, exactly as it was pinned
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Pins.PausePin`; consumed if floating
 * @cancellable: (nullable): ends the wait; the change may still happen
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Lets a pin only report for a while: a request that fails only because of its keys is sent,
 * and the mismatch is reported. The options `seconds` and `reason` are required. The pause
 * ends by itself; what passed only because of it is cut then.
 *
 * In @callback, call certpin_client_pause_pin_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_pause_pin_async (CertpinClient *client, const char *host, GVariant *options,
                                GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GVariant) given = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (host != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task
      = certpin_task_new (client, certpin_client_pause_pin_async, cancellable, callback, user_data);
  given = certpin_task_take_options (task, options);
  if (given != NULL)
    certpin_task_call (task, &pause_pin,
                       g_variant_new ("(@s@a{sv})", certpin_arguments_text (host), given));
}

/**
 * certpin_client_pause_pin_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_pause_pin_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a host pattern
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is missing, unknown, of the wrong type or out
 *   of range, the pause would be too long, the pin only reports anyway, or it comes from a
 *   file, which the message names
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not pause this pin
 * - `CERTPIN_ERROR_NOT_PINNED`: the scope has no pin for exactly this pattern
 * - `CERTPIN_ERROR_BLOCKED`: the host is blocked; pin it again
 * - `CERTPIN_ERROR_PIN_EXPIRED`: the pin has expired; pin the host again
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: the pins would take too much room
 * - `CERTPIN_ERROR_STORE_FAILED`: the pause could not be written to disk; the pin is not paused
 *
 * Returns: (transfer full): the pin, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinPin *
certpin_client_pause_pin_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_pause_pin_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return certpin_task_finish_record (result, CERTPIN_TYPE_PIN, error);
}

/**
 * certpin_client_pause_pin:
 * @client: a client
 * @host: the host pattern, exactly as it was pinned
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Pins.PausePin`; consumed if floating
 * @cancellable: (nullable): ends the wait; the change may still happen
 *
 * Lets a pin only report for a while: a request that fails only because of its keys is sent,
 * and the mismatch is reported. The options `seconds` and `reason` are required. The pause
 * ends by itself; what passed only because of it is cut then.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a host pattern
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is missing, unknown, of the wrong type or out
 *   of range, the pause would be too long, the pin only reports anyway, or it comes from a
 *   file, which the message names
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not pause this pin
 * - `CERTPIN_ERROR_NOT_PINNED`: the scope has no pin for exactly this pattern
 * - `CERTPIN_ERROR_BLOCKED`: the host is blocked; pin it again
 * - `CERTPIN_ERROR_PIN_EXPIRED`: the pin has expired; pin the host again
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: the pins would take too much room
 * - `CERTPIN_ERROR_STORE_FAILED`: the pause could not be written to disk; the pin is not paused
 *
 * Returns: (transfer full): the pin, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinPin *
certpin_client_pause_pin (CertpinClient *client, const char *host, GVariant *options,
                          GCancellable *cancellable, GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (host != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_pause_pin_async (client, host, options, cancellable, certpin_wait_on_result, wait);
  return certpin_client_pause_pin_finish (client, certpin_wait_for_result (wait), error);
}

/**
 * certpin_client_resume_pin_async:
 * @client: a client
 * @host: the host pattern, exactly as it was pinned
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Pins.ResumePin`; consumed if floating
 * @cancellable: (nullable): ends the wait; the change may still happen
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Ends the pause of a pin: what passed only because of it is cut. A pin that is not paused
 * stays as it is.
 *
 * In @callback, call certpin_client_resume_pin_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_resume_pin_async (CertpinClient *client, const char *host, GVariant *options,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GVariant) given = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (host != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_resume_pin_async, cancellable, callback,
                           user_data);
  given = certpin_task_take_options (task, options);
  if (given != NULL)
    certpin_task_call (task, &resume_pin,
                       g_variant_new ("(@s@a{sv})", certpin_arguments_text (host), given));
}

/**
 * certpin_client_resume_pin_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_resume_pin_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a host pattern
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range, or the pin comes from a file, which the message names
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not resume this pin
 * - `CERTPIN_ERROR_NOT_PINNED`: the scope has no pin for exactly this pattern
 * - `CERTPIN_ERROR_BLOCKED`: the host is blocked; pin it again
 * - `CERTPIN_ERROR_PIN_EXPIRED`: the pin has expired; pin the host again
 * - `CERTPIN_ERROR_STORE_FAILED`: the end could not be written to disk; the pin is still paused
 *
 * Returns: (transfer full): the pin, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinPin *
certpin_client_resume_pin_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_resume_pin_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return certpin_task_finish_record (result, CERTPIN_TYPE_PIN, error);
}

/**
 * certpin_client_resume_pin:
 * @client: a client
 * @host: the host pattern, exactly as it was pinned
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Pins.ResumePin`; consumed if floating
 * @cancellable: (nullable): ends the wait; the change may still happen
 *
 * Ends the pause of a pin: what passed only because of it is cut. A pin that is not paused
 * stays as it is.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a host pattern
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range, or the pin comes from a file, which the message names
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not resume this pin
 * - `CERTPIN_ERROR_NOT_PINNED`: the scope has no pin for exactly this pattern
 * - `CERTPIN_ERROR_BLOCKED`: the host is blocked; pin it again
 * - `CERTPIN_ERROR_PIN_EXPIRED`: the pin has expired; pin the host again
 * - `CERTPIN_ERROR_STORE_FAILED`: the end could not be written to disk; the pin is still paused
 *
 * Returns: (transfer full): the pin, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinPin *
certpin_client_resume_pin (CertpinClient *client, const char *host, GVariant *options,
                           GCancellable *cancellable, GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (host != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_resume_pin_async (client, host, options, cancellable, certpin_wait_on_result,
                                   wait);
  return certpin_client_resume_pin_finish (client, certpin_wait_for_result (wait), error);
}
