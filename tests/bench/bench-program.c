/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The first request of a new program, from its start to its end: `certpinctl get` to a host that
 * another program has used, the same to a host that needs a new connection, and curl with the same
 * pin. Then the same to a server that is 50 ms away. And how long programs take that only say their
 * version: what is left is the dynamic linker's. It prints figures and asserts none.
 *
 * usage: bench-program CERTPIND CERTPINCTL */

#include "config.h"

#include "bench-load.h"
#include "bench-relay.h"

#include "tests/lib/test-core.h"

#define ROUNDS        60
#define FAR_ROUNDS    15
#define ROUND_TRIP_US 50000

typedef enum
{
  KEPT,
  COLD,
  CURL,
  N_WAYS
} Way;

typedef struct
{
  BenchWorld *world;
  const char *certpinctl;
  char *pin;
} Bench;

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
compare (const char *distance, int rounds, const char *const *const *commands)
{
  GArray *times[N_WAYS];
  double p50[N_WAYS];

  for (Way way = 0; way < N_WAYS; way++)
    {
      times[way] = g_array_new (FALSE, FALSE, sizeof (gint64));
      run (commands[way]); /* its files are in memory now */
    }
  for (int round = 0; round < rounds; round++)
    for (int turn = 0; turn < N_WAYS; turn++)
      {
        Way way = (Way)((round + turn) % N_WAYS); /* nobody always comes behind the same */
        gint64 taken = run (commands[way]);

        g_array_append_val (times[way], taken);
      }
  for (Way way = 0; way < N_WAYS; way++)
    {
      p50[way] = (double)bench_percentile (times[way], 50) / 1000;
      bench_print (p50[way], "ms", "program/%s%s/p50", distance, titles[way]);
      bench_print ((double)bench_percentile (times[way], 99) / 1000, "ms", "program/%s%s/p99",
                   distance, titles[way]);
      g_array_unref (times[way]);
    }
  bench_print (p50[KEPT] / p50[CURL], "x", "program/%skept-to-curl", distance);
  bench_print (p50[COLD] / p50[CURL], "x", "program/%scold-to-curl", distance);
}

/* `port`: of the server, or of what leads to it */
static void
compare_at (Bench *bench, guint16 port, const char *distance, int rounds)
{
  g_autofree char *kept_url = g_strdup_printf ("https://h0.bench.localhost:%u/", port);
  g_autofree char *cold_url = g_strdup_printf ("https://h1.bench.localhost:%u/close", port);
  const char *const kept[] = { bench->certpinctl, "get", kept_url, NULL };
  const char *const cold[] = { bench->certpinctl, "get", cold_url, NULL };
  const char *const curl[] = { "curl",           "--silent", "--cacert", bench->world->ca_file,
                               "--pinnedpubkey", bench->pin, kept_url,   NULL };
  const char *const *const commands[N_WAYS] = { kept, cold, curl };

  compare (distance, rounds, commands);
}

/* The time of a program that only says its version; of several rounds, in which they take turns. */
static void
compare_starts (const char *certpinctl)
{
  const struct
  {
    const char *title;
    const char *argv[3];
  } programs[] = {
    { "certpinctl", { certpinctl, "--version", NULL } },
    { "busctl", { "busctl", "--version", NULL } },
    { "curl", { "curl", "--version", NULL } },
  };
  GArray *times[G_N_ELEMENTS (programs)];
  double p50[G_N_ELEMENTS (programs)];

  for (size_t i = 0; i < G_N_ELEMENTS (programs); i++)
    times[i] = g_array_new (FALSE, FALSE, sizeof (gint64));
  for (size_t turn = 0; turn < ROUNDS * G_N_ELEMENTS (programs); turn++)
    {
      gint64 taken = run (programs[turn % G_N_ELEMENTS (programs)].argv);

      g_array_append_val (times[turn % G_N_ELEMENTS (programs)], taken);
    }
  for (size_t i = 0; i < G_N_ELEMENTS (programs); i++)
    {
      p50[i] = (double)bench_percentile (times[i], 50) / 1000;
      bench_print (p50[i], "ms", "program/start/%s/p50", programs[i].title);
      bench_print ((double)bench_percentile (times[i], 99) / 1000, "ms", "program/start/%s/p99",
                   programs[i].title);
      if (i > 0)
        bench_print (p50[0] / p50[i], "x", "program/start/certpinctl-to-%s", programs[i].title);
      g_array_unref (times[i]);
    }
}

int
main (int argc, char **argv)
{
  Bench bench;
  BenchServer *server;

  if (argc != 3)
    return 2;
  bench.world = bench_world_new ();
  bench.certpinctl = argv[2];
  bench_world_start (bench.world, argv[1], NULL);
  g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", bench.world->address, TRUE);
  server = bench_server_new (bench.world);
  bench_pin (bench.world, bench.world->bus, BENCH_HOSTS, bench_server_get_identity (server));
  bench.pin = make_pin (bench_server_get_identity (server));
  compare_at (&bench, bench_server_get_port (server), "", ROUNDS);
  compare_at (&bench, bench_relay_start (server, ROUND_TRIP_US), "far-", FAR_ROUNDS);
  compare_starts (bench.certpinctl);
  g_free (bench.pin);
  bench_world_end (bench.world);
  return 0;
}
