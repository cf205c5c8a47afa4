/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A request as a value, and the rules that it must meet before anybody looks at its host: an https
 * URL, a method and headers that cannot bend the framing of HTTP/1.1 (RFC 9110, RFC 9112). */

#include "config.h"

#include "certpin-request.h"

#include "certpin-error.h"
#include "certpin-request-private.h"

#include <string.h>

struct _CertpinRequest
{
  char *method;      /* a token, as given: methods are case-sensitive (RFC 9110, section 9.1) */
  GUri *uri;         /* https, with a host, without userinfo and fragment */
  GVariant *headers; /* a(ss) */
  GBytes *body;
  GObject *content; /* (nullable): the body, instead of `body`; only the library knows its type */
};

G_DEFINE_BOXED_TYPE (CertpinRequest, certpin_request, certpin_request_ref, certpin_request_unref)

#define METHOD_MAX_BYTES 32

/* Only the service writes headers of the connection and the framing (RFC 9110, section 7.6.1). */
static const char *const reserved_headers[] = {
  "Host",       "Content-Length", "Transfer-Encoding", "Connection",
  "Keep-Alive", "Upgrade",        "HTTP2-Settings",    "Expect",
  "TE",         "Trailer",
};

static gboolean
is_token (const char *text)
{
  for (const char *c = text; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("!#$%&'*+-.^_`|~", *c) == NULL)
      return FALSE;
  return *text != '\0';
}

static gboolean
is_field_value (const char *text)
{
  for (const char *c = text; *c != '\0'; c++)
    if (*c != '\t' && (*c < ' ' || *c > '~'))
      return FALSE;
  return TRUE;
}

static gboolean
is_reserved (const char *name)
{
  if (g_ascii_strncasecmp (name, "Proxy-", strlen ("Proxy-")) == 0)
    return TRUE;
  for (size_t i = 0; i < G_N_ELEMENTS (reserved_headers); i++)
    if (g_ascii_strcasecmp (name, reserved_headers[i]) == 0)
      return TRUE;
  return FALSE;
}

/* Makes sure that the message is short, and UTF-8. */
G_GNUC_PRINTF (3, 4)
static gboolean
refuse_with (CertpinError code, GError **error, const char *format, ...)
{
  g_autofree char *text = NULL, *valid = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  valid = g_utf8_make_valid (text, -1);
  g_set_error_literal (error, CERTPIN_ERROR, (int)code, valid);
  return FALSE;
}

#define refuse(error, ...) refuse_with (CERTPIN_ERROR_INVALID_ARGUMENT, error, __VA_ARGS__)

/* Returns: (transfer full): the URL for messages: short, and without a password */
static char *
shown (const char *url)
{
  const char *authority = strstr (url, "//");
  size_t length = authority != NULL ? strcspn (authority + 2, "/?#") : 0;
  const char *at = authority != NULL ? g_strrstr_len (authority + 2, (gssize)length, "@") : NULL;

  if (at == NULL)
    return g_strdup_printf ("%.200s", url);
  return g_strdup_printf ("%.*s…%.200s", (int)MIN (authority + 2 - url, 200), url, at);
}

static gboolean
check_method (const char *method, GError **error)
{
  if (strnlen (method, METHOD_MAX_BYTES + 1) > METHOD_MAX_BYTES)
    return refuse (error, "the method has more than %d bytes; use one like GET or POST",
                   METHOD_MAX_BYTES);
  if (!is_token (method))
    return refuse (error, "method ‘%s’ is not an HTTP token; give one such as GET or POST", method);
  if (g_ascii_strcasecmp (method, "CONNECT") == 0 || g_ascii_strcasecmp (method, "TRACE") == 0)
    return refuse (error,
                   "method ‘%s’ is not allowed in a secure request; give one such as GET or POST",
                   method);
  return TRUE;
}

