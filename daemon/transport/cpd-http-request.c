/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A request as the bytes that a server gets (RFC 9112, section 3). */

#include "config.h"

#include "daemon/transport/cpd-http-request.h"

#include <string.h>

/* What a URL may not hold as it is (RFC 3986, section 2), besides what is not visible ASCII. */
#define NOT_IN_URLS "\"<>\\^`{|}"

static gboolean
is_escape (const char *text)
{
  return g_ascii_isxdigit (text[1]) && g_ascii_isxdigit (text[2]);
}

/* Appends a part of a URL. What may not be in one is percent-encoded, byte by byte; what is encoded
 * already stays as it is. */
void
cpd_http_append_encoded (GString *string, const char *text)
{
  for (const char *c = text; *c != '\0'; c++)
    if (g_ascii_isgraph (*c) && strchr (NOT_IN_URLS, *c) == NULL && (*c != '%' || is_escape (c)))
      g_string_append_c (string, *c);
    else
      g_string_append_printf (string, "%%%02X", (guint8)*c);
}

/* The canonical host, which is what was judged. */
static void
append_host (GString *head, CpdHost *target)
{
  const char *name = cpd_host_get_name (target);
  gboolean bracket = strchr (name, ':') != NULL;

  g_string_append (head, bracket ? "[" : "");
  g_string_append (head, name);
  g_string_append (head, bracket ? "]" : "");
  if (cpd_host_get_port (target) != CPD_HTTPS_PORT)
    g_string_append_printf (head, ":%u", cpd_host_get_port (target));
}

static void
append_field (GString *head, const char *name, const char *value)
{
  g_string_append (head, name);
  g_string_append_len (head, ": ", 2);
  g_string_append (head, value);
  g_string_append_len (head, "\r\n", 2);
}

static void
append_request_line (GString *head, CertpinRequest *request)
{
  GUri *uri = certpin_request_get_uri (request);

  g_string_append (head, certpin_request_get_method (request));
  g_string_append_c (head, ' ');
  cpd_http_append_encoded (head, g_uri_get_path (uri));
  if (g_uri_get_query (uri) != NULL)
    {
      g_string_append_c (head, '?');
      cpd_http_append_encoded (head, g_uri_get_query (uri));
    }
  g_string_append (head, " HTTP/1.1\r\nHost: ");
}

/* Methods that give content a meaning say so where there is none, too (RFC 9110, section 8.6). */
static gboolean
announces_nothing (const char *method)
{
  static const char *const methods[] = { "POST", "PUT", "PATCH", NULL };

  return g_strv_contains (methods, method);
}

/* `body_bytes`: how many there are. `expects_continue`: the server is to say first whether it wants
 * the body.
 * Returns: (transfer full): all that goes before the body */
GString *
cpd_http_request_write_head (CertpinRequest *request, CpdHost *target, guint64 body_bytes,
                             gboolean expects_continue)
{
  GString *head = g_string_sized_new (512);
  const char *name, *value;
  GVariantIter iter;

  append_request_line (head, request);
  append_host (head, target);
  g_string_append_len (head, "\r\n", 2);
  g_variant_iter_init (&iter, certpin_request_get_headers (request));
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    append_field (head, name, value);
  if (body_bytes > 0 || announces_nothing (certpin_request_get_method (request)))
    g_string_append_printf (head, "Content-Length: %" G_GUINT64_FORMAT "\r\n", body_bytes);
  if (expects_continue)
    append_field (head, "Expect", "100-continue");
  g_string_append_len (head, "\r\n", 2);
  return head;
}

/* Whether it makes no difference if a server gets the request twice (RFC 9110, section 9.2.2). */
gboolean
cpd_http_request_may_go_twice (CertpinRequest *request)
{
  static const char *const methods[] = { "GET", "HEAD", "OPTIONS", "PUT", "DELETE", NULL };

  return g_strv_contains (methods, certpin_request_get_method (request));
}
