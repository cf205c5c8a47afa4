/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A server to be judged: it counts what reaches it, and can hold its answers back, change its
 * certificate for new connections, redirect, and answer in bytes that no server should send. */

#include "config.h"

#include "test-server.h"

#include <stdio.h>
#include <string.h>

struct _TestServer
{
  SoupServer *soup;
  guint16 port;
  unsigned int requests; /* so far */
  unsigned int dropped;  /* of them, by their client, while they were held */
  GPtrArray *held;       /* of SoupServerMessage; NULL: answers are given at once */
  GPtrArray *watches;    /* of GSource: for the clients of those to leave */
  char *last_request;    /* "METHOD PATH BODY" */
  GSocket *last_socket;  /* that it came over */

  unsigned int status;
  gsize body_bytes;
  char *location; /* NULL: none */
  char *raw;      /* the whole answer as it goes out, and then the end; NULL: none */
};

static GTlsCertificate *
new_certificate (TestIdentity *leaf, TestIdentity *issuer)
{
  TestIdentity *const chain[] = { leaf, issuer, NULL };
  g_autofree char *folder = g_dir_make_tmp ("certpin-server-XXXXXX", NULL);
  g_autofree char *certificates = g_build_filename (folder, "chain.pem", NULL);
  g_autofree char *key = g_build_filename (folder, "key.pem", NULL);
  g_autoptr (GError) error = NULL;
  GTlsCertificate *certificate;

  test_pki_write_certificates (certificates, chain);
  test_pki_write_key (key, leaf);
  certificate = g_tls_certificate_new_from_files (certificates, key, &error);
  g_assert_no_error (error);
  g_assert_no_errno (remove (certificates));
  g_assert_no_errno (remove (key));
  g_assert_no_errno (remove (folder));
  return certificate;
}

static void
answer_raw (TestServer *server, SoupServerMessage *message)
{
  g_autoptr (GIOStream) stream = soup_server_message_steal_connection (message);
  g_autoptr (GError) error = NULL;

  g_output_stream_write_all (g_io_stream_get_output_stream (stream), server->raw,
                             strlen (server->raw), NULL, NULL, &error);
  g_assert_no_error (error);
  g_io_stream_close (stream, NULL, NULL);
}

static void
answer (TestServer *server, SoupServerMessage *message)
{
  char *body = g_malloc (server->body_bytes + 1);

  memset (body, 'x', server->body_bytes);
  soup_server_message_set_status (message, server->status, NULL);
  if (server->location != NULL)
    soup_message_headers_replace (soup_server_message_get_response_headers (message), "Location",
                                  server->location);
  soup_server_message_set_response (message, "text/plain", SOUP_MEMORY_TAKE, body,
                                    server->body_bytes);
}

/* A client that waits for its answer says nothing more: it is gone. */
static gboolean
on_readable (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  ((TestServer *)user_data)->dropped++;
  return G_SOURCE_REMOVE;
}

