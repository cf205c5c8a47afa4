/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Imports a text of pins, of any number: in parts that the service takes, all of which are checked
 * before the first one is carried out. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-arguments.h"
#include "certpin-error.h"
#include "certpin-split.h"
#include "certpin-task.h"
#include "certpin-wait.h"

#include "dbus/certpin-names.h"

/* What the service takes in one call, and how many bytes, of its 4 MiB, that should have. */
#define PART_PINS  200
#define PART_BYTES (3 * 1024 * 1024)

static const CertpinMethod import_pins = { CERTPIN_PINS_IFACE, "ImportPins", "(aa{sv})", TRUE };

/* One import; it belongs to its task. */
typedef struct
{
  GVariant *options;
  gboolean is_dry;
  GPtrArray *parts; /* of char * */
  gboolean checked; /* all of them */
  unsigned int next;
  GPtrArray *changes; /* of CertpinImportedPin: of the parts so far */
  GHashTable *hosts;  /* of those that were checked */
} Import;

static void
import_free (gpointer data)
{
  Import *import = data;

  g_variant_unref (import->options);
  g_ptr_array_unref (import->parts);
  g_ptr_array_unref (import->changes);
  g_hash_table_unref (import->hosts);
  g_free (import);
}

/* The service knows only of the part that it gets. `pin`: its number there, from 0 */
static gboolean
check_host (Import *import, CertpinImportedPin *change, unsigned int pin, GError **error)
{
  const char *host = certpin_imported_pin_get_host (change);

  if (host == NULL)
    {
      g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
                           "the reply of the certpin service is not valid: a change has no host");
      return FALSE;
    }
  if (import->checked || g_hash_table_add (import->hosts, g_strdup (host)))
    return TRUE;
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
               "the text is wrong, so nothing was changed: line %u: Host=: ‘%s’ is pinned twice "
               "in this text",
               certpin_split_find_host (import->parts->pdata[import->next], pin), host);
  return FALSE;
}

static gboolean
import_add (Import *import, GVariant *changes, GError **error)
{
  for (gsize i = 0; i < g_variant_n_children (changes); i++)
    {
      g_autoptr (GVariant) description = g_variant_get_child_value (changes, i);
      CertpinImportedPin *change = certpin_imported_pin_new (description);

      g_ptr_array_add (import->changes, change);
      if (!check_host (import, change, (unsigned int)i, error))
        return FALSE;
    }
  return TRUE;
}

static void import_ask (GTask *task);

/* After the last part. */
static void
import_finish_round (GTask *task)
{
  Import *import = g_task_get_task_data (task);

  if (import->checked || import->is_dry)
    {
      g_task_return_pointer (task, g_ptr_array_ref (import->changes),
                             (GDestroyNotify)g_ptr_array_unref);
      return;
    }
  import->checked = TRUE;
  import->next = 0;
  g_ptr_array_set_size (import->changes, 0);
  import_ask (task);
}

/* `error`: (transfer full): of the part that is under way */
static void
import_fail (GTask *task, GError *error)
{
  const Import *import = g_task_get_task_data (task);

  if (import->checked && import->parts->len > 1 && import->next > 0)
    g_prefix_error (&error, "%u pins were imported before this failed: ", import->changes->len);
  g_task_return_error (task, error);
}

static void
import_on_part (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  Import *import = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GVariant) changes = certpin_task_finish_value (result, &error);

  if (changes == NULL || !import_add (import, changes, &error))
    import_fail (task, error);
  else if (++import->next < import->parts->len)
    import_ask (task);
  else
    import_finish_round (task);
}

/* Sends the next part. */
static void
import_ask (GTask *task)
{
  Import *import = g_task_get_task_data (task);
  g_autoptr (GTask) part
      = certpin_task_new (g_task_get_source_object (task), import_ask,
                          g_task_get_cancellable (task), import_on_part, g_object_ref (task));
  g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (import->options);

  if (!import->checked)
    g_variant_dict_insert (&options, "dry-run", "b", TRUE);
  certpin_task_call (part, &import_pins,
                     g_variant_new ("(@s@a{sv})",
                                    certpin_arguments_text (import->parts->pdata[import->next]),
                                    g_variant_dict_end (&options)));
}

/* `options`: (transfer full) */
static Import *
import_new (const char *text, GVariant *options)
{
  Import *import = g_new0 (Import, 1);

  import->options = options;
  g_variant_lookup (options, "dry-run", "b", &import->is_dry);
  import->parts = certpin_split_pins (text, PART_PINS, PART_BYTES);
  import->checked = import->parts->len == 1 && !import->is_dry;
  import->changes = g_ptr_array_new_with_free_func (g_object_unref);
  import->hosts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return import;
}

/**
 * certpin_client_import_pins_async:
 * @client: a client
 * @text: the text of a pin file
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Pins.ImportPins`; consumed if floating
 * @cancellable: (nullable): ends the wait; changes may still happen
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Sets all pins of the text of a pin file, as `org.certpin.Certpin1.Pins.ImportPins` does. The
 * text may have any number of pins: the service takes them in parts of 200. If there are more,
 * all are checked first, so that nothing changes if anything is wrong with the text. If a part
 * cannot be stored, the parts before it are, and the message says so.
 *
 * In @callback, call certpin_client_import_pins_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_import_pins_async (CertpinClient *client, const char *text, GVariant *options,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  GVariant *given;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (text != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_import_pins_async, cancellable, callback,
                           user_data);
  given = certpin_task_take_options (task, options);
  if (given == NULL)
    return;
  g_task_set_task_data (task, import_new (text, given), import_free);
  import_ask (task);
}

/**
 * certpin_client_import_pins_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_import_pins_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: something is wrong with the text: the message has the
 *   lines, and nothing is changed; or an option is unknown, of the wrong type or out of range
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: a limit on pins is reached; the message has the hosts
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not change these pins
 * - `CERTPIN_ERROR_STORE_FAILED`: some pins could not be written to disk; the message has the
 *   hosts
 *
 * Returns: (transfer container) (element-type CertpinImportedPin): the changes, in the order of the
 *   text, or %NULL with @error set
 *
 * Since: 0.1
 */
GPtrArray *
certpin_client_import_pins_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_import_pins_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * certpin_client_import_pins:
 * @client: a client
 * @text: the text of a pin file
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Pins.ImportPins`; consumed if floating
 * @cancellable: (nullable): ends the wait; changes may still happen
 *
 * Sets all pins of the text of a pin file, as `org.certpin.Certpin1.Pins.ImportPins` does. The
 * text may have any number of pins: the service takes them in parts of 200. If there are more,
 * all are checked first, so that nothing changes if anything is wrong with the text. If a part
 * cannot be stored, the parts before it are, and the message says so.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: something is wrong with the text: the message has the
 *   lines, and nothing is changed; or an option is unknown, of the wrong type or out of range
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: a limit on pins is reached; the message has the hosts
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not change these pins
 * - `CERTPIN_ERROR_STORE_FAILED`: some pins could not be written to disk; the message has the
 *   hosts
 *
 * Returns: (transfer container) (element-type CertpinImportedPin): the changes, in the order of the
 *   text, or %NULL with @error set
 *
 * Since: 0.1
 */
GPtrArray *
certpin_client_import_pins (CertpinClient *client, const char *text, GVariant *options,
                            GCancellable *cancellable, GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (text != NULL, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_import_pins_async (client, text, options, cancellable, certpin_wait_on_result,
                                    wait);
  return certpin_client_import_pins_finish (client, certpin_wait_for_result (wait), error);
}