static gboolean
check_headers (GVariant *headers, GError **error)
{
  GVariantIter iter;
  const char *name, *value;

  if (!g_variant_is_of_type (headers, G_VARIANT_TYPE ("a(ss)")))
    return refuse (error, "the headers have type ‘%.100s’; pass names and values of type ‘a(ss)’",
                   g_variant_get_type_string (headers));
  g_variant_iter_init (&iter, headers);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    {
      if (!is_token (name))
        return refuse (
            error,
            "header name ‘%.100s’ is not an HTTP token; write it with letters, digits and hyphens",
            name);
      if (is_reserved (name))
        return refuse (error, "header ‘%.100s’ is written by the service; leave it out", name);
      if (!is_field_value (value))
        return refuse (
            error,
            "the value of header ‘%.100s’ may hold only visible ASCII, spaces and tabs; encode "
            "the rest",
            name);
    }
  return TRUE;
}

/* Visible ASCII; a host may also be Unicode, which the parser of hosts checks. */
static gboolean
check_url_text (const char *url, GError **error)
{
  const char *authority = strstr (url, "//");
  const char *rest = authority != NULL ? strpbrk (authority + 2, "/?#") : NULL;

  for (const char *c = url; *c != '\0'; c++)
    if (*c == ' ' || g_ascii_iscntrl (*c) || *c == '\\'
        || (rest != NULL && c >= rest && (*c & 0x80)))
      {
        g_autofree char *text = shown (url);
        return (*c & 0x80) != 0
                   ? refuse (error, "URL ‘%s’ contains a character beyond ASCII; percent-encode it",
                             text)
                   : refuse (
                       error,
                       "URL ‘%s’ contains a character that a URL cannot have; write it as %%%02X",
                       text, (guint8)*c);
      }
  return TRUE;
}

/* What people type into a browser: a host without a scheme; if it has a port, the host looks like a
 * scheme. */
static gboolean
lacks_scheme (const char *url, const char *scheme)
{
  return scheme == NULL || g_ascii_isdigit (url[strlen (scheme) + 1]);
}

