/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tunnel HOST PORT TEXT: sends a text over a pinned connection, and shows what comes back. */

#include <certpin.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static gboolean
talk (GSocketConnection *connection, const char *text, GError **error)
{
  GOutputStream *output = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  char answer[4096];
  gssize length;

  if (!g_output_stream_write_all (output, text, strlen (text), NULL, NULL, error)
      || !g_socket_shutdown (g_socket_connection_get_socket (connection), FALSE, TRUE, error))
    return FALSE;
  while ((length = g_input_stream_read (input, answer, sizeof answer, NULL, error)) > 0)
    g_print ("%.*s", (int)length, answer);
  return length == 0;
}

/* Why a connection was cut: more than “connection reset by peer”. */
static void
explain_end (CertpinClient *client, GSocketConnection *connection, GError **error)
{
  g_autoptr (CertpinConnectionEnd) end = NULL;
  g_autoptr (GError) reason = NULL;

  g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
  end = certpin_client_get_connection_end (client, connection, NULL, &reason);
  if (end == NULL)
    {
      g_clear_error (error);
      g_propagate_error (error, g_steal_pointer (&reason));
    }
}

int
main (int argc, char **argv)
{
  g_autoptr (CertpinClient) client = certpin_client_new ();
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  if (argc != 4)
    return 2;
  connection = certpin_client_open_connection (client, argv[1], (guint16)atoi (argv[2]), NULL, NULL,
                                               NULL, &error);
  if (connection != NULL && !talk (connection, argv[3], &error))
    explain_end (client, connection, &error);
  if (error != NULL)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }
  return 0;
}
