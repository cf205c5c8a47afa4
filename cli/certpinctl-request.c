/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verbs `get` and `request`, from their options to the response. */

#include "config.h"

#include "certpinctl-request.h"

#include "certpinctl-answer.h"
#include "certpinctl-body.h"
#include "certpinctl-failure.h"
#include "certpinctl-file.h"
#include "certpinctl-options.h"
#include "certpinctl-progress.h"
#include "certpinctl-reply.h"
#include "certpinctl-signals.h"
#include "certpinctl-wait.h"

#include <string.h>

#define TIMEOUT_MAX_S 600
#define HTTPS_PORT    443

/* The options of `get` and `request`. */
typedef struct
{
  CtlBody body;
  char **headers; /* 'Name: value' */
  char *output;   /* a file's name */
  gboolean remote_name;
  char *continue_at;
  gboolean include;
  char *timeout; /* seconds */
  char **keys;
  char *redirects;
  char *proxy;
  gboolean fail;
  gboolean silent;
} RequestOptions;

static void
request_options_clear (RequestOptions *options)
{
  ctl_body_clear (&options->body);
  g_strfreev (options->headers);
  g_free (options->output);
  g_free (options->continue_at);
  g_free (options->timeout);
  g_free (options->redirects);
  g_free (options->proxy);
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
                       "‘%s’ is not a header; write it as ‘Name: value’", headers[i]);
          return NULL;
        }
      g_variant_builder_add (&builder, "(ss)", parts[0], g_strstrip (parts[1]));
    }
  return g_variant_builder_end (&builder);
}

static CertpinRequest *
make_request (const char *method, const char *url, const RequestOptions *options, GError **error)
{
  g_autoptr (GVariant) headers = parse_headers (options->headers, error);
  g_autoptr (GBytes) body = NULL;

  if (headers == NULL)
    return NULL;
  g_variant_ref_sink (headers);
  if (!ctl_body_read (&options->body, &body, error))
    return NULL;
  return certpin_request_new (method, url, headers, body, error);
}

/* Adds the option in milliseconds. Errors: G_OPTION_ERROR. */
gboolean
ctl_request_add_timeout (GVariantDict *dict, const char *text, GError **error)
{
  char *end;
  double timeout_s = g_ascii_strtod (text, &end);

  if (end == text || *end != '\0' || !(timeout_s > 0 && timeout_s <= TIMEOUT_MAX_S))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "‘%s’ is not a timeout; give seconds, more than 0 and at most %d", text,
                   TIMEOUT_MAX_S);
      return FALSE;
    }
  g_variant_dict_insert (dict, "timeout-ms", "u", (guint32)MAX (1.0, timeout_s * 1000 + 0.5));
  return TRUE;
}

/* Adds the options in milliseconds, until the response begins, and until it ends. */
static gboolean
add_timeouts (GVariantDict *dict, const char *text, GError **error)
{
  guint32 timeout_ms;

  if (!ctl_request_add_timeout (dict, text, error))
    return FALSE;
  g_variant_dict_lookup (dict, "timeout-ms", "u", &timeout_ms);
  g_variant_dict_insert (dict, "stream", "s", "auto");
  g_variant_dict_insert (dict, "stream-timeout-ms", "u", timeout_ms);
  return TRUE;
}

static gboolean
add_redirects (GVariantDict *dict, const char *text, GError **error)
{
  guint64 redirects;

  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT32, &redirects, NULL))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "‘%s’ is not a number of redirects; give 0 to 20", text);
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

  if (options->timeout != NULL && !add_timeouts (&dict, options->timeout, error))
    return NULL;
  if (options->redirects != NULL && !add_redirects (&dict, options->redirects, error))
    return NULL;
  if (options->keys != NULL)
    g_variant_dict_insert (&dict, "require-keys", "^as", options->keys);
  if (options->proxy != NULL)
    g_variant_dict_insert (&dict, "proxy", "s", options->proxy);
  return g_variant_dict_end (&dict);
}

/* The host as pins name it. */
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

/* `response`: (transfer full) (nullable): as the library returned it, NULL with `reason` set.
 * `reason`: (transfer full).
 * Returns: (transfer full) (nullable) */
static CertpinResponse *
take_response (Ctl *ctl, CertpinRequest *request, gint64 started_s, CertpinResponse *response,
               GError **error)
{
  g_autoptr (GError) reason = g_steal_pointer (error);
  CertpinResponse *taken = ctl_reply_take_response (response, &reason);

  if (taken == NULL)
    {
      g_autofree char *host = host_of_request (request);

      ctl_keep_evidence (ctl, host, reason, started_s);
      g_propagate_error (error, g_steal_pointer (&reason));
    }
  return taken;
}

