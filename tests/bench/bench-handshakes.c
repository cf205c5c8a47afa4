/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How many requests a second there are that each need a new connection; and how many while 60
 * connections of other users are silent. Half of the silent ones end after the connection is made,
 * and half in the middle of the server's first message. It prints figures and asserts none. Needs
 * root, for the other users.
 *
 * usage: bench-handshakes CERTPIND RIVALS */

#include "config.h"

#include "bench-load.h"

#include <pwd.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DURATION_US (G_USEC_PER_SEC / 2)
#define AT_A_TIME   16
#define ROUNDS      3
#define SILENT      60
#define OTHERS      15 /* each may set up 4 connections at a time */
#define NO_ID       ((uid_t)-1)
#define SILENT_S    60

/* Accepts connections, and says little or nothing. */
typedef struct
{
  GSocket *socket;
  GPtrArray *accepted; /* of GSocket * */
  guint16 port;
} Silence;

static void
silence_open (Silence *silence)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) bound = NULL;
  GError *error = NULL;

  silence->accepted = g_ptr_array_new_with_free_func (g_object_unref);
  silence->socket
      = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);
  bench_check (error);
  g_socket_set_listen_backlog (silence->socket, 2 * SILENT);
  g_socket_bind (silence->socket, address, TRUE, &error);
  bench_check (error);
  g_socket_listen (silence->socket, &error);
  bench_check (error);
  bound = g_socket_get_local_address (silence->socket, &error);
  bench_check (error);
  silence->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  g_socket_set_timeout (silence->socket, SILENT_S);
}

/* Until all of them are there. */
static void
silence_accept (Silence *silence)
{
  static const char record[] = { 22, 3, 3, 0, 122, 2, 0, 0 }; /* of a ServerHello */
  GError *error = NULL;

  while (silence->accepted->len < SILENT)
    {
      GSocket *accepted = g_socket_accept (silence->socket, NULL, &error);

      bench_check (error);
      if (silence->accepted->len % 2 == 1)
        g_socket_send (accepted, record, sizeof record, NULL, &error);
      bench_check (error);
      g_ptr_array_add (silence->accepted, accepted);
    }
}

static void
silence_close (Silence *silence)
{
  g_ptr_array_unref (silence->accepted);
  g_object_unref (silence->socket);
}

/* Returns: the uids of users other than root: the bus knows no others */
static GArray *
find_others (void)
{
  GArray *uids = g_array_new (FALSE, FALSE, sizeof (uid_t));
  struct passwd *user;

  setpwent ();
  while (uids->len < OTHERS && (user = getpwent ()) != NULL)
    if (user->pw_uid != 0)
      g_array_append_val (uids, user->pw_uid);
  endpwent ();
  return uids;
}

/* A connection to the bus of another user. The system call changes only this thread, which is the
 * one that connects. */
static GDBusConnection *
connect_as (BenchWorld *world, uid_t uid)
{
  GDBusConnection *bus;

  if (syscall (SYS_setresuid, NO_ID, uid, NO_ID) != 0)
    g_printerr ("bench-handshakes: cannot become another user\n");
  bus = bench_connect (world);
  syscall (SYS_setresuid, NO_ID, 0, NO_ID);
  return bus;
}

/* Returns: handshakes a second */
static double
measure_once (BenchWorld *world, const BenchOrder *order)
{
  g_autoptr (BenchLoad) load = bench_load_new (order);

  bench_load_add_caller (load, world->bus);
  return bench_load_run (load, AT_A_TIME, DURATION_US);
}

/* The services in turn, and the best of each: what disturbs only makes it slower. */
static void
measure (BenchWorld *world, BenchOrder *order, const char *title)
{
  const BenchService *const services[] = { &bench_proxy, &bench_certpin };
  double best[2] = { 0, 0 };

  for (int round = 0; round < ROUNDS; round++)
    for (int i = 0; i < 2; i++)
      {
        order->service = services[i];
        best[i] = MAX (best[i], measure_once (world, order));
      }
  for (int i = 0; i < 2; i++)
    bench_print (best[i], "/s", "handshakes/%s/%s", title, services[i]->title);
  if (best[0] > 0)
    bench_print (best[1] / best[0], "x", "handshakes/%s/certpin-to-proxy", title);
}

static void
ask_silence (GDBusConnection *caller, const BenchService *service, const char *url)
{

  g_dbus_connection_call (caller, service->name, service->path, service->interface, "SecureRequest",
                          g_variant_new ("(ss@a(ss)@ay@a{sv})", "GET", url,
                                         g_variant_new ("a(ss)", NULL), g_variant_new ("ay", NULL),
                                         g_variant_new ("a{sv}", NULL)),
                          NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
}

/* `service` gets as many requests that do not end. */
static void
fall_silent (BenchWorld *world, BenchServer *server, const BenchService *service, Silence *silence)
{
  g_autoptr (GArray) uids = find_others ();

  silence_open (silence);
  for (unsigned int i = 0; i < uids->len; i++)
    {
      GDBusConnection *other = connect_as (world, g_array_index (uids, uid_t, i));

      if (service == &bench_certpin)
        bench_pin (world, other, BENCH_HOSTS, bench_server_get_identity (server));
      for (unsigned int call = 0; call < SILENT / OTHERS; call++)
        {
          unsigned int host = i * (SILENT / OTHERS) + call;
          g_autofree char *url
              = g_strdup_printf ("https://h%u.bench.localhost:%u/", host, silence->port);

          ask_silence (other, service, url);
        }
    }
  silence_accept (silence);
}

int
main (int argc, char **argv)
{
  BenchWorld *world;
  BenchOrder order = { .path = "/close" };
  Silence silences[2] = { 0 };

  if (argc != 3)
    return 2;
  world = bench_world_new ();
  bench_world_start (world, argv[1], NULL);
  order.server = bench_server_new (world);
  bench_pin (world, world->bus, BENCH_HOSTS, bench_server_get_identity (order.server));
  bench_start_proxy (world, argv[2]);
  measure (world, &order, "alone");
  if (geteuid () != 0)
    {
      g_printerr ("bench-handshakes: only root has the other users that are silent\n");
      return 77;
    }
  fall_silent (world, order.server, &bench_proxy, &silences[0]);
  fall_silent (world, order.server, &bench_certpin, &silences[1]);
  measure (world, &order, "beside-silence");
  for (int i = 0; i < 2; i++)
    silence_close (&silences[i]);
  bench_world_end (world);
  return 0;
}
