/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sends a request whose body is read from a file or a stream; blocks meanwhile. A thread of the
 * upload's own reads it, and writes to a socket from which the service reads. When the service has
 * answered, it needs no more of the body, and the thread ends. */

#include "config.h"

#include "certpin-upload.h"

#include "certpin-engine.h"
#include "certpin-error.h"
#include "certpin-exchange.h"
#include "certpin-job.h"
#include "certpin-send.h"
#include "certpin-wait.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES (64 * 1024)

/* The thread that moves the body. */
typedef struct
{
  CertpinUpload *upload;
  CertpinProgress progress; /* is reported where the program waits */
  int socket;
  GCancellable *stop;
  goffset done;  /* bytes that were given to the service */
  GError *error; /* why the stream could not be read */
} Pump;

/* Returns: whether the socket can be written to; FALSE: the pump was stopped */
static gboolean
pump_wait (Pump *pump)
{
  GPollFD polled[] = { { pump->socket, G_IO_OUT, 0 }, { -1, G_IO_IN, 0 } };
  gboolean stops = g_cancellable_make_pollfd (pump->stop, &polled[1]);

  g_poll (polled, stops ? 2 : 1, -1);
  if (stops)
    g_cancellable_release_fd (pump->stop);
  return !g_cancellable_is_cancelled (pump->stop);
}

/* Returns: FALSE: the service reads no more, and its answer says why */
static gboolean
pump_write (Pump *pump, const char *bytes, gsize length)
{
  while (length > 0)
    {
      gssize written = send (pump->socket, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);

      if (written < 0 && errno == EAGAIN && !pump_wait (pump))
        return FALSE;
      if (written < 0 && errno != EAGAIN && errno != EINTR)
        return FALSE;
      bytes += MAX (written, 0);
      length -= (gsize)MAX (written, 0);
    }
  return TRUE;
}

/* The end of the socket tells the service if the stream ended early. */
static gpointer
pump_run (gpointer data)
{
  Pump *pump = data;
  CertpinUpload *upload = pump->upload;
  g_autofree char *buffer = g_malloc (BUFFER_BYTES);
  gssize length = 1;

  while (pump->done < upload->length && length > 0)
    {
      certpin_progress_report (&pump->progress, pump->done, upload->length);
      length = g_input_stream_read (upload->body, buffer,
                                    (gsize)MIN (BUFFER_BYTES, upload->length - pump->done),
                                    pump->stop, &pump->error);
      if (length > 0 && !pump_write (pump, buffer, (gsize)length))
        break;
      pump->done += MAX (length, 0);
    }
  if (length == 0)
    g_set_error (&pump->error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT,
                 "the body ended after %" G_GOFFSET_FORMAT " of %" G_GOFFSET_FORMAT " bytes",
                 pump->done, upload->length);
  shutdown (pump->socket, SHUT_WR);
  return NULL;
}

/* Returns: floating: the options, with the body's */
static GVariant *
add_body (CertpinUpload *upload)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (upload->options);

  g_variant_dict_insert_value (&dict, "body-stream", g_variant_new_handle (0));
  g_variant_dict_insert (&dict, "body-length", "t", (guint64)upload->length);
  return g_variant_dict_end (&dict);
}

/* Sends the request, and the body from the other end of `theirs`, which is closed. */
static CertpinResponse *
exchange (CertpinUpload *upload, Pump *pump, int theirs, GError **error)
{
  g_autoptr (GUnixFDList) descriptors = g_unix_fd_list_new_from_array (&theirs, 1);
  g_autoptr (CertpinWait) wait = certpin_wait_begin ();
  g_autoptr (GError) reason = NULL;
  GThread *thread;

  pump->progress = upload->progress;
  pump->progress.waits = upload->progress.context == NULL;
  if (pump->progress.waits)
    pump->progress.context = wait->context;
  thread = g_thread_try_new ("certpin-upload", pump_run, pump, &reason);
  if (thread == NULL)
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED,
                   "this program can have no more threads: %s", reason->message);
      return NULL;
    }
  certpin_send_begin (upload->client, upload->request, add_body (upload), descriptors,
                      certpin_send_begin, upload->cancellable, certpin_wait_on_result, wait);
  certpin_wait_for_result (wait);
  g_cancellable_cancel (pump->stop);
  g_thread_join (thread);
  return certpin_exchange_take_response (G_TASK (certpin_wait_for_result (wait)),
                                         /* streams= */ TRUE, error);
}

/* Sends the request with the body, which is open. */
static CertpinResponse *
send_body (CertpinUpload *upload, GError **error)
{
  Pump pump = { .upload = upload };
  g_autoptr (GCancellable) stop = g_cancellable_new ();
  CertpinResponse *response;
  GError *reason = NULL;
  int ends[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED, "cannot make a socket: %s",
                   g_strerror (errno));
      return NULL;
    }
  pump.socket = ends[0];
  pump.stop = stop;
  response = exchange (upload, &pump, ends[1], &reason);
  close (ends[0]);
  /* If the body ended early, the service says only that. */
  if (g_error_matches (reason, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT) && pump.error != NULL
      && !g_error_matches (pump.error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_clear_error (&reason);
      reason = g_steal_pointer (&pump.error);
    }
  g_clear_error (&pump.error);
  if (response != NULL)
    certpin_progress_report_end (&upload->progress, pump.done, pump.done);
  else
    g_propagate_error (error, reason);
  return response;
}

/* Errors: CERTPIN_ERROR, or that of the file or the stream if it cannot be read.
 * Returns: (transfer full) (nullable): the response, with a stream */
CertpinResponse *
certpin_upload_run (CertpinUpload *upload, GError **error)
{
  g_autoptr (GInputStream) body = NULL;

  /* Before anything is read: the stream may be the parent's of a process that was forked. */
  if (!certpin_engine_check (error))
    return NULL;
  body = certpin_content_open (upload->content, &upload->length, upload->cancellable, error);
  upload->body = body;
  return body != NULL ? send_body (upload, error) : NULL;
}

static CertpinResponse *
upload_run (gpointer transfer, GError **error)
{
  return certpin_upload_run (transfer, error);
}

static void
upload_free (gpointer data)
{
  CertpinUpload *upload = data;

  if (upload->progress.destroy != NULL)
    upload->progress.destroy (upload->progress.data);
  g_object_unref (upload->client);
  certpin_request_unref (upload->request);
  g_object_unref (upload->content);
  g_clear_pointer (&upload->options, g_variant_unref);
  g_clear_object (&upload->cancellable);
  g_free (upload);
}

/* Runs it in a thread of its own. `task`: returns the response, with a stream. `upload`: copied;
 * what it refers to is kept, up to the progress, which is (transfer full) */
void
certpin_upload_start (GTask *task, const CertpinUpload *upload)
{
  CertpinUpload *kept = g_memdup2 (upload, sizeof *upload);

  g_object_ref (kept->client);
  certpin_request_ref (kept->request);
  g_object_ref (kept->content);
  g_variant_ref (kept->options);
  if (kept->cancellable != NULL)
    g_object_ref (kept->cancellable);
  kept->progress.context = g_task_get_context (task);
  certpin_job_start (task, upload_run, kept, upload_free);
}
