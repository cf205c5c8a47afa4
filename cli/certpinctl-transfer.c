/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One request, as a machine of callbacks in the main context, so that several can run at a time:
 * it sends, waits and sends again where that is safe, and passes the body on as it comes. It prints
 * nothing but the body and what -v shows; at the end, there is a response or an error. */

#include "config.h"

#include "certpinctl-transfer.h"

#include "certpinctl-answer.h"
#include "certpinctl-reply.h"
#include "certpinctl-retry.h"
#include "certpinctl-trace.h"

#include <glib/gi18n.h>

#include <string.h>

#define PIECE_BYTES (64 * 1024)
#define NAME_WIDTH  20

/* `output`: (nullable): the name of a file; - is standard output */
CtlTransfer *
ctl_transfer_new (Ctl *ctl, const CtlRequestOptions *chosen, CertpinRequest *request,
                  const char *output)
{
  CtlTransfer *transfer = g_new0 (CtlTransfer, 1);

  transfer->ctl = ctl;
  transfer->chosen = chosen;
  transfer->request = certpin_request_ref (request);
  transfer->raw = output != NULL && strcmp (output, "-") == 0;
  transfer->output = transfer->raw ? NULL : g_strdup (output);
  transfer->total = -1;
  ctl_progress_init (&transfer->progress, /* stream= */ NULL);
  return transfer;
}

void
ctl_transfer_free (CtlTransfer *transfer)
{
  ctl_sink_clear (&transfer->sink);
  g_clear_pointer (&transfer->file, ctl_file_free);
  g_clear_pointer (&transfer->response, certpin_response_unref);
  g_clear_pointer (&transfer->to_service, g_variant_unref);
  g_clear_error (&transfer->error);
  certpin_request_unref (transfer->request);
  g_free (transfer->output);
  g_free (transfer->url);
  g_free (transfer->buffer);
  g_free (transfer);
}

/* How many bytes of the body came. */
goffset
ctl_transfer_get_done (const CtlTransfer *transfer)
{
  return transfer->sink.written + transfer->got;
}

static void
finish (CtlTransfer *transfer)
{
  transfer->ended_us = g_get_monotonic_time ();
  transfer->finished = TRUE;
  ctl_progress_end (&transfer->progress);
  if (transfer->board != NULL)
    ctl_board_set (transfer->board, transfer->number, NULL);
}

/* `reason`: (transfer full) */
static void
fail (CtlTransfer *transfer, GError *reason)
{
  g_clear_error (&transfer->error);
  transfer->error = reason;
  ctl_sink_clear (&transfer->sink);
  g_clear_pointer (&transfer->file, ctl_file_free); /* the old one stays */
  finish (transfer);
}

/* How far it is */

static gboolean
may_show (const CtlTransfer *transfer)
{
  const Ctl *ctl = transfer->ctl;

  return !transfer->chosen->silent && !ctl->json;
}

/* Returns: (transfer full): the name of the file, as wide as that of the others */
static char *
name_of_line (const CtlTransfer *transfer)
{
  g_autofree char *path = g_path_get_basename (transfer->output != NULL ? transfer->output : "-");
  g_autofree char *valid = g_utf8_make_valid (path, -1);
  glong length = MIN (g_utf8_strlen (valid, -1), NAME_WIDTH);
  g_autofree char *name = g_utf8_substring (valid, 0, length);

  return g_strdup_printf ("%s%*s", name, (int)(NAME_WIDTH + 1 - length), "");
}

static void
on_progress (goffset done, goffset total, gpointer user_data)
{
  CtlTransfer *transfer = user_data;
  g_autofree char *name = NULL, *far = NULL, *line = NULL;

  if (transfer->board == NULL)
    {
      ctl_progress_show (done, total, &transfer->progress);
      return;
    }
  name = name_of_line (transfer);
  if (transfer->progress.begun_at < 0)
    transfer->progress.begun_at = done;
  far = ctl_progress_format (&transfer->progress, done, total,
                             ctl_board_get_width (transfer->board) - NAME_WIDTH - 1);
  line = g_strconcat (name, far, NULL);
  ctl_board_set (transfer->board, transfer->number, line);
}

