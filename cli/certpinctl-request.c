/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verbs `get` and `request`: the body goes to the standard output as it came, the evidence of
 * its connection to the standard error. */

#include "config.h"

#include "certpinctl.h"

#include <errno.h>
#include <string.h>

/* As the service takes it. */
#define BODY_MAX_BYTES (16 * 1024 * 1024)
#define TIMEOUT_MAX_S  600
#define HTTPS_PORT     443

/* What the options hold. */
typedef struct
{
  char *data;
  char *data_file;
  char **headers; /* 'Name: value' */
  char *output;   /* a file's name */
  gboolean include;
  char *timeout; /* seconds */
  char **keys;
  char *redirects;
  gboolean fail;
} RequestOptions;

static void
request_options_clear (RequestOptions *options)
{
  g_free (options->data);
  g_free (options->data_file);
  g_strfreev (options->headers);
  g_free (options->output);
  g_free (options->timeout);
  g_free (options->redirects);
  g_strfreev (options->keys);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RequestOptions, request_options_clear)

/* Returns: (nullable): `a(ss)`, floating */
static GVariant *
parse_headers (char **headers, GError **error)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ss)"));

  for (size_t i = 0; headers != NULL && headers[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (headers[i], ":", 2);

      if (g_strv_length (parts) != 2)
        {
          g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                       "‘%s’ is no header: write it as 'Name: value'", headers[i]);
          return NULL;
        }
      g_variant_builder_add (&builder, "(ss)", parts[0], g_strstrip (parts[1]));
    }
  return g_variant_builder_end (&builder);
}

static gboolean
read_body (const RequestOptions *options, GBytes **body, GError **error)
{
  if (options->data != NULL && options->data_file != NULL)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "-d and --data-file exclude each other");
      return FALSE;
    }
  if (options->data != NULL)
    *body = g_bytes_new (options->data, strlen (options->data));
  else if (options->data_file != NULL)
    *body = ctl_file_read (options->data_file, BODY_MAX_BYTES, error);
  return options->data_file == NULL || *body != NULL;
}

static CertpinRequest *
make_request (const char *method, const char *url, const RequestOptions *options, GError **error)
{
  g_autoptr (GVariant) headers = parse_headers (options->headers, error);
  g_autoptr (GBytes) body = NULL;

  if (headers == NULL)
    return NULL;
  g_variant_ref_sink (headers);
  if (!read_body (options, &body, error))
    return NULL;
  return certpin_request_new (method, url, headers, body, error);
}

/* Adds the option in milliseconds. */
static gboolean
add_timeout (GVariantDict *dict, const char *text, GError **error)
{
  char *end;
  double timeout_s = g_ascii_strtod (text, &end);

  if (end == text || *end != '\0' || !(timeout_s > 0 && timeout_s <= TIMEOUT_MAX_S))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "‘%s’ is no timeout: give more than 0 and at most %d seconds", text,
                   TIMEOUT_MAX_S);
      return FALSE;
    }
  g_variant_dict_insert (dict, "timeout-ms", "u", (guint32)MAX (1.0, timeout_s * 1000 + 0.5));
  return TRUE;
}

static gboolean
add_redirects (GVariantDict *dict, const char *text, GError **error)
{
  guint64 redirects;

  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT32, &redirects, NULL))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "‘%s’ is no number of redirects", text);
      return FALSE;
    }
  g_variant_dict_insert (dict, "redirects", "u", (guint32)redirects);
  return TRUE;
}

/* Returns: (nullable): `a{sv}`, floating */
static GVariant *
service_options (const RequestOptions *options, GError **error)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  if (options->timeout != NULL && !add_timeout (&dict, options->timeout, error))
    return NULL;
  if (options->redirects != NULL && !add_redirects (&dict, options->redirects, error))
    return NULL;
  if (options->keys != NULL)
    g_variant_dict_insert (&dict, "require-keys", "^as", options->keys);
  return g_variant_dict_end (&dict);
}

/* As pins name it. */
static char *
host_of_request (CertpinRequest *request)
{
  GUri *uri = certpin_request_get_uri (request);
  const char *host = g_uri_get_host (uri);
  gboolean literal = strchr (host, ':') != NULL;

  if (g_uri_get_port (uri) < 0 || g_uri_get_port (uri) == HTTPS_PORT)
    return g_strdup (host);
  return g_strdup_printf (literal ? "[%s]:%d" : "%s:%d", host, g_uri_get_port (uri));
}

/* The evidence behind `reason`, if that is still the host's last refusal. */
static GVariant *
lookup_evidence (Ctl *ctl, CertpinRequest *request, const GError *reason, gint64 started_s)
{
  g_autofree char *host = host_of_request (request);
  g_autoptr (GError) ignored = NULL;
  g_autoptr (GVariant) failure = NULL;
  const char *name = "";
  gint64 time_s = 0;

  if (!g_error_matches (reason, CERTPIN_ERROR, CERTPIN_ERROR_PIN_MISMATCH)
      && !g_error_matches (reason, CERTPIN_ERROR, CERTPIN_ERROR_UNTRUSTED))
    return NULL;
  failure = ctl_lookup_failure (ctl, host, &ignored);
  if (failure == NULL)
    return NULL;
  g_variant_lookup (failure, "error", "&s", &name);
  g_variant_lookup (failure, "time", "x", &time_s);
  if (strcmp (name, ctl_error_name (reason)) != 0 || time_s < started_s)
    return NULL;
  return g_steal_pointer (&failure);
}

