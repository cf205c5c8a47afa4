/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What many pins cost: to read them at the start, to hold them, to look one up, to list a slice of
 * them. It prints figures and asserts none.
 *
 * usage: bench-pins [COUNT] */

#include "config.h"

#include "daemon/core/pins/cpd-pin-file.h"
#include "daemon/core/pins/cpd-store.h"
#include "tests/lib/test-core.h"

#include <glib/gstdio.h>

#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT    100000
#define PER_USER 10000
#define LOOKUPS  1000000
#define SLICE    500

static char *
make_host (unsigned int number)
{
  return g_strdup_printf ("h%06u.bench.example", number);
}

static void
write_pins (const char *state, unsigned int count)
{
  for (unsigned int i = 0; i < count; i++)
    {
      g_autofree char *host = make_host (i);
      g_autofree char *folder = g_strdup_printf ("%s/users/%u", state, 4200000 + i / PER_USER);
      g_autoptr (CpdPin) pin = test_pin (host, CPD_LAYER_USER, (guint8)(1 + i % 200));
      g_autoptr (GBytes) text = cpd_pin_file_print (pin, "");
      g_autofree char *name = cpd_pin_file_name (pin->host);
      g_autofree char *path = g_build_filename (folder, name, NULL);
      gsize length;
      const char *data = g_bytes_get_data (text, &length);

      g_mkdir_with_parents (folder, 0700);
      g_file_set_contents_full (path, data, (gssize)length, G_FILE_SET_CONTENTS_NONE, 0600, NULL);
    }
}

static long
get_resident_kib (void)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) words = NULL;

  g_file_get_contents ("/proc/self/statm", &text, NULL, NULL);
  words = g_strsplit (text, " ", 3);
  return atol (words[1]) * (sysconf (_SC_PAGESIZE) / 1024);
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
      guint32 uid = 4200000 + number * (count / 1000) / PER_USER;

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
        cpd_store_list_after (store, CPD_LAYER_USER, 4200000, "h004999.bench.example", SLICE));
  return (double)(g_get_monotonic_time () - start) / 100;
}

int
main (int argc, char **argv)
{
  static const char *const no_dirs[] = { NULL };
  unsigned int count = argc > 1 ? (unsigned int)atoi (argv[1]) : COUNT;
  g_autoptr (TestFolder) folder = test_folder_new ();
  const CpdStoreSettings settings = { .state_dir = folder, .pins_dirs = no_dirs };
  g_autoptr (CpdStore) store = cpd_store_new (&settings);
  g_autoptr (GPtrArray) problems = NULL;
  long before;
  gint64 start;

  setlocale (LC_ALL, "");
  write_pins (folder, count);
  before = get_resident_kib ();
  start = g_get_monotonic_time ();
  problems = cpd_store_load (store);
  g_print ("%u pins, of %u users; %u problems\n", count, count / PER_USER, problems->len);
  g_print ("reading them:       %6.0f ms\n", (double)(g_get_monotonic_time () - start) / 1000);
  g_print ("holding them:       %6ld KiB more are resident\n", get_resident_kib () - before);
  g_print ("a look-up:          %6.0f ns\n", measure_lookups (store, count));
  g_print ("a slice of %u pins: %6.0f µs\n", SLICE, measure_slices (store));
  return 0;
}
