/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What certpin is compared with: a service that gives the same reply to every call, which is the
 * least that a call can cost, and the plainest service that makes the same requests. It uses
 * libsoup, checks the certification path, and knows no pins, users, limits or evidence.
 *
 * usage: bench-rivals echo ADDRESS REPLY
 *        bench-rivals proxy ADDRESS CA-FILE */

#include "config.h"

#include "bench-rivals.h"

#include <libsoup/soup.h>

/* A host gets as many connections as it does from certpin. */
#define CONNECTIONS          4096
#define CONNECTIONS_PER_HOST 6

static const char xml[]
    = "<node><interface name='" BENCH_RIVAL_INTERFACE "'><method name='SecureRequest'>"
      "<arg type='s' direction='in'/><arg type='s' direction='in'/>"
      "<arg type='a(ss)' direction='in'/><arg type='ay' direction='in'/>"
      "<arg type='a{sv}' direction='in'/><arg type='u' direction='out'/>"
      "<arg type='a(ss)' direction='out'/><arg type='ay' direction='out'/>"
      "<arg type='a{sv}' direction='out'/></method></interface></node>";

/* `user_data`: the reply */
static void
echo (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
      const char *method, GVariant *parameters, GDBusMethodInvocation *invocation,
      gpointer user_data)
{
  g_dbus_method_invocation_return_value (invocation, user_data);
}

static void
add_header (const char *name, const char *value, gpointer user_data)
{
  g_variant_builder_add (user_data, "(ss)", name, value);
}

static void
on_response (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GDBusMethodInvocation *invocation = user_data;
  SoupSession *session = SOUP_SESSION (source);
  SoupMessage *message = soup_session_get_async_result_message (session, result);
  GVariantBuilder headers = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ss)"));
  GError *error = NULL;
  g_autoptr (GBytes) body = soup_session_send_and_read_finish (session, result, &error);

  if (body == NULL)
    {
      g_variant_builder_clear (&headers);
      g_dbus_method_invocation_take_error (invocation, error);
      return;
    }
  soup_message_headers_foreach (soup_message_get_response_headers (message), add_header, &headers);
  g_dbus_method_invocation_return_value (
      invocation, g_variant_new ("(ua(ss)@ay@a{sv})", soup_message_get_status (message), &headers,
                                 g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, body, TRUE),
                                 g_variant_new ("a{sv}", NULL)));
}

/* `user_data`: the session */
static void
pass_on (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
         const char *name, GVariant *parameters, GDBusMethodInvocation *invocation,
         gpointer user_data)
{
  g_autoptr (SoupMessage) message = NULL;
  g_autoptr (GVariantIter) headers = NULL;
  g_autoptr (GVariant) body = NULL;
  const char *method, *url, *header, *value;

  g_variant_get (parameters, "(&s&sa(ss)@ay@a{sv})", &method, &url, &headers, &body, NULL);
  message = soup_message_new (method, url);
  soup_message_add_flags (message, SOUP_MESSAGE_IDEMPOTENT); /* or POST needs a new connection */
  while (g_variant_iter_next (headers, "(&s&s)", &header, &value))
    soup_message_headers_append (soup_message_get_request_headers (message), header, value);
  if (g_variant_get_size (body) > 0)
    {
      g_autoptr (GBytes) bytes = g_variant_get_data_as_bytes (body);

      soup_message_set_request_body_from_bytes (message, NULL, bytes);
    }
  soup_session_send_and_read_async (user_data, message, G_PRIORITY_DEFAULT, NULL, on_response,
                                    invocation);
}

static SoupSession *
new_session (const char *ca_file, GError **error)
{
  g_autoptr (GTlsDatabase) trusted = g_tls_file_database_new (ca_file, error);

  if (trusted == NULL)
    return NULL;
  /* GLib 2.74 reads the system's authorities for each new connection otherwise. */
  g_tls_backend_set_default_database (g_tls_backend_get_default (), trusted);
  return soup_session_new_with_options ("tls-database", trusted, "max-conns", CONNECTIONS,
                                        "max-conns-per-host", CONNECTIONS_PER_HOST, NULL);
}

static gboolean
serve (const char *address, const char *name, const GDBusInterfaceVTable *vtable,
       gpointer user_data, GError **error)
{
  g_autoptr (GDBusNodeInfo) info = g_dbus_node_info_new_for_xml (xml, NULL);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GDBusConnection) bus = g_dbus_connection_new_for_address_sync (
      address,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, error);

  if (bus == NULL
      || g_dbus_connection_register_object (bus, BENCH_RIVAL_PATH, info->interfaces[0], vtable,
                                            user_data, NULL, error)
             == 0)
    return FALSE;
  g_bus_own_name_on_connection (bus, name, G_BUS_NAME_OWNER_FLAGS_NONE, NULL, NULL, NULL, NULL);
  g_main_loop_run (loop);
  return TRUE;
}

static gboolean
run_echo (const char *address, const char *text, GError **error)
{
  const GDBusInterfaceVTable vtable = { .method_call = echo };
  GVariant *reply = g_variant_parse (G_VARIANT_TYPE ("(ua(ss)aya{sv})"), text, NULL, NULL, error);

  return reply != NULL && serve (address, BENCH_ECHO_NAME, &vtable, reply, error);
}

static gboolean
run_proxy (const char *address, const char *ca_file, GError **error)
{
  const GDBusInterfaceVTable vtable = { .method_call = pass_on };
  SoupSession *session = new_session (ca_file, error);

  return session != NULL && serve (address, BENCH_PROXY_NAME, &vtable, session, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  g_setenv ("SOUP_FORCE_HTTP1", "1", TRUE);
  if (argc == 4 && g_str_equal (argv[1], "echo"))
    run_echo (argv[2], argv[3], &error);
  else if (argc == 4 && g_str_equal (argv[1], "proxy"))
    run_proxy (argv[2], argv[3], &error);
  else
    return 2;
  g_printerr ("bench-rivals: %s\n", error != NULL ? error->message : "ended");
  return 1;
}
