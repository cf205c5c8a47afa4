/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pinning from a file. A file that cannot be read blocks the host, as a malformed certificate does,
 * and in the same way unless the option ‘on-failure’ keeps what is there: whoever wanted it pinned
 * must not find it open. Reading has a deadline, like a call. Any kind of
 * file is read, since a pipe from the program that made the certificate is as good as a file. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-cancellation.h"
#include "certpin-engine.h"
#include "certpin-error.h"
#include "certpin-task.h"
#include "certpin-wait.h"

/* One byte more than the service accepts, so that the service is the one to refuse a large file. */
#define FILE_READ_MAX_BYTES (64 * 1024 + 1)

/* A pinning in progress. It is a box, because a thread may still read the file after the call was
 * cancelled. */
typedef struct
{
  GTask *task;    /* NULL: the reading is over: done, cancelled or overdue */
  GSource *alarm; /* at the deadline of the reading */
  char *host;
  GVariant *options;
  GFile *file;
  char *shown; /* its name, for people */
  CertpinCancellation *cancellation;
  guint8 buffer[FILE_READ_MAX_BYTES];
} FromFile;

static void
alarm_free (GSource *alarm)
{
  g_source_destroy (alarm);
  g_source_unref (alarm);
}

static void
from_file_clear (gpointer data)
{
  FromFile *from = data;

  g_clear_pointer (&from->alarm, alarm_free);
  g_clear_object (&from->task);
  g_clear_object (&from->file);
  g_free (from->host);
  g_clear_pointer (&from->options, g_variant_unref);
  g_free (from->shown);
}

static void
from_file_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, from_file_clear);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FromFile, from_file_unref)

/* From here on, the task's own calls are cancelled, and have deadlines. */
static GTask *
from_file_steal_task (FromFile *from)
{
  g_clear_pointer (&from->alarm, alarm_free);
  g_clear_pointer (&from->cancellation, certpin_cancellation_free);
  return g_steal_pointer (&from->task);
}

/* Opening or reading the file may block forever, for example on a FIFO or a network file system. */
static gboolean
from_file_on_cancelled (gpointer data)
{
  FromFile *from = data;
  g_autoptr (GTask) task = from_file_steal_task (from);

  if (task != NULL)
    g_task_return_error (task, certpin_cancellation_new_error ());
  return G_SOURCE_REMOVE;
}

static void
pin_on_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  GError *error = NULL;
  CertpinPin *pin = certpin_client_pin_certificate_finish (CERTPIN_CLIENT (source), result, &error);

  if (pin != NULL)
    g_task_return_pointer (task, pin, g_object_unref);
  else
    g_task_return_error (task, error);
}

/* The error of a failed BlockHost is the more important one. Task data: the error of the file. */
static void
block_on_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  GError *error = NULL;

  if (certpin_client_block_host_finish (CERTPIN_CLIENT (source), result, &error))
    error = g_error_copy (g_task_get_task_data (task));
  g_task_return_error (task, error);
}

/* Only whose pin it is is also an option of BlockHost. */
static GVariant *
options_of_block (GVariant *options)
{
  static const char *const names[] = { "scope", "app" };
  GVariantBuilder builder;
  const char *word;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_variant_lookup (options, names[i], "&s", &word))
      g_variant_builder_add (&builder, "{sv}", names[i], g_variant_new_string (word));
  return g_variant_builder_end (&builder);
}

/* Any other value, also a wrong one, blocks. */
static gboolean
keeps_on_failure (GVariant *options)
{
  const char *word = NULL;

  return g_variant_lookup (options, "on-failure", "&s", &word) && g_str_equal (word, "keep");
}

/* Returns: (transfer full) */
static GError *
new_file_error (const FromFile *from, const char *reason, const char *outcome)
{
  return g_error_new (CERTPIN_ERROR, CERTPIN_ERROR_FILE_NOT_FOUND,
                      "cannot read the certificate file ‘%s’: %s; %s", from->shown, reason,
                      outcome);
}

