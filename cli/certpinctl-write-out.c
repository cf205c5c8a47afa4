/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* -w: facts of a transfer, in a format as of curl(1). What a stranger says is cleaned, since it may
 * go to a terminal. */

#include "config.h"

#include "certpinctl-write-out.h"

#include "certpinctl-input.h"
#include "certpinctl-json.h"
#include "certpinctl-reply.h"
#include "certpinctl-text.h"

#include <glib/gi18n.h>

#include <string.h>

#define FORMAT_MAX_BYTES (64 * 1024)

/* `given`: a format, or @ and the name of a file, whose line ends are left out, as curl does.
 * Returns: (transfer full) (nullable): the format */
char *
ctl_write_out_read (const char *given, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GString) format = g_string_new (NULL);
  const char *data;
  gsize length;

  if (*given != '@')
    return g_strdup (given);
  bytes = ctl_input_read (given + 1, FORMAT_MAX_BYTES, error);
  if (bytes == NULL)
    return NULL;
  data = g_bytes_get_data (bytes, &length);
  for (gsize i = 0; i < length; i++)
    if (data[i] != '\r' && data[i] != '\n' && data[i] != '\0')
      g_string_append_c (format, data[i]);
  return g_string_free (g_steal_pointer (&format), /* free_segment= */ FALSE);
}

static GVariant *
get_info (const CtlWriteOutFacts *facts)
{
  return facts->response != NULL ? ctl_reply_get_info (facts->response) : NULL;
}

/* Values */

static GVariant *
of_http_code (const CtlWriteOutFacts *facts)
{
  return g_variant_new_uint32 (
      facts->response != NULL ? certpin_response_get_status (facts->response) : 0);
}

static GVariant *
of_size_download (const CtlWriteOutFacts *facts)
{
  return g_variant_new_uint64 ((guint64)facts->downloaded);
}

static GVariant *
of_size_upload (const CtlWriteOutFacts *facts)
{
  return g_variant_new_uint64 ((guint64)facts->uploaded);
}

static GVariant *
of_speed_download (const CtlWriteOutFacts *facts)
{
  return g_variant_new_uint64 (
      facts->total_s > 0 ? (guint64)((double)facts->downloaded / facts->total_s) : 0);
}

/* Until the end of that step; each comes after the one before. */
static double
time_until (const CtlWriteOutFacts *facts, const char *last)
{
  static const char *const steps[] = { "queue", "resolve", "connect", "tls", "first-byte" };
  GVariant *info = get_info (facts);
  g_autoptr (GVariant) timings
      = info != NULL ? g_variant_lookup_value (info, "timings", G_VARIANT_TYPE ("a{st}")) : NULL;
  guint64 sum_us = 0, us;

  for (size_t i = 0; timings != NULL && i < G_N_ELEMENTS (steps); i++)
    {
      if (g_variant_lookup (timings, steps[i], "t", &us))
        sum_us += us;
      if (strcmp (steps[i], last) == 0)
        break;
    }
  return (double)sum_us / G_USEC_PER_SEC;
}

static GVariant *
of_time_namelookup (const CtlWriteOutFacts *facts)
{
  return g_variant_new_double (time_until (facts, "resolve"));
}

static GVariant *
of_time_connect (const CtlWriteOutFacts *facts)
{
  return g_variant_new_double (time_until (facts, "connect"));
}

static GVariant *
of_time_appconnect (const CtlWriteOutFacts *facts)
{
  return g_variant_new_double (time_until (facts, "tls"));
}

static GVariant *
of_time_starttransfer (const CtlWriteOutFacts *facts)
{
  return g_variant_new_double (time_until (facts, "first-byte"));
}

static GVariant *
of_time_total (const CtlWriteOutFacts *facts)
{
  return g_variant_new_double (facts->total_s);
}

static GVariant *
of_info (const CtlWriteOutFacts *facts, const char *key, const char *otherwise)
{
  GVariant *info = get_info (facts);
  const char *text = otherwise;

  if (info != NULL)
    g_variant_lookup (info, key, "&s", &text);
  return g_variant_new_string (text);
}

static GVariant *
of_url_effective (const CtlWriteOutFacts *facts)
{
  return of_info (facts, "url", facts->url);
}

