/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Connections for any protocol. */

#include "config.h"

#include "certpin-client.h"

#include "certpin-arguments.h"
#include "certpin-error.h"
#include "certpin-handle.h"
#include "certpin-task.h"
#include "certpin-wait.h"

#include "dbus/certpin-names.h"

#include <glib/gstdio.h>

#define EVIDENCE_KEY "certpin-connection-evidence"

static const CertpinMethod open_connection
    = { CERTPIN_REQUESTS_IFACE, "OpenConnection", "(ha{sv})" };
static const CertpinMethod finish = { CERTPIN_REQUEST_IFACE, "Finish", "(a{sv})" };

/* Adds the option `starttls`, whose descriptor is the only one of the call. */
static GVariant *
add_starttls (GVariant *options)
{
  g_autoptr (GVariant) given = g_variant_ref_sink (options);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (given);

  g_variant_dict_insert_value (&dict, "starttls", g_variant_new_handle (0));
  return g_variant_dict_end (&dict);
}

/* `starttls`: (nullable). Returns: (nullable): NULL with `error` set */
static CertpinCall *
new_call (const char *host, guint16 port, GSocketConnection *starttls, GVariant *options,
          GError **error)
{
  g_autoptr (GUnixFDList) sent = NULL;
  g_autoptr (GError) reason = NULL;
  g_autofree char *token = NULL;
  GVariant *with_token;
  CertpinCall *call;

  if (starttls != NULL)
    {
      GSocket *socket = g_socket_connection_get_socket (starttls);

      sent = g_unix_fd_list_new ();
      if (g_unix_fd_list_append (sent, g_socket_get_fd (socket), &reason) < 0)
        {
          g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
                       "the socket cannot be passed on: %s", reason->message);
          return NULL;
        }
    }
  with_token = certpin_handle_add (options, &token);
  if (sent != NULL)
    with_token = add_starttls (with_token);
  call = certpin_call_new (
      &open_connection,
      g_variant_new ("(@sq@a{sv})", certpin_arguments_text (host), port, with_token));
  call->timeout_ms = certpin_handle_get_timeout_ms (options);
  call->token = g_steal_pointer (&token);
  call->sent = g_steal_pointer (&sent);
  return call;
}

/**
 * certpin_client_open_connection_async:
 * @client: a client
 * @host: one host, without a port
 * @port: its port
 * @starttls: (nullable): a connection to the server, on which TLS is to begin
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Requests.OpenConnection`, except `starttls`; consumed if floating
 * @cancellable: (nullable): cancels the call, in the service too
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Opens a TLS connection to a pinned host, for any protocol. The service sends nothing of
 * the program's before the server has proved that it holds a pinned key, and cuts the
 * connection if a pin or a trust anchor changes so that the server no longer passes.
 *
 * The result is a socket that carries the plaintext. Reading the end of the stream means
 * that nothing is missing; a connection that was cut fails with
 * `G_IO_ERROR_CONNECTION_CLOSED`, and certpin_client_get_connection_end() says why. To end only one
 * direction, call g_socket_shutdown().
 *
 * With the option `starttls-protocol`, the service asks for TLS in the way of IMAP, SMTP,
 * POP3, PostgreSQL or LDAP. For other protocols, there is @starttls: the program has
 * connected to the server itself, and has spoken with it up to the point where TLS begins.
 * It must have read all that the server has said. From now on, it must not use that
 * connection, and it drops its reference.
 *
 * In @callback, call certpin_client_open_connection_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_open_connection_async (CertpinClient *client, const char *host, guint16 port,
                                      GSocketConnection *starttls, GVariant *options,
                                      GCancellable *cancellable, GAsyncReadyCallback callback,
                                      gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GVariant) given = NULL;
  CertpinCall *call;
  GError *error = NULL;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (host != NULL);
  g_return_if_fail (starttls == NULL || G_IS_SOCKET_CONNECTION (starttls));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_open_connection_async, cancellable, callback,
                           user_data);
  given = certpin_task_take_options (task, options);
  if (given == NULL)
    return;
  call = new_call (host, port, starttls, given, &error);
  if (call != NULL)
    certpin_task_submit (task, call);
  else
    g_task_return_error (task, error);
}

/* Returns: a copy of the descriptor of a reply; -1: there is none */
static int
copy_descriptor (GUnixFDList *received, gint32 handle, GError **error)
{
  if (received == NULL || handle < 0 || handle >= g_unix_fd_list_get_length (received))
    return -1;
  return g_unix_fd_list_get (received, handle, error);
}

