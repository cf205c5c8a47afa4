/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options of the verbs that make requests, and what they mean to the service. They are called
 * as those of curl(1), and mean the same. */

#include "config.h"

#include "certpinctl-request-options.h"

#include "certpinctl-input.h"
#include "certpinctl-locale.h"
#include "certpinctl-options.h"

#include <glib/gi18n.h>

#include <string.h>

#define TIMEOUT_MAX_S        600
#define STREAM_TIMEOUT_MAX_S 86400
#define REDIRECTS_MAX        20
#define REDIRECTS_DEFAULT    10
#define RETRIES_MAX          1000
#define HEADERS_MAX_BYTES    (64 * 1024)

void
ctl_request_options_clear (CtlRequestOptions *options)
{
  ctl_body_clear (&options->body);
  g_free (options->method);
  g_strfreev (options->headers);
  g_free (options->agent);
  g_strfreev (options->outputs);
  g_free (options->continue_at);
  g_free (options->max_redirs);
  g_free (options->max_time);
  g_free (options->retry);
  g_free (options->write_out);
  g_free (options->proxy);
  g_strfreev (options->keys);
}

static gboolean
on_body (const char *option, const char *value, gpointer data, GError **error)
{
  CtlRequestOptions *options = data;

  return ctl_body_add (&options->body, option, value, error);
}

/* Numbers */

static gboolean
parse_number (const char *text, unsigned int max, gboolean retries, guint64 *number, GError **error)
{
  if (g_ascii_string_to_unsigned (text, 10, 0, max, number, NULL))
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               retries ? _ ("‘%s’ is not a number of retries; give 0 to %u")
                       : _ ("‘%s’ is not a number of redirects; give 0 to %u"),
               text, max);
  return FALSE;
}

static gboolean
parse_seconds (const char *text, int max, double *seconds, GError **error)
{
  char *end;

  *seconds = g_ascii_strtod (text, &end);
  if (end != text && *end == '\0' && *seconds > 0 && *seconds <= max)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("‘%s’ is not a timeout; give seconds, more than 0 and at most %d"), text, max);
  return FALSE;
}

static guint32
to_ms (double seconds)
{
  return (guint32)MAX (1.0, seconds * 1000 + 0.5);
}

/* Adds the option in milliseconds. Errors: G_OPTION_ERROR. */
gboolean
ctl_request_add_timeout (GVariantDict *dict, const char *text, GError **error)
{
  double seconds;

  if (!parse_seconds (text, TIMEOUT_MAX_S, &seconds, error))
    return FALSE;
  g_variant_dict_insert (dict, "timeout-ms", "u", to_ms (seconds));
  return TRUE;
}

/* Adds the options in milliseconds, until the response begins, and until it ends. */
static gboolean
add_max_time (GVariantDict *dict, const char *text, GError **error)
{
  double seconds;

  if (!parse_seconds (text, STREAM_TIMEOUT_MAX_S, &seconds, error))
    return FALSE;
  g_variant_dict_insert (dict, "timeout-ms", "u", to_ms (MIN (seconds, TIMEOUT_MAX_S)));
  g_variant_dict_insert (dict, "stream", "s", "auto");
  g_variant_dict_insert (dict, "stream-timeout-ms", "u", to_ms (seconds));
  return TRUE;
}

static gboolean
read_numbers (CtlRequestOptions *options, GError **error)
{
  guint64 redirects = REDIRECTS_DEFAULT, retries = 0;

  if (options->max_redirs != NULL
      && !parse_number (options->max_redirs, REDIRECTS_MAX, /* retries= */ FALSE, &redirects,
                        error))
    return FALSE;
  if (options->retry != NULL
      && !parse_number (options->retry, RETRIES_MAX, /* retries= */ TRUE, &retries, error))
    return FALSE;
  options->redirects = options->location ? (unsigned int)redirects : 0;
  options->retries = (unsigned int)retries;
  return TRUE;
}

/* What the service is asked for */