static CertpinResponse *
send_request (Ctl *ctl, CertpinRequest *request, GVariant *options, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  gint64 started_s = g_get_real_time () / G_USEC_PER_SEC;
  GError *reason = NULL;
  CertpinResponse *response;

  certpin_client_send_async (ctl->client, request, options, ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  response = certpin_client_send_finish (ctl->client, result, &reason);
  response = take_response (ctl, request, started_s, response, &reason);
  if (response == NULL)
    g_propagate_error (error, reason);
  return response;
}

/* Sends the request with the file of -T. */
static CertpinResponse *
upload (Ctl *ctl, CertpinRequest *request, GVariant *options, const RequestOptions *chosen,
        GError **error)
{
  gint64 started_s = g_get_real_time () / G_USEC_PER_SEC;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GInputStream) body = NULL;
  CertpinResponse *response;
  CtlProgress progress;
  GError *reason = NULL;
  goffset length;

  body = ctl_body_open (&chosen->body, &length, error);
  if (body == NULL)
    return NULL;
  ctl_progress_init (&progress, chosen->silent || ctl->json ? NULL : &ctl->err);
  certpin_client_upload_async (ctl->client, request, body, length, options, ctl->cancellable,
                               ctl_progress_show, &progress, /* progress_destroy= */ NULL,
                               ctl_on_result, ctl);
  result = ctl_wait (ctl);
  ctl_progress_end (&progress);
  response = certpin_client_upload_finish (ctl->client, result, &reason);
  response = take_response (ctl, request, started_s, response, &reason);
  if (response == NULL)
    g_propagate_error (error, reason);
  return response;
}

/* The library writes the file; what is cut stays beside it. A signal ends the download first. */
static CertpinResponse *
download (Ctl *ctl, CertpinRequest *request, GVariant *options, const RequestOptions *chosen,
          GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (chosen->output);
  g_autoptr (GAsyncResult) result = NULL;
  gint64 started_s = g_get_real_time () / G_USEC_PER_SEC;
  CertpinResponse *response;
  CtlProgress progress;
  GError *reason = NULL;

  ctl_progress_init (&progress, chosen->silent || ctl->json ? NULL : &ctl->err);
  ctl_signals_hold ();
  certpin_client_download_async (ctl->client, request, file, options, ctl->cancellable,
                                 ctl_progress_show, &progress, /* progress_destroy= */ NULL,
                                 ctl_on_result, ctl);
  result = ctl_wait (ctl);
  ctl_progress_end (&progress);
  response = certpin_client_download_finish (ctl->client, result, &reason);
  ctl_signals_release ();
  response = take_response (ctl, request, started_s, response, &reason);
  if (response == NULL)
    g_propagate_error (error, reason);
  return response;
}

/* Names the output file after the last part of the URL. */
static gboolean
use_remote_name (RequestOptions *options, CertpinRequest *request, GError **error)
{
  const char *name = strrchr (g_uri_get_path (certpin_request_get_uri (request)), '/') + 1;

  if (options->output != NULL)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "give only one of -o and -O");
  else if (*name == '\0' || strcmp (name, ".") == 0 || strcmp (name, "..") == 0)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 "the URL does not end with a file name, which -O needs; give one with -o");
  else
    options->output = g_strdup (name);
  return *error == NULL;
}

static gboolean
check_output_options (RequestOptions *options, CertpinRequest *request, GError **error)
{
  if (options->remote_name && !use_remote_name (options, request, error))
    return FALSE;
  if (options->continue_at == NULL)
    return TRUE;
  if (strcmp (options->continue_at, "-") != 0)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 "‘%s’ is not an offset: only ‘-C -’ is supported, which finds it itself",
                 options->continue_at);
  else if (options->output == NULL || strcmp (options->output, "-") == 0 || options->include
           || options->body.upload != NULL)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 "-C needs the file of -o or -O, and cannot be combined with -i or -T");
  else
    return TRUE;
  return FALSE;
}

/* Shows an error of the output file before anything is sent. `file`: stays NULL for standard
 * output, and if the library writes the file */
static gboolean
find_output (const RequestOptions *options, CtlFile **file, GError **error)
{
  gboolean standard = options->output == NULL || strcmp (options->output, "-") == 0
                      || options->continue_at != NULL;

  if (!standard)
    *file = ctl_file_new (options->output, error);
  return standard || *file != NULL;
}