/* `task`: (transfer full) */
static void
block (FromFile *from, GTask *task, const char *reason)
{
  g_autofree char *text
      = g_strdup_printf ("its certificate file ‘%s’ could not be read", from->shown);
  g_autofree char *outcome
      = g_strdup_printf ("the host ‘%s’ is blocked until it is pinned", from->host);

  g_task_set_task_data (task, new_file_error (from, reason, outcome), (GDestroyNotify)g_error_free);
  certpin_client_block_host_async (g_task_get_source_object (task), from->host, text,
                                   options_of_block (from->options), g_task_get_cancellable (task),
                                   block_on_reply, task);
}

static void
from_file_failed (FromFile *from, const char *reason)
{
  g_autoptr (GTask) task = from_file_steal_task (from);

  if (task == NULL)
    return;
  if (keeps_on_failure (from->options))
    g_task_return_error (task, new_file_error (from, reason, "nothing was changed"));
  else
    block (from, g_steal_pointer (&task), reason);
}

/* The reading thread stays blocked until the read returns: nothing can end it. */
static gboolean
from_file_on_overdue (gpointer data)
{
  FromFile *from = data;
  int timeout_ms = certpin_task_get_timeout_ms (from->task);
  g_autofree char *reason = g_strdup_printf ("reading took longer than %d s", timeout_ms / 1000);

  from_file_failed (from, reason);
  return G_SOURCE_REMOVE;
}

static void
from_file_on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (FromFile) from = user_data;
  g_autoptr (GBytes) certificate = NULL;
  g_autoptr (GError) error = NULL;
  GTask *task;
  gsize length;

  if (!g_input_stream_read_all_finish (G_INPUT_STREAM (source), result, &length, &error))
    {
      from_file_failed (from, error->message);
      return;
    }
  task = from_file_steal_task (from);
  if (task == NULL)
    return;
  certificate = g_bytes_new (from->buffer, length);
  certpin_client_pin_certificate_async (g_task_get_source_object (task), from->host, certificate,
                                        from->options, g_task_get_cancellable (task), pin_on_reply,
                                        task);
}

static void
from_file_on_open (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (FromFile) from = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GFileInputStream) stream = g_file_read_finish (G_FILE (source), result, &error);

  if (stream == NULL)
    from_file_failed (from, error->message);
  else if (from->task != NULL)
    g_input_stream_read_all_async (G_INPUT_STREAM (stream), from->buffer, FILE_READ_MAX_BYTES,
                                   G_PRIORITY_DEFAULT, g_task_get_cancellable (from->task),
                                   from_file_on_read, g_atomic_rc_box_acquire (from));
}

/* Runs in the task's context, like all that follows; the caller may be in another thread. */
static gboolean
from_file_start (gpointer data)
{
  FromFile *from = data;
  GCancellable *cancellable = g_task_get_cancellable (from->task);

  from->cancellation = certpin_cancellation_watch (cancellable, g_task_get_context (from->task),
                                                   from_file_on_cancelled, from, from_file_unref);
  from->alarm = g_timeout_source_new ((unsigned int)certpin_task_get_timeout_ms (from->task));
  g_source_set_callback (from->alarm, from_file_on_overdue, g_atomic_rc_box_acquire (from),
                         from_file_unref);
  g_source_attach (from->alarm, g_task_get_context (from->task));
  g_file_read_async (from->file, G_PRIORITY_DEFAULT, cancellable, from_file_on_open,
                     g_atomic_rc_box_acquire (from));
  return G_SOURCE_REMOVE;
}

