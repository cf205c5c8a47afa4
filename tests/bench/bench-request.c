/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One request after the other, each beside its rivals: libsoup without any service, a bare D-Bus
 * call with the same arguments and reply, and a plain proxy. GET and POST on a kept-alive
 * connection, and GET with a new connection each time. It prints figures and asserts none.
 *
 * usage: bench-request CERTPIND RIVALS */

#include "config.h"

#include "bench-direct.h"

#define ROUNDS     20
#define POST_BYTES 1024

typedef struct
{
  const char *title, *method, *path;
  gsize body_size;
  unsigned int calls_per_round;
} Kind;

static const Kind kinds[] = {
  { "get", "GET", "/", 0, 50 },
  { "post", "POST", "/", POST_BYTES, 50 },
  { "cold", "GET", "/close", 0, 15 },
};

typedef enum
{
  DIRECT,
  BARE,
  PROXY,
  CERTPIN,
  N_WAYS
} Way;

typedef struct
{
  BenchWorld *world;
  BenchDirect *direct;
  BenchOrder order;
  GArray *times[N_WAYS];
} Bench;

static const BenchService *const services[N_WAYS]
    = { NULL, &bench_echo, &bench_proxy, &bench_certpin };

static void
ask (Bench *bench, Way way)
{
  bench->order.service = services[way];
  if (way == DIRECT)
    bench_direct_request (bench->direct, &bench->order);
  else
    g_variant_unref (bench_request (bench->world->bus, &bench->order));
}

static void
measure (Bench *bench, Way way, unsigned int count)
{
  for (unsigned int i = 0; i < count; i++)
    {
      gint64 start = g_get_monotonic_time (), taken;

      ask (bench, way);
      taken = g_get_monotonic_time () - start;
      g_array_append_val (bench->times[way], taken);
    }
}

/* What the service adds to the request itself, as a multiple of its rivals. */
static void
print_ratios (const char *title, const gint64 *p50)
{
  double added = (double)(p50[CERTPIN] - p50[DIRECT]);

  bench_print (added / (double)p50[BARE], "x", "request/%s/added-to-bare", title);
  bench_print (added / (double)(p50[PROXY] - p50[DIRECT]), "x", "request/%s/added-to-proxy-added",
               title);
  bench_print ((double)p50[CERTPIN] / (double)p50[PROXY], "x", "request/%s/certpin-to-proxy",
               title);
}

static void
compare (Bench *bench, const Kind *kind)
{
  gint64 p50[N_WAYS];

  bench->order.method = kind->method;
  bench->order.path = kind->path;
  bench->order.body_size = kind->body_size;
  for (Way way = 0; way < N_WAYS; way++)
    {
      bench->times[way] = g_array_new (FALSE, FALSE, sizeof (gint64));
      ask (bench, way); /* warms it up */
    }
  for (int round = 0; round < ROUNDS; round++)
    for (Way way = 0; way < N_WAYS; way++)
      measure (bench, way, kind->calls_per_round);
  for (Way way = 0; way < N_WAYS; way++)
    {
      const char *title = way == DIRECT ? "direct" : services[way]->title;

      p50[way] = bench_percentile (bench->times[way], 50);
      bench_print ((double)p50[way], "µs", "request/%s/%s/p50", kind->title, title);
      bench_print ((double)bench_percentile (bench->times[way], 99), "µs", "request/%s/%s/p99",
                   kind->title, title);
      g_array_unref (bench->times[way]);
    }
  print_ratios (kind->title, p50);
}

int
main (int argc, char **argv)
{
  Bench bench = { 0 };

  if (argc != 3)
    return 2;
  bench.world = bench_world_new ();
  bench_world_start (bench.world, argv[1], NULL);
  bench.order.server = bench_server_new (bench.world);
  bench.order.path = "/";
  bench_pin (bench.world, bench.world->bus, BENCH_HOSTS,
             bench_server_get_identity (bench.order.server));
  bench.direct = bench_direct_new (bench.world);
  bench_start_echo (bench.world, argv[2], &bench.order);
  bench_start_proxy (bench.world, argv[2]);
  for (unsigned int i = 0; i < G_N_ELEMENTS (kinds); i++)
    compare (&bench, &kinds[i]);
  bench_direct_free (bench.direct);
  bench_world_end (bench.world);
  return 0;
}