/* What was continued is in the file, or the server did not send it. */
static CtlExit
print_download (Ctl *ctl, CertpinResponse *response, const RequestOptions *chosen, GError **error)
{
  unsigned int status = certpin_response_get_status (response);
  CtlExit printed = ctl_print_answer (ctl, response, &(CtlAnswer){ .written = TRUE }, error);

  if (printed != CTL_EXIT_OK || status < 300)
    return printed;
  if (!ctl->json)
    {
      g_autofree char *complaint = g_strdup_printf (
          "the server answered with HTTP status %u; the output file is unchanged", status);

      ctl_print_message (&ctl->err, /* kind= */ NULL, complaint);
    }
  return CTL_EXIT_HTTP_STATUS;
}

static CtlExit
perform (Ctl *ctl, CertpinRequest *request, const RequestOptions *chosen, GError **error)
{
  g_autoptr (CertpinResponse) response = NULL;
  g_autoptr (CtlFile) file = NULL;
  g_autoptr (GVariant) to_service = service_options (chosen, error);

  if (to_service == NULL)
    return CTL_EXIT_FAILED;
  g_variant_ref_sink (to_service);
  if (!find_output (chosen, &file, error))
    return CTL_EXIT_FAILED;
  if (chosen->continue_at != NULL)
    response = download (ctl, request, to_service, chosen, error);
  else if (chosen->body.upload != NULL)
    response = upload (ctl, request, to_service, chosen, error);
  else
    response = send_request (ctl, request, to_service, error);
  if (response == NULL)
    return CTL_EXIT_FAILED;
  if (chosen->continue_at != NULL)
    return print_download (ctl, response, chosen, error);
  return ctl_print_answer (ctl, response,
                           &(CtlAnswer){ .file = file,
                                         .include = chosen->include,
                                         .fail = chosen->fail,
                                         .silent = chosen->silent },
                           error);
}

/* `method`: NULL if it is the first argument */
static CtlExit
run_request (Ctl *ctl, const char *method, GError **error)
{
  g_auto (RequestOptions) chosen = { 0 };
  const GOptionEntry options[] = {
    { "data", 'd', 0, G_OPTION_ARG_FILENAME_ARRAY, &chosen.body.data,
      "the request body, or @FILE to read it; parts are joined with &", "DATA" },
    { "data-raw", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &chosen.body.data_raw,
      "like -d, but @ has no special meaning; may be repeated", "DATA" },
    { "data-file", 0, 0, G_OPTION_ARG_FILENAME, &chosen.body.data_file,
      "send this file unchanged as the body; - is standard input", "FILE" },
    { "upload-file", 'T', 0, G_OPTION_ARG_FILENAME, &chosen.body.upload,
      "like --data-file, for a regular file of any size", "FILE" },
    { "header", 'H', 0, G_OPTION_ARG_STRING_ARRAY, &chosen.headers,
      "add a request header, 'Name: value'; may be repeated", "HEADER" },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &chosen.output,
      "write the complete response to this file, or nothing", "FILE" },
    { "remote-name", 'O', 0, G_OPTION_ARG_NONE, &chosen.remote_name,
      "like -o, with the last part of the URL as the file's name", NULL },
    { "continue-at", 'C', 0, G_OPTION_ARG_STRING, &chosen.continue_at,
      "with -: keep a file that is cut, and continue it", "-" },
    { "include", 'i', 0, G_OPTION_ARG_NONE, &chosen.include,
      "also write the status and the response headers", NULL },
    { "timeout", 0, 0, G_OPTION_ARG_STRING, &chosen.timeout,
      "time limit of the request (default: 30 until the response)", "SECONDS" },
    { "require-key", 0, 0, G_OPTION_ARG_STRING_ARRAY, &chosen.keys,
      "also require this key; if repeated, any one of them", "KEY" },
    { "redirects", 0, 0, G_OPTION_ARG_STRING, &chosen.redirects,
      "how many redirects to follow (default: 10)", "N" },
    { "proxy", 0, 0, G_OPTION_ARG_STRING, &chosen.proxy,
      "use this proxy of certpind.conf, or ‘direct’", "URL" },
    { "fail", 0, 0, G_OPTION_ARG_NONE, &chosen.fail,
      "exit with status 22 if the HTTP status is 400 or more", NULL },
    { "silent", 's', 0, G_OPTION_ARG_NONE, &chosen.silent, "show no progress", NULL },
    { NULL },
  };
  g_autoptr (CertpinRequest) request = NULL;

  /* The first four options are not for GET. */
  if (!ctl_parse (ctl, options + (method != NULL ? 4 : 0), error))
    return CTL_EXIT_OK;
  request = make_request (method != NULL ? method : ctl->arguments[0],
                          ctl->arguments[method != NULL ? 0 : 1], &chosen, error);
  if (request == NULL || !check_output_options (&chosen, request, error))
    return CTL_EXIT_FAILED;
  return perform (ctl, request, &chosen, error);
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
