/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The forms that the variable no_proxy has elsewhere: a name stands for itself and all below it,
 * one with a dot in front only for those below it, and networks only for hosts that are written as
 * addresses: a name that goes through a proxy is not looked up here. */

#include "config.h"

#include "daemon/core/base/cpd-no-proxy.h"

#include "daemon/core/base/cpd-proxy.h"
#include "daemon/core/base/cpd-ranges.h"

#include <string.h>

struct _CpdNoProxy
{
  CpdRanges *network; /* of one range; NULL: it is about names */
  char *suffix;       /* with a dot in front; empty: every host */
  gboolean itself;    /* also the name without that dot */
  guint16 port;       /* 0: every port */
};

/* `text`: loses the port behind its last colon, if there is one. With a port, an IPv6 address has
 * brackets: otherwise its last part would be taken for one.
 * Returns: whether that is a port */
static gboolean
take_port (CpdNoProxy *rule, char *text)
{
  char *colon = strrchr (text, ':');
  guint64 port;

  if (colon == NULL)
    return TRUE;
  if (!g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXUINT16, &port, NULL))
    return FALSE;
  rule->port = (guint16)port;
  *colon = '\0';
  return *text == '[' || strchr (text, ':') == NULL;
}

/* An address, also in brackets, or a network. Returns: whether it is one */
static gboolean
take_network (CpdNoProxy *rule, const char *text)
{
  gsize length = strlen (text);
  gboolean bracketed = length > 2 && text[0] == '[' && text[length - 1] == ']';
  g_autofree char *inner = bracketed ? g_strndup (text + 1, length - 2) : g_strdup (text);
  g_autoptr (CpdRanges) network = cpd_ranges_new ();

  if (!cpd_ranges_add_range (network, inner))
    return FALSE;
  rule->network = g_steal_pointer (&network);
  return TRUE;
}

static gboolean
take_name (CpdNoProxy *rule, const char *text)
{
  const char *name = g_str_has_prefix (text, "*.") ? text + 1 : text;
  g_autofree char *canonical = cpd_proxy_dup_canonical_name (*name == '.' ? name + 1 : name);

  if (canonical == NULL)
    return FALSE;
  rule->itself = *name != '.';
  rule->suffix = g_strconcat (".", canonical, NULL);
  return TRUE;
}

/* Returns: (transfer full) (nullable): NULL: it is not in any of the forms */
CpdNoProxy *
cpd_no_proxy_new (const char *text)
{
  g_autoptr (CpdNoProxy) rule = g_new0 (CpdNoProxy, 1);
  g_autofree char *rest = g_strdup (text);

  if (g_str_equal (text, "*"))
    rule->suffix = g_strdup ("");
  else if (!take_network (rule, text)
           && !(take_port (rule, rest) && (take_network (rule, rest) || take_name (rule, rest))))
    return NULL;
  return g_steal_pointer (&rule);
}

/* `rule`: (nullable) */
void
cpd_no_proxy_free (CpdNoProxy *rule)
{
  if (rule == NULL)
    return;
  cpd_ranges_free (rule->network);
  g_free (rule->suffix);
  g_free (rule);
}

static gboolean
matches_network (const CpdNoProxy *rule, const char *name)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (name);

  return address != NULL && cpd_ranges_find (rule->network, address) != NULL;
}

/* `name`: canonical. */
gboolean
cpd_no_proxy_matches (const CpdNoProxy *rule, const char *name, guint16 port)
{
  if (rule->port != 0 && rule->port != port)
    return FALSE;
  if (rule->network != NULL)
    return matches_network (rule, name);
  return g_str_has_suffix (name, rule->suffix)
         || (rule->itself && g_str_equal (name, rule->suffix + 1));
}
