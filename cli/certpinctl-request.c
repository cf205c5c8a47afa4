/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verbs that make requests: one for each URL, one after the other or several at a time. */

#include "config.h"

#include "certpinctl-request.h"

#include "certpinctl-answer.h"
#include "certpinctl-error.h"
#include "certpinctl-exit.h"
#include "certpinctl-failure.h"
#include "certpinctl-host.h"
#include "certpinctl-name.h"
#include "certpinctl-signals.h"
#include "certpinctl-transfer.h"
#include "certpinctl-wait.h"
#include "certpinctl-write-out.h"

#include <glib/gi18n.h>

#include <string.h>

/* A user may have 32 streams, and others of the user's programs want some, too. */
#define PARALLEL_MAX 16

/* All requests of one command. */
typedef struct
{
  Ctl *ctl;
  const CtlRequestOptions *chosen;
  char *format;         /* (nullable): of -w */
  GVariant *to_service; /* options */
  gboolean several;     /* messages say which one they are about */
  GPtrArray *transfers; /* in the order of the command line */
  GPtrArray *running;   /* borrowed from `transfers` */
  unsigned int next;    /* which one begins next */
  CtlBoard board;
  CtlExit status; /* that of the first one that failed */
} Batch;

static void
batch_clear (Batch *batch)
{
  g_clear_pointer (&batch->transfers, g_ptr_array_unref);
  g_clear_pointer (&batch->running, g_ptr_array_unref);
  ctl_board_clear (&batch->board);
  g_clear_pointer (&batch->to_service, g_variant_unref);
  g_free (batch->format);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Batch, batch_clear)

/* Making them */

/* Returns: (transfer full) (nullable): the last part of the URL */
static char *
name_of_url (CertpinRequest *request, GError **error)
{
  const char *name = strrchr (g_uri_get_path (certpin_request_get_uri (request)), '/') + 1;

  if (*name != '\0' && strcmp (name, ".") != 0 && strcmp (name, "..") != 0)
    return g_strdup (name);
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("the URL does not end with a file name, which -O needs; give one with -o"));
  return NULL;
}

/* As curl, a file that is sent to a URL without a last part gives it its name.
 * `upload`: (nullable).
 * Returns: (transfer full) */
static char *
complete_url (const char *url, const char *upload)
{
  gsize length = strcspn (url, "?#");
  g_autofree char *base = g_strndup (url, length), *name = NULL, *escaped = NULL;
  const char *begin = strstr (base, "://");
  const char *last = begin != NULL ? strrchr (begin + strlen ("://"), '/') : NULL;

  if (upload == NULL || strcmp (upload, "-") == 0 || begin == NULL
      || (last != NULL && last[1] != '\0'))
    return g_strdup (url);
  name = g_path_get_basename (upload);
  escaped = g_uri_escape_bytes ((const guint8 *)name, strlen (name), /* allowed= */ NULL);
  return g_strconcat (base, last == NULL ? "/" : "", escaped, url + length, NULL);
}

static gboolean
add_transfer (Batch *batch, CertpinRequest *request, GError **error)
{
  const CtlRequestOptions *chosen = batch->chosen;
  unsigned int number = batch->transfers->len;
  unsigned int outputs = chosen->outputs != NULL ? g_strv_length (chosen->outputs) : 0;
  g_autofree char *output = number < outputs ? g_strdup (chosen->outputs[number]) : NULL;
  CtlTransfer *transfer;

  if (chosen->remote_name && (output = name_of_url (request, error)) == NULL)
    return FALSE;
  transfer = ctl_transfer_new (batch->ctl, chosen, request, output);
  transfer->number = number;
  transfer->upload = ctl_body_get_upload (&chosen->body, number);
  transfer->url = batch->several ? g_uri_to_string (certpin_request_get_uri (request)) : NULL;
  transfer->to_service = g_variant_ref (batch->to_service);
  g_ptr_array_add (batch->transfers, transfer);
  return TRUE;
}

/* Makes all of them before the first one is sent: what is wrong with one of them shows then. */
static gboolean
add_transfers (Batch *batch, const char *method, char **urls, GError **error)
{
  g_autoptr (GVariant) headers = ctl_request_options_headers (batch->chosen, error);
  g_autoptr (GBytes) body = NULL;

  if (headers == NULL)
    return FALSE;
  g_variant_ref_sink (headers);
  batch->several = urls[0] != NULL && urls[1] != NULL;
  batch->to_service = ctl_request_options_for_service (batch->chosen, error);
  if (batch->to_service == NULL)
    return FALSE;
  g_variant_ref_sink (batch->to_service);
  if (!ctl_body_read (&batch->chosen->body, &body, error))
    return FALSE;
  for (size_t i = 0; urls[i] != NULL; i++)
    {
      const char *upload = ctl_body_get_upload (&batch->chosen->body, (unsigned int)i);
      g_autofree char *url = complete_url (urls[i], upload);
      g_autoptr (CertpinRequest) request = certpin_request_new (method, url, headers, body, error);

      if (request == NULL || !add_transfer (batch, request, error))
        return FALSE;
    }
  return TRUE;
}

