/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The alerts of TLS (RFC 8446, section 6), for messages: by the name that people look up, and what
 * it means for somebody who calls a server. */

#include "config.h"

#include "daemon/transport/cpd-tls-alert.h"

#include <gio/gio.h>

#include <string.h>

#define PREFIX "GNUTLS_A_"

/* Those that servers send because of what certpin sent, or did not send. */
static const struct
{
  gnutls_alert_description_t alert;
  const char *meaning;
} meanings[] = {
  { GNUTLS_A_HANDSHAKE_FAILURE, "it supports none of the offered algorithms" },
  { GNUTLS_A_INSUFFICIENT_SECURITY, "it wants stronger algorithms" },
  { GNUTLS_A_PROTOCOL_VERSION, "it supports none of the offered versions of TLS" },
  { GNUTLS_A_CERTIFICATE_REQUIRED, "it demands a client certificate" },
  { GNUTLS_A_ACCESS_DENIED, "it denies access" },
  { GNUTLS_A_UNRECOGNIZED_NAME, "it does not know the name of the host" },
  { GNUTLS_A_NO_APPLICATION_PROTOCOL, "it supports none of the offered application protocols" },
  { GNUTLS_A_INTERNAL_ERROR, "it failed for a reason of its own" },
};

/* Returns: (nullable) (transfer full): as the RFC writes it; NULL: GnuTLS does not know it */
static char *
get_name (gnutls_alert_description_t alert)
{
  const char *constant = gnutls_alert_get_strname (alert);

  return constant != NULL && g_str_has_prefix (constant, PREFIX)
             ? g_ascii_strdown (constant + strlen (PREFIX), -1)
             : NULL;
}

/* Returns: (transfer full): for behind "sent": "the TLS alert ‘access_denied’: it denies access" */
char *
cpd_tls_alert_describe (gnutls_alert_description_t alert)
{
  g_autofree char *name = get_name (alert);

  if (name == NULL)
    return g_strdup_printf ("the TLS alert %d, which is unknown", (int)alert);
  for (size_t i = 0; i < G_N_ELEMENTS (meanings); i++)
    if (meanings[i].alert == alert)
      return g_strdup_printf ("the TLS alert ‘%s’: %s", name, meanings[i].meaning);
  return g_strdup_printf ("the TLS alert ‘%s’", name);
}

/* Of a session that the server has ended. Returns: FALSE */
gboolean
cpd_tls_alert_set_error (gnutls_session_t session, GError **error)
{
  g_autofree char *alert = cpd_tls_alert_describe (gnutls_alert_get (session));

  g_set_error (error, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE, "it sent %s", alert);
  return FALSE;
}
