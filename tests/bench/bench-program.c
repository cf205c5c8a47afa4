/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The first request of a new program, from its start to its end: `certpinctl get` to a host that
 * another program has used, the same to a host that needs a new connection, and curl with the same
 * pin. It prints figures and asserts none.
 *
 * usage: bench-program CERTPIND CERTPINCTL */

#include "config.h"

#include "bench-load.h"

#include "tests/lib/test-core.h"

#define ROUNDS 60

typedef enum
{
  KEPT,
  COLD,
  CURL,
  N_WAYS
} Way;

static const char *const titles[N_WAYS] = { "kept", "cold", "curl" };

/* As curl wants it. */
static char *
make_pin (TestIdentity *identity)
{
  g_autoptr (CpdCertificate) certificate = test_certificate (identity);
  CertpinKey *key = cpd_certificate_get_key (certificate);
  g_autofree char *digest = g_base64_encode (certpin_key_get_digest (key),
                                             g_checksum_type_get_length (G_CHECKSUM_SHA256));

  return g_strconcat ("sha256//", digest, NULL);
}

/* Returns: µs */
static gint64
run (const char *const *argv)
{
  gint64 start = g_get_monotonic_time (), taken;
  GError *error = NULL;
  int status;

  g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL,
                NULL, NULL, NULL, &status, &error);
  taken = g_get_monotonic_time () - start;
  bench_check (error);
  g_spawn_check_wait_status (status, &error);
  bench_check (error);
  return taken;
}

static void
compare (const char *const *const *commands)
{
  GArray *times[N_WAYS];
  double p50[N_WAYS];

  for (Way way = 0; way < N_WAYS; way++)
    {
      times[way] = g_array_new (FALSE, FALSE, sizeof (gint64));
      run (commands[way]); /* its files are in memory now */
    }
  for (int round = 0; round < ROUNDS; round++)
    for (Way way = 0; way < N_WAYS; way++)
      {
        gint64 taken = run (commands[way]);

        g_array_append_val (times[way], taken);
      }
  for (Way way = 0; way < N_WAYS; way++)
    {
      p50[way] = (double)bench_percentile (times[way], 50) / 1000;
      bench_print (p50[way], "ms", "program/%s/p50", titles[way]);
      bench_print ((double)bench_percentile (times[way], 99) / 1000, "ms", "program/%s/p99",
                   titles[way]);
      g_array_unref (times[way]);
    }
  bench_print (p50[KEPT] / p50[CURL], "x", "program/kept-to-curl");
  bench_print (p50[COLD] / p50[CURL], "x", "program/cold-to-curl");
}

int
main (int argc, char **argv)
{
  BenchWorld *world;
  BenchServer *server;
  g_autofree char *kept_url = NULL, *cold_url = NULL, *pin = NULL;

  if (argc != 3)
    return 2;
  world = bench_world_new ();
  bench_world_start (world, argv[1], NULL);
  g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", world->address, TRUE);
  server = bench_server_new (world);
  bench_pin (world, world->bus, BENCH_HOSTS, bench_server_get_identity (server));
  kept_url = bench_server_make_url (server, 0, "/");
  cold_url = bench_server_make_url (server, 1, "/close");
  pin = make_pin (bench_server_get_identity (server));
  {
    const char *const kept[] = { argv[2], "get", kept_url, NULL };
    const char *const cold[] = { argv[2], "get", cold_url, NULL };
    const char *const curl[]
        = { "curl", "--silent", "--cacert", world->ca_file, "--pinnedpubkey", pin, kept_url, NULL };
    const char *const *const commands[N_WAYS] = { kept, cold, curl };

    compare (commands);
  }
  bench_world_end (world);
  return 0;
}