/* What came of one */

static void
write_out (Batch *batch, const CtlTransfer *transfer, CtlExit status, const char *message)
{
  g_autofree char *url = g_uri_to_string (certpin_request_get_uri (transfer->request));

  if (batch->format == NULL)
    return;
  ctl_write_out (batch->ctl, batch->format,
                 &(CtlWriteOutFacts){ .method = certpin_request_get_method (transfer->request),
                                      .url = url,
                                      .file = transfer->output,
                                      .error = message,
                                      .response = transfer->response,
                                      .status = status,
                                      .downloaded = ctl_transfer_get_done (transfer),
                                      .uploaded = transfer->uploaded,
                                      .retries = transfer->attempt > 0 ? transfer->attempt - 1 : 0,
                                      .total_s = (double)(transfer->ended_us - transfer->begun_us)
                                                 / G_USEC_PER_SEC });
}

static gboolean
is_nameless (Ctl *ctl, const CtlTransfer *transfer)
{
  const char *name = g_uri_get_host (certpin_request_get_uri (transfer->request));

  return g_error_matches (transfer->error, CERTPIN_ERROR, CERTPIN_ERROR_UNREACHABLE)
         && !g_hostname_is_ip_address (name) && !ctl_name_look_up (ctl, name, /* error= */ NULL);
}

/* Of a file that was cut, and of which the library kept what came. */
static void
tell_continuing (const CtlTransfer *transfer)
{
  g_autofree char *part = g_strconcat (transfer->output, ".certpin-part", NULL), *text = NULL;
  gboolean cut = g_error_matches (transfer->error, CERTPIN_ERROR, CERTPIN_ERROR_TRUNCATED)
                 || g_error_matches (transfer->error, CERTPIN_ERROR, CERTPIN_ERROR_TIMED_OUT);

  if (transfer->chosen->continue_at == NULL || !cut || !g_file_test (part, G_FILE_TEST_EXISTS))
    return;
  text = g_strdup_printf (_ ("%s; what came is kept: the same command continues it"),
                          transfer->error->message);
  g_free (transfer->error->message);
  transfer->error->message = g_steal_pointer (&text);
}

/* `alone`: the program tells of the error itself. Returns: the exit status */
static CtlExit
report_error (Batch *batch, CtlTransfer *transfer, gboolean alone)
{
  const CtlRequestOptions *chosen = batch->chosen;
  Ctl *ctl = batch->ctl;
  gboolean quiet = chosen->silent && !chosen->show_error && !ctl->json;
  g_autofree char *host = ctl_host_of_uri (certpin_request_get_uri (transfer->request));
  CtlExit status;

  g_free (ctl->host);
  ctl->host = g_strdup (host);
  ctl->nameless = is_nameless (ctl, transfer);
  status = ctl_error_exit (transfer->error, ctl->nameless);
  tell_continuing (transfer);
  if (!quiet)
    ctl_keep_evidence (ctl, host, transfer->error, transfer->started_s);
  if (!quiet && !alone)
    {
      ctl->url = transfer->url;
      ctl_error_print (ctl, transfer->error);
      ctl_forget_evidence (ctl);
    }
  return status;
}

/* A lone error goes to `error`. */
static void
report (Batch *batch, CtlTransfer *transfer, GError **error)
{
  const CtlRequestOptions *chosen = batch->chosen;
  Ctl *ctl = batch->ctl;
  gboolean quiet = chosen->silent && !chosen->show_error && !ctl->json;
  gboolean alone = batch->transfers->len == 1 && !quiet && batch->format == NULL;
  g_autofree char *message = NULL;
  CtlExit status;

  ctl_board_hide (&batch->board);
  if (transfer->error != NULL)
    {
      status = report_error (batch, transfer, alone);
      message = g_strdup (transfer->error->message);
      if (alone)
        g_propagate_error (error, g_steal_pointer (&transfer->error));
    }
  else
    status
        = ctl_answer_print (ctl, transfer->response,
                            &(CtlAnswer){ .chosen = chosen,
                                          .body = transfer->sink.memory,
                                          .to_file = transfer->output != NULL,
                                          .url = transfer->url,
                                          .body_bytes = ctl_transfer_get_done (transfer),
                                          .total_us = transfer->ended_us - transfer->attempted_us },
                            &message);
  write_out (batch, transfer, status, message);
  if (batch->status == CTL_EXIT_OK)
    batch->status = status;
}

/* All of them */

static void
start_next (Batch *batch)
{
  CtlTransfer *transfer = batch->transfers->pdata[batch->next++];

  if (batch->chosen->parallel && batch->transfers->len > 1)
    transfer->board = &batch->board;
  g_ptr_array_add (batch->running, transfer);
  ctl_transfer_start (transfer);
}

