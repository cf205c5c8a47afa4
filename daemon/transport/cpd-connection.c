/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "daemon/transport/cpd-connection.h"

#include "daemon/transport/cpd-turns.h"

#include <gnutls/gnutls.h>

/* Stands in front of GnuTLS's own function, for GIO: it would keep every ticket that a server of
 * TLS 1.3 sends, however many, and cannot be told otherwise. What is never kept cannot be resumed
 * either. */
__attribute__ ((visibility ("default"))) int
gnutls_session_get_data2 (gnutls_session_t session, gnutls_datum_t *data)
{
  *data = (gnutls_datum_t){ 0 };
  return GNUTLS_E_UNIMPLEMENTED_FEATURE;
}

static GSocketConnection *
get_base (GTlsConnection *connection)
{
  g_autoptr (GIOStream) base = NULL;

  g_object_get (connection, "base-io-stream", &base, NULL);
  return G_SOCKET_CONNECTION (base); /* the connection holds it */
}

/* Before hands are shaken. Sessions are not resumed, since a resumed one passes over what the
 * database says; and a connection that ends without TLS's own end is cut, not closed (RFC 8446,
 * section 6.1). */
void
cpd_connection_set_up (GTlsConnection *connection)
{
  GObjectClass *klass = G_OBJECT_GET_CLASS (connection);

  g_tls_connection_set_require_close_notify (connection, TRUE);
  if (g_object_class_find_property (klass, "session-resumption-enabled") != NULL)
    g_object_set (connection, "session-resumption-enabled", FALSE, NULL);
  cpd_turns_apply (get_base (connection));
}

/* Returns: (transfer none) */
GSocket *
cpd_connection_get_socket (GTlsConnection *connection)
{
  return g_socket_connection_get_socket (get_base (connection));
}

/* Whether the server says something before it is asked, which is the answer to nothing (RFC 9112,
 * section 9.2). Of connections that were kept alive libsoup drops those where that is so. */
gboolean
cpd_connection_speaks_unasked (GTlsConnection *connection)
{
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  guint8 byte;

  return g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM (input), &byte,
                                                   sizeof byte, NULL, NULL)
         > 0;
}
