/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-world.h"

#include "tests/lib/test-core.h"

#include <glib/gstdio.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* As a session's bus, but for every user, and without limits that a benchmark would meet. */
static const char bus_config[]
    = "<busconfig><listen>unix:dir=%s</listen><auth>EXTERNAL</auth>"
      "<policy context='default'><allow user='*'/><allow own='*'/>"
      "<allow send_destination='*' eavesdrop='true'/><allow receive_sender='*'/></policy>"
      "<limit name='max_incoming_bytes'>1000000000</limit>"
      "<limit name='max_outgoing_bytes'>1000000000</limit>"
      "<limit name='max_message_size'>1000000000</limit>"
      "<limit name='max_replies_per_connection'>50000</limit></busconfig>";

void
bench_check (GError *error)
{
  if (error == NULL)
    return;
  g_printerr ("%s\n", error->message);
  exit (1);
}

static void
end_with_parent (gpointer user_data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static GSubprocess *
spawn (BenchWorld *world, GSubprocessFlags flags, const char *const *argv)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (flags);
  GError *error = NULL;
  GSubprocess *process;

  g_subprocess_launcher_set_child_setup (launcher, end_with_parent, NULL, NULL);
  process = g_subprocess_launcher_spawnv (launcher, argv, &error);
  bench_check (error);
  g_ptr_array_add (world->processes, process);
  return process;
}

/* Returns: (transfer none) */
GSubprocess *
bench_spawn (BenchWorld *world, const char *first, ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  va_list arguments;

  va_start (arguments, first);
  for (const char *one = first; one != NULL; one = va_arg (arguments, const char *))
    g_ptr_array_add (argv, (gpointer)one);
  va_end (arguments);
  g_ptr_array_add (argv, NULL);
  return spawn (world, G_SUBPROCESS_FLAGS_NONE, (const char *const *)argv->pdata);
}

void
bench_wait_for_name (BenchWorld *world, const char *name)
{
  for (gboolean owned = FALSE; !owned;)
    {
      g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
          world->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
          "NameHasOwner", g_variant_new ("(s)", name), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL,
          NULL);

      g_variant_get (reply, "(b)", &owned);
      g_usleep (10000);
    }
}

/* A program of its own, for the bus. */
GDBusConnection *
bench_connect (BenchWorld *world)
{
  GError *error = NULL;
  GDBusConnection *bus = g_dbus_connection_new_for_address_sync (
      world->address,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, &error);

  bench_check (error);
  g_dbus_connection_set_exit_on_close (bus, FALSE);
  return bus;
}

static void
start_bus (BenchWorld *world)
{
  g_autofree char *config = g_strdup_printf (bus_config, world->folder);
  g_autofree char *path = test_folder_write (world->folder, "bus.conf", config);
  g_autofree char *option = g_strconcat ("--config-file=", path, NULL);
  const char *const argv[] = { "dbus-daemon", "--nofork", "--print-address", option, NULL };
  GSubprocess *daemon
      = spawn (world, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, argv);
  g_autoptr (GDataInputStream) output
      = g_data_input_stream_new (g_subprocess_get_stdout_pipe (daemon));
  GError *error = NULL;

  world->address = g_data_input_stream_read_line (output, NULL, NULL, &error);
  bench_check (error);
  world->bus = bench_connect (world);
}

/* GLib 2.74 reads the system's authorities for each new connection otherwise. */
static void
set_default_authorities (const char *ca_file)
{
  GError *error = NULL;
  g_autoptr (GTlsDatabase) trusted = g_tls_file_database_new (ca_file, &error);

  bench_check (error);
  g_tls_backend_set_default_database (g_tls_backend_get_default (), trusted);
}

