/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One connection between its handshake and its end, while no request is on it. */

#include "config.h"

#include "daemon/transport/cpd-connection.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/base/cpd-refuse.h"

/* So often an idle connection may be woken by what is no data, such as tickets. */
#define WAKE_UPS_MAX 64

/* So many records that are no data may have arrived when it is to be used. */
#define RECORDS_MAX 64

/* `tls`: (transfer full): its handshake is over. */
CpdConnection *
cpd_connection_new (CpdTls *tls, CpdHost *host)
{
  CpdConnection *connection = g_new0 (CpdConnection, 1);
  g_autoptr (GBytes) stapled = cpd_tls_dup_stapled (tls);

  connection->tls = tls;
  connection->peer = cpd_peer_new (host, cpd_tls_get_presented (tls), stapled);
  return connection;
}

/* Cuts it, unless it was closed.
 * `connection`: (nullable) */
void
cpd_connection_free (CpdConnection *connection)
{
  if (connection == NULL)
    return;
  cpd_tls_free (connection->tls);
  g_strfreev (connection->warnings);
  cpd_peer_unref (connection->peer);
  cpd_peer_unref (connection->proxy);
  g_clear_object (&connection->address);
  g_free (connection);
}

/* What was received in place of silence. `length`, `reason`: as of cpd_tls_receive ().
 * Returns: FALSE */
static gboolean
set_spoken_error (gssize length, const GError *reason, GError **error)
{
  if (length > 0)
    g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR,
                         "sent data before the request");
  else if (length == 0)
    g_set_error_literal (error, G_TLS_ERROR, G_TLS_ERROR_EOF, "it ended TLS");
  else if (error != NULL)
    *error = g_error_copy (reason);
  return FALSE;
}

/* Whether the server says nothing before it is asked: that would be the answer to nothing (RFC
 * 9112, section 9.2), and its end is no answer either. In TLS 1.3, a server that demands a
 * certificate says so only after the handshake. What is no data may come first; GnuTLS returns
 * after each such record, so the end may be behind it.
 * Errors: G_TLS_ERROR; CERTPIN_ERROR_PROTOCOL_ERROR for data, and for records without end. */
gboolean
cpd_connection_is_silent (CpdConnection *connection, GError **error)
{
  for (unsigned int records = 0; cpd_tls_has_unread (connection->tls); records++)
    {
      g_autoptr (GError) reason = NULL;
      guint8 byte;
      gssize length = cpd_tls_receive (connection->tls, &byte, sizeof byte, &reason);

      if (!g_error_matches (reason, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        return set_spoken_error (length, reason, error);
      if (records == RECORDS_MAX)
        return cpd_refuse (error, CERTPIN_ERROR_PROTOCOL_ERROR,
                           "sent TLS records without end before the request");
    }
  return TRUE;
}

static void
on_ready (gpointer user_data)
{
  CpdConnection *connection = user_data;

  if (cpd_connection_is_silent (connection, /* error= */ NULL)
      && ++connection->wake_ups <= WAKE_UPS_MAX)
    return;
  cpd_tls_watch (connection->tls, 0, NULL, NULL);
  connection->ended (connection, connection->user_data);
}

/* `ended`: called once if the server says something or ends the connection, unless something else
 * watches it before that. */
void
cpd_connection_watch_idle (CpdConnection *connection, CpdConnectionFunc ended, gpointer user_data)
{
  connection->wake_ups = 0;
  connection->ended = ended;
  connection->user_data = user_data;
  cpd_tls_watch (connection->tls, G_IO_IN, on_ready, connection);
}