static GVariant *
of_http_version (const CtlWriteOutFacts *facts)
{
  return of_info (facts, "http-version", "0");
}

static GVariant *
of_num_redirects (const CtlWriteOutFacts *facts)
{
  guint32 redirects = 0;

  if (facts->response != NULL)
    g_variant_lookup (get_info (facts), "redirects", "u", &redirects);
  return g_variant_new_uint32 (redirects);
}

static GVariant *
of_num_connects (const CtlWriteOutFacts *facts)
{
  gboolean reused = TRUE;

  if (facts->response != NULL)
    g_variant_lookup (get_info (facts), "connection-reused", "b", &reused);
  return g_variant_new_uint32 (reused ? 0 : 1);
}

static const char *
header_of (const CtlWriteOutFacts *facts, const char *name)
{
  const char *value
      = facts->response != NULL ? certpin_response_get_header (facts->response, name) : NULL;

  return value != NULL ? value : "";
}

static GVariant *
of_content_type (const CtlWriteOutFacts *facts)
{
  return g_variant_new_string (header_of (facts, "Content-Type"));
}

static GVariant *
of_redirect_url (const CtlWriteOutFacts *facts)
{
  g_autofree char *absolute = NULL;
  const char *location = header_of (facts, "Location"), *base = facts->url;

  if (facts->response != NULL)
    g_variant_lookup (get_info (facts), "url", "&s", &base);
  if (*location != '\0')
    absolute = g_uri_resolve_relative (base, location, G_URI_FLAGS_NONE, NULL);
  return g_variant_new_string (absolute != NULL ? absolute : "");
}

static GVariant *
of_url (const CtlWriteOutFacts *facts)
{
  return g_variant_new_string (facts->url);
}

static GVariant *
of_method (const CtlWriteOutFacts *facts)
{
  return g_variant_new_string (facts->method);
}

static GVariant *
of_filename_effective (const CtlWriteOutFacts *facts)
{
  g_autofree char *valid = g_utf8_make_valid (facts->file != NULL ? facts->file : "", -1);

  return g_variant_new_string (valid);
}

static GVariant *
of_errormsg (const CtlWriteOutFacts *facts)
{
  g_autofree char *valid = g_utf8_make_valid (facts->error != NULL ? facts->error : "", -1);

  return g_variant_new_string (valid);
}

static GVariant *
of_exitcode (const CtlWriteOutFacts *facts)
{
  return g_variant_new_uint32 (facts->status);
}

static GVariant *
of_num_retries (const CtlWriteOutFacts *facts)
{
  return g_variant_new_uint32 (facts->retries);
}

/* A variable of the format. */
typedef struct
{
  const char *name;
  GVariant *(*get) (const CtlWriteOutFacts *facts);
} Variable;

static const Variable variables[] = {
  { "content_type", of_content_type },
  { "errormsg", of_errormsg },
  { "exitcode", of_exitcode },
  { "filename_effective", of_filename_effective },
  { "http_code", of_http_code },
  { "http_version", of_http_version },
  { "method", of_method },
  { "num_connects", of_num_connects },
  { "num_redirects", of_num_redirects },
  { "num_retries", of_num_retries },
  { "redirect_url", of_redirect_url },
  { "response_code", of_http_code },
  { "size_download", of_size_download },
  { "size_upload", of_size_upload },
  { "speed_download", of_speed_download },
  { "time_appconnect", of_time_appconnect },
  { "time_connect", of_time_connect },
  { "time_namelookup", of_time_namelookup },
  { "time_starttransfer", of_time_starttransfer },
  { "time_total", of_time_total },
  { "url", of_url },
  { "url_effective", of_url_effective },
};

/* The format */

/* Times have microseconds, as in curl.
 * Returns: (transfer full) */
static char *
format_time (GVariant *seconds)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  return g_strdup (g_ascii_formatd (number, sizeof number, "%.6f", g_variant_get_double (seconds)));
}

/* A text that is not there is null, as in curl.
 * Returns: (transfer full) */
static char *
json_of_value (GVariant *value)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE))
    return format_time (value);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING)
      && *g_variant_get_string (value, NULL) == '\0')
    return g_strdup ("null");
  return ctl_json_from_variant (value);
}