/**
 * certpin_client_pin_certificate_from_file_async:
 * @client: a client
 * @host: a host pattern: `h.example`, `*.h.example` or `**.h.example`, with an optional
 *   `:port`
 * @file: a file that holds exactly one DER certificate
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Pins.PinCertificate`, as certpin_pin_builder_build() makes it; consumed
 *   if floating
 * @cancellable: (nullable): ends the wait; the change may still happen
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Pins the key of a certificate, like certpin_client_pin_certificate_async(), but reads the
 * certificate from a file. The file may be a pipe. Reading it has the same time limit as a
 * call (#CertpinClient).
 *
 * A file that cannot be read within that time blocks the host, as a malformed certificate
 * does. If the host cannot be blocked either, the error says why. If the option `on-failure` is
 * `keep`, nothing is changed instead.
 *
 * In @callback, call certpin_client_pin_certificate_from_file_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_pin_certificate_from_file_async (CertpinClient *client, const char *host,
                                                GFile *file, GVariant *options,
                                                GCancellable *cancellable,
                                                GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (FromFile) from = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (host != NULL);
  g_return_if_fail (G_IS_FILE (file));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  from = g_atomic_rc_box_new0 (FromFile);
  from->task = certpin_task_new (client, certpin_client_pin_certificate_from_file_async,
                                 cancellable, callback, user_data);
  from->options = certpin_task_take_options (from->task, options);
  if (from->options == NULL)
    return;
  from->host = g_strdup (host);
  from->file = g_object_ref (file);
  from->shown = g_file_get_parse_name (file);
  certpin_context_post (g_task_get_context (from->task), from_file_start,
                        g_atomic_rc_box_acquire (from), from_file_unref);
}

/**
 * certpin_client_pin_certificate_from_file_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_pin_certificate_from_file_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_FILE_NOT_FOUND`: the file is missing, or could not be read in time; the
 *   host is blocked now, unless the option `on-failure` is `keep`
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a host pattern
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range, or the certificate is that of an authority and the option `match` is not `path`
 * - `CERTPIN_ERROR_WRONG_FORMAT`: a certificate is not exactly one DER certificate; the host
 *   is blocked now, unless the option `on-failure` is `keep`
 * - `CERTPIN_ERROR_SELF_SIGNED`: a certificate is self-signed; the host is blocked now, unless
 *   the option `on-failure` is `keep`
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
certpin_client_pin_certificate_from_file_finish (CertpinClient *client, GAsyncResult *result,
                                                 GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (
      g_async_result_is_tagged (result, certpin_client_pin_certificate_from_file_async), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * certpin_client_pin_certificate_from_file:
 * @client: a client
 * @host: a host pattern: `h.example`, `*.h.example` or `**.h.example`, with an optional
 *   `:port`
 * @file: a file that holds exactly one DER certificate
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Pins.PinCertificate`, as certpin_pin_builder_build() makes it; consumed
 *   if floating
 * @cancellable: (nullable): ends the wait; the change may still happen
 *
 * Pins the key of a certificate, like certpin_client_pin_certificate(), but reads the
 * certificate from a file. The file may be a pipe. Reading it has the same time limit as a
 * call (#CertpinClient).
 *
 * A file that cannot be read within that time blocks the host, as a malformed certificate
 * does. If the host cannot be blocked either, the error says why. If the option `on-failure` is
 * `keep`, nothing is changed instead.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_FILE_NOT_FOUND`: the file is missing, or could not be read in time; the
 *   host is blocked now, unless the option `on-failure` is `keep`
 * - `CERTPIN_ERROR_INVALID_HOST`: the text is not a host pattern
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range, or the certificate is that of an authority and the option `match` is not `path`
 * - `CERTPIN_ERROR_WRONG_FORMAT`: a certificate is not exactly one DER certificate; the host
 *   is blocked now, unless the option `on-failure` is `keep`
 * - `CERTPIN_ERROR_SELF_SIGNED`: a certificate is self-signed; the host is blocked now, unless
 *   the option `on-failure` is `keep`
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
certpin_client_pin_certificate_from_file (CertpinClient *client, const char *host, GFile *file,
                                          GVariant *options, GCancellable *cancellable,
                                          GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (host != NULL, NULL);
  g_return_val_if_fail (G_IS_FILE (file), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_pin_certificate_from_file_async (client, host, file, options, cancellable,
                                                  certpin_wait_on_result, wait);
  return certpin_client_pin_certificate_from_file_finish (client, certpin_wait_for_result (wait),
                                                          error);
}