static GUri *
parse_url (const char *url, GError **error)
{
  const GUriFlags flags = G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE;
  g_autoptr (GError) reason = NULL;
  g_autofree char *scheme = g_uri_parse_scheme (url);
  g_autofree char *text = shown (url);
  g_autoptr (GUri) uri = NULL;

  if (lacks_scheme (url, scheme))
    {
      refuse (error, "‘%s’ is not a URL; give one such as https://h.example/path", text);
      return NULL;
    }
  if (g_ascii_strcasecmp (scheme, "https") != 0)
    {
      refuse_with (CERTPIN_ERROR_NOT_SECURE, error,
                   "URL ‘%s’ uses %.100s, but only https can be pinned; %s", text, scheme,
                   strcmp (scheme, "http") == 0 ? "write it with https://" : "give an https URL");
      return NULL;
    }
  if (!check_url_text (url, error))
    return NULL;
  uri = g_uri_parse (url, flags, &reason);
  if (uri == NULL || g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0')
    {
      refuse (error, "‘%s’ is not a URL with a host%s%.200s; write it as https://h.example/path",
              text, reason != NULL ? ": " : "", reason != NULL ? reason->message : "");
      return NULL;
    }
  if (g_uri_get_userinfo (uri) != NULL)
    {
      refuse (error,
              "the URL of host ‘%.200s’ contains a user name; send an Authorization header instead",
              g_uri_get_host (uri));
      return NULL;
    }
  if (g_uri_get_port (uri) == 0)
    {
      refuse (error, "URL ‘%s’ has port 0; give a port from 1 to 65535", text);
      return NULL;
    }
  return g_uri_build (flags, "https", NULL, g_uri_get_host (uri), g_uri_get_port (uri),
                      *g_uri_get_path (uri) != '\0' ? g_uri_get_path (uri) : "/",
                      g_uri_get_query (uri), NULL);
}

/**
 * certpin_request_new:
 * @method: an HTTP method: a token of at most 32 bytes, except CONNECT and TRACE
 * @url: an https URL without a user name; its fragment is dropped
 * @headers: (nullable): an `a(ss)` of names and values; consumed if floating
 * @body: (nullable): the body, or %NULL for none
 *
 * Creates a request.
 *
 * The name of a header must be a token, and its value may hold only visible ASCII, spaces and tabs.
 * The service writes Host, the headers of framing and of the connection, Expect, TE, Trailer,
 * Upgrade and `Proxy-*` itself, and they are refused here. The service limits the sizes of URL,
 * headers and body, as `org.certpin.Certpin1.Requests.SecureRequest` says.
 *
 * Errors:
 *
 * - `CERTPIN_ERROR_NOT_SECURE`: the scheme of the URL is not https
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: the method, the URL or a header is not valid
 *
 * Returns: (transfer full): the request, or %NULL with @error set
 *
 * Since: 0.1
 */
CertpinRequest *
certpin_request_new (const char *method, const char *url, GVariant *headers, GBytes *body,
                     GError **error)
{
  g_autoptr (GVariant) fields = NULL;
  g_autoptr (GUri) uri = NULL;
  CertpinRequest *request;

  g_return_val_if_fail (method != NULL, NULL);
  g_return_val_if_fail (url != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  fields = g_variant_ref_sink (headers != NULL ? headers : g_variant_new ("a(ss)", NULL));
  uri = parse_url (url, error);
  if (uri == NULL || !check_method (method, error) || !check_headers (fields, error))
    return NULL;

  request = g_atomic_rc_box_new0 (CertpinRequest);
  request->method = g_strdup (method);
  request->uri = g_steal_pointer (&uri);
  request->headers = g_steal_pointer (&fields);
  request->body = body != NULL ? g_bytes_ref (body) : g_bytes_new_static ("", 0);
  return request;
}

/* As certpin_request_new(), with a body that is not in memory. */
CertpinRequest *
certpin_request_new_for_content (const char *method, const char *url, GVariant *headers,
                                 GObject *content, GError **error)
{
  CertpinRequest *request = certpin_request_new (method, url, headers, /* body= */ NULL, error);

  if (request != NULL)
    request->content = g_object_ref (content);
  return request;
}

/* Returns: (transfer none) (nullable) */
GObject *
certpin_request_get_content (CertpinRequest *request)
{
  return request->content;
}

/**
 * certpin_request_ref:
 * @request: a request
 *
 * Adds a reference to a request.
 *
 * Returns: (transfer full): @request
 *
 * Since: 0.1
 */
CertpinRequest *
certpin_request_ref (CertpinRequest *request)
{
  g_return_val_if_fail (request != NULL, NULL);

  return g_atomic_rc_box_acquire (request);
}

static void
request_clear (gpointer data)
{
  CertpinRequest *request = data;

  g_free (request->method);
  g_uri_unref (request->uri);
  g_variant_unref (request->headers);
  g_bytes_unref (request->body);
  g_clear_object (&request->content);
}

/**
 * certpin_request_unref:
 * @request: (nullable) (transfer full): a request
 *
 * Drops a reference to a request. The request is freed with its last reference.
 *
 * Since: 0.1
 */
void
certpin_request_unref (CertpinRequest *request)
{
  if (request != NULL)
    g_atomic_rc_box_release_full (request, request_clear);
}

/**
 * certpin_request_get_method:
 * @request: a request
 *
 * Gets the method of a request.
 *
 * Returns: (transfer none): the method
 *
 * Since: 0.1
 */
const char *
certpin_request_get_method (CertpinRequest *request)
{
  g_return_val_if_fail (request != NULL, NULL);

  return request->method;
}

/**
 * certpin_request_get_uri:
 * @request: a request
 *
 * Gets the URL of a request.
 *
 * Returns: (transfer none): the https URL, without user name and fragment, percent-encoded as it
 * was given
 *
 * Since: 0.1
 */
GUri *
certpin_request_get_uri (CertpinRequest *request)
{
  g_return_val_if_fail (request != NULL, NULL);

  return request->uri;
}

/**
 * certpin_request_get_headers:
 * @request: a request
 *
 * Gets the headers of a request.
 *
 * Returns: (transfer none): the names and values, an `a(ss)`
 *
 * Since: 0.1
 */
GVariant *
certpin_request_get_headers (CertpinRequest *request)
{
  g_return_val_if_fail (request != NULL, NULL);

  return request->headers;
}

/**
 * certpin_request_get_body:
 * @request: a request
 *
 * Gets the body of a request.
 *
 * Returns: (transfer none): the body; empty if the request has none, or if a builder has set a file
 * or a stream
 *
 * Since: 0.1
 */
GBytes *
certpin_request_get_body (CertpinRequest *request)
{
  g_return_val_if_fail (request != NULL, NULL);

  return request->body;
}