/* Returns: (transfer full) (nullable): a connection on the descriptor of a reply */
static GSocketConnection *
new_connection (GUnixFDList *received, gint32 handle, GError **error)
{
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GError) reason = NULL;
  int descriptor = copy_descriptor (received, handle, &reason);

  if (descriptor >= 0)
    socket = g_socket_new_from_fd (descriptor, &reason); /* takes it, unless it fails */
  if (socket != NULL)
    return g_socket_connection_factory_create_connection (socket);
  if (descriptor >= 0)
    g_close (descriptor, NULL);
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
               "the reply of the certpin service is not valid: it has no socket%s%s",
               reason != NULL ? ": " : "", reason != NULL ? reason->message : "");
  return NULL;
}

/**
 * certpin_client_open_connection_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_open_connection_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range, or the port is 0
 * - `CERTPIN_ERROR_INVALID_HOST`: the host cannot be pinned
 * - `CERTPIN_ERROR_INVALID_KEY`: an element of the option `require-keys` is not a SHA-256
 *   key
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not make connections
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: the user has too many connections open
 * - `CERTPIN_ERROR_NOT_PINNED`: nothing is pinned for the host
 * - `CERTPIN_ERROR_BLOCKED`: the host is blocked
 * - `CERTPIN_ERROR_PIN_EXPIRED`: a pin of the host has expired
 * - `CERTPIN_ERROR_ADDRESS_DENIED`: the host has only addresses that data may not go to, or the
 *   socket of the option `starttls` leads to one
 * - `CERTPIN_ERROR_UNREACHABLE`: the host cannot be found or connected to
 * - `CERTPIN_ERROR_OFFLINE`: this machine has no network
 * - `CERTPIN_ERROR_PROXY_FAILED`: the proxy cannot be reached, is not trusted, or did not connect
 *   to the host
 * - `CERTPIN_ERROR_PROXY_AUTH_REQUIRED`: the proxy demands credentials, or does not accept those
 *   that the service has
 * - `CERTPIN_ERROR_TIMED_OUT`: the connection took longer than its timeout
 * - `CERTPIN_ERROR_TLS_FAILED`: the TLS handshake failed
 * - `CERTPIN_ERROR_UNTRUSTED`: the certification path of the server is not valid
 * - `CERTPIN_ERROR_PIN_MISMATCH`: the server does not hold a pinned key
 * - `CERTPIN_ERROR_CANCELLED`: the call was ended by its method
 *   `org.certpin.Certpin1.Request.Cancel`
 *
 * Returns: (transfer full): the connection, or %NULL with @error set
 *
 * Since: 0.1
 */
GSocketConnection *
certpin_client_open_connection_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  g_autoptr (GVariant) reply = NULL, info = NULL;
  GSocketConnection *connection;
  const CertpinCall *call;
  gint32 handle;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_open_connection_async),
                        NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  reply = g_task_propagate_pointer (G_TASK (result), error);
  if (reply == NULL)
    return NULL;
  call = g_task_get_task_data (G_TASK (result));
  g_variant_get (reply, "(h@a{sv})", &handle, &info);
  connection = new_connection (call->received, handle, error);
  if (connection != NULL)
    g_object_set_data_full (G_OBJECT (connection), EVIDENCE_KEY, certpin_evidence_new (info),
                            g_object_unref);
  return connection;
}

