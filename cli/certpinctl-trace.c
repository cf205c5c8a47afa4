/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What -v shows of a request that was answered, as curl does: > what was sent, < what came, and
 * the certificate of the server. Of a request that was refused nothing was sent, so nothing is
 * shown. */

#include "config.h"

#include "certpinctl-trace.h"

#include "certpinctl-host.h"
#include "certpinctl-reply.h"
#include "certpinctl-time.h"
#include "certpinctl-wait.h"

#include <glib/gi18n.h>

#include <string.h>

static void
trace_headers (CtlStream *err, char mark, GVariant *headers)
{
  const char *name, *value;
  GVariantIter iter;

  g_variant_iter_init (&iter, headers);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    ctl_print_line (err, "%c %s: %s", mark, name, value);
}

/* Methods that give content a meaning say so where there is none, too (RFC 9110, section 8.6). */
static gboolean
announces_nothing (const char *method)
{
  static const char *const methods[] = { "POST", "PUT", "PATCH", NULL };

  return g_strv_contains (methods, method);
}

/* What asked for the rest of a file; the response repeats it (RFC 9110, section 14.4). */
static void
trace_range (CtlStream *err, CertpinRequest *request, CertpinResponse *response)
{
  const char *range = certpin_response_get_header (response, "Content-Range");
  const char *tag = certpin_response_get_header (response, "ETag"), *name;
  GVariantIter iter;

  if (certpin_response_get_status (response) != 206 || range == NULL
      || !g_str_has_prefix (range, "bytes "))
    return;
  g_variant_iter_init (&iter, certpin_request_get_headers (request));
  while (g_variant_iter_next (&iter, "(&s&s)", &name, NULL))
    if (g_ascii_strcasecmp (name, "Range") == 0)
      return;
  range += strlen ("bytes ");
  ctl_print_line (err, "> Range: bytes=%.*s-", (int)strcspn (range, "-"), range);
  if (tag != NULL)
    ctl_print_line (err, "> If-Range: %s", tag);
}

static void
trace_request (CtlStream *err, CertpinRequest *request, CertpinResponse *response,
               gint64 body_bytes)
{
  GUri *uri = certpin_request_get_uri (request);
  const char *query = g_uri_get_query (uri), *method = certpin_request_get_method (request);
  g_autofree char *host = ctl_host_of_uri (uri);
  gboolean bare
      = strchr (host, ':') != NULL && *host != '[' && strchr (host, ':') != strrchr (host, ':');

  ctl_print_line (err, "> %s %s%s%s HTTP/1.1", method, g_uri_get_path (uri),
                  query != NULL ? "?" : "", query != NULL ? query : "");
  ctl_print_line (err, bare ? "> Host: [%s]" : "> Host: %s", host);
  trace_headers (err, '>', certpin_request_get_headers (request));
  trace_range (err, request, response);
  if (body_bytes > 0 || announces_nothing (method))
    ctl_print_line (err, "> Content-Length: %" G_GINT64_FORMAT, body_bytes);
  ctl_print_line (err, ">");
}

/* Of several redirects, the request is the first one, and the response the last one. */
void
ctl_trace_exchange (CtlStream *err, CertpinRequest *request, gint64 body_bytes,
                    CertpinResponse *response)
{
  GVariant *info = ctl_reply_get_info (response);
  const char *version = "1.1", *url = "";
  guint32 redirects = 0;

  trace_request (err, request, response, body_bytes);
  g_variant_lookup (info, "http-version", "&s", &version);
  g_variant_lookup (info, "url", "&s", &url);
  if (g_variant_lookup (info, "redirects", "u", &redirects) && redirects > 0)
    ctl_print_line (err, _ ("* %u redirects, to %s"), redirects, url);
  ctl_print_line (err, "< HTTP/%s %u", version, certpin_response_get_status (response));
  trace_headers (err, '<', certpin_response_get_headers (response));
  ctl_print_line (err, "<");
}

/* Returns: (transfer full) (nullable): the certificate that the server of the response had when it
 * passed a pin, which is now */
static GVariant *
find_certificate (GVariant *explanation)
{
  g_autoptr (GVariant) pins
      = g_variant_lookup_value (explanation, "pins", G_VARIANT_TYPE ("aa{sv}"));

  for (gsize i = 0; pins != NULL && i < g_variant_n_children (pins); i++)
    {
      g_autoptr (GVariant) pin = g_variant_get_child_value (pins, i);
      GVariant *served = g_variant_lookup_value (pin, "served", G_VARIANT_TYPE_VARDICT);
      gboolean applies = FALSE;

      g_variant_lookup (pin, "applies", "b", &applies);
      if (applies && served != NULL)
        return served;
      g_clear_pointer (&served, g_variant_unref);
    }
  return NULL;
}

/* Returns: (transfer full) (nullable) */
static GVariant *
explain (Ctl *ctl, const char *url)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  g_autofree char *host = uri != NULL ? ctl_host_of_uri (uri) : NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) ignored = NULL;

  if (host == NULL)
    return NULL;
  certpin_client_explain_host_async (ctl->client, host, /* options= */ NULL, ctl->cancellable,
                                     ctl_on_result, ctl);
  result = ctl_wait (ctl);
  return ctl_reply_take_record (certpin_client_explain_host_finish (ctl->client, result, &ignored),
                                CTL_REPLY_EXPLANATION, &ignored);
}

/* Shows the server's certificate. A server that passed only because a mismatch is just reported is
 * not the one that was seen. */
void
ctl_trace_certificate (Ctl *ctl, CertpinResponse *response)
{
  GVariant *info = ctl_reply_get_info (response);
  g_autoptr (GVariant) explanation = NULL, served = NULL;
  g_autofree const char **path = NULL;
  const char *url = "", *subject = "", *issuer = "";
  g_autofree char *until = NULL;
  gint64 not_after = 0;

  g_variant_lookup (info, "url", "&s", &url);
  g_variant_lookup (info, "path-keys", "^a&s", &path);
  if (path != NULL && path[0] != NULL)
    ctl_print_line (&ctl->err, _ ("* server key: %s"), path[0]);
  if (g_variant_lookup (info, "report", "@a{sv}", NULL))
    return;
  explanation = explain (ctl, url);
  served = explanation != NULL ? find_certificate (explanation) : NULL;
  if (served == NULL)
    return;
  g_variant_lookup (served, "subject", "&s", &subject);
  g_variant_lookup (served, "issuer", "&s", &issuer);
  g_variant_lookup (served, "not-after", "x", &not_after);
  until = ctl_time_to_text (not_after);
  ctl_print_line (&ctl->err, _ ("* server certificate: %s"), subject);
  ctl_print_line (&ctl->err, _ ("*   issuer: %s"), issuer);
  ctl_print_line (&ctl->err, _ ("*   valid until: %s"), until);
}
