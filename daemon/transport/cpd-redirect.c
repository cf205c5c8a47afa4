/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Decides where a redirect leads, and what is sent there (RFC 9110, section 15.4). To another
 * origin, nothing that could identify the user is sent, and no body. */

#include "config.h"

#include "daemon/transport/cpd-redirect.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/base/cpd-text.h"
#include "daemon/core/pins/cpd-host.h"
#include "daemon/transport/cpd-http-request.h"

#include <string.h>

static const char *const crossing_headers[]
    = { "Accept", "Accept-Language", "Range", "User-Agent", NULL };

gboolean
cpd_redirect_is_one (const CpdHttpHead *head)
{
  unsigned int status = head->status;

  return (status == 301 || status == 302 || status == 303 || status == 307 || status == 308)
         && cpd_http_head_find (head, "Location") != NULL;
}

static gboolean
becomes_get (const char *method, unsigned int status)
{
  if (status == 303)
    return !g_str_equal (method, "HEAD");
  return (status == 301 || status == 302) && g_str_equal (method, "POST");
}

static gboolean
is_same_origin (CpdHost *a, CpdHost *b)
{
  return g_str_equal (cpd_host_get_text (a), cpd_host_get_text (b));
}

static gboolean
goes_along (const char *name, gboolean same_origin, gboolean with_body)
{
  if (!with_body && g_ascii_strncasecmp (name, "Content-", strlen ("Content-")) == 0)
    return FALSE;
  if (same_origin || g_ascii_strncasecmp (name, "If-", strlen ("If-")) == 0)
    return TRUE;
  for (size_t i = 0; crossing_headers[i] != NULL; i++)
    if (g_ascii_strcasecmp (name, crossing_headers[i]) == 0)
      return TRUE;
  return FALSE;
}

static GVariant *
pick_headers (GVariant *headers, gboolean same_origin, gboolean with_body)
{
  GVariantBuilder builder;
  const char *name, *value;
  GVariantIter iter;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ss)"));
  g_variant_iter_init (&iter, headers);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    if (goes_along (name, same_origin, with_body))
      g_variant_builder_add (&builder, "(ss)", name, value);
  return g_variant_builder_end (&builder);
}

/* Returns: where the authority of a URL ends; its beginning, if it has none */
static const char *
behind_authority (const char *url)
{
  const char *slashes = url + strcspn (url, "/?#");

  if (!g_str_has_prefix (slashes, "//") || (slashes != url && slashes[-1] != ':'))
    return url;
  return slashes + 2 + strcspn (slashes + 2, "/?#");
}

/* Returns: (transfer full): a Location whose path, query and fragment are encoded, byte by byte as
 * they were sent; a host may be written in Unicode */
static char *
encode (const CpdHttpField *field)
{
  const char *rest = behind_authority (field->value);
  g_autofree char *raw
      = field->is_latin1 ? g_convert (rest, -1, "ISO-8859-1", "UTF-8", NULL, NULL, NULL) : NULL;
  GString *encoded = g_string_new_len (field->value, rest - field->value);

  cpd_http_append_encoded (encoded, raw != NULL ? raw : rest);
  return g_string_free (encoded, FALSE);
}

/* Returns: (transfer full): where a Location leads, as an absolute URL */
static char *
resolve (GUri *base, const CpdHttpField *field, GError **error)
{
  g_autofree char *location = encode (field);
  g_autoptr (GError) reason = NULL;
  g_autoptr (GUri) uri = g_uri_parse_relative (
      base, location, G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE, &reason);
  g_autofree char *shown = cpd_text_sanitize (location, strnlen (location, 300));

  /* GLib cannot write a URL without a host whose path begins with “//”, which servers may send. The
   * scheme says what is wrong with it. */
  if (uri != NULL && g_uri_get_host (uri) == NULL)
    return g_strconcat (g_uri_get_scheme (uri), ":", NULL);
  if (uri != NULL)
    return g_uri_to_string (uri);
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR,
               "host ‘%s’ redirects to ‘%s’, which is not a URL: %s", g_uri_get_host (base), shown,
               reason->message);
  return NULL;
}