/* Returns: (transfer full) (nullable): what the file has */
static char *
read_text (const char *path, GError **error)
{
  g_autoptr (GBytes) bytes = ctl_input_read (path, HEADERS_MAX_BYTES, error);
  g_autofree char *shown = ctl_input_show (path);
  char *text = bytes != NULL ? ctl_input_get_text (bytes) : NULL;

  if (bytes != NULL && text == NULL)
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                 _ ("%s is not text; write one header on each line, as ‘Name: value’"), shown);
  return text;
}

/* Adds those of a file, one on each line, so that others do not see them in the list of
 * processes. */
static gboolean
add_lines (GStrvBuilder *builder, const char *path, GError **error)
{
  g_autofree char *text = read_text (path, error);
  g_auto (GStrv) lines = text != NULL ? g_strsplit_set (text, "\r\n", -1) : NULL;

  for (size_t i = 0; lines != NULL && lines[i] != NULL; i++)
    if (*lines[i] != '\0')
      g_strv_builder_add (builder, lines[i]);
  return lines != NULL;
}

/* Returns: (transfer full) (nullable): all of -H, with the lines of files */
static char **
read_headers (const CtlRequestOptions *options, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (size_t i = 0; options->headers != NULL && options->headers[i] != NULL; i++)
    if (*options->headers[i] != '@')
      g_strv_builder_add (builder, options->headers[i]);
    else if (!add_lines (builder, options->headers[i] + 1, error))
      return NULL;
  return g_strv_builder_end (builder);
}

/* Whether one of them gives or removes the header. */
static gboolean
names_header (char **headers, const char *name)
{
  size_t length = strlen (name);

  for (size_t i = 0; headers[i] != NULL; i++)
    if (g_ascii_strncasecmp (headers[i], name, length) == 0
        && strchr (":;", headers[i][length]) != NULL)
      return TRUE;
  return FALSE;
}

static void
add_default (GVariantBuilder *builder, char **headers, const char *name, const char *value)
{
  if (value != NULL && *value != '\0' && !names_header (headers, name))
    g_variant_builder_add (builder, "(ss)", name, value);
}

/* ‘Name:’ only removes what would be sent by default, and ‘Name;’ is empty, as in curl. */
static gboolean
add_header (GVariantBuilder *builder, const char *header, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (header, ":", 2);
  gsize length = strlen (header);

  if (g_strv_length (parts) == 2)
    {
      if (*g_strstrip (parts[1]) != '\0')
        g_variant_builder_add (builder, "(ss)", parts[0], parts[1]);
      return TRUE;
    }
  if (length > 1 && header[length - 1] == ';')
    {
      g_autofree char *name = g_strndup (header, length - 1);

      g_variant_builder_add (builder, "(ss)", name, "");
      return TRUE;
    }
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("‘%s’ is not a header; write it as ‘Name: value’"), header);
  return FALSE;
}

/* Errors: G_OPTION_ERROR, CERTPIN_ERROR_FILE_NOT_FOUND. Returns: (nullable): `a(ss)`, floating */
GVariant *
ctl_request_options_headers (const CtlRequestOptions *options, GError **error)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ss)"));
  const char *agent = options->agent != NULL ? options->agent : "certpinctl/" PACKAGE_VERSION;
  g_auto (GStrv) headers = read_headers (options, error);

  if (headers == NULL)
    return NULL;
  add_default (&builder, headers, "User-Agent", agent);
  if (ctl_body_is_json (&options->body))
    add_default (&builder, headers, "Accept", "application/json");
  add_default (&builder, headers, "Content-Type", ctl_body_get_type (&options->body));
  for (size_t i = 0; headers[i] != NULL; i++)
    if (!add_header (&builder, headers[i], error))
      return NULL;
  return g_variant_builder_end (&builder);
}

/* Errors: G_OPTION_ERROR. Returns: (nullable): `a{sv}`, floating */
GVariant *
ctl_request_options_for_service (const CtlRequestOptions *options, GError **error)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  if (options->max_time != NULL && !add_max_time (&dict, options->max_time, error))
    return NULL;
  g_variant_dict_insert (&dict, "redirects", "u", options->redirects);
  if (options->keys != NULL)
    g_variant_dict_insert (&dict, "require-keys", "^as", options->keys);
  if (options->proxy != NULL)
    g_variant_dict_insert (&dict, "proxy", "s", options->proxy);
  return g_variant_dict_end (&dict);
}