static void
on_file_bytes (goffset done, goffset total, gpointer user_data)
{
  CtlTransfer *transfer = user_data;

  if (transfer->begun_at < 0)
    transfer->begun_at = done;
  transfer->got = done - transfer->begun_at;
  on_progress (done, total, transfer);
}

static void
on_sent_bytes (goffset done, goffset total, gpointer user_data)
{
  CtlTransfer *transfer = user_data;

  transfer->uploaded = done;
  on_progress (done, total, transfer);
}

/* Trying again */

static void send_request (CtlTransfer *transfer);

static gboolean
on_wait_over (gpointer user_data)
{
  CtlTransfer *transfer = user_data;

  if (g_cancellable_is_cancelled (transfer->ctl->cancellable))
    fail (transfer, g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED,
                                         _ ("the request was interrupted")));
  else
    send_request (transfer);
  return G_SOURCE_REMOVE;
}

static void
tell_wait (CtlTransfer *transfer, gint64 wait_s, const char *why)
{
  g_autofree char *text
      = g_strdup_printf (_ ("%s; trying again in %u s (%u of %u)"), why, (unsigned int)wait_s,
                         transfer->attempt, transfer->chosen->retries);
  g_autofree char *whole = g_strconcat (transfer->url != NULL ? transfer->url : "",
                                        transfer->url != NULL ? ": " : "", text, NULL);

  if (!may_show (transfer))
    return;
  ctl_progress_end (&transfer->progress);
  if (transfer->board != NULL)
    ctl_board_hide (transfer->board);
  ctl_print_message (&transfer->ctl->err, C_ ("message", "note"), whole);
}

/* Tries again after a while, which an interrupt ends.
 * Returns: whether it will */
static gboolean
retry (CtlTransfer *transfer, gint64 wait_s, const char *why)
{
  g_autoptr (GSource) timer = NULL, interrupt = NULL;

  if (wait_s < 0 || transfer->attempt > transfer->chosen->retries || transfer->printed)
    return FALSE;
  tell_wait (transfer, wait_s, why);
  timer = g_timeout_source_new ((unsigned int)wait_s * 1000);
  interrupt = g_cancellable_source_new (transfer->ctl->cancellable);
  g_source_set_dummy_callback (interrupt);
  g_source_add_child_source (timer, interrupt);
  g_source_set_callback (timer, on_wait_over, transfer, NULL);
  g_source_attach (timer, NULL);
  return TRUE;
}

/* `reason`: (transfer full) */
static void
fail_or_retry (CtlTransfer *transfer, GError *reason)
{
  const char *method = certpin_request_get_method (transfer->request);
  gint64 wait_s = ctl_retry_after_error (method, reason, transfer->attempt);
  g_autoptr (GError) owned = reason;

  if (!retry (transfer, wait_s, reason->message))
    fail (transfer, g_steal_pointer (&owned));
}

/* The body */

static void read_more (CtlTransfer *transfer);

static gboolean
write_piece (CtlTransfer *transfer, const char *bytes, gsize length, GError **error)
{
  const CtlSink *sink = &transfer->sink;

  if (sink->memory == NULL && (sink->file == NULL || ctl_file_is_direct (sink->file)))
    transfer->printed = TRUE;
  return ctl_sink_write (&transfer->sink, bytes, length, error);
}

static void
complete (CtlTransfer *transfer)
{
  GError *reason = NULL;

  if (transfer->file != NULL || transfer->sink.screen != NULL)
    if (!ctl_sink_end (&transfer->sink, &reason))
      {
        fail (transfer, reason);
        return;
      }
  finish (transfer);
}

static void
on_piece (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CtlTransfer *transfer = user_data;
  GError *reason = NULL;
  gssize length = g_input_stream_read_finish (G_INPUT_STREAM (source), result, &reason);

  if (g_error_matches (reason, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_clear_error (&reason);
      reason = g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED,
                                    _ ("the response was interrupted"));
    }
  if (reason != NULL)
    {
      ctl_progress_end (&transfer->progress);
      fail_or_retry (transfer, reason);
    }
  else if (length == 0)
    complete (transfer);
  else if (!write_piece (transfer, transfer->buffer, (gsize)length, &reason))
    fail (transfer, reason);
  else
    read_more (transfer);
}

