/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The methods about the service as a whole: its status, whose pins it has, and reading its files
 * again. Each method is asynchronous, with a waiting twin. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-task.h"
#include "certpin-wait.h"

#include "dbus/certpin-names.h"

static const CertpinMethod get_status = { CERTPIN_PINS_IFACE, "GetStatus", "(a{sv})" };
static const CertpinMethod list_users = { CERTPIN_PINS_IFACE, "ListUsers", "(au)" };
static const CertpinMethod list_apps = { CERTPIN_PINS_IFACE, "ListApps", "(as)" };
static const CertpinMethod reload = { CERTPIN_PINS_IFACE, "Reload", "()", TRUE };

/**
 * certpin_client_get_status_async:
 * @client: a client
 * @options: (nullable): an `a{sv}` with the options of `org.certpin.Certpin1.Pins.GetStatus`;
 *   consumed if floating
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Asks how the service is, as far as it concerns the user: its version, how many pins there are
 * and in which state, which files are broken, the last reload, blocked hosts, the requests of
 * today, and warnings.
 *
 * In @callback, call certpin_client_get_status_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_get_status_async (CertpinClient *client, GVariant *options,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GVariant) given = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_get_status_async, cancellable, callback,
                           user_data);
  given = certpin_task_take_options (task, options);
  if (given != NULL)
    certpin_task_call (task, &get_status, g_variant_new ("(@a{sv})", given));
}

/**
 * certpin_client_get_status_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_get_status_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: the user has too many calls waiting
 *
 * Returns: (transfer full): the status, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinServiceStatus *
certpin_client_get_status_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_get_status_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return certpin_task_finish_record (result, CERTPIN_TYPE_SERVICE_STATUS, error);
}

/**
 * certpin_client_get_status:
 * @client: a client
 * @options: (nullable): an `a{sv}` with the options of `org.certpin.Certpin1.Pins.GetStatus`;
 *   consumed if floating
 * @cancellable: (nullable): cancels the call
 *
 * Asks how the service is, as far as it concerns the user: its version, how many pins there are
 * and in which state, which files are broken, the last reload, blocked hosts, the requests of
 * today, and warnings.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: the user has too many calls waiting
 *
 * Returns: (transfer full): the status, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinServiceStatus *
certpin_client_get_status (CertpinClient *client, GVariant *options, GCancellable *cancellable,
                           GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_get_status_async (client, options, cancellable, certpin_wait_on_result, wait);
  return certpin_client_get_status_finish (client, certpin_wait_for_result (wait), error);
}

/* `uids`: an `au`. Returns: (transfer full): of guint32 */
static GArray *
array_of_uids (GVariant *uids)
{
  gsize n_uids;
  const guint32 *values = g_variant_get_fixed_array (uids, &n_uids, sizeof (guint32));
  GArray *array = g_array_new (/* zero_terminated= */ FALSE, /* clear_= */ FALSE, sizeof (guint32));

  return g_array_append_vals (array, values, (unsigned int)n_uids);
}

/**
 * certpin_client_list_users_async:
 * @client: a client
 * @options: (nullable): an `a{sv}` with the options of `org.certpin.Certpin1.Pins.ListUsers`;
 *   consumed if floating
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Lists the users that have pins of their own. certpin_client_list_pins() with the option `uid`
 * lists these pins.
 *
 * In @callback, call certpin_client_list_users_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_list_users_async (CertpinClient *client, GVariant *options,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GVariant) given = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_list_users_async, cancellable, callback,
                           user_data);
  given = certpin_task_take_options (task, options);
  if (given != NULL)
    certpin_task_call (task, &list_users, g_variant_new ("(@a{sv})", given));
}

/**
 * certpin_client_list_users_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_list_users_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not see the pins of other users
 *
 * Returns: (transfer full) (element-type guint32): the user ids, in order, or %NULL with @error
 *   set
 *
 * Since: 0.1
 */
GArray *
certpin_client_list_users_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_autoptr (GVariant) uids = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_list_users_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  uids = certpin_task_finish_value (result, error);
  return uids != NULL ? array_of_uids (uids) : NULL;
}