static CertpinResponse *
send_request (Ctl *ctl, CertpinRequest *request, GVariant *options, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) reason = NULL;
  gint64 started_s = g_get_real_time () / G_USEC_PER_SEC;
  CertpinResponse *response;

  certpin_client_secure_request_async (ctl->client, request, options, ctl->cancellable,
                                       ctl_on_result, ctl);
  result = ctl_wait (ctl);
  response = certpin_client_secure_request_finish (ctl->client, result, &reason);
  if (response == NULL)
    {
      ctl->failure = lookup_evidence (ctl, request, reason, started_s);
      g_propagate_error (error, g_steal_pointer (&reason));
    }
  return response;
}

static const char *
name_of_position (guint32 position, gsize length)
{
  if (position == 0)
    return "the server's own certificate";
  return position + 1 == length ? "the anchor" : "an issuer on the path";
}

static void
print_timings (const CtlStream *err, GVariant *info)
{
  static const char *const steps[]
      = { "queue", "resolve", "connect", "tls", "first-byte", "total" };
  g_autoptr (GVariant) timings = g_variant_lookup_value (info, "timings", G_VARIANT_TYPE ("a{st}"));
  const char *separator = "";
  guint64 us;

  for (size_t i = 0; timings != NULL && i < G_N_ELEMENTS (steps); i++)
    if (g_variant_lookup (timings, steps[i], "t", &us) && us > 0)
      {
        fprintf (err->file, "%s%s %.1f ms", separator, steps[i], (double)us / 1000);
        separator = ", ";
      }
  if (*separator != '\0')
    fputc ('\n', err->file);
}

/* What the reply says of its connection, for people. */
static void
print_evidence (Ctl *ctl, CertpinResponse *response)
{
  GVariant *info = certpin_response_get_info (response);
  const CtlStream *err = &ctl->err;
  g_autofree const char **path = NULL;
  g_autofree char *clean = NULL;
  const char *url = "", *tls = "", *key = NULL;
  gboolean reused = FALSE;
  guint32 position = 0;

  g_variant_lookup (info, "url", "&s", &url);
  g_variant_lookup (info, "tls-version", "&s", &tls);
  g_variant_lookup (info, "matched-key", "&s", &key);
  g_variant_lookup (info, "matched-position", "u", &position);
  g_variant_lookup (info, "connection-reused", "b", &reused);
  g_variant_lookup (info, "path-keys", "^a&s", &path);

  clean = ctl_text_clean (url);
  fprintf (err->file, "%u from %s, TLS %s, %s connection\n", certpin_response_get_status (response),
           clean, tls, reused ? "warm" : "new");
  if (key != NULL)
    fprintf (err->file, "matched %s at position %u: %s\n", key, position,
             name_of_position (position, path != NULL ? g_strv_length ((char **)path) : 0));
  print_timings (err, info);
}

/* A mismatch that was let through is told in any case. */
static void
print_report (Ctl *ctl, CertpinResponse *response)
{
  g_autoptr (GVariant) report = g_variant_lookup_value (certpin_response_get_info (response),
                                                        "report", G_VARIANT_TYPE_VARDICT);
  const char *message = "a report-only pin did not match";

  if (report == NULL)
    return;
  g_variant_lookup (report, "message", "&s", &message);
  ctl_print_message (&ctl->err, "warning", message);
  ctl_print_failure (&ctl->err, report);
}

static void
write_headers (FILE *file, CertpinResponse *response)
{
  const char *version = "1.1", *name, *value;
  GVariantIter iter;

  g_variant_lookup (certpin_response_get_info (response), "http-version", "&s", &version);
  fprintf (file, "HTTP/%s %u\n", version, certpin_response_get_status (response));
  g_variant_iter_init (&iter, certpin_response_get_headers (response));
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    {
      g_autofree char *clean = ctl_text_clean (value);

      fprintf (file, "%s: %s\n", name, clean);
    }
  fputc ('\n', file);
}

static gboolean
write_body (const CtlStream *stream, const char *name, CertpinResponse *response, gboolean include,
            GError **error)
{
  gsize length;
  const void *bytes = g_bytes_get_data (certpin_response_get_body (response), &length);

  if (include)
    write_headers (stream->file, response);
  if (length == 0 || fwrite (bytes, 1, length, stream->file) == length)
    return ctl_stream_flush (stream, name, error);
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "cannot write to %s: %s", name,
               g_strerror (errno));
  return FALSE;
}

