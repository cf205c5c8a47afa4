/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A warm SecureRequest beside its two parts, in one run: a libsoup request over a kept-alive
 * connection to the same server, and a bare D-Bus call of the same shape. It prints figures and
 * asserts none. */

#include "config.h"

#include "tests/lib/test-pki.h"

#include <glib/gstdio.h>
#include <libsoup/soup.h>

#include <stdlib.h>

#define ROUNDS          20
#define CALLS_PER_ROUND 100
#define ECHO_NAME       "org.certpin.Echo"

typedef struct
{
  char *folder;
  char *ca_file;
  char *url;
  TestIdentity *leaf;
  GDBusConnection *bus;
  SoupSession *session;
} Bench;

static const char echo_xml[] = "<node><interface name='" ECHO_NAME "'><method name='SecureRequest'>"
                               "<arg type='s' direction='in'/><arg type='s' direction='in'/>"
                               "<arg type='a(ss)' direction='in'/><arg type='ay' direction='in'/>"
                               "<arg type='a{sv}' direction='in'/><arg type='u' direction='out'/>"
                               "<arg type='a(ss)' direction='out'/><arg type='ay' direction='out'/>"
                               "<arg type='a{sv}' direction='out'/></method></interface></node>";

static void
check (GError *error)
{
  if (error == NULL)
    return;
  g_printerr ("%s\n", error->message);
  exit (1);
}

/* `user_data`: the reply */
static void
echo (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
      const char *method, GVariant *parameters, GDBusMethodInvocation *invocation,
      gpointer user_data)
{
  g_dbus_method_invocation_return_value (invocation, user_data);
}

/* The other process: a service that does nothing but give the same reply each time. */
static void
run_echo (const char *address, const char *reply_text)
{
  const GDBusInterfaceVTable vtable = { .method_call = echo };
  g_autoptr (GDBusNodeInfo) info = g_dbus_node_info_new_for_xml (echo_xml, NULL);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  GError *error = NULL;
  GVariant *reply
      = g_variant_parse (G_VARIANT_TYPE ("(ua(ss)aya{sv})"), reply_text, NULL, NULL, &error);
  GDBusConnection *bus = g_dbus_connection_new_for_address_sync (
      address,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, &error);

  check (error);
  g_dbus_connection_register_object (bus, "/", info->interfaces[0], &vtable, reply, NULL, &error);
  check (error);
  g_bus_own_name_on_connection (bus, ECHO_NAME, G_BUS_NAME_OWNER_FLAGS_NONE, NULL, NULL, NULL,
                                NULL);
  g_main_loop_run (loop);
}

static void
on_request (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
            gpointer user_data)
{
  soup_server_message_set_status (message, 200, NULL);
  soup_server_message_set_response (message, "text/plain", SOUP_MEMORY_STATIC, "ok", 2);
}

/* The TLS server, on a thread and main context of its own. */
static gpointer
run_server (gpointer user_data)
{
  Bench *bench = user_data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (context, FALSE);
  g_autofree char *certificate_file = g_build_filename (bench->folder, "leaf.pem", NULL);
  g_autofree char *key_file = g_build_filename (bench->folder, "leaf.key", NULL);
  GError *error = NULL;
  GTlsCertificate *certificate;
  SoupServer *server;
  GSList *uris;

  g_main_context_push_thread_default (context);
  certificate = g_tls_certificate_new_from_files (certificate_file, key_file, &error);
  check (error);
  server = soup_server_new ("tls-certificate", certificate, NULL);
  soup_server_add_handler (server, NULL, on_request, NULL, NULL);
  soup_server_listen_local (server, 0, SOUP_SERVER_LISTEN_HTTPS | SOUP_SERVER_LISTEN_IPV4_ONLY,
                            &error);
  check (error);
  uris = soup_server_get_uris (server);
  g_atomic_pointer_set (&bench->url,
                        g_strdup_printf ("https://localhost:%d/", g_uri_get_port (uris->data)));
  g_slist_free_full (uris, (GDestroyNotify)g_uri_unref);
  g_main_loop_run (loop);
  return NULL;
}

