/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program on the bus that makes one call after the other and takes the time: warm requests over
 * the service, calls of the echo, calls of whatever is in the service's place, or the first calls
 * of new connections. A line on its standard input begins a measurement and the next one ends it;
 * then it prints the figures as one line of JSON.
 *
 * usage: probe ADDRESS URL, or probe ADDRESS echo|sink|new */

#include "config.h"

#include "dbus/certpin-names.h"
#include "tests/bench/bench-floods/echo.h"

#include <gio/gio.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

/* What the bus rejects while too much waits for the service is sent again, as libcertpin does. */
#define AGAIN_MS  20
#define TRIES_MAX 6

/* A call that takes longer has failed. */
#define TIMEOUT_MS 5000

/* Between new connections, which must not become a flood of their own. */
#define PACE_MS 20

typedef struct
{
  const char *address;
  GDBusConnection *bus;
  const char *target; /* a URL, "echo", "sink" or "new" */
  GArray *times;      /* of gint64: µs of the calls that were answered */
  unsigned int failed;
  GError *first_error;
} Probe;

typedef struct
{
  const char *name, *path, *interface, *method;
} Method;

static GVariant *
call (Probe *probe, const Method *method, GVariant *arguments, GError **error)
{
  return g_dbus_connection_call_sync (probe->bus, method->name, method->path, method->interface,
                                      method->method, arguments, NULL,
                                      G_DBUS_CALL_FLAGS_NO_AUTO_START, TIMEOUT_MS, NULL, error);
}

static GVariant *
ask_once (Probe *probe, GError **error)
{
  static const Method echo = { ECHO_NAME, "/", ECHO_NAME, "Echo" };
  static const Method ping = { CERTPIN_BUS_NAME, "/", "org.freedesktop.DBus.Peer", "Ping" };
  static const Method request
      = { CERTPIN_BUS_NAME, CERTPIN_OBJECT_PATH, CERTPIN_REQUESTS_IFACE, "SecureRequest" };

  if (g_str_equal (probe->target, "echo"))
    return call (probe, &echo, g_variant_new ("(s)", "hello"), error);
  if (g_str_equal (probe->target, "sink") || g_str_equal (probe->target, "new"))
    return call (probe, &ping, NULL, error);
  return call (probe, &request,
               g_variant_new ("(ss@a(ss)@ay@a{sv})", "GET", probe->target,
                              g_variant_new ("a(ss)", NULL), g_variant_new ("ay", NULL),
                              g_variant_new ("a{sv}", NULL)),
               error);
}

static GVariant *
ask (Probe *probe, GError **error)
{
  GVariant *reply = ask_once (probe, error);

  for (int i = 1; i < TRIES_MAX && reply == NULL
                  && g_error_matches (*error, G_DBUS_ERROR, G_DBUS_ERROR_LIMITS_EXCEEDED);
       i++)
    {
      g_usleep (AGAIN_MS * 1000ul << (i - 1));
      g_clear_error (error);
      reply = ask_once (probe, error);
    }
  return reply;
}

static gboolean
connect_to_bus (Probe *probe, GError **error)
{
  g_clear_object (&probe->bus);
  probe->bus = g_dbus_connection_new_for_address_sync (
      probe->address,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, error);
  if (probe->bus == NULL)
    return FALSE;
  g_dbus_connection_set_exit_on_close (probe->bus, FALSE);
  return TRUE;
}

/* What it takes to connect is the bus's business, and not counted. */
static gboolean
renew (Probe *probe, GError **error)
{
  if (!g_str_equal (probe->target, "new"))
    return TRUE;
  g_usleep (PACE_MS * 1000ul);
  if (probe->bus != NULL)
    g_dbus_connection_close_sync (probe->bus, NULL, NULL);
  return connect_to_bus (probe, error);
}

static void
measure_once (Probe *probe)
{
  g_autoptr (GError) error = NULL;
  gboolean renewed = renew (probe, &error);
  gint64 start = g_get_monotonic_time (), taken;
  g_autoptr (GVariant) reply = renewed ? ask (probe, &error) : NULL;

  taken = g_get_monotonic_time () - start;
  if (reply != NULL)
    g_array_append_val (probe->times, taken);
  else if (probe->failed++ == 0)
    probe->first_error = g_steal_pointer (&error);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  gint64 left = *(const gint64 *)a, right = *(const gint64 *)b;

  return left < right ? -1 : left > right;
}

/* The nearest rank: of less than 100 times the 99th percentile is the longest. */
static gint64
percentile (GArray *times, unsigned int percent)
{
  return g_array_index (times, gint64, (times->len * percent + 99) / 100 - 1);
}

static void
print_figures (Probe *probe)
{
  GArray *times = probe->times;
  g_autofree char *message = g_strescape (
      probe->first_error != NULL ? probe->first_error->message : "", "\xe2\x80\x98\x99");

  g_array_sort (times, compare);
  g_print ("{\"calls\": %u, \"failed\": %u, \"error\": \"%s\"", times->len + probe->failed,
           probe->failed, message);
  if (times->len > 0)
    g_print (", \"p50\": %" G_GINT64_FORMAT ", \"p99\": %" G_GINT64_FORMAT
             ", \"max\": %" G_GINT64_FORMAT,
             percentile (times, 50), percentile (times, 99), percentile (times, 100));
  g_print ("}\n");
  g_array_set_size (times, 0);
  probe->failed = 0;
  g_clear_error (&probe->first_error);
}

/* Returns: whether there was one; else its input has ended */
static gboolean
read_line (void)
{
  char byte;

  while (read (STDIN_FILENO, &byte, 1) == 1)
    if (byte == '\n')
      return TRUE;
  return FALSE;
}

int
main (int argc, char **argv)
{
  Probe probe = { .address = argc > 1 ? argv[1] : "",
                  .target = argc == 3 ? argv[2] : "echo",
                  .times = g_array_new (FALSE, FALSE, sizeof (gint64)) };
  struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
  g_autoptr (GError) error = NULL;

  if (!connect_to_bus (&probe, &error))
    {
      g_printerr ("probe: %s\n", error->message);
      return 1;
    }
  while (read_line ())
    {
      do
        measure_once (&probe);
      while (poll (&input, 1, 0) == 0);
      if (!read_line ())
        break;
      print_figures (&probe);
    }
  return 0;
}
