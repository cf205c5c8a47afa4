/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A warm SecureRequest beside its two parts, in one run: a libsoup request over a kept-alive
 * connection to the same server, and a bare D-Bus call of the same shape. It prints figures and
 * asserts none. */

#include "config.h"

#include "bench-world.h"

#define ROUNDS          20
#define CALLS_PER_ROUND 100
#define ECHO_NAME       "org.certpin.Echo"

typedef struct
{
  BenchWorld *world;
  char *url;
  SoupSession *session;
} Bench;

static const char echo_xml[] = "<node><interface name='" ECHO_NAME "'><method name='SecureRequest'>"
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

  bench_check (error);
  g_dbus_connection_register_object (bus, "/", info->interfaces[0], &vtable, reply, NULL, &error);
  bench_check (error);
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

static GVariant *
call (Bench *bench, const char *name, const char *path, const char *interface)
{
  GVariant *parameters
      = g_variant_new ("(ss@a(ss)@ay@a{sv})", "GET", bench->url, g_variant_new ("a(ss)", NULL),
                       g_variant_new ("ay", NULL), g_variant_new ("a{sv}", NULL));
  GError *error = NULL;
  GVariant *reply
      = g_dbus_connection_call_sync (bench->world->bus, name, path, interface, "SecureRequest",
                                     parameters, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

  bench_check (error);
  return reply;
}

static void
ask_certpin (Bench *bench)
{
  g_variant_unref (call (bench, CERTPIN_NAME, CERTPIN_PATH, CERTPIN_REQUESTS));
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

  bench_check (error);
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
      p50[i] = bench_percentile (times[i], 50);
      g_print ("%-22s %10" G_GINT64_FORMAT " %10" G_GINT64_FORMAT "\n", names[i], p50[i],
               bench_percentile (times[i], 99));
      g_array_unref (times[i]);
    }
  g_print ("(SecureRequest - libsoup) / bare call: %.2f\n",
           (double)(p50[2] - p50[0]) / (double)p50[1]);
}

/* A service that replies as certpin does, byte for byte. */
static GSubprocess *
start_echo (Bench *bench, const char *self)
{
  g_autoptr (GVariant) reply = call (bench, CERTPIN_NAME, CERTPIN_PATH, CERTPIN_REQUESTS);
  g_autofree char *text = g_variant_print (reply, TRUE);
  GSubprocess *process = bench_spawn (self, "--echo", bench->world->address, text, NULL);

  bench_wait_for_name (bench->world, ECHO_NAME);
  return process;
}

static SoupSession *
new_session (BenchWorld *world)
{
  g_autofree char *ca_file = g_build_filename (world->folder, "ca.pem", NULL);
  SoupSession *session = soup_session_new ();
  GError *error = NULL;
  g_autoptr (GTlsDatabase) trusted = g_tls_file_database_new (ca_file, &error);

  bench_check (error);
  soup_session_set_tls_database (session, trusted);
  return session;
}

static void
run_bench (const char *self, const char *certpind)
{
  Bench bench = { .world = bench_world_new (certpind) };
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.subject = "localhost", .dns = { "localhost" }, .issuer = bench.world->ca);
  g_autoptr (GSubprocess) echo_service = NULL;

  bench.session = new_session (bench.world);
  bench.url = bench_serve (bench.world, leaf, on_request);
  bench_pin (bench.world, "localhost", leaf);
  echo_service = start_echo (&bench, self);
  compare_all (&bench);
  g_subprocess_force_exit (echo_service);
  g_subprocess_wait (echo_service, NULL, NULL);
  bench_world_end (bench.world);
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