/* Returns: (nullable): one that has finished */
static CtlTransfer *
find_finished (Batch *batch)
{
  for (unsigned int i = 0; i < batch->running->len; i++)
    {
      CtlTransfer *transfer = batch->running->pdata[i];

      if (transfer->finished)
        return transfer;
    }
  return NULL;
}

static gboolean
has_finished (gpointer data)
{
  return find_finished (data) != NULL;
}

static gboolean
may_start (const Batch *batch)
{
  unsigned int most = batch->chosen->parallel ? PARALLEL_MAX : 1;

  return batch->next < batch->transfers->len && batch->running->len < most
         && !g_cancellable_is_cancelled (batch->ctl->cancellable);
}

static void
run_all (Batch *batch, GError **error)
{
  while (may_start (batch) || batch->running->len > 0)
    {
      CtlTransfer *transfer;

      while (may_start (batch))
        start_next (batch);
      ctl_wait_until (batch->ctl, has_finished, batch);
      transfer = find_finished (batch);
      report (batch, transfer, error);
      g_ptr_array_remove (batch->running, transfer);
    }
}

/* While a file is written, signals are held, so that nothing stays beside it. */
static void
run_batch (Batch *batch, GError **error)
{
  gboolean files = batch->chosen->outputs != NULL || batch->chosen->remote_name;
  CtlStream *err = batch->chosen->silent || batch->ctl->json ? NULL : &batch->ctl->err;

  batch->running = g_ptr_array_new ();
  ctl_board_init (&batch->board, err, batch->transfers->len);
  if (files)
    ctl_signals_hold ();
  run_all (batch, error);
  if (g_cancellable_is_cancelled (batch->ctl->cancellable))
    batch->status = CTL_EXIT_INTERRUPTED;
  if (files)
    ctl_signals_release ();
}

/* Returns: (nullable): the URLs among the arguments */
static char **
find_urls (Ctl *ctl, const CtlRequestOptions *chosen, gboolean method_first, GError **error)
{
  unsigned int count = ctl->arguments != NULL ? g_strv_length (ctl->arguments) : 0;
  unsigned int before = method_first && chosen->method == NULL ? 1 : 0;

  if (count > before)
    return ctl->arguments + before;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               before > 0 ? _ ("‘%s’ needs a METHOD and a URL") : _ ("‘%s’ needs a URL"),
               ctl->verb->name);
  return NULL;
}

/* `method`: (nullable): NULL if it is the first argument, or given with -X */
static CtlExit
run_request (Ctl *ctl, const char *method, CtlRequestKind kind, GError **error)
{
  g_auto (CtlRequestOptions) chosen = { 0 };
  g_auto (Batch) batch = { .ctl = ctl, .chosen = &chosen };
  char **urls;

  if (!ctl_request_options_parse (ctl, kind, &chosen, error))
    return CTL_EXIT_OK;
  chosen.head = chosen.head || g_strcmp0 (method, "HEAD") == 0;
  urls = find_urls (ctl, &chosen, method == NULL, error);
  if (urls == NULL || !ctl_request_options_check (ctl, &chosen, g_strv_length (urls), error))
    return CTL_EXIT_USAGE;
  if (method == NULL)
    method = chosen.method != NULL ? chosen.method : ctl->arguments[0];
  if (chosen.write_out != NULL
      && (batch.format = ctl_write_out_read (chosen.write_out, error)) == NULL)
    return CTL_EXIT_FAILED;
  batch.transfers = g_ptr_array_new_with_free_func ((GDestroyNotify)ctl_transfer_free);
  if (!add_transfers (&batch, chosen.head ? "HEAD" : method, urls, error))
    return CTL_EXIT_FAILED;
  run_batch (&batch, error);
  return batch.status;
}

CtlExit
ctl_get (Ctl *ctl, GError **error)
{
  return run_request (ctl, "GET", CTL_REQUEST_WITHOUT_BODY, error);
}

CtlExit
ctl_head (Ctl *ctl, GError **error)
{
  return run_request (ctl, "HEAD", CTL_REQUEST_WITHOUT_BODY, error);
}

CtlExit
ctl_post (Ctl *ctl, GError **error)
{
  return run_request (ctl, "POST", CTL_REQUEST_WITH_BODY, error);
}

CtlExit
ctl_put (Ctl *ctl, GError **error)
{
  return run_request (ctl, "PUT", CTL_REQUEST_WITH_BODY, error);
}

CtlExit
ctl_delete (Ctl *ctl, GError **error)
{
  return run_request (ctl, "DELETE", CTL_REQUEST_WITH_BODY, error);
}

CtlExit
ctl_request (Ctl *ctl, GError **error)
{
  return run_request (ctl, /* method= */ NULL, CTL_REQUEST_ANY, error);
}
