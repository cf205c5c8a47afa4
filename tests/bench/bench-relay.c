/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stands between a program and a server, and makes the server as far away as is wanted: each byte
 * arrives half a round trip later. The kernel answers the program's SYN at once, so the first bytes
 * wait for one more round trip. */

#include "config.h"

#include "bench-relay.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#define CHUNK_BYTES (64 * 1024)

typedef struct
{
  guint16 server_port;
  gint64 round_trip;
} Relay;

typedef struct
{
  gint64 due; /* monotonic µs */
  GBytes *bytes;
} Chunk;

/* One direction of a connection. */
typedef struct
{
  GInputStream *from;
  GOutputStream *to;
  GAsyncQueue *chunks;
  gint64 delay, first_delay;
} Way;

static gpointer
deliver (gpointer user_data)
{
  Way *way = user_data;

  for (gboolean more = TRUE; more;)
    {
      g_autofree Chunk *chunk = g_async_queue_pop (way->chunks);
      gint64 left = chunk->due - g_get_monotonic_time ();

      if (left > 0)
        g_usleep ((gulong)left);
      more = g_bytes_get_size (chunk->bytes) > 0;
      if (more)
        g_output_stream_write_bytes (way->to, chunk->bytes, NULL, NULL);
      g_bytes_unref (chunk->bytes);
    }
  g_output_stream_close (way->to, NULL, NULL);
  return NULL;
}

/* The last chunk is empty. */
static gpointer
relay (gpointer user_data)
{
  Way *way = user_data;
  GThread *delivery = g_thread_new ("delivery", deliver, way);
  gint64 delay = way->first_delay;

  for (gboolean more = TRUE; more;)
    {
      Chunk *chunk = g_new0 (Chunk, 1);

      chunk->bytes = g_input_stream_read_bytes (way->from, CHUNK_BYTES, NULL, NULL);
      if (chunk->bytes == NULL)
        chunk->bytes = g_bytes_new (NULL, 0);
      chunk->due = g_get_monotonic_time () + delay;
      delay = way->delay;
      more = g_bytes_get_size (chunk->bytes) > 0;
      g_async_queue_push (way->chunks, chunk);
    }
  g_thread_join (delivery);
  return NULL;
}

/* On a thread of its own, until both sides have ended. */
static gboolean
serve (GThreadedSocketService *service, GSocketConnection *near, GObject *source,
       gpointer user_data)
{
  Relay *relayed = user_data;
  gint64 half = relayed->round_trip / 2;
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  GError *error = NULL;
  g_autoptr (GSocketConnection) far
      = g_socket_client_connect_to_host (client, "127.0.0.1", relayed->server_port, NULL, &error);
  GThread *back;

  bench_check (error);
  g_socket_set_option (g_socket_connection_get_socket (near), IPPROTO_TCP, TCP_NODELAY, 1, NULL);
  g_socket_set_option (g_socket_connection_get_socket (far), IPPROTO_TCP, TCP_NODELAY, 1, NULL);
  {
    g_autoptr (GAsyncQueue) there = g_async_queue_new (), here = g_async_queue_new ();
    Way to_server = { g_io_stream_get_input_stream (G_IO_STREAM (near)),
                      g_io_stream_get_output_stream (G_IO_STREAM (far)), there, half,
                      half + relayed->round_trip };
    Way to_program = { g_io_stream_get_input_stream (G_IO_STREAM (far)),
                       g_io_stream_get_output_stream (G_IO_STREAM (near)), here, half, half };

    back = g_thread_new ("back", relay, &to_program);
    relay (&to_server);
    g_socket_shutdown (g_socket_connection_get_socket (far), FALSE, TRUE, NULL);
    g_thread_join (back);
  }
  return TRUE;
}

static gpointer
run (gpointer user_data)
{
  g_main_context_push_thread_default (user_data);
  for (;;)
    g_main_context_iteration (user_data, TRUE);
  return NULL;
}

/* Returns: the port that leads to `server` */
guint16
bench_relay_start (BenchServer *server, gint64 round_trip_us)
{
  GMainContext *context = g_main_context_new ();
  Relay *relayed = g_new0 (Relay, 1);
  GSocketService *service;
  GError *error = NULL;
  guint16 port;

  relayed->server_port = bench_server_get_port (server);
  relayed->round_trip = round_trip_us;
  g_main_context_push_thread_default (context);
  service = g_threaded_socket_service_new (64);
  port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (service), NULL, &error);
  bench_check (error);
  g_signal_connect (service, "run", G_CALLBACK (serve), relayed);
  g_socket_service_start (service);
  g_main_context_pop_thread_default (context);
  g_thread_unref (g_thread_new ("relay", run, context));
  return port;
}