static void
read_more (CtlTransfer *transfer)
{
  if (transfer->buffer == NULL)
    transfer->buffer = g_malloc (PIECE_BYTES);
  on_progress (transfer->sink.written, transfer->total, transfer);
  g_input_stream_read_async (certpin_response_get_stream (transfer->response), transfer->buffer,
                             PIECE_BYTES, G_PRIORITY_DEFAULT, transfer->ctl->cancellable, on_piece,
                             transfer);
}

/* The head */

static goffset
length_of (CertpinResponse *response)
{
  const char *text = certpin_response_get_header (response, "Content-Length");
  guint64 length;

  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, &length, NULL))
    return -1;
  return (goffset)length;
}

/* Chooses where the body goes. */
static gboolean
open_sink (CtlTransfer *transfer, GError **error)
{
  Ctl *ctl = transfer->ctl;
  gboolean shows = may_show (transfer) && (transfer->file != NULL || !ctl->out.terminal);

  transfer->sink = (CtlSink){ .file = transfer->file, .stream = &ctl->out };
  if (ctl->json && transfer->file == NULL)
    transfer->sink.memory = g_byte_array_new ();
  else if (transfer->file == NULL && ctl->out.terminal && !transfer->raw)
    {
      transfer->sink.screen = g_new0 (CtlScreen, 1);
      ctl_screen_init (transfer->sink.screen, &ctl->out);
    }
  ctl_progress_init (&transfer->progress, shows ? &ctl->err : NULL);
  return transfer->file == NULL || ctl_file_begin (transfer->file, error);
}

/* The head of the response is not a part of its size, and says nothing of what the body is. */
static gboolean
write_head (CtlTransfer *transfer, GError **error)
{
  const CtlRequestOptions *chosen = transfer->chosen;
  g_autofree char *head = NULL;
  gboolean written;

  if (transfer->ctl->json || !(chosen->include || chosen->head))
    return TRUE;
  head = ctl_answer_head (transfer->response);
  written = write_piece (transfer, head, strlen (head), error);
  transfer->sink.written = 0;
  if (transfer->sink.screen != NULL)
    transfer->sink.screen->begun = FALSE;
  return written;
}

/* Whether the response counts as a failure, so that its body is not wanted. */
static gboolean
is_unwanted (const CtlTransfer *transfer)
{
  unsigned int status = certpin_response_get_status (transfer->response);

  return (transfer->chosen->fail && status >= 400)
         || ctl_answer_exceeds_redirects (transfer->response, transfer->chosen);
}

/* What -v shows. */
static void
trace (CtlTransfer *transfer)
{
  if (!transfer->ctl->verbose)
    return;
  if (transfer->board != NULL)
    ctl_board_hide (transfer->board);
  ctl_trace_exchange (&transfer->ctl->err, transfer->request, transfer->uploaded,
                      transfer->response);
}

/* Returns: whether the server asks for another attempt, which there will be */
static gboolean
retry_after_status (CtlTransfer *transfer)
{
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  gint64 wait_s = ctl_retry_after_status (certpin_request_get_method (transfer->request),
                                          transfer->response, transfer->attempt, now_s);
  g_autofree char *why = g_strdup_printf (_ ("the server answered with HTTP status %u"),
                                          certpin_response_get_status (transfer->response));

  return retry (transfer, wait_s, why);
}

static void
take_head (CtlTransfer *transfer)
{
  gboolean unwanted = is_unwanted (transfer);
  gboolean bodiless = unwanted && !transfer->ctl->json;
  GError *reason = NULL;

  trace (transfer);
  if (unwanted)
    g_clear_pointer (&transfer->file, ctl_file_free);
  if (bodiless && transfer->output != NULL)
    {
      finish (transfer);
      return;
    }
  transfer->total = length_of (transfer->response);
  if (!open_sink (transfer, &reason) || !write_head (transfer, &reason))
    fail (transfer, reason);
  else if (bodiless)
    complete (transfer);
  else
    read_more (transfer);
}

/* `response`: (transfer full) (nullable): NULL with `reason` set. `reason`: (transfer full) */
static void
take_answer (CtlTransfer *transfer, CertpinResponse *response, GError *reason)
{
  ctl_progress_end (&transfer->progress);
  transfer->response = ctl_reply_take_response (response, &reason);
  if (transfer->response == NULL)
    fail_or_retry (transfer, reason);
  else if (retry_after_status (transfer))
    return;
  else if (transfer->chosen->continue_at != NULL) /* it is in the file */
    {
      trace (transfer);
      finish (transfer);
    }
  else
    take_head (transfer);
}