static void
append_json (GString *text, const CtlWriteOutFacts *facts)
{
  for (size_t i = 0; i < G_N_ELEMENTS (variables); i++)
    {
      g_autoptr (GVariant) value = g_variant_ref_sink (variables[i].get (facts));
      g_autofree char *json = json_of_value (value);

      g_string_append_printf (text, "%c\"%s\":%s", i == 0 ? '{' : ',', variables[i].name, json);
    }
  g_string_append_c (text, '}');
}

static void
append_value (GString *text, GVariant *value)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (value);
  g_autofree char *shown = NULL;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    shown = ctl_text_clean (g_variant_get_string (value, NULL));
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE))
    shown = format_time (value);
  else
    shown = g_variant_print (value, /* type_annotate= */ FALSE);
  g_string_append (text, shown);
}

/* `http_code` has three digits, as in curl. */
static void
append_variable (Ctl *ctl, GString *text, const char *name, const CtlWriteOutFacts *facts)
{
  g_autofree char *unknown = NULL;

  if (strcmp (name, "http_code") == 0 || strcmp (name, "response_code") == 0)
    {
      g_autoptr (GVariant) code = g_variant_ref_sink (of_http_code (facts));

      g_string_append_printf (text, "%03u", g_variant_get_uint32 (code));
      return;
    }
  for (size_t i = 0; i < G_N_ELEMENTS (variables); i++)
    if (strcmp (name, variables[i].name) == 0)
      {
        append_value (text, variables[i].get (facts));
        return;
      }
  unknown = g_strdup_printf (_ ("-w does not know the variable ‘%s’; see certpinctl(1)"), name);
  ctl_print_message (&ctl->err, C_ ("message", "warning"), unknown);
}

static void
flush (Ctl *ctl, GString *text, gboolean to_err)
{
  CtlStream *stream = to_err ? &ctl->err : &ctl->out;

  ctl_stream_write (stream, text->str, text->len);
  ctl_stream_flush (stream, /* error= */ NULL);
  g_string_truncate (text, 0);
}

/* Returns: behind the variable at `at`, or NULL if there is none; `to_err` may change */
static const char *
expand (Ctl *ctl, GString *text, const char *at, gboolean *to_err, const CtlWriteOutFacts *facts)
{
  gboolean header = g_str_has_prefix (at, "%header{");
  const char *begin = header ? at + strlen ("%header{") : at + 2, *end;
  g_autofree char *name = NULL;

  if (!header && !g_str_has_prefix (at, "%{"))
    return NULL;
  end = strchr (begin, '}');
  if (end == NULL)
    return NULL;
  name = g_strndup (begin, (gsize)(end - begin));
  if (header)
    append_value (text, g_variant_new_string (header_of (facts, name)));
  else if (strcmp (name, "json") == 0)
    append_json (text, facts);
  else if (strcmp (name, "stderr") == 0 || strcmp (name, "stdout") == 0)
    {
      flush (ctl, text, *to_err);
      *to_err = strcmp (name, "stderr") == 0;
    }
  else
    append_variable (ctl, text, name, facts);
  return end + 1;
}

/* Appends \n, \r or \t. Returns: whether it was one */
static gboolean
append_escape (GString *text, const char *at)
{
  static const char letters[] = "nrt", meant[] = "\n\r\t";
  const char *letter = at[0] == '\\' && at[1] != '\0' ? strchr (letters, at[1]) : NULL;

  if (letter == NULL)
    return FALSE;
  g_string_append_c (text, meant[letter - letters]);
  return TRUE;
}

/* Prints it on standard output, and behind %{stderr} on standard error. */
void
ctl_write_out (Ctl *ctl, const char *format, const CtlWriteOutFacts *facts)
{
  g_autoptr (GString) text = g_string_new (NULL);
  gboolean to_err = FALSE;

  while (*format != '\0')
    {
      const char *next = expand (ctl, text, format, &to_err, facts);

      if (next == NULL && strncmp (format, "%%", 2) == 0)
        {
          g_string_append_c (text, '%');
          next = format + 2;
        }
      else if (next == NULL && append_escape (text, format))
        next = format + 2;
      else if (next == NULL)
        {
          g_string_append_c (text, *format);
          next = format + 1;
        }
      format = next;
    }
  flush (ctl, text, to_err);
}
