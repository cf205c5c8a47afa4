/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists all pins, described or as texts. The service returns slices that are ordered by host; they
 * are joined here. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-error.h"
#include "certpin-task.h"
#include "certpin-wait.h"

#include "dbus/certpin-names.h"

#include <string.h>

static const CertpinMethod list_pins = { CERTPIN_PINS_IFACE, "ListPins", "(aa{sv})" };
static const CertpinMethod export_pins = { CERTPIN_PINS_IFACE, "ExportPins", "(aa{sv})" };

/* The pins listed so far. It belongs to the task of the whole list. */
typedef struct
{
  const CertpinMethod *method;
  GVariant *options;
  gboolean alone; /* the program asked for one slice */
  GType type;     /* of what is listed: a kind of CertpinRecord */
  GPtrArray *pins;
  char *last_host; /* NULL: none yet */
} List;

static void
list_free (gpointer data)
{
  List *list = data;

  g_variant_unref (list->options);
  g_ptr_array_unref (list->pins);
  g_free (list->last_host);
  g_free (list);
}

/* Slice by slice: to read many thousands of pins at once would block the program. */
static void
list_take (List *list, GVariant *slice)
{
  for (gsize i = 0; i < g_variant_n_children (slice); i++)
    {
      g_autoptr (GVariant) pin = g_variant_get_child_value (slice, i);

      g_ptr_array_add (list->pins, g_object_new (list->type, "description", pin, NULL));
    }
}

/* Each slice must begin after the last host of the slice before, or the list would never end. */
static gboolean
list_check (List *list, GVariant *slice, GError **error)
{
  g_autofree char *before = g_steal_pointer (&list->last_host);
  g_autoptr (GVariant) last = g_variant_get_child_value (slice, g_variant_n_children (slice) - 1);

  if (g_variant_lookup (last, "host", "s", &list->last_host)
      && (before == NULL || strcmp (list->last_host, before) > 0))
    return TRUE;
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
               "the reply of the certpin service is not valid: it lists ‘%.100s’ after ‘%.100s’",
               list->last_host != NULL ? list->last_host : "", before != NULL ? before : "");
  return FALSE;
}

static void list_ask (GTask *task);

static void
list_on_slice (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  List *list = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GVariant) slice = certpin_task_finish_value (result, &error);

  if (slice == NULL
      || (!list->alone && g_variant_n_children (slice) > 0 && !list_check (list, slice, &error)))
    {
      g_task_return_error (task, error);
      return;
    }
  list_take (list, slice);
  if (list->alone || g_variant_n_children (slice) == 0)
    g_task_return_pointer (task, g_ptr_array_ref (list->pins), (GDestroyNotify)g_ptr_array_unref);
  else
    list_ask (task);
}

/* Asks for the next slice. */
static void
list_ask (GTask *task)
{
  List *list = g_task_get_task_data (task);
  g_autoptr (GTask) slice
      = certpin_task_new (g_task_get_source_object (task), list_ask, g_task_get_cancellable (task),
                          list_on_slice, g_object_ref (task));
  g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (list->options);

  if (list->last_host != NULL)
    g_variant_dict_insert (&options, "start-after", "s", list->last_host);
  certpin_task_call (slice, list->method,
                     g_variant_new ("(@a{sv})", g_variant_dict_end (&options)));
}

static gboolean
has_option (GVariant *options, const char *name)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (options, name, NULL);

  return value != NULL;
}

/* `options`: (nullable). `type`: of what is listed */
static void
list_start (GTask *task, const CertpinMethod *method, GVariant *options, GType type)
{
  GVariant *given = certpin_task_take_options (task, options);
  List *list;

  if (given == NULL)
    return;
  list = g_new0 (List, 1);
  list->method = method;
  list->options = given;
  list->type = type;
  list->pins = g_ptr_array_new_with_free_func (g_object_unref);
  g_task_set_task_data (task, list, list_free);
  list->alone = has_option (list->options, "start-after") || has_option (list->options, "max");
  list_ask (task);
}