static void
make_certificates (Bench *bench)
{
  g_autoptr (TestIdentity) ca = TEST_IDENTITY (.subject = "Bench CA", .is_ca = TRUE);
  g_autofree char *leaf_file = g_build_filename (bench->folder, "leaf.pem", NULL);
  g_autofree char *key_file = g_build_filename (bench->folder, "leaf.key", NULL);
  TestIdentity *anchors[] = { ca, NULL }, *chain[] = { NULL, NULL };

  bench->leaf = TEST_IDENTITY (.subject = "localhost", .dns = { "localhost" }, .issuer = ca);
  chain[0] = bench->leaf;
  test_pki_write_certificates (bench->ca_file, anchors);
  test_pki_write_certificates (leaf_file, chain);
  test_pki_write_key (key_file, bench->leaf);
}

static GVariant *
call (Bench *bench, const char *name, const char *path, const char *interface)
{
  GVariant *parameters
      = g_variant_new ("(ss@a(ss)@ay@a{sv})", "GET", bench->url, g_variant_new ("a(ss)", NULL),
                       g_variant_new ("ay", NULL), g_variant_new ("a{sv}", NULL));
  GError *error = NULL;
  GVariant *reply
      = g_dbus_connection_call_sync (bench->bus, name, path, interface, "SecureRequest", parameters,
                                     NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

  check (error);
  return reply;
}

static void
ask_certpin (Bench *bench)
{
  g_variant_unref (call (bench, "org.certpin.Certpin1", "/org/certpin/Certpin1",
                         "org.certpin.Certpin1.Requests"));
}

static void
ask_echo (Bench *bench)
{
  g_variant_unref (call (bench, ECHO_NAME, "/", ECHO_NAME));
}

static void
ask_server (Bench *bench)
{
  g_autoptr (SoupMessage) message = soup_message_new ("GET", bench->url);
  GError *error = NULL;
  g_autoptr (GBytes) body = soup_session_send_and_read (bench->session, message, NULL, &error);

  check (error);
}

static void
pin (Bench *bench)
{
  GError *error = NULL;
  GVariant *certificate = g_variant_new_from_bytes (
      G_VARIANT_TYPE_BYTESTRING, test_identity_get_certificate (bench->leaf), TRUE);

  g_dbus_connection_call_sync (
      bench->bus, "org.certpin.Certpin1", "/org/certpin/Certpin1", "org.certpin.Certpin1.Pins",
      "PinCertificate",
      g_variant_new ("(s@ay@a{sv})", "localhost", certificate, g_variant_new ("a{sv}", NULL)), NULL,
      G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
  check (error);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  gint64 left = *(const gint64 *)a, right = *(const gint64 *)b;

  return left < right ? -1 : left > right;
}

static void
measure (Bench *bench, void (*ask) (Bench *), GArray *times)
{
  for (int i = 0; i < CALLS_PER_ROUND; i++)
    {
      gint64 start = g_get_monotonic_time (), taken;

      ask (bench);
      taken = g_get_monotonic_time () - start;
      g_array_append_val (times, taken);
    }
}

static gint64
percentile (GArray *times, unsigned int percent)
{
  g_array_sort (times, compare);
  return g_array_index (times, gint64, (times->len - 1) * percent / 100);
}

static void
compare_all (Bench *bench)
{
  void (*const asks[]) (Bench *) = { ask_server, ask_echo, ask_certpin };
  static const char *const names[]
      = { "libsoup, kept alive", "bare D-Bus call", "warm SecureRequest" };
  GArray *times[3];
  gint64 p50[3];

  for (int i = 0; i < 3; i++)
    {
      times[i] = g_array_new (FALSE, FALSE, sizeof (gint64));
      asks[i](bench); /* warms it up */
    }
  for (int round = 0; round < ROUNDS; round++)
    for (int i = 0; i < 3; i++)
      measure (bench, asks[i], times[i]);
  g_print ("%-22s %10s %10s   (%d calls each, µs)\n", "", "p50", "p99", ROUNDS * CALLS_PER_ROUND);
  for (int i = 0; i < 3; i++)
    {
      p50[i] = percentile (times[i], 50);
      g_print ("%-22s %10" G_GINT64_FORMAT " %10" G_GINT64_FORMAT "\n", names[i], p50[i],
               percentile (times[i], 99));
      g_array_unref (times[i]);
    }
  g_print ("(SecureRequest - libsoup) / bare call: %.2f\n",
           (double)(p50[2] - p50[0]) / (double)p50[1]);
}

static GSubprocess *
spawn (const char *first, ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  GError *error = NULL;
  GSubprocess *process;
  va_list arguments;

  va_start (arguments, first);
  for (const char *one = first; one != NULL; one = va_arg (arguments, const char *))
    g_ptr_array_add (argv, (gpointer)one);
  va_end (arguments);
  g_ptr_array_add (argv, NULL);
  process = g_subprocess_newv ((const char *const *)argv->pdata, G_SUBPROCESS_FLAGS_NONE, &error);
  check (error);
  return process;
}

static void
wait_for_name (Bench *bench, const char *name)
{
  for (gboolean owned = FALSE; !owned;)
    {
      g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
          bench->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
          "NameHasOwner", g_variant_new ("(s)", name), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL,
          NULL);

      g_variant_get (reply, "(b)", &owned);
      g_usleep (10000);
    }
}

/* A service that replies as certpin does, byte for byte. */
static GSubprocess *
start_echo (Bench *bench, const char *self, const char *address)
{
  g_autoptr (GVariant) reply = call (bench, "org.certpin.Certpin1", "/org/certpin/Certpin1",
                                     "org.certpin.Certpin1.Requests");
  g_autofree char *text = g_variant_print (reply, TRUE);
  GSubprocess *process = spawn (self, "--echo", address, text, NULL);

  wait_for_name (bench, ECHO_NAME);
  return process;
}

static void
run_bench (const char *self, const char *certpind)
{
  Bench bench = { .folder = g_dir_make_tmp ("certpin-bench-XXXXXX", NULL) };
  GTestDBus *daemon = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_autofree char *state = g_strconcat ("--state-dir=", bench.folder, "/state", NULL);
  g_autofree char *bus_argument = NULL, *trust_argument = NULL;
  g_autoptr (GSubprocess) service = NULL, echo_service = NULL;
  g_autoptr (GTlsDatabase) trusted = NULL;
  GError *error = NULL;

  bench.ca_file = g_build_filename (bench.folder, "ca.pem", NULL);
  make_certificates (&bench);
  g_thread_unref (g_thread_new ("server", run_server, &bench));
  g_test_dbus_up (daemon);
  bus_argument = g_strconcat ("--bus=", g_test_dbus_get_bus_address (daemon), NULL);
  trust_argument = g_strconcat ("--trust-file=", bench.ca_file, NULL);
  service = spawn (certpind, bus_argument, "--authority=uid", state, trust_argument, NULL);
  bench.bus = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, &error);
  check (error);
  g_dbus_connection_set_exit_on_close (bench.bus, FALSE);
  wait_for_name (&bench, "org.certpin.Certpin1");
  while (g_atomic_pointer_get (&bench.url) == NULL)
    g_usleep (1000);
  trusted = g_tls_file_database_new (bench.ca_file, &error);
  check (error);
  bench.session = soup_session_new ();
  soup_session_set_tls_database (bench.session, trusted);
  pin (&bench);
  echo_service = start_echo (&bench, self, g_test_dbus_get_bus_address (daemon));
  compare_all (&bench);
  g_subprocess_force_exit (service);
  g_subprocess_force_exit (echo_service);
  g_object_unref (bench.bus); /* the bus itself ends with this process */
}

int
main (int argc, char **argv)
{
  g_setenv ("SOUP_FORCE_HTTP1", "1", TRUE);
  if (argc == 4 && g_str_equal (argv[1], "--echo"))
    run_echo (argv[2], argv[3]);
  else if (argc == 2)
    run_bench (argv[0], argv[1]);
  else
    return 2;
  return 0;
}
