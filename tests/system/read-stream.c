/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* read-stream HOW URL [BYTES]: reads a response with the library, and prints how many bytes came
 * and how that ended: `whole`, or the name of the error. HOW is `sync`, `async`, `memory`, or
 * `together`: as `memory`, but eight such requests at once, whose bytes are counted together.
 * BYTES: so many are sent. */

#include <certpin.h>

#include <stdio.h>
#include <string.h>

#define PIECE_BYTES 50000
#define TOGETHER    8

static void
on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static gssize
read_async (GInputStream *stream, void *buffer, GError **error)
{
  GAsyncResult *result = NULL;
  gssize length;

  g_input_stream_read_async (stream, buffer, PIECE_BYTES, G_PRIORITY_DEFAULT, NULL, on_result,
                             &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  length = g_input_stream_read_finish (stream, result, error);
  g_object_unref (result);
  return length;
}

/* Returns: how many bytes came before the end or `error` */
static gsize
read_stream (CertpinResponse *response, gboolean async, GError **error)
{
  GInputStream *stream = certpin_response_get_stream (response);
  g_autofree char *buffer = g_malloc (PIECE_BYTES);
  gsize total = 0;
  gssize length;

  while ((length = async ? read_async (stream, buffer, error)
                         : g_input_stream_read (stream, buffer, PIECE_BYTES, NULL, error))
         > 0)
    total += (gsize)length;
  return total;
}

/* Returns: how many bytes came */
static gsize
count_body (CertpinResponse *response)
{
  return response != NULL ? g_bytes_get_size (certpin_response_get_body (response)) : 0;
}

/* Returns: how many bytes came. `error`: of one that failed */
static gsize
get_together (CertpinClient *client, CertpinRequest *request, GError **error)
{
  GAsyncResult *results[TOGETHER] = { NULL };
  gsize total = 0;

  for (size_t i = 0; i < TOGETHER; i++)
    certpin_client_secure_request_async (client, request, NULL, NULL, on_result, &results[i]);
  for (size_t i = 0; i < TOGETHER; i++)
    {
      g_autoptr (CertpinResponse) response = NULL;

      while (results[i] == NULL)
        g_main_context_iteration (NULL, TRUE);
      response = certpin_client_secure_request_finish (client, results[i], error);
      g_object_unref (results[i]);
      if (response == NULL)
        return total;
      total += count_body (response);
    }
  return total;
}

/* Returns: how many bytes came */
static gsize
get (CertpinClient *client, CertpinRequest *request, const char *how, GError **error)
{
  g_autoptr (CertpinResponse) response = NULL;

  if (strcmp (how, "together") == 0)
    return get_together (client, request, error);
  if (strcmp (how, "memory") != 0)
    {
      response = certpin_client_send (client, request, NULL, NULL, error);
      return response != NULL ? read_stream (response, strcmp (how, "async") == 0, error) : 0;
    }
  response = certpin_client_secure_request (client, request, NULL, NULL, error);
  return count_body (response);
}

/* Returns: (transfer full): `bytes`: of its body, as text; NULL: it has none */
static CertpinRequest *
new_request (const char *url, const char *bytes, GError **error)
{
  gsize size = bytes != NULL ? g_ascii_strtoull (bytes, NULL, 10) : 0;
  g_autoptr (GBytes) body = g_bytes_new_take (g_malloc0 (size), size);

  return certpin_request_new (size > 0 ? "POST" : "GET", url, NULL, body, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (CertpinClient) client = certpin_client_new ();
  g_autoptr (CertpinRequest) request = NULL;
  g_autoptr (GError) error = NULL;
  gsize count = 0;

  if (argc < 3)
    return 2;
  request = new_request (argv[2], argv[3], &error);
  if (request != NULL)
    count = get (client, request, argv[1], &error);
  printf ("%zu %s\n", count,
          error == NULL                    ? "whole"
          : error->domain == CERTPIN_ERROR ? certpin_error_get_name (error->code)
                                           : error->message);
  return error == NULL ? 0 : 1;
}