/**
 * certpin_client_list_users:
 * @client: a client
 * @options: (nullable): an `a{sv}` with the options of `org.certpin.Certpin1.Pins.ListUsers`;
 *   consumed if floating
 * @cancellable: (nullable): cancels the call
 *
 * Lists the users that have pins of their own. certpin_client_list_pins() with the option `uid`
 * lists these pins.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not see the pins of other users
 *
 * Returns: (transfer full) (element-type guint32): the user ids, in order, or %NULL with @error
 *   set
 *
 * Since: 0.1
 */
GArray *
certpin_client_list_users (CertpinClient *client, GVariant *options, GCancellable *cancellable,
                           GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_list_users_async (client, options, cancellable, certpin_wait_on_result, wait);
  return certpin_client_list_users_finish (client, certpin_wait_for_result (wait), error);
}

/**
 * certpin_client_list_apps_async:
 * @client: a client
 * @options: (nullable): an `a{sv}` with the options of `org.certpin.Certpin1.Pins.ListApps`;
 *   consumed if floating
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Lists the sandboxed apps of the user that have pins, in the order of their names.
 * certpin_client_list_pins() with the option `app` lists these pins. An app is told of none.
 *
 * In @callback, call certpin_client_list_apps_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_list_apps_async (CertpinClient *client, GVariant *options, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GVariant) given = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task
      = certpin_task_new (client, certpin_client_list_apps_async, cancellable, callback, user_data);
  given = certpin_task_take_options (task, options);
  if (given != NULL)
    certpin_task_call (task, &list_apps, g_variant_new ("(@a{sv})", given));
}

/**
 * certpin_client_list_apps_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_list_apps_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown
 *
 * Returns: (transfer full) (array zero-terminated=1): the names, such as `flatpak:org.example.App`,
 *   up to %NULL, or %NULL with @error set
 *
 * Since: 0.1
 */
char **
certpin_client_list_apps_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_autoptr (GVariant) apps = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_list_apps_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  apps = certpin_task_finish_value (result, error);
  return apps != NULL ? g_variant_dup_strv (apps, NULL) : NULL;
}

/**
 * certpin_client_list_apps:
 * @client: a client
 * @options: (nullable): an `a{sv}` with the options of `org.certpin.Certpin1.Pins.ListApps`;
 *   consumed if floating
 * @cancellable: (nullable): cancels the call
 *
 * Lists the sandboxed apps of the user that have pins, in the order of their names.
 * certpin_client_list_pins() with the option `app` lists these pins. An app is told of none.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown
 *
 * Returns: (transfer full) (array zero-terminated=1): the names, such as `flatpak:org.example.App`,
 *   up to %NULL, or %NULL with @error set
 *
 * Since: 0.1
 */
char **
certpin_client_list_apps (CertpinClient *client, GVariant *options, GCancellable *cancellable,
                          GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_list_apps_async (client, options, cancellable, certpin_wait_on_result, wait);
  return certpin_client_list_apps_finish (client, certpin_wait_for_result (wait), error);
}

/**
 * certpin_client_reload_async:
 * @client: a client
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Makes the service read the pin files and the trust file again. If there is an error in any of
 * them, nothing is changed.
 *
 * In @callback, call certpin_client_reload_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_reload_async (CertpinClient *client, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_reload_async, cancellable, callback, user_data);
  certpin_task_call (task, &reload, g_variant_new ("()"));
}

/**
 * certpin_client_reload_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_reload_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not change pins of the system
 * - `CERTPIN_ERROR_STORE_FAILED`: there is an error in a file, and the old pins and trust anchors
 *   stay in force
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
certpin_client_reload_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, client), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_reload_async), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return certpin_task_finish_done (result, error);
}

/**
 * certpin_client_reload:
 * @client: a client
 * @cancellable: (nullable): cancels the call
 *
 * Makes the service read the pin files and the trust file again. If there is an error in any of
 * them, nothing is changed.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not change pins of the system
 * - `CERTPIN_ERROR_STORE_FAILED`: there is an error in a file, and the old pins and trust anchors
 *   stay in force
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 0.1
 */
gboolean
certpin_client_reload (CertpinClient *client, GCancellable *cancellable, GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  wait = certpin_wait_begin ();
  certpin_client_reload_async (client, cancellable, certpin_wait_on_result, wait);
  return certpin_client_reload_finish (client, certpin_wait_for_result (wait), error);
}