/* As many file descriptors as there can be, for this process and all that it starts. */
static void
allow_files (void)
{
  struct rlimit files;

  getrlimit (RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit (RLIMIT_NOFILE, &files);
}

/* Without the service: bench_world_start() starts it. */
BenchWorld *
bench_world_new (void)
{
  BenchWorld *world = g_new0 (BenchWorld, 1);
  TestIdentity *anchors[] = { NULL, NULL };

  allow_files ();
  world->processes = g_ptr_array_new_with_free_func (g_object_unref);
  world->folder = test_folder_new ();
  g_chmod (world->folder, 0711); /* the bus is there */
  world->ca = TEST_IDENTITY (.subject = "Bench CA", .is_ca = TRUE);
  anchors[0] = world->ca;
  world->ca_file = g_build_filename (world->folder, "ca.pem", NULL);
  test_pki_write_certificates (world->ca_file, anchors);
  set_default_authorities (world->ca_file);
  start_bus (world);
  return world;
}

/* `limits`: lines of the group [Limits] of its configuration; NULL: the defaults. */
void
bench_world_start (BenchWorld *world, const char *certpind, const char *limits)
{
  g_autofree char *state = g_strconcat ("--state-dir=", world->folder, "/state", NULL);
  g_autofree char *bus = g_strconcat ("--bus=", world->address, NULL);
  g_autofree char *trust = g_strconcat ("--trust-file=", world->ca_file, NULL);
  g_autofree char *pins = g_strconcat ("--pins-dir=", world->folder, "/none", NULL);
  g_autofree char *text = g_strconcat ("[Limits]\n", limits, NULL);
  g_autofree char *path = test_folder_write (world->folder, "certpind.conf", text);
  g_autofree char *config = g_strconcat ("--config=", path, NULL);

  world->service
      = bench_spawn (world, certpind, bus, "--authority=uid", state, trust, pins, config, NULL);
  bench_wait_for_name (world, CERTPIN_NAME);
}

/* The last one first: the bus. */
void
bench_world_end (BenchWorld *world)
{
  g_object_unref (world->bus);
  for (unsigned int i = world->processes->len; i > 0; i--)
    {
      g_subprocess_force_exit (world->processes->pdata[i - 1]);
      g_subprocess_wait (world->processes->pdata[i - 1], NULL, NULL); /* a thread of GLib's kills */
    }
  g_ptr_array_unref (world->processes);
  test_identity_unref (world->ca);
  g_free (world->address);
  g_free (world->ca_file);
  test_folder_remove (world->folder);
  g_free (world);
}

GVariant *
bench_call (BenchWorld *world, const char *interface, const char *method, GVariant *parameters)
{
  GError *error = NULL;
  GVariant *reply
      = g_dbus_connection_call_sync (world->bus, CERTPIN_NAME, CERTPIN_PATH, interface, method,
                                     parameters, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

  bench_check (error);
  return reply;
}

void
bench_pin (BenchWorld *world, GDBusConnection *caller, const char *host, TestIdentity *identity)
{
  GVariant *certificate = g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING,
                                                    test_identity_get_certificate (identity), TRUE);
  GError *error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      caller, CERTPIN_NAME, CERTPIN_PATH, CERTPIN_PINS, "PinCertificate",
      g_variant_new ("(s@ay@a{sv})", host, certificate, g_variant_new ("a{sv}", NULL)), NULL,
      G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

  bench_check (error);
}

GTlsCertificate *
bench_tls_certificate (BenchWorld *world, TestIdentity *identity)
{
  TestIdentity *chain[] = { identity, NULL };
  g_autofree char *certificate_file = g_build_filename (world->folder, "leaf.pem", NULL);
  g_autofree char *key_file = g_build_filename (world->folder, "leaf.key", NULL);
  GTlsCertificate *certificate;
  GError *error = NULL;

  test_pki_write_certificates (certificate_file, chain);
  test_pki_write_key (key_file, identity);
  certificate = g_tls_certificate_new_from_files (certificate_file, key_file, &error);
  bench_check (error);
  return certificate;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  gint64 left = *(const gint64 *)a, right = *(const gint64 *)b;

  return left < right ? -1 : left > right;
}

/* Sorts `times`. Returns: 0 if there are none */
gint64
bench_percentile (GArray *times, unsigned int percent)
{
  if (times->len == 0)
    return 0;
  g_array_sort (times, compare);
  return g_array_index (times, gint64, (times->len - 1) * percent / 100);
}

/* `process`: NULL: this one */
unsigned long
bench_get_resident_kib (GSubprocess *process)
{
  const char *pid = process != NULL ? g_subprocess_get_identifier (process) : "self";
  g_autofree char *path = g_strdup_printf ("/proc/%s/statm", pid);
  g_autofree char *text = NULL;
  g_auto (GStrv) words = NULL;
  GError *error = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  bench_check (error);
  words = g_strsplit (text, " ", 3);
  return strtoul (words[1], NULL, 10) * ((unsigned long)sysconf (_SC_PAGESIZE) / 1024);
}

/* One figure a line, for people and for scripts/performance. */
void
bench_print (double value, const char *unit, const char *name, ...)
{
  g_autofree char *whole = NULL;
  va_list arguments;

  va_start (arguments, name);
  whole = g_strdup_vprintf (name, arguments);
  va_end (arguments);
  g_print ("%-40s %12.2f %s\n", whole, value, unit);
}
