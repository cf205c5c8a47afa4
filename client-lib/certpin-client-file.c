/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pinning from a file. A file that cannot be read blocks the host, as a malformed certificate does:
 * whoever wanted it pinned must not find it open. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-call.h"
#include "certpin-error.h"

/* One byte more than the service takes, so that it is the one to say that a file is too large. */
#define FILE_READ_MAX_BYTES (64 * 1024 + 1)

/* Pinning from a file, under way; belongs to its task. */
typedef struct
{
  char *host;
  GVariant *options;
  char *shown;    /* the file's name, for people */
  GError *reason; /* why it could not be read */
  guint8 buffer[FILE_READ_MAX_BYTES];
} FromFile;

static void
from_file_free (gpointer data)
{
  FromFile *from = data;

  g_free (from->host);
  g_variant_unref (from->options);
  g_free (from->shown);
  g_clear_error (&from->reason);
  g_free (from);
}

static void
from_file_on_pinned (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  GError *error = NULL;
  GVariant *pin = certpin_client_pin_certificate_finish (CERTPIN_CLIENT (source), result, &error);

  if (pin != NULL)
    g_task_return_pointer (task, g_variant_new_tuple (&pin, 1), (GDestroyNotify)g_variant_unref);
  else
    g_task_return_error (task, error);
}

/* The host is blocked now, or there is a better reason why not. */
static void
from_file_on_blocked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  FromFile *from = g_task_get_task_data (task);
  GError *error = NULL;

  if (!certpin_client_block_host_finish (CERTPIN_CLIENT (source), result, &error))
    g_task_return_error (task, error);
  else
    g_task_return_new_error (
        task, CERTPIN_ERROR, CERTPIN_ERROR_FILE_NOT_FOUND,
        "cannot read the certificate file ‘%s’: %s; the host ‘%s’ is blocked until it is "
        "pinned",
        from->shown, from->reason->message, from->host);
}

/* Of the options only the scope also means something to a block. */
static GVariant *
options_of_block (GVariant *options)
{
  GVariantBuilder builder;
  const char *scope;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  if (g_variant_lookup (options, "scope", "&s", &scope))
    g_variant_builder_add (&builder, "{sv}", "scope", g_variant_new_string (scope));
  return g_variant_builder_end (&builder);
}

static void
from_file_failed (GTask *task, GError *reason)
{
  FromFile *from = g_task_get_task_data (task);
  g_autofree char *text
      = g_strdup_printf ("its certificate file ‘%s’ could not be read", from->shown);

  from->reason = reason;
  certpin_client_block_host_async (g_task_get_source_object (task), from->host, text,
                                   options_of_block (from->options), g_task_get_cancellable (task),
                                   from_file_on_blocked, task);
}

static void
from_file_on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  FromFile *from = g_task_get_task_data (task);
  g_autoptr (GBytes) certificate = NULL;
  GError *error = NULL;
  gsize length;

  if (!g_input_stream_read_all_finish (G_INPUT_STREAM (source), result, &length, &error))
    {
      from_file_failed (g_steal_pointer (&task), error);
      return;
    }
  certificate = g_bytes_new (from->buffer, length);
  certpin_client_pin_certificate_async (g_task_get_source_object (task), from->host, certificate,
                                        from->options, g_task_get_cancellable (task),
                                        from_file_on_pinned, g_object_ref (task));
}

static void
from_file_on_open (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = G_TASK (user_data);
  FromFile *from = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GFileInputStream) stream = g_file_read_finish (G_FILE (source), result, &error);

  if (stream == NULL)
    from_file_failed (task, error);
  else
    g_input_stream_read_all_async (G_INPUT_STREAM (stream), from->buffer, FILE_READ_MAX_BYTES,
                                   G_PRIORITY_DEFAULT, g_task_get_cancellable (task),
                                   from_file_on_read, task);
}

/**
 * certpin_client_pin_certificate_from_file_async:
 * @client: a client
 * @host: a host pattern
 * @file: a file that holds exactly one DER certificate
 * @options: (nullable): `a{sv}`, the options of `org.certpin.Certpin1.Pins.PinCertificate`; sunk if
 * floating
 * @cancellable: (nullable): cancels the waiting, not the change
 * @callback: called when it is done
 * @user_data: for @callback
 *
 * As certpin_client_pin_certificate_async(), from a file. A file that is missing or cannot be read
 * blocks the host, as a malformed one does.
 *
 * Since: 0.1
 */
void
certpin_client_pin_certificate_from_file_async (CertpinClient *client, const char *host,
                                                GFile *file, GVariant *options,
                                                GCancellable *cancellable,
                                                GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (client, cancellable, callback, user_data);
  FromFile *from = g_new0 (FromFile, 1);

  g_task_set_source_tag (task, certpin_client_pin_certificate_from_file_async);
  from->host = g_strdup (host);
  from->options = g_variant_ref_sink (certpin_call_options (options));
  from->shown = g_file_get_parse_name (file);
  g_task_set_task_data (task, from, from_file_free);
  g_file_read_async (file, G_PRIORITY_DEFAULT, cancellable, from_file_on_open, task);
}

/**
 * certpin_client_pin_certificate_from_file_finish:
 * @client: a client
 * @result: what the callback was given
 *
 * Errors: those of certpin_client_pin_certificate_finish(), and `CERTPIN_ERROR_FILE_NOT_FOUND` for
 * a file that is missing or cannot be read, after which the host is blocked.
 *
 * Returns: (transfer full): the pin, `a{sv}`, or %NULL with @error set
 *
 * Since: 0.1
 */
GVariant *
certpin_client_pin_certificate_from_file_finish (CertpinClient *client, GAsyncResult *result,
                                                 GError **error)
{
  return certpin_call_finish_value (result, error);
}

/**
 * certpin_client_pin_certificate_from_file:
 * @client: a client
 * @host: a host pattern
 * @file: a file that holds exactly one DER certificate
 * @options: (nullable): `a{sv}`, as of the asynchronous function; sunk if floating
 * @cancellable: (nullable): cancels the waiting
 *
 * Does what certpin_client_pin_certificate_from_file_async() does, and waits.
 *
 * Errors: as of certpin_client_pin_certificate_from_file_finish().
 *
 * Returns: (transfer full): the pin, `a{sv}`, or %NULL with @error set
 *
 * Since: 0.1
 */
GVariant *
certpin_client_pin_certificate_from_file (CertpinClient *client, const char *host, GFile *file,
                                          GVariant *options, GCancellable *cancellable,
                                          GError **error)
{
  g_autoptr (CertpinWait) wait = certpin_wait_begin ();

  certpin_client_pin_certificate_from_file_async (client, host, file, options, cancellable,
                                                  certpin_wait_on_result, wait);
  return certpin_client_pin_certificate_from_file_finish (client, certpin_wait_for_result (wait),
                                                          error);
}
