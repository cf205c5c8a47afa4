/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where a redirect leads and what goes along (RFC 9110, section 15.4). Nothing that could identify
 * somebody crosses from one origin to another, and no body does. */

#include "config.h"

#include "daemon/transport/cpd-redirect.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/base/cpd-text.h"
#include "daemon/core/pins/cpd-host.h"

#include <string.h>

static const char *const crossing_headers[]
    = { "Accept", "Accept-Language", "Range", "User-Agent", NULL };

static const char *
lookup_location (GVariant *headers)
{
  const char *name, *value;
  GVariantIter iter;

  g_variant_iter_init (&iter, headers);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    if (g_ascii_strcasecmp (name, "Location") == 0)
      return value;
  return NULL;
}

gboolean
cpd_redirect_is_one (unsigned int status, GVariant *headers)
{
  return (status == 301 || status == 302 || status == 303 || status == 307 || status == 308)
         && lookup_location (headers) != NULL;
}

static gboolean
becomes_get (const char *method, unsigned int status)
{
  if (status == 303)
    return !g_str_equal (method, "HEAD");
  return (status == 301 || status == 302) && g_str_equal (method, "POST");
}

static gboolean
is_same_origin (GUri *a, GUri *b)
{
  int port_a = g_uri_get_port (a), port_b = g_uri_get_port (b);
  g_autoptr (CpdHost) host_a
      = cpd_host_new_target (g_uri_get_host (a), port_a > 0 ? (guint16)port_a : 443, NULL);
  g_autoptr (CpdHost) host_b
      = cpd_host_new_target (g_uri_get_host (b), port_b > 0 ? (guint16)port_b : 443, NULL);

  return host_a != NULL && host_b != NULL
         && g_str_equal (cpd_host_get_text (host_a), cpd_host_get_text (host_b));
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

/* Returns: (transfer full): where a Location leads, as an absolute URL */
static char *
resolve (GUri *base, const char *location, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autoptr (GUri) uri = g_uri_parse_relative (
      base, location, G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE, &reason);
  g_autofree char *shown = cpd_text_sanitize (location, strnlen (location, 300));

  /* GLib cannot write one without a host whose path begins with “//”, as servers may send. What is
   * wrong with it, its scheme tells. */
  if (uri != NULL && g_uri_get_host (uri) == NULL)
    return g_strconcat (g_uri_get_scheme (uri), ":", NULL);
  if (uri != NULL)
    return g_uri_to_string (uri);
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR,
               "host ‘%s’ redirects to ‘%s’, which is not a URL: %s", g_uri_get_host (base), shown,
               reason->message);
  return NULL;
}

static gboolean
names_a_host (CertpinRequest *request, GError **error)
{
  GUri *uri = certpin_request_get_uri (request);
  g_autoptr (CpdHost) host = cpd_host_new_target (g_uri_get_host (uri), 0, error);

  return host != NULL;
}

static CertpinRequest *
build (const char *method, const char *url, GVariant *headers, GBytes *body, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autoptr (CertpinRequest) next = certpin_request_new (method, url, headers, body, &reason);

  if (next != NULL && names_a_host (next, &reason))
    return g_steal_pointer (&next);
  if (g_error_matches (reason, CERTPIN_ERROR, CERTPIN_ERROR_NOT_SECURE))
    g_propagate_error (error, g_steal_pointer (&reason));
  else
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR, "a redirect leads nowhere: %s",
                 reason->message);
  return NULL;
}

/* `headers`: of a response that is a redirect.
 * Errors: CERTPIN_ERROR_NOT_SECURE where it leads to another scheme,
 * CERTPIN_ERROR_PROTOCOL_ERROR where it leads nowhere.
 * Returns: (transfer full) (nullable): what to ask next; NULL without `error` where the redirect
 * is itself the answer, since the request's body may not go along */
CertpinRequest *
cpd_redirect_follow (CertpinRequest *request, unsigned int status, GVariant *headers,
                     GError **error)
{
  GUri *base = certpin_request_get_uri (request);
  gboolean to_get = becomes_get (certpin_request_get_method (request), status);
  GBytes *body = to_get ? NULL : certpin_request_get_body (request);
  gboolean with_body = body != NULL && g_bytes_get_size (body) > 0;
  g_autofree char *url = resolve (base, lookup_location (headers), error);
  g_autoptr (CertpinRequest) next = NULL;
  gboolean same_origin;
  GVariant *kept;

  if (url == NULL)
    return NULL;
  /* First without headers and body: only what it leads to tells which of them go along. */
  next = build ("GET", url, NULL, NULL, error);
  if (next == NULL)
    return NULL;
  same_origin = is_same_origin (base, certpin_request_get_uri (next));
  if (with_body && !same_origin)
    return NULL;
  kept = pick_headers (certpin_request_get_headers (request), same_origin, with_body);
  return build (to_get ? "GET" : certpin_request_get_method (request), url, kept, body, error);
}
