/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What many pins cost: to read them at the start, to hold them, to look one up, to list a slice of
 * them, and what a request costs when the service has them. It prints figures and asserts none.
 *
 * usage: bench-pins CERTPIND [COUNT...] */

#include "config.h"

#include "bench-load.h"

#include "daemon/core/pins/cpd-pin-file-name.h"
#include "daemon/core/pins/cpd-pin-file.h"
#include "daemon/core/pins/cpd-store.h"
#include "tests/lib/test-core.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOKUPS   1000000
#define SLICE     500
#define CALLS     1000
#define FIRST_UID 4200000
#define PER_USER  10000

static char *
make_host (unsigned int number)
{
  return g_strdup_printf ("h%06u.bench.example", number);
}

static void
write_pin (const char *folder, unsigned int number)
{
  g_autofree char *host = make_host (number);
  g_autoptr (CpdPin) pin = test_pin (host, CPD_LAYER_USER, (guint8)(1 + number % 200));
  g_autoptr (GBytes) text = cpd_pin_file_print (pin, "");
  g_autofree char *name = cpd_pin_file_name (pin->host);
  g_autofree char *path = g_build_filename (folder, name, NULL);
  FILE *file = fopen (path, "we");
  gsize length;
  const char *data = g_bytes_get_data (text, &length);

  if (file == NULL || fwrite (data, 1, length, file) != length || fclose (file) != 0)
    {
      g_printerr ("cannot write ‘%s’\n", path);
      exit (1);
    }
}

static void
write_pins (const char *state, unsigned int count)
{
  for (unsigned int i = 0; i < count; i++)
    {
      g_autofree char *folder = g_strdup_printf ("%s/users/%u", state, FIRST_UID + i / PER_USER);

      if (i % PER_USER == 0)
        g_mkdir_with_parents (folder, 0700);
      write_pin (folder, i);
    }
}

/* Returns: ns a look-up */
static double
measure_lookups (CpdStore *store, unsigned int count)
{
  g_autoptr (GPtrArray) targets = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_host_unref);
  gint64 start;

  for (unsigned int i = 0; i < 1000; i++)
    {
      g_autofree char *name = make_host (i * (count / 1000));
      g_ptr_array_add (targets, cpd_host_new_target (name, 443, NULL));
    }
  start = g_get_monotonic_time ();
  for (unsigned int i = 0; i < LOOKUPS; i++)
    {
      unsigned int number = i % targets->len;
      guint32 uid = FIRST_UID + number * (count / 1000) / PER_USER;

      cpd_pin_unref (cpd_store_find_pin (store, CPD_LAYER_USER, uid, targets->pdata[number]));
    }
  return (double)(g_get_monotonic_time () - start) * 1000 / LOOKUPS;
}

/* Returns: µs for a slice in the middle */
static double
measure_slices (CpdStore *store)
{
  gint64 start = g_get_monotonic_time ();

  for (int i = 0; i < 100; i++)
    g_ptr_array_unref (
        cpd_store_list_after (store, CPD_LAYER_USER, FIRST_UID, "h004999.bench.example", SLICE));
  return (double)(g_get_monotonic_time () - start) / 100;
}

/* As the service does, in this process. */
static void
measure_store (const char *state, unsigned int count)
{
  static const char *const no_dirs[] = { NULL };
  const CpdStoreSettings settings = { .state_dir = state, .pins_dirs = no_dirs };
  g_autoptr (CpdStore) store = cpd_store_new (&settings);
  g_autoptr (GPtrArray) problems = NULL;
  unsigned long before = bench_get_resident_kib (NULL);
  gint64 start = g_get_monotonic_time ();

  problems = cpd_store_load (store);
  bench_print ((double)(g_get_monotonic_time () - start) / 1000, "ms", "pins/%u/read", count);
  bench_print (problems->len, "", "pins/%u/problems", count);
  bench_print ((double)(bench_get_resident_kib (NULL) - before) / 1024, "MiB", "pins/%u/memory",
               count);
  bench_print (measure_lookups (store, count), "ns", "pins/%u/look-up", count);
  bench_print (measure_slices (store), "µs", "pins/%u/slice", count);
}

/* Returns: the p50, in µs */
static double
measure_requests (BenchWorld *world)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
  const BenchOrder order
      = { .server = bench_server_new (world), .service = &bench_certpin, .path = "/" };

  bench_pin (world, world->bus, BENCH_HOSTS, bench_server_get_identity (order.server));
  for (int i = 0; i < CALLS; i++)
    {
      gint64 start = g_get_monotonic_time (), taken;

      g_variant_unref (bench_request (world->bus, &order));
      taken = g_get_monotonic_time () - start;
      g_array_append_val (times, taken);
    }
  return (double)bench_percentile (times, 50);
}

static void
measure (const char *certpind, unsigned int count)
{
  BenchWorld *world = bench_world_new ();
  g_autofree char *state = g_build_filename (world->folder, "state", NULL);

  if (count > 0)
    {
      write_pins (state, count);
      measure_store (state, count);
    }
  bench_world_start (world, certpind, NULL);
  bench_print (measure_requests (world), "µs", "pins/%u/request", count);
  bench_print ((double)bench_get_resident_kib (world->service) / 1024, "MiB", "pins/%u/service",
               count);
  bench_world_end (world);
}

int
main (int argc, char **argv)
{
  static const unsigned int counts[] = { 0, 1000, 10000, 100000 };

  setlocale (LC_ALL, "");
  if (argc < 2)
    return 2;
  for (int i = 2; i < argc; i++)
    measure (argv[1], (unsigned int)atoi (argv[i]));
  for (unsigned int i = 0; argc == 2 && i < G_N_ELEMENTS (counts); i++)
    measure (argv[1], counts[i]);
  return 0;
}
