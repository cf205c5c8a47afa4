/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long the old key goes on receiving once its pin has changed. Many hosts have a warm channel;
 * one after the other is uploading when its pin is changed. The server stamps each byte that it
 * decrypts, and the client the reply to the pinning. It prints figures and asserts none. */

#include "config.h"

#include "bench-world.h"

#include <string.h>

#define HOSTS        100
#define ROUNDS       40
#define UPLOAD_BYTES (8 * 1024 * 1024)
#define BEGUN_BYTES  (512 * 1024) /* of an upload, before the pin changes */

/* What the server has received for each host. */
static struct
{
  gint64 last_byte; /* monotonic µs */
  gsize bytes;
  unsigned int connections, open;
} seen[HOSTS];
static GMutex lock;
static GCond moved;

typedef struct
{
  BenchWorld *world;
  GTlsCertificate *certificate;
  TestIdentity *leaf, *other;
  guint16 port;
  int listening;
  gint64 replied;      /* to the pinning, monotonic µs; 0: not yet */
  gboolean ended;      /* the upload */
  unsigned int spared; /* uploads that were let through */
} Bench;

static void
note (unsigned int host, gsize bytes, int opened)
{
  g_mutex_lock (&lock);
  if (bytes > 0)
    seen[host].last_byte = g_get_monotonic_time ();
  seen[host].bytes += bytes;
  seen[host].connections += opened > 0;
  seen[host].open += (unsigned int)opened;
  g_cond_broadcast (&moved);
  g_mutex_unlock (&lock);
}

static char *
make_host (unsigned int number)
{
  return g_strdup_printf ("h%u.bench.localhost", number);
}

static char *
make_url (Bench *bench, unsigned int number)
{
  return g_strdup_printf ("https://h%u.bench.localhost:%u/", number, bench->port);
}

/* Reads one request. Returns: whether it was whole */
static gboolean
read_request (GInputStream *in, int *host)
{
  char head[2048] = "", chunk[16384];
  gsize have = 0, left = 0;
  gssize got;

  while (strstr (head, "\r\n\r\n") == NULL)
    {
      got = g_input_stream_read (in, head + have, sizeof head - 1 - have, NULL, NULL);
      if (got <= 0)
        return FALSE;
      have += (gsize)got;
      head[have] = '\0';
    }
  if (*host < 0)
    {
      *host = (int)g_ascii_strtoull (strstr (head, "Host: h") + strlen ("Host: h"), NULL, 10);
      note ((unsigned int)*host, 0, 1);
    }
  if (strstr (head, "Content-Length: ") != NULL)
    left = g_ascii_strtoull (strstr (head, "Content-Length: ") + strlen ("Content-Length: "), NULL,
                             10);
  left -= have - (gsize)(strstr (head, "\r\n\r\n") + 4 - head);
  note ((unsigned int)*host, have, 0);
  for (; left > 0; left -= (gsize)got)
    {
      got = g_input_stream_read (in, chunk, MIN (sizeof chunk, left), NULL, NULL);
      if (got <= 0)
        return FALSE;
      note ((unsigned int)*host, (gsize)got, 0);
    }
  return TRUE;
}

static gboolean
serve (GThreadedSocketService *service, GSocketConnection *connection, GObject *source,
       gpointer user_data)
{
  static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  Bench *bench = user_data;
  g_autoptr (GIOStream) tls
      = g_tls_server_connection_new (G_IO_STREAM (connection), bench->certificate, NULL);
  GOutputStream *out = g_io_stream_get_output_stream (tls);
  int host = -1;

  while (read_request (g_io_stream_get_input_stream (tls), &host)
         && g_output_stream_write_all (out, answer, sizeof answer - 1, NULL, NULL, NULL))
    ;
  if (host >= 0)
    note ((unsigned int)host, 0, -1);
  return TRUE;
}

/* Accepts connections, on a thread and main context of its own. */
static gpointer
run_server (gpointer user_data)
{
  Bench *bench = user_data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (context, FALSE);
  GSocketService *service;
  GError *error = NULL;

  g_main_context_push_thread_default (context);
  service = g_threaded_socket_service_new (HOSTS * 3);
  bench->port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (service), NULL, &error);
  bench_check (error);
  g_signal_connect (service, "run", G_CALLBACK (serve), bench);
  g_socket_service_start (service);
  g_atomic_int_set (&bench->listening, 1);
  g_main_loop_run (loop);
  return NULL;
}

static GVariant *
make_request (Bench *bench, unsigned int host, const char *method, GVariant *body)
{
  g_autofree char *url = make_url (bench, host);

  return g_variant_new ("(ss@a(ss)@ay@a{sv})", method, url, g_variant_new ("a(ss)", NULL), body,
                        g_variant_new ("a{sv}", NULL));
}

static void
on_uploaded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Bench *bench = user_data;
  g_autoptr (GVariant) reply
      = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);

  bench->ended = TRUE;
  bench->spared += reply != NULL;
}

