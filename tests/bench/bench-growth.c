/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How the cost of a request grows with the programs that make requests at the same time, with the
 * requests of one program at a time, and with the bytes of the response. bench-pins does the same
 * for pins. It prints figures and asserts none.
 *
 * usage: bench-growth CERTPIND RIVALS */

#include "config.h"

#include "bench-direct.h"

#define LOAD_US (G_USEC_PER_SEC / 2)

static const BenchService *const services[] = { &bench_proxy, &bench_certpin };
static const unsigned int callers[] = { 1, 2, 4, 8, 16, 32, 64 };
static const unsigned int depths[] = { 1, 2, 4, 8, 16, 32, 64 };
static const unsigned int sizes[]
    = { 1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22 };

typedef struct
{
  BenchWorld *world;
  BenchServer *server;
} Bench;

static void
begin (Bench *bench, const char *certpind)
{
  bench->world = bench_world_new ();
  bench_world_start (bench->world, certpind, NULL);
  bench->server = bench_server_new (bench->world);
  bench_pin (bench->world, bench->world->bus, BENCH_HOSTS,
             bench_server_get_identity (bench->server));
}

/* `caller_count` programs, each with `depth` requests at a time. */
static void
measure_load (Bench *bench, const BenchService *service, unsigned int caller_count,
              unsigned int depth)
{
  const BenchOrder order = { .server = bench->server, .service = service, .path = "/" };
  g_autoptr (BenchLoad) load = bench_load_new (&order);
  const char *what = depth == 0 ? "programs" : "requests";
  unsigned int number = depth == 0 ? caller_count : depth;
  double rate;

  for (unsigned int i = 0; i < caller_count; i++)
    {
      g_autoptr (GDBusConnection) caller = bench_connect (bench->world);

      g_variant_unref (bench_request (caller, &order)); /* it is known from now on */
      bench_load_add_caller (load, caller);
    }
  rate = bench_load_run (load, MAX (depth, 1), LOAD_US);
  bench_print (rate, "/s", "growth/%s-%u/%s/rate", what, number, service->title);
  bench_print ((double)bench_percentile (bench_load_get_times (load), 50), "µs",
               "growth/%s-%u/%s/p50", what, number, service->title);
}

static void
grow_load (Bench *bench)
{
  for (unsigned int i = 0; i < G_N_ELEMENTS (callers); i++)
    for (int service = 0; service < 2; service++)
      measure_load (bench, services[service], callers[i], 0);
  for (unsigned int i = 0; i < G_N_ELEMENTS (depths); i++)
    for (int service = 0; service < 2; service++)
      measure_load (bench, services[service], 1, depths[i]);
}

/* `direct`: NULL: by the service of `order`.
 * Returns: the p50 of `count` requests, in µs */
static double
measure_one_by_one (Bench *bench, BenchDirect *direct, const BenchOrder *order, unsigned int count)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));

  for (unsigned int i = 0; i < count; i++)
    {
      gint64 start = g_get_monotonic_time (), taken;

      if (direct != NULL)
        bench_direct_request (direct, order);
      else
        g_variant_unref (bench_request (bench->world->bus, order));
      taken = g_get_monotonic_time () - start;
      g_array_append_val (times, taken);
    }
  return (double)bench_percentile (times, 50);
}

static void
grow_body (Bench *bench)
{
  g_autoptr (BenchDirect) direct = bench_direct_new (bench->world);

  for (unsigned int i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *path = g_strdup_printf ("/%u", sizes[i]);
      BenchOrder order = { .server = bench->server, .path = path };
      unsigned int count = sizes[i] > 1 << 20 ? 10 : sizes[i] > 1 << 18 ? 30 : 200;

      bench_print (measure_one_by_one (bench, direct, &order, count), "µs",
                   "growth/bytes-%u/direct/p50", sizes[i]);
      for (int service = 0; service < 2; service++)
        {
          order.service = services[service];
          bench_print (measure_one_by_one (bench, NULL, &order, count), "µs",
                       "growth/bytes-%u/%s/p50", sizes[i], order.service->title);
        }
    }
}

int
main (int argc, char **argv)
{
  Bench bench;

  if (argc != 3)
    return 2;
  begin (&bench, argv[1]);
  bench_start_proxy (bench.world, argv[2]);
  grow_load (&bench);
  grow_body (&bench);
  bench_world_end (bench.world);
  return 0;
}