/**
 * certpin_client_list_pins_async:
 * @client: a client
 * @options: (nullable): an `a{sv}` with the options of `org.certpin.Certpin1.Pins.ListPins`;
 *   consumed if floating
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Lists the pins of the user and of the system, ordered by host. The service returns a long
 * list in slices, and this function joins them. With the option `start-after` or `max` it
 * returns only the one slice that these describe.
 *
 * In @callback, call certpin_client_list_pins_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_list_pins_async (CertpinClient *client, GVariant *options, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task
      = certpin_task_new (client, certpin_client_list_pins_async, cancellable, callback, user_data);
  list_start (task, &list_pins, options, CERTPIN_TYPE_PIN);
}

/**
 * certpin_client_list_pins_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_list_pins_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not see the pins of the user in the option
 *   `uid`
 * - `CERTPIN_ERROR_STORE_FAILED`: some of the stored pins cannot be read
 *
 * Returns: (transfer container) (element-type CertpinPin): the pins, or %NULL with @error set
 *
 * Since: 0.1
 */
GPtrArray *
certpin_client_list_pins_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_list_pins_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * certpin_client_list_pins:
 * @client: a client
 * @options: (nullable): an `a{sv}` with the options of `org.certpin.Certpin1.Pins.ListPins`;
 *   consumed if floating
 * @cancellable: (nullable): cancels the call
 *
 * Lists the pins of the user and of the system, ordered by host. The service returns a long
 * list in slices, and this function joins them. With the option `start-after` or `max` it
 * returns only the one slice that these describe.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not see the pins of the user in the option
 *   `uid`
 * - `CERTPIN_ERROR_STORE_FAILED`: some of the stored pins cannot be read
 *
 * Returns: (transfer container) (element-type CertpinPin): the pins, or %NULL with @error set
 *
 * Since: 0.1
 */
GPtrArray *
certpin_client_list_pins (CertpinClient *client, GVariant *options, GCancellable *cancellable,
                          GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_list_pins_async (client, options, cancellable, certpin_wait_on_result, wait);
  return certpin_client_list_pins_finish (client, certpin_wait_for_result (wait), error);
}

/**
 * certpin_client_export_pins_async:
 * @client: a client
 * @options: (nullable): an `a{sv}` with the options of `org.certpin.Certpin1.Pins.ExportPins`;
 *   consumed if floating
 * @cancellable: (nullable): cancels the call
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Gives the pins of a scope as texts of pin files, ordered by host. The service returns a long
 * list in slices, and this function joins them. With the option `start-after` or `max` it
 * returns only the one slice that these describe.
 *
 * In @callback, call certpin_client_export_pins_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_export_pins_async (CertpinClient *client, GVariant *options,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_export_pins_async, cancellable, callback,
                           user_data);
  list_start (task, &export_pins, options, CERTPIN_TYPE_PIN_FILE);
}

/**
 * certpin_client_export_pins_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_export_pins_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not see the pins of the user in the option
 *   `uid`
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: the user has too many calls waiting
 * - `CERTPIN_ERROR_STORE_FAILED`: not all pins of the scope are known
 *
 * Returns: (transfer container) (element-type CertpinPinFile): the texts, or %NULL with @error set
 *
 * Since: 0.1
 */
GPtrArray *
certpin_client_export_pins_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_export_pins_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * certpin_client_export_pins:
 * @client: a client
 * @options: (nullable): an `a{sv}` with the options of `org.certpin.Certpin1.Pins.ExportPins`;
 *   consumed if floating
 * @cancellable: (nullable): cancels the call
 *
 * Gives the pins of a scope as texts of pin files, ordered by host. The service returns a long
 * list in slices, and this function joins them. With the option `start-after` or `max` it
 * returns only the one slice that these describe.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not see the pins of the user in the option
 *   `uid`
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: the user has too many calls waiting
 * - `CERTPIN_ERROR_STORE_FAILED`: not all pins of the scope are known
 *
 * Returns: (transfer container) (element-type CertpinPinFile): the texts, or %NULL with @error set
 *
 * Since: 0.1
 */
GPtrArray *
certpin_client_export_pins (CertpinClient *client, GVariant *options, GCancellable *cancellable,
                            GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_export_pins_async (client, options, cancellable, certpin_wait_on_result, wait);
  return certpin_client_export_pins_finish (client, certpin_wait_for_result (wait), error);
}