/* The server wrote this URL, not the caller, to whom the remedy behind the last semicolon is of no
 * use. `reason`: why the URL cannot be followed */
static void
set_error (GError **error, const CpdHop *hop, const GError *reason)
{
  gboolean insecure = g_error_matches (reason, CERTPIN_ERROR, CERTPIN_ERROR_NOT_SECURE);
  const char *remedy = g_strrstr (reason->message, "; ");
  size_t length = remedy != NULL ? (size_t)(remedy - reason->message) : strlen (reason->message);

  g_set_error (error, CERTPIN_ERROR,
               insecure ? CERTPIN_ERROR_NOT_SECURE : CERTPIN_ERROR_PROTOCOL_ERROR,
               "cannot follow a redirect of host ‘%s’: %.*s", cpd_host_get_name (hop->target),
               (int)length, reason->message);
}

/* Returns: (transfer full): the host that a URL leads to */
static CpdHost *
parse_target (const char *url, GError **error)
{
  g_autoptr (CertpinRequest) request = certpin_request_new ("GET", url, NULL, NULL, error);

  return request != NULL ? cpd_host_new_of_uri (certpin_request_get_uri (request), error) : NULL;
}

/* Returns: (transfer full): the request for the next hop */
static CertpinRequest *
carry_on (const CpdHop *hop, gboolean to_get, gboolean same_origin, const char *url, GError **error)
{
  CertpinRequest *request = hop->request;
  GBytes *body = to_get ? NULL : certpin_request_get_body (request);
  gboolean with_body
      = (hop->upload != NULL && !to_get) || (body != NULL && g_bytes_get_size (body) > 0);
  GVariant *kept = pick_headers (certpin_request_get_headers (request), same_origin, with_body);

  return certpin_request_new (to_get ? "GET" : certpin_request_get_method (request), url, kept,
                              body, error);
}

/* A body does not go to another origin, and one that is read from a descriptor goes only once. */
static gboolean
may_send_body (const CpdHop *hop, gboolean same_origin)
{
  if (hop->upload != NULL)
    return same_origin && cpd_upload_is_untouched (hop->upload);
  return same_origin || g_bytes_get_size (certpin_request_get_body (hop->request)) == 0;
}

/* `head`: of a response that is a redirect. `next`: (out caller-allocates): what to ask next.
 * Errors: CERTPIN_ERROR_NOT_SECURE where it leads to another scheme,
 * CERTPIN_ERROR_PROTOCOL_ERROR where it leads nowhere.
 * Returns: whether there is a next one; FALSE without `error` where the redirect is itself the
 * answer, since the request's body may not go along */
gboolean
cpd_redirect_follow (const CpdHop *hop, const CpdHttpHead *head, CpdHop *next, GError **error)
{
  gboolean to_get = becomes_get (certpin_request_get_method (hop->request), head->status);
  g_autofree char *url = resolve (certpin_request_get_uri (hop->request),
                                  cpd_http_head_find (head, "Location"), error);
  g_autoptr (CpdHost) target = NULL;
  g_autoptr (GError) reason = NULL;
  gboolean same_origin;

  if (url == NULL)
    return FALSE;
  target = parse_target (url, &reason);
  same_origin = target != NULL && is_same_origin (hop->target, target);
  if (target != NULL && !to_get && !may_send_body (hop, same_origin))
    return FALSE;
  next->request = target != NULL ? carry_on (hop, to_get, same_origin, url, &reason) : NULL;
  next->target = g_steal_pointer (&target);
  next->upload = hop->upload != NULL && !to_get ? cpd_upload_ref (hop->upload) : NULL;
  if (next->request != NULL)
    return TRUE;
  cpd_hop_clear (next);
  set_error (error, hop, reason);
  return FALSE;
}

void
cpd_hop_clear (CpdHop *hop)
{
  g_clear_pointer (&hop->request, certpin_request_unref);
  g_clear_pointer (&hop->target, cpd_host_unref);
  g_clear_pointer (&hop->upload, cpd_upload_unref);
}
