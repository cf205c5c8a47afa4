/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* weather URL CITY: asks a weather service for the weather of a city, without blocking, and shows how
 * much of the answer has come. Ctrl+C cancels it. The answer is JSON, which json-glib reads. */

#include <certpin.h>
#include <glib-unix.h>
#include <json-glib/json-glib.h>
#include <locale.h>

#define PIECE      4096
#define ANSWER_MAX (1024 * 1024)

typedef struct
{
  const char *city;
  GCancellable *cancellable;
  GMainLoop *loop;
  CertpinResponse *response;
  GByteArray *body;
  int status;
} Weather;

static gboolean
on_interrupt (gpointer user_data)
{
  Weather *weather = user_data;

  g_cancellable_cancel (weather->cancellable);
  return G_SOURCE_CONTINUE;
}

/* `error`: (nullable). The message is a sentence for people. */
static void
end (Weather *weather, const GError *error)
{
  if (error != NULL && g_cancellable_is_cancelled (weather->cancellable))
    weather->status = 130;
  else if (error != NULL)
    {
      g_printerr ("\n%s\n", error->message);
      weather->status = 1;
    }
  g_main_loop_quit (weather->loop);
}

static void
show_progress (Weather *weather)
{
  const char *length = certpin_response_get_header (weather->response, "Content-Length");

  g_printerr ("\r%u of %s bytes", weather->body->len, length != NULL ? length : "?");
}

/* Takes nothing for granted. Returns: whether `root` has a temperature */
static gboolean
find_temperature (JsonNode *root, double *temperature)
{
  JsonNode *node = root != NULL && JSON_NODE_HOLDS_OBJECT (root)
                       ? json_object_get_member (json_node_get_object (root), "temperature")
                       : NULL;

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) == G_TYPE_STRING)
    return FALSE;
  *temperature = json_node_get_double (node);
  return TRUE;
}

static void
show (Weather *weather, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  double temperature;

  if (json_parser_load_from_data (parser, (const char *)weather->body->data, weather->body->len,
                                  NULL)
      && find_temperature (json_parser_get_root (parser), &temperature))
    g_print ("%s: %.1f °C\n", weather->city, temperature);
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                         "the answer is not what a weather service sends");
}

/* Only an end without an error means that the answer is whole. */
static void
on_piece (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GInputStream *stream = G_INPUT_STREAM (source);
  Weather *weather = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) piece = g_input_stream_read_bytes_finish (stream, result, &error);

  if (piece != NULL && g_bytes_get_size (piece) > 0 && weather->body->len < ANSWER_MAX)
    {
      g_byte_array_append (weather->body, g_bytes_get_data (piece, NULL),
                           (unsigned int)g_bytes_get_size (piece));
      show_progress (weather);
      g_input_stream_read_bytes_async (stream, PIECE, G_PRIORITY_DEFAULT, weather->cancellable,
                                       on_piece, weather);
      return;
    }
  if (piece != NULL && g_bytes_get_size (piece) > 0)
    g_set_error_literal (&error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE,
                         "the answer is too long");
  else if (piece != NULL)
    show (weather, &error);
  end (weather, error);
}

/* A status such as 404 is a response like any other. */
static void
on_response (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Weather *weather = user_data;
  g_autoptr (GError) error = NULL;

  weather->response = certpin_client_send_finish (CERTPIN_CLIENT (source), result, &error);
  if (weather->response != NULL && certpin_response_get_status (weather->response) != 200)
    g_set_error (&error, G_IO_ERROR, G_IO_ERROR_FAILED, "the server answered with status %u",
                 certpin_response_get_status (weather->response));
  if (error != NULL)
    end (weather, error);
  else
    g_input_stream_read_bytes_async (certpin_response_get_stream (weather->response), PIECE,
                                     G_PRIORITY_DEFAULT, weather->cancellable, on_piece, weather);
}

int
main (int argc, char **argv)
{
  g_autoptr (CertpinClient) client = certpin_client_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GByteArray) body = g_byte_array_new ();
  g_autoptr (CertpinRequest) request = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *city = NULL, *url = NULL;
  Weather weather = { .cancellable = cancellable, .loop = loop, .body = body };

  setlocale (LC_ALL, "");
  if (argc != 3)
    return 2;
  weather.city = argv[2];
  city = g_uri_escape_string (argv[2], NULL, FALSE);
  url = g_strconcat (argv[1], "?city=", city, NULL);
  request = certpin_request_new ("GET", url, NULL, NULL, &error);
  if (request == NULL)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }
  g_unix_signal_add (SIGINT, on_interrupt, &weather);
  certpin_client_send_async (client, request, NULL, cancellable, on_response, &weather);
  g_main_loop_run (loop);
  g_clear_pointer (&weather.response, certpin_response_unref);
  return weather.status;
}
