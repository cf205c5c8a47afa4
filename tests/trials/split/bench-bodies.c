/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a service costs, be it one process or two: a warm request whose body comes back, by size;
 * and its memory when it idles with the machine's own trusted certificates. It prints figures and
 * asserts none.
 *
 * usage: bench-bodies CERTPIND [--memory] */

#include "config.h"

#include "tests/bench/bench-world.h"

#include <string.h>

static const struct
{
  const char *name;
  gsize bytes;
  int rounds;
} sizes[] = { { "1 KiB", 1024, 1000 }, { "64 KiB", 65536, 500 }, { "8 MiB", 8388608, 40 } };

static void
on_request (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
            gpointer user_data)
{
  g_autoptr (GBytes) body
      = soup_message_body_flatten (soup_server_message_get_request_body (message));

  soup_server_message_set_status (message, 200, NULL);
  soup_message_body_append_bytes (soup_server_message_get_response_body (message), body);
}

static void
ask (BenchWorld *world, const char *url, GBytes *body)
{
  GVariant *bytes = g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, body, TRUE);

  g_variant_unref (
      bench_call (world, CERTPIN_REQUESTS, "SecureRequest",
                  g_variant_new ("(ss@a(ss)@ay@a{sv})", "PUT", url, g_variant_new ("a(ss)", NULL),
                                 bytes, g_variant_new ("a{sv}", NULL))));
}

static void
measure (BenchWorld *world, const char *url, int i)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GBytes) body = g_bytes_new_take (g_malloc0 (sizes[i].bytes), sizes[i].bytes);

  ask (world, url, body); /* warms it up */
  for (int round = 0; round < sizes[i].rounds; round++)
    {
      gint64 start = g_get_monotonic_time (), taken;

      ask (world, url, body);
      taken = g_get_monotonic_time () - start;
      g_array_append_val (times, taken);
    }
  g_print ("%-8s there and back %10" G_GINT64_FORMAT " %10" G_GINT64_FORMAT "   (%d requests)\n",
           sizes[i].name, bench_percentile (times, 50), bench_percentile (times, 100),
           sizes[i].rounds);
}

static void
measure_bodies (const char *certpind)
{
  BenchWorld *world = bench_world_new (certpind);
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.subject = "localhost", .dns = { "localhost" }, .issuer = world->ca);
  g_autofree char *url = bench_serve (world, leaf, on_request);

  bench_pin (world, "localhost", leaf);
  g_print ("%-23s %10s %10s   µs\n", "", "p50", "worst");
  for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++)
    measure (world, url, (int)i);
  bench_world_end (world);
}

/* A file in /proc of a process. */
static void
read_proc (const char *pid, const char *name, char **text)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/%s", pid, name);
  GError *error = NULL;

  g_file_get_contents (path, text, NULL, &error);
  bench_check (error);
}

/* Returns: KiB */
static unsigned int
find_figure (const char *rollup, const char *name)
{
  return (unsigned int)g_ascii_strtoull (strstr (rollup, name) + strlen (name), NULL, 10);
}

static void
print_memory (const char *pid)
{
  g_autofree char *name = NULL, *rollup = NULL;

  read_proc (pid, "comm", &name);
  read_proc (pid, "smaps_rollup", &rollup);
  g_print ("%-15s resident %6u   its share %6u   its own %6u KiB\n", g_strchomp (name),
           find_figure (rollup, "\nRss:"), find_figure (rollup, "\nPss:"),
           find_figure (rollup, "\nPrivate_Dirty:"));
}

/* Of a process and those that it started. */
static void
print_memory_of_all (const char *pid)
{
  g_autofree char *name = g_strdup_printf ("task/%s/children", pid), *text = NULL;
  g_auto (GStrv) children = NULL;

  read_proc (pid, name, &text);
  children = g_strsplit (text, " ", -1);
  print_memory (pid);
  for (char **child = children; *child != NULL && **child != '\0'; child++)
    print_memory (*child);
}

static void
measure_memory (const char *certpind)
{
  GTestDBus *daemon = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_autofree char *state = g_dir_make_tmp ("certpin-bench-XXXXXX", NULL);
  g_autofree char *state_dir = g_strconcat ("--state-dir=", state, NULL);
  BenchWorld world = { 0 };
  GError *error = NULL;

  g_test_dbus_up (daemon);
  world.service = bench_spawn (certpind, "--bus=session", "--authority=uid", state_dir, NULL);
  world.bus = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, &error);
  bench_check (error);
  g_dbus_connection_set_exit_on_close (world.bus, FALSE);
  bench_wait_for_name (&world, CERTPIN_NAME);
  g_usleep (G_USEC_PER_SEC);
  print_memory_of_all (g_subprocess_get_identifier (world.service));
  g_subprocess_force_exit (world.service);
  g_subprocess_wait (world.service, NULL, NULL);
}

int
main (int argc, char **argv)
{
  g_setenv ("SOUP_FORCE_HTTP1", "1", TRUE);
  if (argc == 2)
    measure_bodies (argv[1]);
  else if (argc == 3 && g_str_equal (argv[2], "--memory"))
    measure_memory (argv[1]);
  else
    return 2;
  return 0;
}