/* The file is opened only now, so that a refused request leaves what was in it. */
static gboolean
write_file (const char *name, CertpinResponse *response, gboolean include, GError **error)
{
  CtlStream stream = { .file = fopen (name, "wbe") };
  g_autofree char *shown = g_filename_display_name (name);
  gboolean written;

  if (stream.file == NULL)
    {
      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "cannot write to %s: %s",
                   shown, g_strerror (errno));
      return FALSE;
    }
  written = write_body (&stream, shown, response, include, error);
  if (fclose (stream.file) == 0 || !written)
    return written;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "cannot write to %s: %s",
               shown, g_strerror (errno));
  return FALSE;
}

static void
print_document (Ctl *ctl, CertpinResponse *response, gboolean with_body)
{
  g_auto (GVariantBuilder) members = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  g_variant_builder_add (&members, "{sv}", "status",
                         g_variant_new_uint32 (certpin_response_get_status (response)));
  g_variant_builder_add (&members, "{sv}", "headers", certpin_response_get_headers (response));
  if (with_body)
    g_variant_builder_add (&members, "{sv}", "body",
                           g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING,
                                                     certpin_response_get_body (response), TRUE));
  g_variant_builder_add (&members, "{sv}", "info", certpin_response_get_info (response));
  ctl_print_json (&ctl->out,
                  g_variant_new_parsed ("{'response': %v}", g_variant_builder_end (&members)));
}

static CtlExit
print_response (Ctl *ctl, CertpinResponse *response, const RequestOptions *options, GError **error)
{
  unsigned int status = certpin_response_get_status (response);
  g_autofree char *complaint = g_strdup_printf ("the server answered with HTTP status %u", status);

  if (options->output != NULL
      && !write_file (options->output, response, options->include && !ctl->json, error))
    return CTL_EXIT_FAILED;
  if (ctl->json)
    print_document (ctl, response, /* with_body= */ options->output == NULL);
  else if (options->output == NULL
           && !write_body (&ctl->out, "the standard output", response, options->include, error))
    return CTL_EXIT_FAILED;

  if (!ctl->json)
    print_report (ctl, response);
  if (ctl->verbose || (ctl->err.terminal && !ctl->json))
    print_evidence (ctl, response);
  if (!options->fail || status < 400)
    return CTL_EXIT_OK;
  if (!ctl->json)
    ctl_print_message (&ctl->err, /* kind= */ NULL, complaint);
  return CTL_EXIT_HTTP_STATUS;
}

/* `method`: (nullable): the first argument, where the verb does not say it */
static CtlExit
run_request (Ctl *ctl, const char *method, GError **error)
{
  g_auto (RequestOptions) chosen = { 0 };
  const GOptionEntry options[] = {
    { "data", 'd', 0, G_OPTION_ARG_FILENAME, &chosen.data, "the body of the request", "DATA" },
    { "data-file", 0, 0, G_OPTION_ARG_FILENAME, &chosen.data_file,
      "a file that holds the body; - is the standard input", "FILE" },
    { "header", 'H', 0, G_OPTION_ARG_STRING_ARRAY, &chosen.headers,
      "a header of the request, 'Name: value'; may be repeated", "HEADER" },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &chosen.output, "write the answer there", "FILE" },
    { "include", 'i', 0, G_OPTION_ARG_NONE, &chosen.include, "write its headers, too", NULL },
    { "timeout", 0, 0, G_OPTION_ARG_STRING, &chosen.timeout,
      "how long it may take in all (default: 30)", "SECONDS" },
    { "require-key", 0, 0, G_OPTION_ARG_STRING_ARRAY, &chosen.keys,
      "demand one of these keys besides the pins; may be repeated", "KEY" },
    { "redirects", 0, 0, G_OPTION_ARG_STRING, &chosen.redirects,
      "how many redirects to follow (default: 10)", "N" },
    { "fail", 0, 0, G_OPTION_ARG_NONE, &chosen.fail, "exit with 22 if the status is 400 or more",
      NULL },
    { NULL },
  };
  g_autoptr (CertpinRequest) request = NULL;
  g_autoptr (CertpinResponse) response = NULL;
  GVariant *to_service;

  /* The first two options are not for GET. */
  if (!ctl_parse (ctl, options + (method != NULL ? 2 : 0), error))
    return CTL_EXIT_OK;
  request = make_request (method != NULL ? method : ctl->arguments[0],
                          ctl->arguments[method != NULL ? 0 : 1], &chosen, error);
  to_service = request != NULL ? service_options (&chosen, error) : NULL;
  if (to_service == NULL)
    return CTL_EXIT_FAILED;
  response = send_request (ctl, request, to_service, error);
  if (response == NULL)
    return CTL_EXIT_FAILED;
  return print_response (ctl, response, &chosen, error);
}

CtlExit
ctl_get (Ctl *ctl, GError **error)
{
  return run_request (ctl, "GET", error);
}

CtlExit
ctl_request (Ctl *ctl, GError **error)
{
  return run_request (ctl, /* method= */ NULL, error);
}
