/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the methods of CertpinClient share: the task of a method, from the arguments, which are
 * checked here, to the call, which the library's thread makes, and to its result. */

#include "config.h"

#include "certpin-task.h"

#include "certpin-arguments.h"
#include "certpin-client-private.h"
#include "certpin-engine.h"
#include "certpin-error.h"

/* A change of the system's pins may have to wait for somebody to type a password. */
#define CALL_TIMEOUT_MS        60000
#define INTERACTIVE_TIMEOUT_MS 300000

/* Returns: (transfer full): a task that returns what it is given even if the call was cancelled: a
 * reply that has arrived counts, and a mistake of the program is told */
GTask *
certpin_task_new (CertpinClient *client, gpointer source_tag, GCancellable *cancellable,
                  GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (client, cancellable, callback, user_data);

  g_task_set_source_tag (task, source_tag);
  g_task_set_check_cancellable (task, FALSE);
  return task;
}

/* `options`: (nullable): sunk if floating.
 * Errors: CERTPIN_ERROR_INVALID_ARGUMENT.
 * Returns: (transfer full) (nullable): the options as an `a{sv}` */
GVariant *
certpin_task_sink_options (GVariant *options, GError **error)
{
  g_autoptr (GVariant) given
      = g_variant_ref_sink (options != NULL ? options : g_variant_new ("a{sv}", NULL));

  if (g_variant_is_of_type (given, G_VARIANT_TYPE_VARDICT))
    return g_steal_pointer (&given);
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
               "the options have type ‘%.100s’; pass a dictionary of type ‘a{sv}’",
               g_variant_get_type_string (given));
  return NULL;
}

/* As certpin_task_sink_options(), but the task returns the error. */
GVariant *
certpin_task_take_options (GTask *task, GVariant *options)
{
  GError *error = NULL;
  GVariant *given = certpin_task_sink_options (options, &error);

  if (given == NULL)
    g_task_return_error (task, error);
  return given;
}

/* Returns: how long a call may take that does not say so itself, in milliseconds */
int
certpin_task_get_timeout_ms (GTask *task)
{
  CertpinClient *client = g_task_get_source_object (task);

  return certpin_client_get_interactive (client) ? INTERACTIVE_TIMEOUT_MS : CALL_TIMEOUT_MS;
}

static gboolean
check_call (const CertpinCall *call, GError **error)
{
  return certpin_engine_check (error) && certpin_arguments_check (call->arguments, error);
}

/* `task`: returns the reply, or an error: one of certpin, or G_IO_ERROR_CANCELLED. `call`:
 * (transfer full) */
void
certpin_task_submit (GTask *task, CertpinCall *call)
{
  CertpinClient *client = g_task_get_source_object (task);
  g_autoptr (CertpinLink) link = NULL;
  GError *error = NULL;

  call->interactive = certpin_client_get_interactive (client);
  if (call->timeout_ms == 0)
    call->timeout_ms = certpin_task_get_timeout_ms (task);
  call->deadline_us = g_get_monotonic_time () + (gint64)call->timeout_ms * G_TIME_SPAN_MILLISECOND;
  g_task_set_task_data (task, call, certpin_call_free);
  if (!check_call (call, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  link = certpin_client_get_link (client);
  certpin_link_call (link, task);
}

/* With the usual timeout. `arguments`: sunk if floating */
void
certpin_task_call (GTask *task, const CertpinMethod *method, GVariant *arguments)
{
  certpin_task_submit (task, certpin_call_new (method, arguments));
}

/* Returns: (transfer full) (nullable): the only value of a reply; NULL: `error` is set */
GVariant *
certpin_task_finish_value (GAsyncResult *result, GError **error)
{
  g_autoptr (GVariant) reply = g_task_propagate_pointer (G_TASK (result), error);

  return reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
}

/* `type`: a kind of CertpinRecord, which the only value of the reply describes.
 * Returns: (transfer full) (nullable): NULL: `error` is set */
gpointer
certpin_task_finish_record (GAsyncResult *result, GType type, GError **error)
{
  g_autoptr (GVariant) description = certpin_task_finish_value (result, error);

  return description != NULL ? g_object_new (type, "description", description, NULL) : NULL;
}

/* For a method whose reply is empty. Returns: TRUE; FALSE: `error` is set */
gboolean
certpin_task_finish_done (GAsyncResult *result, GError **error)
{
  g_autoptr (GVariant) reply = g_task_propagate_pointer (G_TASK (result), error);

  return reply != NULL;
}
