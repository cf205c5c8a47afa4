/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Another user's program, beside whatever a benchmark does: it makes one small request after the
 * other, and needs little time itself, so that what it measures is how long others let it wait.
 *
 * usage: bystander ADDRESS URL MILLISECONDS     prints the p50, in µs */

#include "config.h"

#include <gio/gio.h>
#include <stdlib.h>

#define KNOWN_AFTER 50 /* requests, which do not count */

static GDBusConnection *
open_bus (const char *address)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *bus = g_dbus_connection_new_for_address_sync (
      address,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, &error);

  g_assert_no_error (error);
  return bus;
}

/* Returns: µs */
static gint64
request (GDBusConnection *bus, const char *url)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;
  gint64 start_us = g_get_monotonic_time ();

  reply = g_dbus_connection_call_sync (
      bus, "org.certpin.Certpin1", "/org/certpin/Certpin1", "org.certpin.Certpin1.Requests",
      "SecureRequest", g_variant_new_parsed ("('GET', %s, @a(ss) [], @ay [], @a{sv} {})", url),
      NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
  g_assert_no_error (error);
  return g_get_monotonic_time () - start_us;
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  const gint64 *first = a, *second = b;

  return (*first > *second) - (*first < *second);
}

int
main (int argc, char **argv)
{
  g_autoptr (GDBusConnection) bus = NULL;
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
  gint64 end_us;

  if (argc != 4)
    return EXIT_FAILURE;
  bus = open_bus (argv[1]);
  for (int i = 0; i < KNOWN_AFTER; i++)
    request (bus, argv[2]);
  end_us = g_get_monotonic_time () + g_ascii_strtoll (argv[3], NULL, 10) * 1000;
  while (g_get_monotonic_time () < end_us)
    {
      gint64 taken = request (bus, argv[2]);

      g_array_append_val (times, taken);
    }
  g_array_sort (times, compare_times);
  g_print ("%" G_GINT64_FORMAT "\n", g_array_index (times, gint64, times->len / 2));
  return EXIT_SUCCESS;
}