static void
on_pinned (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Bench *bench = user_data;
  GError *error = NULL;
  g_autoptr (GVariant) reply
      = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  bench->replied = g_get_monotonic_time ();
  bench_check (error);
}

static void
begin (Bench *bench, const char *interface, const char *method, GVariant *parameters,
       GAsyncReadyCallback callback)
{
  g_dbus_connection_call (bench->world->bus, CERTPIN_NAME, CERTPIN_PATH, interface, method,
                          parameters, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, callback, bench);
}

static void
wait_until_uploading (unsigned int host, gsize from)
{
  g_mutex_lock (&lock);
  while (seen[host].bytes < from + BEGUN_BYTES)
    g_cond_wait (&moved, &lock);
  g_mutex_unlock (&lock);
}

static void
wait_until_closed (unsigned int host)
{
  g_mutex_lock (&lock);
  while (seen[host].open > 0)
    g_cond_wait (&moved, &lock);
  g_mutex_unlock (&lock);
}

/* Changes the pin of one host in the middle of an upload to it.
 * Returns: µs from the reply to the last byte that the old key received; negative: before it */
static gint64
change_once (Bench *bench, unsigned int host, GArray *replies)
{
  g_autofree char *name = make_host (host);
  GVariant *body
      = g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, g_malloc0 (UPLOAD_BYTES), UPLOAD_BYTES, 1);
  GVariant *certificate = g_variant_new_from_bytes (
      G_VARIANT_TYPE_BYTESTRING, test_identity_get_certificate (bench->other), TRUE);
  gsize before = seen[host].bytes;
  gint64 asked, taken;

  bench->replied = 0;
  bench->ended = FALSE;
  begin (bench, CERTPIN_REQUESTS, "SecureRequest", make_request (bench, host, "PUT", body),
         on_uploaded);
  wait_until_uploading (host, before);
  asked = g_get_monotonic_time ();
  begin (bench, CERTPIN_PINS, "PinCertificate",
         g_variant_new ("(s@ay@a{sv})", name, certificate, g_variant_new ("a{sv}", NULL)),
         on_pinned);
  while (bench->replied == 0 || !bench->ended)
    g_main_context_iteration (NULL, TRUE);
  wait_until_closed (host);
  taken = bench->replied - asked;
  g_array_append_val (replies, taken);
  return seen[host].last_byte - bench->replied;
}

static void
ask (Bench *bench, unsigned int host)
{
  g_variant_unref (bench_call (bench->world, CERTPIN_REQUESTS, "SecureRequest",
                               make_request (bench, host, "GET", g_variant_new ("ay", NULL))));
}

static void
warm_up (Bench *bench)
{
  for (unsigned int host = 0; host < HOSTS; host++)
    {
      g_autofree char *name = make_host (host);

      bench_pin (bench->world, bench->world->bus, name, bench->leaf);
      ask (bench, host);
    }
}

/* Those whose pin was not touched still have the one connection that they began with. */
static unsigned int
count_untouched (Bench *bench)
{
  unsigned int untouched = 0;

  for (unsigned int host = ROUNDS; host < HOSTS; host++)
    {
      ask (bench, host);
      untouched += seen[host].connections == 1;
    }
  return untouched;
}

static void
print (const char *what, GArray *times)
{
  g_print ("%-52s %8.2f %8.2f\n", what, (double)bench_percentile (times, 50) / 1000,
           (double)bench_percentile (times, 100) / 1000);
}

static void
run_bench (Bench *bench)
{
  g_autoptr (GArray) late = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GArray) replies = g_array_new (FALSE, FALSE, sizeof (gint64));

  warm_up (bench);
  for (unsigned int host = 0; host < ROUNDS; host++)
    {
      gint64 after = change_once (bench, host, replies);
      g_array_append_val (late, after);
    }
  g_print ("%-52s %8s %8s   (%d changes, %d channels, ms)\n", "", "p50", "worst", ROUNDS, HOSTS);
  print ("reply to PinCertificate to last byte to the old key", late);
  print ("PinCertificate to its reply", replies);
  g_print ("uploads that went through all the same: %u of %d\n", bench->spared, ROUNDS);
  g_print ("other hosts that kept their connection: %u of %d\n", count_untouched (bench),
           HOSTS - ROUNDS);
}

int
main (int argc, char **argv)
{
  Bench bench = { 0 };

  if (argc != 2)
    return 2;
  bench.world = bench_world_new ();
  bench_world_start (bench.world, argv[1], NULL);
  bench.leaf = TEST_IDENTITY (.dns = { "*.bench.localhost" }, .issuer = bench.world->ca);
  bench.other = TEST_IDENTITY (.dns = { "*.bench.localhost" }, .issuer = bench.world->ca);
  bench.certificate = bench_tls_certificate (bench.world, bench.leaf);
  g_thread_unref (g_thread_new ("server", run_server, &bench));
  while (!g_atomic_int_get (&bench.listening))
    g_usleep (1000);
  run_bench (&bench);
  bench_world_end (bench.world);
  test_identity_unref (bench.leaf);
  test_identity_unref (bench.other);
  return 0;
}
