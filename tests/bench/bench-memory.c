/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the service's memory grows by: with requests that are answered by nobody yet, and with
 * connections that are kept alive. Beside the plain proxy. Each measurement has services that are
 * new. It prints figures and asserts none.
 *
 * usage: bench-memory CERTPIND RIVALS */

#include "config.h"

#include "bench-load.h"

#define IN_FLIGHT 1000
#define STEP      250
#define CALLERS   10 /* a program may have only so many calls under way */
#define PER_HOST  5  /* of 6 connections to a host */
#define IDLE      100

/* One user may have as many requests under way. */
static const char limits[] = "RunningPerUser=2000\nRunning=2000\n";

typedef struct
{
  BenchWorld *world;
  BenchOrder order;
  GSubprocess *proxy;
} Bench;

static void
begin (Bench *bench, char **argv)
{
  bench->world = bench_world_new ();
  bench_world_start (bench->world, argv[1], limits);
  bench->order = (BenchOrder){ .server = bench_server_new (bench->world), .path = "/" };
  bench_pin (bench->world, bench->world->bus, BENCH_HOSTS,
             bench_server_get_identity (bench->order.server));
  bench->proxy = bench_start_proxy (bench->world, argv[2]);
}

/* Returns: KiB, after a first request */
static unsigned long
start_with (Bench *bench, const BenchService *service)
{
  BenchOrder first = bench->order;

  bench->order.service = first.service = service;
  first.path = "/";
  g_variant_unref (bench_request (bench->world->bus, &first));
  bench->order.first_host = 1;
  return bench_get_resident_kib (service == &bench_certpin ? bench->world->service : bench->proxy);
}

static double
grown (Bench *bench, unsigned long before)
{
  return (double)bench_get_resident_kib (
             bench->order.service == &bench_certpin ? bench->world->service : bench->proxy)
         - (double)before;
}

static void
add_callers (Bench *bench, BenchLoad *load)
{
  for (int i = 0; i < CALLERS; i++)
    {
      g_autoptr (GDBusConnection) caller = bench_connect (bench->world);

      bench_load_add_caller (load, caller);
    }
}

/* All of them are at the server, and are answered in the end. A few begin at a time: the server has
 * room for as many connections that it has not accepted. */
static void
measure_in_flight (Bench *bench, const BenchService *service)
{
  unsigned long before = start_with (bench, service);
  g_autoptr (BenchLoad) load = NULL;

  bench->order.path = "/hold";
  bench->order.hosts = IN_FLIGHT / PER_HOST;
  load = bench_load_new (&bench->order);
  add_callers (bench, load);
  for (int count = CALLERS; count <= IN_FLIGHT; count += CALLERS)
    {
      bench_load_begin (load, CALLERS, 1);
      bench_server_wait_until_held (bench->order.server, count);
      if (count % STEP == 0)
        bench_print (grown (bench, before) / 1024, "MiB", "memory/in-flight-%d/%s", count,
                     service->title);
    }
  bench_print (grown (bench, before) / IN_FLIGHT, "KiB", "memory/request/%s", service->title);
  bench_server_release (bench->order.server);
  bench_load_wait (load);
}

static void
measure_idle (Bench *bench, const BenchService *service)
{
  unsigned long before = start_with (bench, service);
  g_autoptr (BenchLoad) load = NULL;

  bench->order.path = "/";
  bench->order.hosts = IDLE;
  load = bench_load_new (&bench->order);
  bench_load_add_caller (load, bench->world->bus);
  bench_load_begin (load, IDLE, 4);
  bench_load_wait (load);
  bench_print (grown (bench, before) / IDLE, "KiB", "memory/idle-connection/%s", service->title);
}

static void
with_each (char **argv, void (*measure) (Bench *bench, const BenchService *service))
{
  const BenchService *const services[] = { &bench_proxy, &bench_certpin };

  for (int i = 0; i < 2; i++)
    {
      Bench bench;

      begin (&bench, argv);
      measure (&bench, services[i]);
      bench_world_end (bench.world);
    }
}

int
main (int argc, char **argv)
{
  if (argc != 3)
    return 2;
  with_each (argv, measure_idle);
  with_each (argv, measure_in_flight);
  return 0;
}
