/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Listing all pins. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-arguments.h"
#include "certpin-call.h"
#include "certpin-wait.h"

#include "dbus/certpin-names.h"

static const CertpinMethod list_pins = { CERTPIN_PINS_IFACE, "ListPins", "(aa{sv})" };

/**
 * certpin_client_list_pins_async:
 * @client: a client
 * @options: (nullable): `a{sv}`, the options of `org.certpin.Certpin1.Pins.ListPins`; sunk if
 * floating
 * @cancellable: (nullable): cancels the waiting, not the change
 * @callback: called when it is done
 * @user_data: for @callback
 *
 * Lists the pins that the caller may see: its own and the system's.
 *
 * Since: 0.1
 */
void
certpin_client_list_pins_async (CertpinClient *client, GVariant *options, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (certpin_call_is_possible (client, cancellable));

  task = g_task_new (client, cancellable, callback, user_data);
  g_task_set_source_tag (task, certpin_client_list_pins_async);
  certpin_call_start_with_options (task, &list_pins, g_variant_new ("()"), options);
}

/**
 * certpin_client_list_pins_finish:
 * @client: a client
 * @result: what the callback was given
 *
 * Errors: the ones of that method, and `CERTPIN_ERROR_SERVICE_UNAVAILABLE`.
 *
 * Returns: (transfer full): the pins, `aa{sv}`, or %NULL with @error set
 *
 * Since: 0.1
 */
GVariant *
certpin_client_list_pins_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (certpin_call_is_result (client, result, certpin_client_list_pins_async),
                        NULL);

  return certpin_call_finish_value (result, error);
}

/**
 * certpin_client_list_pins:
 * @client: a client
 * @options: (nullable): `a{sv}`, the options of `org.certpin.Certpin1.Pins.ListPins`; sunk if
 * floating
 * @cancellable: (nullable): cancels the waiting
 *
 * Does what certpin_client_list_pins_async() does, and waits.
 *
 * Errors: the ones of that method, and `CERTPIN_ERROR_SERVICE_UNAVAILABLE`.
 *
 * Returns: (transfer full): the pins, `aa{sv}`, or %NULL with @error set
 *
 * Since: 0.1
 */
GVariant *
certpin_client_list_pins (CertpinClient *client, GVariant *options, GCancellable *cancellable,
                          GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (certpin_call_is_possible (client, cancellable), NULL);

  wait = certpin_wait_begin ();
  certpin_client_list_pins_async (client, options, cancellable, certpin_wait_on_result, wait);
  return certpin_client_list_pins_finish (client, certpin_wait_for_result (wait), error);
}
