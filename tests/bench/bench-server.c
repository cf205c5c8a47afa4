/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* It runs in a thread and main context of its own, and ends with the process. It wakes up the main
 * thread when something happens that this waits for. */

#include "config.h"

#include "bench-server.h"

#include <libsoup/soup.h>

#define LARGEST_BYTES (4 * 1024 * 1024)

struct _BenchServer
{
  TestIdentity *identity;
  GTlsCertificate *certificate;
  GMainContext *context;
  SoupServer *soup;
  GPtrArray *held; /* of SoupServerMessage *; the thread's */
  int held_count;
  int port; /* once it listens */
};

static const char zeros[LARGEST_BYTES];

static void
hold (BenchServer *server, SoupServerMessage *message)
{
  soup_server_message_pause (message);
  g_ptr_array_add (server->held, g_object_ref (message));
  g_atomic_int_inc (&server->held_count);
  g_main_context_wakeup (NULL);
}

static void
on_request (SoupServer *soup, SoupServerMessage *message, const char *path, GHashTable *query,
            gpointer user_data)
{
  const char *body = "ok";
  guint64 size = 2;

  if (g_ascii_string_to_unsigned (path + 1, 10, 0, LARGEST_BYTES, &size, NULL))
    body = zeros;
  soup_server_message_set_status (message, 200, NULL);
  soup_server_message_set_response (message, "text/plain", SOUP_MEMORY_STATIC, body, size);
  if (g_str_equal (path, "/close"))
    soup_message_headers_replace (soup_server_message_get_response_headers (message), "Connection",
                                  "close");
  if (g_str_equal (path, "/hold"))
    hold (user_data, message);
}

static gpointer
run (gpointer user_data)
{
  BenchServer *server = user_data;
  g_autoptr (GMainLoop) loop = g_main_loop_new (server->context, FALSE);
  GError *error = NULL;
  GSList *uris;

  g_main_context_push_thread_default (server->context);
  server->soup = soup_server_new ("tls-certificate", server->certificate, NULL);
  soup_server_add_handler (server->soup, NULL, on_request, server, NULL);
  soup_server_listen_local (server->soup, 0,
                            SOUP_SERVER_LISTEN_HTTPS | SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  bench_check (error);
  uris = soup_server_get_uris (server->soup);
  g_atomic_int_set (&server->port, g_uri_get_port (uris->data));
  g_main_context_wakeup (NULL);
  g_slist_free_full (uris, (GDestroyNotify)g_uri_unref);
  g_main_loop_run (loop);
  return NULL;
}

BenchServer *
bench_server_new (BenchWorld *world)
{
  BenchServer *server = g_new0 (BenchServer, 1);

  g_setenv ("SOUP_FORCE_HTTP1", "1", TRUE);
  server->identity
      = TEST_IDENTITY (.subject = "bench", .dns = { "*.bench.localhost" }, .issuer = world->ca);
  server->certificate = bench_tls_certificate (world, server->identity);
  server->context = g_main_context_new ();
  server->held = g_ptr_array_new_with_free_func (g_object_unref);
  g_thread_unref (g_thread_new ("server", run, server));
  while (g_atomic_int_get (&server->port) == 0)
    g_main_context_iteration (NULL, TRUE);
  return server;
}

TestIdentity *
bench_server_get_identity (BenchServer *server)
{
  return server->identity;
}

guint16
bench_server_get_port (BenchServer *server)
{
  return (guint16)server->port;
}

char *
bench_server_make_url (BenchServer *server, unsigned int host, const char *path)
{
  return g_strdup_printf ("https://h%u.bench.localhost:%d%s", host, server->port, path);
}

/* Until that many requests to /hold are there. */
void
bench_server_wait_until_held (BenchServer *server, int count)
{
  while (g_atomic_int_get (&server->held_count) < count)
    g_main_context_iteration (NULL, TRUE);
}

static gboolean
release (gpointer user_data)
{
  BenchServer *server = user_data;

  for (unsigned int i = 0; i < server->held->len; i++)
    soup_server_message_unpause (server->held->pdata[i]);
  g_ptr_array_set_size (server->held, 0);
  g_atomic_int_set (&server->held_count, 0);
  return G_SOURCE_REMOVE;
}

/* Answers all of them. */
void
bench_server_release (BenchServer *server)
{
  g_main_context_invoke (server->context, release, server);
}