/* A response whose body is not whole. `failed`: (transfer none). `reason`: (transfer full) */
static void
take_cut (CtlTransfer *transfer, CertpinResponse *failed, GError *reason)
{
  transfer->response = ctl_reply_take_response (certpin_response_ref (failed), NULL);
  ctl_progress_end (&transfer->progress);
  if (transfer->response != NULL)
    trace (transfer);
  fail_or_retry (transfer, reason);
}

/* Sending */

static void
on_sent (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *reason = NULL;
  CertpinResponse *response = certpin_client_send_finish (CERTPIN_CLIENT (source), result, &reason);

  take_answer (user_data, response, reason);
}

static void
on_uploaded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *reason = NULL;
  CertpinResponse *response
      = certpin_client_upload_finish (CERTPIN_CLIENT (source), result, &reason);

  take_answer (user_data, response, reason);
}

static void
on_downloaded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CertpinClient *client = CERTPIN_CLIENT (source);
  GError *reason = NULL;
  CertpinResponse *response = certpin_client_download_finish (client, result, &reason);
  CertpinResponse *failed = certpin_client_download_get_failed_response (client, result);

  if (failed != NULL)
    take_cut (user_data, failed, reason);
  else
    take_answer (user_data, response, reason);
}

static void
upload (CtlTransfer *transfer)
{
  g_autoptr (GInputStream) body = NULL;
  GError *reason = NULL;
  goffset length;

  body = ctl_body_open (transfer->upload, &length, &reason);
  if (body == NULL)
    {
      fail (transfer, reason);
      return;
    }
  certpin_client_upload_async (transfer->ctl->client, transfer->request, body, length,
                               transfer->to_service, transfer->ctl->cancellable, on_sent_bytes,
                               transfer, /* progress_destroy= */ NULL, on_uploaded, transfer);
}

/* The library writes the file; what is cut stays beside it. */
static void
download (CtlTransfer *transfer)
{
  g_autoptr (GFile) file = g_file_new_for_path (transfer->output);

  certpin_client_download_async (transfer->ctl->client, transfer->request, file,
                                 transfer->to_service, transfer->ctl->cancellable, on_file_bytes,
                                 transfer, /* progress_destroy= */ NULL, on_downloaded, transfer);
}

/* An error of the output file shows before anything is sent. */
static gboolean
find_output (CtlTransfer *transfer, GError **error)
{
  g_clear_pointer (&transfer->file, ctl_file_free);
  if (transfer->output == NULL)
    return TRUE;
  transfer->file = ctl_file_new (transfer->output, error);
  if (transfer->file == NULL)
    return FALSE;
  if (transfer->chosen->continue_at != NULL) /* the library writes it */
    g_clear_pointer (&transfer->file, ctl_file_free);
  return TRUE;
}

static void
send_request (CtlTransfer *transfer)
{
  GBytes *body = certpin_request_get_body (transfer->request);
  GError *reason = NULL;

  transfer->attempt++;
  transfer->started_s = g_get_real_time () / G_USEC_PER_SEC;
  transfer->attempted_us = g_get_monotonic_time ();
  transfer->begun_at = -1;
  transfer->got = 0;
  transfer->uploaded = body != NULL ? (goffset)g_bytes_get_size (body) : 0;
  ctl_sink_clear (&transfer->sink);
  g_clear_pointer (&transfer->response, certpin_response_unref);
  ctl_progress_init (&transfer->progress, may_show (transfer) ? &transfer->ctl->err : NULL);
  if (!find_output (transfer, &reason))
    fail (transfer, reason);
  else if (transfer->chosen->continue_at != NULL)
    download (transfer);
  else if (transfer->upload != NULL)
    upload (transfer);
  else
    certpin_client_send_async (transfer->ctl->client, transfer->request, transfer->to_service,
                               transfer->ctl->cancellable, on_sent, transfer);
}

/* Begins; it has finished when `finished` is set, which happens in the main context. */
void
ctl_transfer_start (CtlTransfer *transfer)
{
  transfer->begun_us = g_get_monotonic_time ();
  send_request (transfer);
}
