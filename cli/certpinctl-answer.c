/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Printing a response: its body goes unchanged to standard output or a file, details of its
 * connection to standard error. */

#include "config.h"

#include "certpinctl-answer.h"

#include "certpinctl-caution.h"
#include "certpinctl-failure.h"
#include "certpinctl-progress.h"
#include "certpinctl-reply.h"
#include "certpinctl-text.h"
#include "certpinctl-wait.h"

#include <string.h>

#define PIECE_BYTES (64 * 1024)

/* Of a body that is kept in memory. */
#define BODY_MAX_BYTES (64 * 1024 * 1024)

static const char *
name_of_position (guint32 position, gsize length)
{
  if (position == 0)
    return "the server's own certificate";
  return position + 1 == length ? "the trust anchor" : "an intermediate authority";
}

static void
print_timings (CtlStream *err, GVariant *info)
{
  static const char *const steps[]
      = { "queue", "resolve", "connect", "tls", "first-byte", "total" };
  g_autoptr (GVariant) timings = g_variant_lookup_value (info, "timings", G_VARIANT_TYPE ("a{st}"));
  g_autoptr (GString) line = g_string_new (NULL);
  guint64 us;

  for (size_t i = 0; timings != NULL && i < G_N_ELEMENTS (steps); i++)
    if (g_variant_lookup (timings, steps[i], "t", &us) && us > 0)
      g_string_append_printf (line, "%s%s %.1f ms", line->len > 0 ? ", " : "", steps[i],
                              (double)us / 1000);
  if (line->len > 0)
    ctl_print_line (err, "%s", line->str);
}

/* Prints details of the connection for people. */
static void
print_evidence (Ctl *ctl, CertpinResponse *response)
{
  GVariant *info = ctl_reply_get_info (response);
  CtlStream *err = &ctl->err;
  g_autofree const char **path = NULL;
  const char *url = "", *tls = "", *key = NULL, *ocsp = NULL, *proxy = NULL;
  gboolean reused = FALSE;
  guint32 position = 0;

  g_variant_lookup (info, "url", "&s", &url);
  g_variant_lookup (info, "tls-version", "&s", &tls);
  g_variant_lookup (info, "matched-key", "&s", &key);
  g_variant_lookup (info, "matched-position", "u", &position);
  g_variant_lookup (info, "connection-reused", "b", &reused);
  g_variant_lookup (info, "path-keys", "^a&s", &path);
  g_variant_lookup (info, "ocsp", "&s", &ocsp);
  g_variant_lookup (info, "proxy", "&s", &proxy);

  ctl_print_line (err, "HTTP status %u from %s, TLS %s, %s connection",
                  certpin_response_get_status (response), url, tls, reused ? "kept-alive" : "new");
  if (key != NULL)
    ctl_print_line (err, "matched %s, at position %u of the certification path (%s)", key, position,
                    name_of_position (position, path != NULL ? g_strv_length ((char **)path) : 0));
  if (ocsp != NULL && !g_str_equal (ocsp, "none"))
    ctl_print_line (err, "the server stapled an OCSP response: %s", ocsp);
  if (proxy != NULL)
    ctl_print_line (err, "through proxy %s", proxy);
  print_timings (err, info);
}

G_GNUC_PRINTF (2, 3)
static void
append_line (GString *text, const char *format, ...)
{
  g_autofree char *line = NULL, *clean = NULL;
  va_list arguments;

  va_start (arguments, format);
  line = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  clean = ctl_text_clean (line);
  g_string_append (text, clean);
  g_string_append_c (text, '\n');
}

/* Returns: (transfer full): status and headers, cleaned, and an empty line */
static char *
head_of_response (CertpinResponse *response)
{
  g_autoptr (GString) head = g_string_new (NULL);
  const char *version = "1.1", *name, *value;
  GVariantIter iter;

  g_variant_lookup (ctl_reply_get_info (response), "http-version", "&s", &version);
  append_line (head, "HTTP/%s %u", version, certpin_response_get_status (response));
  g_variant_iter_init (&iter, certpin_response_get_headers (response));
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    append_line (head, "%s: %s", name, value);
  g_string_append_c (head, '\n');
  return g_string_free (g_steal_pointer (&head), /* free_segment= */ FALSE);
}

/* Where the pieces of a response go. */
typedef struct
{
  Ctl *ctl;
  CtlFile *file;    /* (nullable) */
  GByteArray *body; /* (nullable): collects them instead */
} Sink;

static gboolean
sink_write (Sink *sink, const char *bytes, gsize length, GError **error)
{
  if (sink->file != NULL)
    return ctl_file_append (sink->file, bytes, length, error);
  if (sink->body == NULL)
    {
      ctl_stream_write (&sink->ctl->out, bytes, length);
      return ctl_stream_flush (&sink->ctl->out, error);
    }
  if (sink->body->len + length > BODY_MAX_BYTES)
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_BODY_TOO_LARGE,
                   "the response body has more than %d bytes; write it to a file with -o",
                   BODY_MAX_BYTES);
      return FALSE;
    }
  g_byte_array_append (sink->body, (const guint8 *)bytes, (guint)length);
  return TRUE;
}