/**
 * certpin_client_open_connection:
 * @client: a client
 * @host: one host, without a port
 * @port: its port
 * @starttls: (nullable): a connection to the server, on which TLS is to begin
 * @options: (nullable): an `a{sv}` with the options of
 *   `org.certpin.Certpin1.Requests.OpenConnection`, except `starttls`; consumed if floating
 * @cancellable: (nullable): cancels the call, in the service too
 *
 * Opens a TLS connection to a pinned host, for any protocol. The service sends nothing of
 * the program's before the server has proved that it holds a pinned key, and cuts the
 * connection if a pin or a trust anchor changes so that the server no longer passes.
 *
 * The result is a socket that carries the plaintext. Reading the end of the stream means
 * that nothing is missing; a connection that was cut fails with
 * `G_IO_ERROR_CONNECTION_CLOSED`, and certpin_client_get_connection_end() says why. To end only one
 * direction, call g_socket_shutdown().
 *
 * With the option `starttls-protocol`, the service asks for TLS in the way of IMAP, SMTP,
 * POP3, PostgreSQL or LDAP. For other protocols, there is @starttls: the program has
 * connected to the server itself, and has spoken with it up to the point where TLS begins.
 * It must have read all that the server has said. From now on, it must not use that
 * connection, and it drops its reference.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: an option is unknown, of the wrong type or out of
 *   range, or @port is 0
 * - `CERTPIN_ERROR_INVALID_HOST`: the host cannot be pinned
 * - `CERTPIN_ERROR_INVALID_KEY`: an element of the option `require-keys` is not a SHA-256
 *   key
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the user may not make connections
 * - `CERTPIN_ERROR_LIMIT_EXCEEDED`: the user has too many connections open
 * - `CERTPIN_ERROR_NOT_PINNED`: nothing is pinned for the host
 * - `CERTPIN_ERROR_BLOCKED`: the host is blocked
 * - `CERTPIN_ERROR_PIN_EXPIRED`: a pin of the host has expired
 * - `CERTPIN_ERROR_ADDRESS_DENIED`: the host has only addresses that data may not go to, or the
 *   socket of the option `starttls` leads to one
 * - `CERTPIN_ERROR_UNREACHABLE`: the host cannot be found or connected to
 * - `CERTPIN_ERROR_OFFLINE`: this machine has no network
 * - `CERTPIN_ERROR_PROXY_FAILED`: the proxy cannot be reached, is not trusted, or did not connect
 *   to the host
 * - `CERTPIN_ERROR_PROXY_AUTH_REQUIRED`: the proxy demands credentials, or does not accept those
 *   that the service has
 * - `CERTPIN_ERROR_TIMED_OUT`: the connection took longer than its timeout
 * - `CERTPIN_ERROR_TLS_FAILED`: the TLS handshake failed
 * - `CERTPIN_ERROR_UNTRUSTED`: the certification path of the server is not valid
 * - `CERTPIN_ERROR_PIN_MISMATCH`: the server does not hold a pinned key
 * - `CERTPIN_ERROR_CANCELLED`: the call was ended by its method
 *   `org.certpin.Certpin1.Request.Cancel`
 *
 * Returns: (transfer full): the connection, or %NULL with @error set
 *
 * Since: 0.1
 */
GSocketConnection *
certpin_client_open_connection (CertpinClient *client, const char *host, guint16 port,
                                GSocketConnection *starttls, GVariant *options,
                                GCancellable *cancellable, GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (host != NULL, NULL);
  g_return_val_if_fail (starttls == NULL || G_IS_SOCKET_CONNECTION (starttls), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_open_connection_async (client, host, port, starttls, options, cancellable,
                                        certpin_wait_on_result, wait);
  return certpin_client_open_connection_finish (client, certpin_wait_for_result (wait), error);
}

/**
 * certpin_client_get_connection_evidence:
 * @client: a client
 * @connection: a connection of certpin_client_open_connection()
 *
 * Gets the evidence of a connection, such as the key that matched.
 *
 * Returns: (transfer none) (nullable): the evidence; %NULL if this is another connection
 *
 * Since: 0.1
 */
CertpinEvidence *
certpin_client_get_connection_evidence (CertpinClient *client, GSocketConnection *connection)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (G_IS_SOCKET_CONNECTION (connection), NULL);

  return g_object_get_data (G_OBJECT (connection), EVIDENCE_KEY);
}

/**
 * certpin_client_get_connection_end_async:
 * @client: the client that opened the connection
 * @connection: a connection of certpin_client_open_connection()
 * @cancellable: (nullable): ends the waiting, but not the connection
 * @callback: (scope async): called with the result
 * @user_data: data for @callback
 *
 * Tells how a connection ended. Read it to its end first, and close it: if it was cut, so
 * that reading fails with `G_IO_ERROR_CONNECTION_CLOSED`, this says why. If it has not ended,
 * this waits for that, but not longer than 60 s.
 *
 * The service tells each end once, and only to the client that opened the connection. It
 * remembers an end for 60 s.
 *
 * In @callback, call certpin_client_get_connection_end_finish() to get the result.
 *
 * Since: 0.1
 */
void
certpin_client_get_connection_end_async (CertpinClient *client, GSocketConnection *connection,
                                         GCancellable *cancellable, GAsyncReadyCallback callback,
                                         gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  CertpinEvidence *evidence;
  CertpinCall *call;
  const char *path;

  g_return_if_fail (CERTPIN_IS_CLIENT (client));
  g_return_if_fail (G_IS_SOCKET_CONNECTION (connection));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = certpin_task_new (client, certpin_client_get_connection_end_async, cancellable, callback,
                           user_data);
  evidence = certpin_client_get_connection_evidence (client, connection);
  if (evidence == NULL
      || !g_variant_lookup (certpin_record_get_description (CERTPIN_RECORD (evidence)), "request",
                            "&o", &path))
    {
      g_task_return_new_error (task, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT,
                               "this is not a connection of the certpin service");
      return;
    }
  call = certpin_call_new (&finish, g_variant_new ("()"));
  call->path = g_strdup (path);
  certpin_task_submit (task, call);
}

