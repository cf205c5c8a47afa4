/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hosts as people write them; only the service knows whether they are valid. */

#include "config.h"

#include "certpinctl-host.h"

#include <string.h>

#define HTTPS_PORT 443

/* `name`: (out) (transfer full): without brackets. `port`: (out): 0 if there is none.
 * Returns: whether there is one. An IPv6 address has colons, too, but in brackets before a port */
gboolean
ctl_host_split (const char *text, char **name, guint16 *port)
{
  const char *colon = strrchr (text, ':');
  guint64 number = 0;
  gboolean ported = colon != NULL && colon > text
                    && (strchr (text, ':') == colon || colon[-1] == ']')
                    && g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXUINT16, &number, NULL);
  gsize length = ported ? (gsize)(colon - text) : strlen (text);
  gboolean literal = length > 2 && text[0] == '[' && text[length - 1] == ']';

  *name = literal ? g_strndup (text + 1, length - 2) : g_strndup (text, length);
  *port = (guint16)number;
  return ported;
}

gboolean
ctl_host_has_port (const char *text)
{
  g_autofree char *name = NULL;
  guint16 port;

  return ctl_host_split (text, &name, &port);
}

/* Returns: (transfer full): the host of an https URL, as pins name it */
char *
ctl_host_of_uri (GUri *uri)
{
  const char *host = g_uri_get_host (uri);
  gboolean literal = strchr (host, ':') != NULL;

  if (g_uri_get_port (uri) < 0 || g_uri_get_port (uri) == HTTPS_PORT)
    return g_strdup (host);
  return g_strdup_printf (literal ? "[%s]:%d" : "%s:%d", host, g_uri_get_port (uri));
}

/* Returns: (transfer full) (nullable): the host that the URL names, as pins name it */
char *
ctl_host_of_url (const char *url)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;

  return host != NULL && *host != '\0' ? ctl_host_of_uri (uri) : NULL;
}
