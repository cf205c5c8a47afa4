/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A request as libsoup's message. */

#include "config.h"

#include "daemon/transport/cpd-message.h"

/* The request's URL with its canonical host, which is what was judged. */
static GUri *
new_uri (CertpinRequest *request, CpdHost *target)
{
  GUri *given = certpin_request_get_uri (request);

  return g_uri_build (SOUP_HTTP_URI_FLAGS, "https", NULL, cpd_host_get_name (target),
                      cpd_host_get_port (target), g_uri_get_path (given), g_uri_get_query (given),
                      NULL);
}

/* `fresh`: on a new connection.
 * Returns: (transfer full) */
SoupMessage *
cpd_message_new (CertpinRequest *request, CpdHost *target, gboolean fresh)
{
  g_autoptr (GUri) uri = new_uri (request, target);
  SoupMessage *message = soup_message_new_from_uri (certpin_request_get_method (request), uri);
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);
  SoupMessageFlags flags = SOUP_MESSAGE_NO_REDIRECT | SOUP_MESSAGE_COLLECT_METRICS;
  GBytes *body = certpin_request_get_body (request);
  const char *name, *value;
  GVariantIter iter;

  soup_message_set_flags (message, fresh ? flags | SOUP_MESSAGE_NEW_CONNECTION : flags);
  /* A 401 would otherwise be read whole into memory. */
  soup_message_disable_feature (message, SOUP_TYPE_AUTH_MANAGER);
  g_variant_iter_init (&iter, certpin_request_get_headers (request));
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    soup_message_headers_append (headers, name, value);
  /* Setting none would take the caller's Content-Type away. */
  if (g_bytes_get_size (body) > 0)
    soup_message_set_request_body_from_bytes (message, NULL, body);
  return message;
}

/* Whether it makes no difference if a server gets the request twice (RFC 9110, section 9.2.2). */
gboolean
cpd_message_may_go_twice (SoupMessage *message)
{
  static const char *const methods[] = { "GET", "HEAD", "OPTIONS", "PUT", "DELETE", NULL };

  return g_strv_contains (methods, soup_message_get_method (message));
}