static void
hold (TestServer *server, SoupServerMessage *message)
{
  g_autoptr (GSource) source
      = g_socket_create_source (soup_server_message_get_socket (message), G_IO_IN, NULL);

  g_source_set_callback (source, G_SOURCE_FUNC (on_readable), server, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  g_ptr_array_add (server->held, g_object_ref (message));
  g_ptr_array_add (server->watches, g_steal_pointer (&source));
  soup_server_message_pause (message);
}

static void
on_request (SoupServer *soup, SoupServerMessage *message, const char *path, GHashTable *query,
            gpointer user_data)
{
  TestServer *server = user_data;
  SoupMessageBody *body = soup_server_message_get_request_body (message);

  server->requests++;
  g_set_object (&server->last_socket, soup_server_message_get_socket (message));
  g_free (server->last_request);
  server->last_request
      = g_strdup_printf ("%s %s %.*s", soup_server_message_get_method (message), path,
                         (int)body->length, body->length > 0 ? body->data : "");
  if (server->raw != NULL)
    answer_raw (server, message);
  else if (server->held == NULL)
    answer (server, message);
  else
    hold (server, message);
}

/* `issuer`: NULL: the leaf alone is presented */
TestServer *
test_server_new (TestIdentity *leaf, TestIdentity *issuer)
{
  TestServer *server = g_new0 (TestServer, 1);
  g_autoptr (GError) error = NULL;
  GSList *uris;

  server->status = 200;
  server->body_bytes = 5;
  server->soup = soup_server_new ("server-header", "test", NULL);
  test_server_switch (server, leaf, issuer);
  soup_server_add_handler (server->soup, NULL, on_request, server, NULL);
  soup_server_listen_local (server->soup, 0,
                            SOUP_SERVER_LISTEN_HTTPS | SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  g_assert_no_error (error);
  uris = soup_server_get_uris (server->soup);
  server->port = (guint16)g_uri_get_port (uris->data);
  g_slist_free_full (uris, (GDestroyNotify)g_uri_unref);
  return server;
}

static gboolean
on_program_end (gpointer soup)
{
  return G_SOURCE_CONTINUE;
}

/* libsoup's own server lives on, with its connections, for as long as the program: 3.6.5 frees a
 * connection whose handshake is under way and goes on to use it. */
void
test_server_free (TestServer *server)
{
  if (server == NULL)
    return;
  if (server->held != NULL)
    test_server_release (server);
  soup_server_remove_handler (server->soup, NULL);
  g_timeout_add_seconds_full (G_PRIORITY_LOW, 3600, on_program_end, server->soup, g_object_unref);
  g_free (server->last_request);
  g_clear_object (&server->last_socket);
  g_free (server->location);
  g_free (server->raw);
  g_free (server);
}

guint16
test_server_get_port (TestServer *server)
{
  return server->port;
}

unsigned int
test_server_count_requests (TestServer *server)
{
  return server->requests;
}

unsigned int
test_server_count_held (TestServer *server)
{
  return server->held != NULL ? server->held->len : 0;
}

/* Those that their client gave up while they were held. */
unsigned int
test_server_count_dropped (TestServer *server)
{
  return server->dropped;
}

/* Whether the client has ended the connection that the last request came over: one that waits says
 * nothing more. */
gboolean
test_server_was_left (TestServer *server)
{
  return g_socket_is_closed (server->last_socket)
         || g_socket_condition_check (server->last_socket, G_IO_IN) != 0;
}

/* Ends the connection that the last request came over. */
void
test_server_leave (TestServer *server)
{
  g_assert_true (g_socket_shutdown (server->last_socket, TRUE, TRUE, NULL));
}

/* Returns: (transfer none) (nullable): "METHOD PATH BODY" */
const char *
test_server_get_last_request (TestServer *server)
{
  return server->last_request;
}

/* From the next connection on. */
void
test_server_switch (TestServer *server, TestIdentity *leaf, TestIdentity *issuer)
{
  g_autoptr (GTlsCertificate) certificate = new_certificate (leaf, issuer);

  soup_server_set_tls_certificate (server->soup, certificate);
}

static void
stop_watching (gpointer source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

/* From now on no answer is given. */
void
test_server_hold (TestServer *server)
{
  g_assert_null (server->held);
  server->held = g_ptr_array_new_with_free_func (g_object_unref);
  server->watches = g_ptr_array_new_with_free_func (stop_watching);
}

/* Gives the answers that were held back, and from now on each at once. */
void
test_server_release (TestServer *server)
{
  g_autoptr (GPtrArray) held = g_steal_pointer (&server->held);

  g_clear_pointer (&server->watches, g_ptr_array_unref);
  for (unsigned int i = 0; i < held->len; i++)
    {
      answer (server, held->pdata[i]);
      soup_server_message_unpause (held->pdata[i]);
    }
}

void
test_server_set_answer (TestServer *server, unsigned int status, gsize body_bytes)
{
  server->status = status;
  server->body_bytes = body_bytes;
}

/* `location`: NULL: none */
void
test_server_set_location (TestServer *server, const char *location)
{
  g_free (server->location);
  server->location = g_strdup (location);
}

/* `answer`: NULL: proper answers again */
void
test_server_set_raw (TestServer *server, const char *text)
{
  g_free (server->raw);
  server->raw = g_strdup (text);
}