/**
 * certpin_client_get_connection_end_finish:
 * @client: a client
 * @result: the result that was passed to the callback
 *
 * Ends a call of certpin_client_get_connection_end_async().
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_PIN_CHANGED`: it was cut, because the server no longer passed
 * - `CERTPIN_ERROR_ADDRESS_DENIED`: it was cut, because data may no longer go to its address
 * - `CERTPIN_ERROR_TRUNCATED`: the server, or this machine's network, went away, or the server
 *   closed it without ending TLS, so that data may be missing; or the server did not take the
 *   last bytes in time
 * - `CERTPIN_ERROR_TLS_FAILED`: the server ended TLS with an error
 * - `CERTPIN_ERROR_PROTOCOL_ERROR`: the server sent something that is not TLS
 * - `CERTPIN_ERROR_TIMED_OUT`: it had not ended after 60 s
 * - `CERTPIN_ERROR_CANCELLED`: the connection was ended by its method
 *   `org.certpin.Certpin1.Request.Cancel`
 * - `CERTPIN_ERROR_FAILED`: something else went wrong with it; also, the service is ending
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: @client has not opened this connection, or the end was told
 *   already, or is no longer remembered
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the client's connection to the bus is another one than when it
 *   opened this connection
 *
 * Returns: (transfer full): how much it carried, if both directions ended in order; otherwise %NULL
 *   with @error set
 *
 * Since: 0.1
 */
CertpinConnectionEnd *
certpin_client_get_connection_end_finish (CertpinClient *client, GAsyncResult *result,
                                          GError **error)
{
  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, certpin_client_get_connection_end_async),
                        NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return certpin_task_finish_record (result, CERTPIN_TYPE_CONNECTION_END, error);
}

/**
 * certpin_client_get_connection_end:
 * @client: the client that opened the connection
 * @connection: a connection of certpin_client_open_connection()
 * @cancellable: (nullable): ends the waiting, but not the connection
 *
 * Tells how a connection ended. Read it to its end first, and close it: if it was cut, so
 * that reading fails with `G_IO_ERROR_CONNECTION_CLOSED`, this says why. If it has not ended,
 * this waits for that, but not longer than 60 s.
 *
 * The service tells each end once, and only to the client that opened the connection. It
 * remembers an end for 60 s.
 *
 * This function waits for the result.
 *
 * Errors, besides those of every call (#CertpinClient):
 *
 * - `CERTPIN_ERROR_PIN_CHANGED`: it was cut, because the server no longer passed
 * - `CERTPIN_ERROR_ADDRESS_DENIED`: it was cut, because data may no longer go to its address
 * - `CERTPIN_ERROR_TRUNCATED`: the server, or this machine's network, went away, or the server
 *   closed it without ending TLS, so that data may be missing; or the server did not take the
 *   last bytes in time
 * - `CERTPIN_ERROR_TLS_FAILED`: the server ended TLS with an error
 * - `CERTPIN_ERROR_PROTOCOL_ERROR`: the server sent something that is not TLS
 * - `CERTPIN_ERROR_TIMED_OUT`: it had not ended after 60 s
 * - `CERTPIN_ERROR_CANCELLED`: the connection was ended by its method
 *   `org.certpin.Certpin1.Request.Cancel`
 * - `CERTPIN_ERROR_FAILED`: something else went wrong with it; also, the service is ending
 * - `CERTPIN_ERROR_INVALID_ARGUMENT`: @client has not opened this connection, or the end was told
 *   already, or is no longer remembered
 * - `CERTPIN_ERROR_NOT_AUTHORIZED`: the client's connection to the bus is another one than when it
 *   opened this connection
 *
 * Returns: (transfer full): how much it carried, if both directions ended in order; otherwise %NULL
 *   with @error set
 *
 * Since: 0.1
 */
CertpinConnectionEnd *
certpin_client_get_connection_end (CertpinClient *client, GSocketConnection *connection,
                                   GCancellable *cancellable, GError **error)
{
  g_autoptr (CertpinWait) wait = NULL;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);
  g_return_val_if_fail (G_IS_SOCKET_CONNECTION (connection), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  wait = certpin_wait_begin ();
  certpin_client_get_connection_end_async (client, connection, cancellable, certpin_wait_on_result,
                                           wait);
  return certpin_client_get_connection_end_finish (client, certpin_wait_for_result (wait), error);
}
