/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One HTTP proxy as the administrator names it. Its credentials are kept apart from its URL, which
 * is shown to users. */

#include "config.h"

#include "daemon/core/base/cpd-proxy.h"

#include "daemon/core/base/cpd-refuse.h"

#include <gio/gio.h>

#include <string.h>

#define NAME_MAX_BYTES  253
#define LABEL_MAX_BYTES 63

/* Returns: whether it is a host name of ASCII labels (RFC 1123, section 2.1), or with underscores,
 * which some networks use */
static gboolean
is_name (const char *name)
{
  gsize label_bytes = 0;

  for (const char *c = name; *c != '\0'; c++)
    {
      if (*c != '.' && *c != '-' && *c != '_' && !g_ascii_isalnum (*c))
        return FALSE;
      if (*c == '.' ? label_bytes == 0 : label_bytes == LABEL_MAX_BYTES)
        return FALSE;
      label_bytes = *c == '.' ? 0 : label_bytes + 1;
    }
  return label_bytes > 0 && strlen (name) <= NAME_MAX_BYTES;
}

/* Returns: (transfer full) (nullable): a host name in lower case and ASCII, without a dot at its
 * end, or an address; NULL: it is neither */
char *
cpd_proxy_dup_canonical_name (const char *name)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (name);
  g_autofree char *ascii = NULL, *lower = NULL;

  if (address != NULL)
    return g_inet_address_to_string (address);
  ascii = g_hostname_to_ascii (name);
  if (ascii == NULL)
    return NULL;
  lower = g_ascii_strdown (ascii, -1);
  if (g_str_has_suffix (lower, "."))
    lower[strlen (lower) - 1] = '\0';
  return is_name (lower) ? g_steal_pointer (&lower) : NULL;
}

/* Returns: what is wrong with it; NULL: nothing */
static const char *
find_fault (GUri *uri)
{
  if (!g_str_equal (g_uri_get_scheme (uri), "http")
      && !g_str_equal (g_uri_get_scheme (uri), "https"))
    return "it does not begin with http:// or https://";
  if (g_uri_get_userinfo (uri) != NULL)
    return "credentials belong in the file that ProxyCredentials= names";
  if (g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0')
    return "it names no host";
  if (g_uri_get_port (uri) <= 0)
    return "it names no port";
  if (!g_str_equal (g_uri_get_path (uri), "") && !g_str_equal (g_uri_get_path (uri), "/"))
    return "it has a path";
  if (g_uri_get_query (uri) != NULL || g_uri_get_fragment (uri) != NULL)
    return "it has a query or a fragment";
  return NULL;
}

/* `url`: http://HOST:PORT or https://HOST:PORT.
 * Errors: CERTPIN_ERROR_INVALID_ARGUMENT; the message does not repeat the URL, which may hold a
 * password.
 * Returns: (transfer full) */
CpdProxy *
cpd_proxy_new (const char *url, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  const char *fault = uri != NULL ? find_fault (uri) : "it is not a URL";
  g_autofree char *name
      = fault == NULL ? cpd_proxy_dup_canonical_name (g_uri_get_host (uri)) : NULL;
  CpdProxy *proxy;

  if (fault == NULL && name == NULL)
    fault = "its host is neither a name nor an address";
  if (fault != NULL)
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                   "%s; write http://HOST:PORT", fault);
      return NULL;
    }
  proxy = g_atomic_rc_box_new0 (CpdProxy);
  proxy->name = g_steal_pointer (&name);
  proxy->port = (guint16)g_uri_get_port (uri);
  proxy->is_secure = g_str_equal (g_uri_get_scheme (uri), "https");
  proxy->text = g_strdup_printf (strchr (proxy->name, ':') != NULL ? "%s://[%s]:%u" : "%s://%s:%u",
                                 g_uri_get_scheme (uri), proxy->name, proxy->port);
  return proxy;
}

/* `proxy`: (nullable) */
CpdProxy *
cpd_proxy_ref (CpdProxy *proxy)
{
  return proxy != NULL ? g_atomic_rc_box_acquire (proxy) : NULL;
}

static void
proxy_clear (gpointer data)
{
  CpdProxy *proxy = data;

  g_free (proxy->text);
  g_free (proxy->name);
  g_free (proxy->authorization);
}

/* `proxy`: (nullable) */
void
cpd_proxy_unref (CpdProxy *proxy)
{
  if (proxy != NULL)
    g_atomic_rc_box_release_full (proxy, proxy_clear);
}

/* `proxy`: (nullable). Returns: its URL, or the word for none */
const char *
cpd_proxy_get_text (const CpdProxy *proxy)
{
  return proxy != NULL ? proxy->text : CPD_PROXY_DIRECT;
}