/* Which options go together */

/* `files`: (nullable). Returns: whether one of them is - */
static gboolean
names_standard (char **files)
{
  return files != NULL && g_strv_contains ((const char *const *)files, "-");
}

static unsigned int
count (char **files)
{
  return files != NULL ? g_strv_length (files) : 0;
}

/* Returns: (nullable): what is wrong */
static const char *
find_problem (const Ctl *ctl, const CtlRequestOptions *options, unsigned int urls)
{
  unsigned int outputs = count (options->outputs), uploads = count (options->body.uploads);

  if (options->remote_name && outputs > 0)
    return _ ("give only one of -o and -O");
  if (outputs > 0 && g_strv_contains ((const char *const *)options->outputs, ""))
    return _ ("‘’ is not the name of a file; give one with -o");
  if (outputs > urls)
    return _ ("there are more -o than URLs");
  if (uploads > 1 && uploads != urls)
    return _ ("give one -T for all URLs, or one for each of them");
  if (names_standard (options->body.uploads) && (urls > 1 || options->retries > 0))
    return _ ("‘-T -’ can be read only once: give one URL, and no --retry");
  if (options->parallel && urls > 1 && !ctl->json && !options->remote_name
      && (outputs < urls || names_standard (options->outputs)))
    return _ ("with --parallel, bodies would be mixed up; give -O, or one -o for each URL");
  if (options->continue_at == NULL)
    return NULL;
  if ((!options->remote_name && outputs < urls) || names_standard (options->outputs)
      || options->include || options->head || uploads > 0)
    return _ ("-C needs the file of -o or -O, and cannot be combined with -i, -I or -T");
  return NULL;
}

/* `urls`: how many there are. Errors: G_OPTION_ERROR. */
gboolean
ctl_request_options_check (const Ctl *ctl, const CtlRequestOptions *options, unsigned int urls,
                           GError **error)
{
  const char *problem = find_problem (ctl, options, urls);

  if (problem == NULL && options->continue_at != NULL && strcmp (options->continue_at, "-") != 0)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   _ ("‘%s’ is not an offset: only ‘-C -’ is supported, which finds it itself"),
                   options->continue_at);
      return FALSE;
    }
  if (problem != NULL)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, problem);
  return problem == NULL;
}

/* The parsing */

#define BODY_OPTIONS   8 /* with that for the method, which comes first */
#define ANSWER_OPTIONS 18

/* What a request has beside its headers. */
static void
fill_body_options (CtlRequestOptions *options, GOptionEntry *filled)
{
#define BODY G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, (gpointer)on_body
  const GOptionEntry entries[] = {
    { "request", 'X', 0, G_OPTION_ARG_STRING, &options->method,
      N_ ("the method; then all arguments are URLs"), N_ ("METHOD") },
    { "data", 'd', BODY, N_ ("send this body, or @FILE; parts are joined with &"), N_ ("DATA") },
    { "data-raw", 0, BODY, N_ ("like -d, but @ has no special meaning"), N_ ("DATA") },
    { "data-binary", 0, BODY, N_ ("like -d, but @FILE is sent unchanged"), N_ ("DATA") },
    { "data-urlencode", 0, BODY, N_ ("like -d, a field: NAME=TEXT or NAME@FILE"), N_ ("FIELD") },
    { "json-body", 0, BODY, N_ ("send this JSON, or @FILE, with its Content-Type"), N_ ("DATA") },
    { "data-file", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->body.data_files,
      N_ ("send this file unchanged; - is standard input"), N_ ("FILE") },
    { "upload-file", 'T', 0, G_OPTION_ARG_FILENAME_ARRAY, &options->body.uploads,
      N_ ("the same, for a regular file of any size"), N_ ("FILE") },
  };
#undef BODY

  G_STATIC_ASSERT (G_N_ELEMENTS (entries) == BODY_OPTIONS);
  memcpy (filled, entries, sizeof entries);
}

