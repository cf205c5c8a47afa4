/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is told of a response beside its body: its head, the details of its connection, and whether
 * it counts as a failure. */

#include "config.h"

#include "certpinctl-answer.h"

#include "certpinctl-caution.h"
#include "certpinctl-reply.h"
#include "certpinctl-text.h"
#include "certpinctl-trace.h"

#include <glib/gi18n.h>

#include <string.h>

/* Of the further lines of a detail. */
#define DETAIL_INDENT 2

static const char *
name_of_position (guint32 position, gsize length)
{
  if (position == 0)
    return _ ("the server's own certificate");
  return position + 1 == length ? _ ("the trust anchor") : _ ("an intermediate authority");
}

/* Returns: (transfer full): `a{st}`, with that of all of it */
static GVariant *
set_total (GVariant *timings, gint64 total_us)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{st}"));
  const char *step;
  GVariantIter iter;
  guint64 us;

  g_variant_iter_init (&iter, timings);
  while (g_variant_iter_next (&iter, "{&st}", &step, &us))
    g_variant_builder_add (&builder, "{st}", step,
                           strcmp (step, "total") == 0 ? (guint64)total_us : us);
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

/* If the body comes as a stream, what the service tells of the response ends where it begins.
 * Returns: (transfer full): `a{sv}`, with the length of the body and the time of all of it */
static GVariant *
complete_info (CertpinResponse *response, const CtlAnswer *answer)
{
  GVariant *info = ctl_reply_get_info (response);
  g_autoptr (GVariant) timings = g_variant_lookup_value (info, "timings", G_VARIANT_TYPE ("a{st}"));
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (info);

  if (g_variant_dict_contains (&dict, "body-bytes"))
    return g_variant_ref (info);
  g_variant_dict_insert (&dict, "body-bytes", "t", (guint64)answer->body_bytes);
  if (timings != NULL)
    {
      g_autoptr (GVariant) whole = set_total (timings, answer->total_us);

      g_variant_dict_insert_value (&dict, "timings", whole);
    }
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* Prints a line, which goes on in further ones on a terminal. */
G_GNUC_PRINTF (2, 3)
static void
print_detail (CtlStream *err, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  ctl_print_wrapped (err, text, 0, DETAIL_INDENT);
}

static void
print_timings (CtlStream *err, GVariant *info)
{
  static const char *const steps[]
      = { "queue", "resolve", "connect", "tls", "first-byte", "total" };
  const char *const names[]
      = { _ ("queue"), _ ("resolve"), _ ("connect"), "tls", _ ("first-byte"), _ ("total") };
  g_autoptr (GVariant) timings = g_variant_lookup_value (info, "timings", G_VARIANT_TYPE ("a{st}"));
  g_autoptr (GString) line = g_string_new (NULL);
  guint64 us;

  for (size_t i = 0; timings != NULL && i < G_N_ELEMENTS (steps); i++)
    if (g_variant_lookup (timings, steps[i], "t", &us) && us > 0)
      g_string_append_printf (line, "%s%s %.1f ms", line->len > 0 ? ", " : "", names[i],
                              (double)us / 1000);
  if (line->len > 0)
    print_detail (err, "%s", line->str);
}

/* Prints details of the connection for people. */
static void
print_evidence (Ctl *ctl, CertpinResponse *response, GVariant *info)
{
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

  print_detail (err,
                reused ? _ ("HTTP status %u from %s, TLS %s, kept-alive connection")
                       : _ ("HTTP status %u from %s, TLS %s, new connection"),
                certpin_response_get_status (response), url, tls);
  if (key != NULL)
    print_detail (err, _ ("matched %s, at position %u of the certification path (%s)"), key,
                  position,
                  name_of_position (position, path != NULL ? g_strv_length ((char **)path) : 0));
  if (ocsp != NULL && !g_str_equal (ocsp, "none"))
    print_detail (err, _ ("the server stapled an OCSP response: %s"), ocsp);
  if (proxy != NULL)
    print_detail (err, _ ("through proxy %s"), proxy);
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
char *
ctl_answer_head (CertpinResponse *response)
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

/* `body`: (nullable) */
static void
print_document (Ctl *ctl, CertpinResponse *response, GVariant *info, GByteArray *body)
{
  g_auto (GVariantBuilder) members = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  g_variant_builder_add (&members, "{sv}", "status",
                         g_variant_new_uint32 (certpin_response_get_status (response)));
  g_variant_builder_add (&members, "{sv}", "headers", certpin_response_get_headers (response));
  if (body != NULL)
    g_variant_builder_add (
        &members, "{sv}", "body",
        g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, body->data, body->len, sizeof (guint8)));
  g_variant_builder_add (&members, "{sv}", "info", info);
  ctl_print_json (&ctl->out,
                  g_variant_new_parsed ("{'response': %v}", g_variant_builder_end (&members)));
}

/* Whether redirects were to be followed, and this is one too many. */
gboolean
ctl_answer_exceeds_redirects (CertpinResponse *response, const CtlRequestOptions *chosen)
{
  static const unsigned int redirects[] = { 301, 302, 303, 307, 308 };
  guint32 followed = 0;

  g_variant_lookup (ctl_reply_get_info (response), "redirects", "u", &followed);
  for (size_t i = 0; i < G_N_ELEMENTS (redirects); i++)
    if (redirects[i] == certpin_response_get_status (response))
      return chosen->location && followed >= chosen->redirects
             && certpin_response_get_header (response, "Location") != NULL;
  return FALSE;
}

/* Returns: (transfer full) (nullable): why it counts as a failure */
static char *
find_complaint (CertpinResponse *response, const CtlAnswer *answer, CtlExit *status)
{
  const CtlRequestOptions *chosen = answer->chosen;
  unsigned int code = certpin_response_get_status (response);
  const char *file = answer->to_file ? _ ("; the output file is unchanged") : "";

  if (ctl_answer_exceeds_redirects (response, chosen))
    {
      *status = CTL_EXIT_REDIRECTS;
      return g_strdup_printf (_ ("too many redirects: the limit is %u; see --max-redirs%s"),
                              chosen->redirects, file);
    }
  if ((chosen->fail && code >= 400) || (chosen->continue_at != NULL && code >= 300))
    {
      *status = CTL_EXIT_HTTP_STATUS;
      return g_strdup_printf (_ ("the server answered with HTTP status %u%s"), code, file);
    }
  *status = CTL_EXIT_OK;
  return NULL;
}

static gboolean
shows_evidence (const Ctl *ctl, const CtlRequestOptions *chosen)
{
  return ctl->verbose || (ctl->err.terminal && !ctl->json && !chosen->silent);
}

/* `message`: (out) (transfer full) (nullable): why it counts as a failure.
 * Returns: the exit status */
CtlExit
ctl_answer_print (Ctl *ctl, CertpinResponse *response, const CtlAnswer *answer, char **message)
{
  const CtlRequestOptions *chosen = answer->chosen;
  g_autoptr (GVariant) info = complete_info (response, answer);
  gboolean quiet = chosen->silent && !chosen->show_error;
  CtlExit status;

  *message = find_complaint (response, answer, &status);
  if (ctl->json)
    print_document (ctl, response, info, answer->body);
  else if (!quiet)
    ctl_print_cautions (&ctl->err, info);
  if (ctl->verbose)
    ctl_trace_certificate (ctl, response);
  if (shows_evidence (ctl, chosen))
    print_evidence (ctl, response, info);
  if (*message != NULL && !ctl->json && !quiet)
    ctl_print_message (&ctl->err, answer->url, *message);
  return status;
}
