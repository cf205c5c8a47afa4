/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* OpenConnection's arguments as a value. */

#include "config.h"

#include "daemon/bus/cpd-connect-order.h"

#include "daemon/bus/cpd-request-order.h"
#include "daemon/bus/cpd-socket.h"
#include "daemon/core/base/cpd-refuse.h"

#include <string.h>

#define PROTOCOLS_MAX      16
#define PROTOCOL_MAX_BYTES 255 /* RFC 7301, section 3.1 */

static gboolean
take_protocols (CpdTunnelOrder *order, GVariant *array, GError **error)
{
  if (array == NULL)
    return TRUE;
  order->protocols = g_variant_dup_strv (array, NULL);
  for (size_t i = 0; order->protocols[i] != NULL; i++)
    if (*order->protocols[i] == '\0' || strlen (order->protocols[i]) > PROTOCOL_MAX_BYTES)
      return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                         "option ‘alpn’: protocol ‘%.40s’ has %zu bytes; give 1 to %d",
                         order->protocols[i], strlen (order->protocols[i]), PROTOCOL_MAX_BYTES);
  return TRUE;
}

/* `handle`: -1: the option is not given. `order`: has the descriptor of the call */
static gboolean
check_socket (CpdTunnelOrder *order, gint32 handle, GError **error)
{
  if (handle < 0)
    return order->starttls < 0
           || cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                          "the call has a file descriptor, but no option ‘starttls’");
  if (handle != 0 || order->starttls < 0)
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "option ‘starttls’ is %d, but the call has no such file descriptor", handle);
  return cpd_socket_is_stream (order->starttls)
         || cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                        "the file descriptor of option ‘starttls’ is not a stream socket");
}

/* `name`: (nullable): NULL: the option is not given */
static gboolean
take_starttls_protocol (CpdTunnelOrder *order, const char *name, GError **error)
{
  static const char *const names[] = {
    [CPD_STARTTLS_IMAP] = "imap", [CPD_STARTTLS_SMTP] = "smtp",
    [CPD_STARTTLS_POP3] = "pop3", [CPD_STARTTLS_POSTGRES] = "postgres",
    [CPD_STARTTLS_LDAP] = "ldap",
  };

  if (name == NULL)
    return TRUE;
  if (order->starttls >= 0)
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "options ‘starttls’ and ‘starttls-protocol’ exclude each other");
  for (unsigned int i = CPD_STARTTLS_IMAP; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (name, names[i]))
      order->protocol = (CpdStarttls)i;
  return order->protocol != CPD_STARTTLS_NONE
         || cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                        "option ‘starttls-protocol’ is ‘%.40s’; give imap, smtp, pop3, postgres or "
                        "ldap",
                        name);
}

static gboolean
parse_options (CpdTunnelOrder *order, GVariant *options, CpdConnectExtras *extras, GError **error)
{
  g_autoptr (GVariant) keys = NULL, protocols = NULL;
  const char *given = NULL, *protocol = NULL;
  gint32 handle = -1;
  const CpdOption table[] = {
    CPD_REQUEST_OPTIONS (&order->timeout_ms, &keys, &given, &extras->tells_cause),
    { "alpn", "as", &protocols, 1, PROTOCOLS_MAX },
    { "starttls", "h", &handle },
    { "starttls-protocol", "s", &protocol, 1, 64 },
  };

  order->timeout_ms = CPD_REQUEST_TIMEOUT_MS;
  if (!cpd_options_parse (options, table, G_N_ELEMENTS (table), error)
      || !cpd_request_order_check_token (given, error)
      || !cpd_request_order_take_keys (&order->require_keys, keys, error)
      || !take_protocols (order, protocols, error) || !check_socket (order, handle, error)
      || !take_starttls_protocol (order, protocol, error))
    return FALSE;
  extras->token = g_strdup (given);
  return TRUE;
}

static gboolean
take_target (CpdTunnelOrder *order, const char *host, guint16 port, GError **error)
{
  if (port == 0)
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT, "0 is not a port; give 1 to 65535");
  order->target = cpd_host_new_target (host, port, error);
  return order->target != NULL;
}

/* `arguments`: OpenConnection's. `descriptor`: (transfer full): of the call; -1: none. `extras`:
 * (out caller-allocates).
 * Errors: CERTPIN_ERROR_INVALID_ARGUMENT, CERTPIN_ERROR_INVALID_KEY, CERTPIN_ERROR_INVALID_HOST.
 * Returns: (transfer full) */
CpdTunnelOrder *
cpd_connect_order_parse (GVariant *arguments, int descriptor, CpdOwner owner,
                         CpdConnectExtras *extras, GError **error)
{
  g_autoptr (CpdTunnelOrder) order = cpd_tunnel_order_new ();
  g_autoptr (GVariant) options = NULL;
  const char *host;
  guint16 port;

  g_variant_get (arguments, "(&sq@a{sv})", &host, &port, &options);
  order->owner = owner;
  order->starttls = descriptor;
  *extras = (CpdConnectExtras){ NULL };
  if (parse_options (order, options, extras, error) && take_target (order, host, port, error))
    return g_steal_pointer (&order);
  g_clear_pointer (&extras->token, g_free);
  return NULL;
}