/* What becomes of the response, and everything else. */
static void
fill_answer_options (CtlRequestOptions *options, GOptionEntry *filled)
{
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME_ARRAY, &options->outputs,
      N_ ("write to this file, all or nothing; one per URL"), N_ ("FILE") },
    { "remote-name", 'O', 0, G_OPTION_ARG_NONE, &options->remote_name,
      N_ ("the same, named after the last part of the URL"), NULL },
    { "continue-at", 'C', 0, G_OPTION_ARG_STRING, &options->continue_at,
      N_ ("with -: keep a file that is cut, and continue it"), "-" },
    { "location", 'L', 0, G_OPTION_ARG_NONE, &options->location, N_ ("follow redirects"), NULL },
    { "max-redirs", 0, 0, G_OPTION_ARG_STRING, &options->max_redirs,
      N_ ("how many, with -L: 0 to 20 (default: 10)"), N_ ("N") },
    { "header", 'H', 0, G_OPTION_ARG_STRING_ARRAY, &options->headers,
      N_ ("add a request header, 'Name: value', or those of @FILE"), N_ ("HEADER") },
    { "user-agent", 'A', 0, G_OPTION_ARG_STRING, &options->agent,
      N_ ("send this User-Agent instead of our own"), N_ ("TEXT") },
    { "include", 'i', 0, G_OPTION_ARG_NONE, &options->include,
      N_ ("also write the status and the response headers"), NULL },
    { "head", 'I', 0, G_OPTION_ARG_NONE, &options->head, N_ ("send HEAD, and write only these"),
      NULL },
    { "fail", 'f', 0, G_OPTION_ARG_NONE, &options->fail,
      N_ ("no body, and exit status 22, from status 400 on"), NULL },
    { "silent", 's', 0, G_OPTION_ARG_NONE, &options->silent, N_ ("show no progress and no errors"),
      NULL },
    { "show-error", 'S', 0, G_OPTION_ARG_NONE, &options->show_error, N_ ("with -s: show errors"),
      NULL },
    { "max-time", 'm', 0, G_OPTION_ARG_STRING, &options->max_time,
      N_ ("time limit (default: 30 until the response begins)"), N_ ("SECONDS") },
    { "retry", 0, 0, G_OPTION_ARG_STRING, &options->retry,
      N_ ("try again, if that is safe, after 1, 2, 4… seconds"), N_ ("N") },
    { "write-out", 'w', 0, G_OPTION_ARG_FILENAME, &options->write_out,
      N_ ("then print this, such as '%{http_code}\\n'"), N_ ("TEXT") },
    { "parallel", 'Z', 0, G_OPTION_ARG_NONE, &options->parallel, N_ ("get several URLs at a time"),
      NULL },
    { "require-key", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->keys,
      N_ ("also require this key, or one of several"), N_ ("KEY") },
    { "proxy", 'x', 0, G_OPTION_ARG_STRING, &options->proxy,
      N_ ("use this proxy of certpind.conf, or ‘direct’"), N_ ("URL") },
  };

  G_STATIC_ASSERT (G_N_ELEMENTS (entries) == ANSWER_OPTIONS);
  memcpy (filled, entries, sizeof entries);
}

/* Parses the command line of the verb. */
gboolean
ctl_request_options_parse (Ctl *ctl, CtlRequestKind kind, CtlRequestOptions *options,
                           GError **error)
{
  const unsigned int skipped[] = {
    [CTL_REQUEST_WITHOUT_BODY] = BODY_OPTIONS, [CTL_REQUEST_WITH_BODY] = 1, [CTL_REQUEST_ANY] = 0
  };
  GOptionEntry entries[BODY_OPTIONS + ANSWER_OPTIONS + 1] = { 0 };

  fill_body_options (options, entries);
  fill_answer_options (options, entries + BODY_OPTIONS);
  if (!ctl_parse_with (ctl, entries + skipped[kind], options, error))
    return FALSE;
  if (options->write_out != NULL) /* which programs read, and which has the text of an error */
    ctl_locale_speak_english ();
  return read_numbers (options, error);
}