/* Returns: how many bytes were read; 0 at the end; -1: `error` is set */
static gssize
read_piece (Ctl *ctl, GInputStream *stream, char *buffer, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) reason = NULL;
  gssize length;

  g_input_stream_read_async (stream, buffer, PIECE_BYTES, G_PRIORITY_DEFAULT, ctl->cancellable,
                             ctl_on_result, ctl);
  result = ctl_wait (ctl);
  length = g_input_stream_read_finish (stream, result, &reason);
  if (g_error_matches (reason, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "the response was interrupted");
  else if (reason != NULL)
    g_propagate_error (error, g_steal_pointer (&reason));
  return length;
}

static goffset
length_of (CertpinResponse *response)
{
  const char *text = certpin_response_get_header (response, "Content-Length");
  guint64 length;

  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, &length, NULL))
    return -1;
  return (goffset)length;
}

/* Passes the body on, as it comes. */
static gboolean
copy_body (Sink *sink, CertpinResponse *response, CtlProgress *progress, GError **error)
{
  g_autofree char *buffer = g_malloc (PIECE_BYTES);
  goffset done = 0, total = length_of (response);
  gssize length;

  do
    {
      ctl_progress_show (done, total, progress);
      length = read_piece (sink->ctl, certpin_response_get_stream (response), buffer, error);
      if (length > 0 && !sink_write (sink, buffer, (gsize)length, error))
        return FALSE;
      done += MAX (length, 0);
    }
  while (length > 0);
  return length == 0;
}

static gboolean
write_answer (Ctl *ctl, CertpinResponse *response, const CtlAnswer *answer, GError **error)
{
  g_autofree char *head
      = answer->include && !ctl->json ? head_of_response (response) : g_strdup ("");
  gboolean shows = !answer->silent && !ctl->json && (answer->file != NULL || !ctl->out.terminal);
  Sink sink = { ctl, answer->file, /* body= */ NULL };
  CtlProgress progress;
  gboolean copied;

  if (answer->file != NULL && !ctl_file_begin (answer->file, error))
    return FALSE;
  ctl_progress_init (&progress, shows ? &ctl->err : NULL);
  copied = sink_write (&sink, head, strlen (head), error)
           && copy_body (&sink, response, &progress, error);
  ctl_progress_end (&progress);
  return copied && (answer->file == NULL || ctl_file_commit (answer->file, error));
}

/* Returns: (transfer full) (nullable): the whole body */
static GBytes *
gather_body (Ctl *ctl, CertpinResponse *response, GError **error)
{
  g_autoptr (GByteArray) body = g_byte_array_new ();
  Sink sink = { ctl, /* file= */ NULL, body };
  CtlProgress none;

  ctl_progress_init (&none, /* stream= */ NULL);
  if (!copy_body (&sink, response, &none, error))
    return NULL;
  return g_byte_array_free_to_bytes (g_steal_pointer (&body));
}

/* `body`: (nullable) */
static void
print_document (Ctl *ctl, CertpinResponse *response, GBytes *body)
{
  g_auto (GVariantBuilder) members = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  g_variant_builder_add (&members, "{sv}", "status",
                         g_variant_new_uint32 (certpin_response_get_status (response)));
  g_variant_builder_add (&members, "{sv}", "headers", certpin_response_get_headers (response));
  if (body != NULL)
    g_variant_builder_add (&members, "{sv}", "body",
                           g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, body, TRUE));
  g_variant_builder_add (&members, "{sv}", "info", ctl_reply_get_info (response));
  ctl_print_json (&ctl->out,
                  g_variant_new_parsed ("{'response': %v}", g_variant_builder_end (&members)));
}

/* A response that counts as a failure does not replace a file. */
CtlExit
ctl_print_answer (Ctl *ctl, CertpinResponse *response, const CtlAnswer *answer, GError **error)
{
  unsigned int status = certpin_response_get_status (response);
  gboolean failed = answer->fail && status >= 400;
  gboolean to_file = answer->file != NULL && !failed;
  gboolean by_document = ctl->json && !to_file && !answer->written;
  gboolean to_output = answer->file == NULL && !ctl->json && !answer->written;
  g_autofree char *complaint
      = g_strdup_printf ("the server answered with HTTP status %u%s", status,
                         answer->file != NULL ? "; the output file is unchanged" : "");
  g_autoptr (GBytes) body = NULL;

  if (by_document && (body = gather_body (ctl, response, error)) == NULL)
    return CTL_EXIT_FAILED;
  if ((to_file || to_output) && !write_answer (ctl, response, answer, error))
    return CTL_EXIT_FAILED;
  if (ctl->json)
    print_document (ctl, response, body);
  else
    ctl_print_cautions (&ctl->err, ctl_reply_get_info (response));
  if (ctl->verbose || (ctl->err.terminal && !ctl->json))
    print_evidence (ctl, response);
  if (failed && !ctl->json)
    ctl_print_message (&ctl->err, /* kind= */ NULL, complaint);
  return failed ? CTL_EXIT_HTTP_STATUS : CTL_EXIT_OK;
}
