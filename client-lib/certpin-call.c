/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One call of the service: connecting first if need be, a deadline, an error that is always one of
 * certpin, and the waiting twins. It checks nothing that the service checks. */

#include "config.h"

#include "certpin-call.h"

#include "certpin-error.h"

#include "dbus/certpin-names.h"

/* A change of the system's pins may have to wait for somebody to type a password. */
#define CALL_TIMEOUT_MS        60000
#define INTERACTIVE_TIMEOUT_MS 300000

static void
call_free (gpointer data)
{
  CertpinCall *call = data;

  g_variant_unref (call->parameters);
  g_free (call->cancel_path);
  g_free (call);
}

/* Whatever went wrong on the way becomes an error of certpin. */
static void
return_error (GTask *task, GError *reason)
{
  g_autoptr (GError) error = reason;
  int code = CERTPIN_ERROR_SERVICE_UNAVAILABLE;
  const char *text = "the certpin service cannot be reached: ";

  g_dbus_error_strip_remote_error (error);
  if (error->domain == CERTPIN_ERROR)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    code = CERTPIN_ERROR_CANCELLED, text = "the call was cancelled: ";
  else if (g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED))
    code = CERTPIN_ERROR_NOT_AUTHORIZED, text = "the bus does not let this program call certpin: ";
  g_task_return_new_error (task, CERTPIN_ERROR, code, "%s%s", text, error->message);
}

static void
call_on_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  CertpinCall *call = g_task_get_task_data (task);
  GError *error = NULL;
  GVariant *reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (call->cancel_id != 0)
    g_cancellable_disconnect (g_task_get_cancellable (task), call->cancel_id);
  call->cancel_id = 0;
  if (reply != NULL)
    g_task_return_pointer (task, reply, (GDestroyNotify)g_variant_unref);
  else
    return_error (task, error);
}

/* D-Bus cannot cancel a call, so the service is asked to. Runs in whatever thread cancels. */
static void
call_on_cancelled (GCancellable *cancellable, GTask *task)
{
  CertpinClient *client = g_task_get_source_object (task);
  CertpinCall *call = g_task_get_task_data (task);

  g_dbus_connection_call (client->connection, CERTPIN_BUS_NAME, call->cancel_path,
                          CERTPIN_REQUEST_IFACE, "Cancel", NULL, NULL,
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, NULL, NULL);
}

/* SENDER and TOKEN of the Request object's path, as the service makes it. */
static char *
make_cancel_path (GDBusConnection *connection, const char *token)
{
  g_autofree char *sender
      = g_strdelimit (g_strdup (g_dbus_connection_get_unique_name (connection) + 1), ".", '_');

  return g_strdup_printf (CERTPIN_REQUEST_PATH "/%s/%s", sender, token);
}

static void
send_call (GTask *task)
{
  CertpinClient *client = g_task_get_source_object (task);
  CertpinCall *call = g_task_get_task_data (task);
  GCancellable *cancellable = g_task_get_cancellable (task);
  GDBusCallFlags flags = client->interactive ? G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION
                                             : G_DBUS_CALL_FLAGS_NONE;

  g_dbus_connection_call (client->connection, CERTPIN_BUS_NAME, CERTPIN_OBJECT_PATH,
                          call->interface, call->method, call->parameters, NULL, flags,
                          call->timeout_ms, cancellable, call_on_reply, g_object_ref (task));
  if (call->cancel_path != NULL && cancellable != NULL)
    {
      g_autofree char *token = g_steal_pointer (&call->cancel_path);

      call->cancel_path = make_cancel_path (client->connection, token);
      call->cancel_id = g_cancellable_connect (cancellable, G_CALLBACK (call_on_cancelled),
                                               g_object_ref (task), g_object_unref);
    }
}

static void
call_on_bus (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  CertpinClient *client = g_task_get_source_object (task);
  GError *error = NULL;
  GDBusConnection *connection = g_bus_get_finish (result, &error);

  if (connection == NULL)
    {
      return_error (task, error);
      return;
    }
  if (client->connection == NULL)
    client->connection = g_object_ref (connection);
  g_object_unref (connection);
  send_call (task);
}

/* `task`: of the call's own function; it gets the reply, or an error of certpin. */
void
certpin_call_start (GTask *task, CertpinCall *call)
{
  CertpinClient *client = g_task_get_source_object (task);

  g_variant_ref_sink (call->parameters);
  g_task_set_task_data (task, call, call_free);
  /* What the service did in the meantime counts, whether or not somebody still waits for it. */
  g_task_set_check_cancellable (task, FALSE);
  if (client->connection != NULL)
    send_call (task);
  else
    g_bus_get (G_BUS_TYPE_SYSTEM, g_task_get_cancellable (task), call_on_bus, g_object_ref (task));
}

void
certpin_call_start_pins (GTask *task, const char *method, GVariant *parameters)
{
  CertpinClient *client = g_task_get_source_object (task);
  CertpinCall *call = g_new0 (CertpinCall, 1);

  call->interface = CERTPIN_PINS_IFACE;
  call->method = method;
  call->parameters = parameters;
  call->timeout_ms = client->interactive ? INTERACTIVE_TIMEOUT_MS : CALL_TIMEOUT_MS;
  certpin_call_start (task, call);
}

/* Returns: (transfer full) (nullable): the only value of a reply */
GVariant *
certpin_call_finish_value (GAsyncResult *result, GError **error)
{
  g_autoptr (GVariant) reply = g_task_propagate_pointer (G_TASK (result), error);

  return reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
}

gboolean
certpin_call_finish_done (GAsyncResult *result, GError **error)
{
  g_autoptr (GVariant) reply = g_task_propagate_pointer (G_TASK (result), error);

  return reply != NULL;
}

GVariant *
certpin_call_options (GVariant *options)
{
  return options != NULL ? options : g_variant_new ("a{sv}", NULL);
}

/* Only UTF-8 may cross the bus. Text that is not has its odd bytes replaced, so that it is the
 * service that finds that it names no host and no key. */
GVariant *
certpin_call_text (const char *text)
{
  return g_variant_new_take_string (g_utf8_make_valid (text, -1));
}

GVariant *
certpin_call_texts (const char *const *texts)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (size_t i = 0; texts[i] != NULL; i++)
    g_variant_builder_add_value (&builder, certpin_call_text (texts[i]));
  return g_variant_builder_end (&builder);
}

GVariant *
certpin_call_bytes (GBytes *bytes)
{
  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

CertpinWait *
certpin_wait_begin (void)
{
  CertpinWait *wait = g_new0 (CertpinWait, 1);

  wait->context = g_main_context_new ();
  g_main_context_push_thread_default (wait->context);
  return wait;
}

void
certpin_wait_on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CertpinWait *wait = user_data;

  wait->result = g_object_ref (result);
}

GAsyncResult *
certpin_wait_for_result (CertpinWait *wait)
{
  while (wait->result == NULL)
    g_main_context_iteration (wait->context, TRUE);
  return wait->result;
}

void
certpin_wait_end (CertpinWait *wait)
{
  g_main_context_pop_thread_default (wait->context);
  g_main_context_unref (wait->context);
  g_clear_object (&wait->result);
  g_free (wait);
}
