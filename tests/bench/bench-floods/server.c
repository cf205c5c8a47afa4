/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An HTTPS server on loopback: /N is N bytes long, everything else two. It prints its port, and
 * ends with its standard input.
 *
 * usage: server CERTIFICATE KEY */

#include "config.h"

#include <libsoup/soup.h>

#define LARGEST_BYTES (64 * 1024 * 1024)

static const char zeros[LARGEST_BYTES];

static void
on_request (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
            gpointer user_data)
{
  guint64 size;

  soup_server_message_set_status (message, 200, NULL);
  if (g_ascii_string_to_unsigned (path + 1, 10, 0, LARGEST_BYTES, &size, NULL))
    soup_server_message_set_response (message, "text/plain", SOUP_MEMORY_STATIC, zeros, size);
  else
    soup_server_message_set_response (message, "text/plain", SOUP_MEMORY_STATIC, "ok", 2);
}

static gboolean
on_input_end (GIOChannel *channel, GIOCondition condition, gpointer user_data)
{
  g_main_loop_quit (user_data);
  return G_SOURCE_REMOVE;
}

static int
serve (const char *certificate_file, const char *key_file, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GIOChannel) input = g_io_channel_unix_new (0);
  g_autoptr (GTlsCertificate) certificate
      = g_tls_certificate_new_from_files (certificate_file, key_file, error);
  g_autoptr (SoupServer) server = NULL;
  GSList *uris;

  if (certificate == NULL)
    return 1;
  server = soup_server_new ("tls-certificate", certificate, NULL);
  soup_server_add_handler (server, NULL, on_request, NULL, NULL);
  if (!soup_server_listen_local (server, 0, SOUP_SERVER_LISTEN_HTTPS | SOUP_SERVER_LISTEN_IPV4_ONLY,
                                 error))
    return 1;
  uris = soup_server_get_uris (server);
  g_print ("%d\n", g_uri_get_port (uris->data));
  g_slist_free_full (uris, (GDestroyNotify)g_uri_unref);
  g_io_add_watch (input, G_IO_IN | G_IO_HUP, on_input_end, loop);
  g_main_loop_run (loop);
  return 0;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  int status;

  g_setenv ("SOUP_FORCE_HTTP1", "1", TRUE);
  if (argc != 3)
    {
      g_printerr ("usage: server CERTIFICATE KEY\n");
      return 2;
    }
  status = serve (argv[1], argv[2], &error);
  if (error != NULL)
    g_printerr ("server: %s\n", error->message);
  return status;
}
