/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* library GOOD LARGE STALL WRONG UNPINNED: a program that uses the library for a long time. For
 * each line of its input, a number, it makes so many requests of all kinds to these URLs, and then
 * prints how many bytes it has allocated and not freed. A request that ends in another way than it
 * should ends the program. */

#include <certpin.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define PIECE_BYTES 50000

typedef struct
{
  CertpinClient *client;
  CertpinRequest *good, *large, *stall, *wrong, *unpinned;
} Program;

static void
on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

/* `response`: (nullable) (transfer full) */
static void
assert_good (CertpinResponse *response, const GError *error)
{
  g_assert_no_error (error);
  g_assert_cmpuint (certpin_response_get_status (response), ==, 200);
  certpin_response_unref (response);
}

static void
make_and_wait (Program *program)
{
  g_autoptr (GError) error = NULL;

  assert_good (certpin_client_secure_request (program->client, program->good, NULL, NULL, &error),
               error);
}

static void
make_asynchronously (Program *program)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  certpin_client_secure_request_async (program->client, program->good, NULL, NULL, on_result,
                                       &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  assert_good (certpin_client_secure_request_finish (program->client, result, &error), error);
}

static void
read_in_memory (Program *program)
{
  g_autoptr (GError) error = NULL;

  assert_good (certpin_client_secure_request (program->client, program->large, NULL, NULL, &error),
               error);
}

static void
read_stream (Program *program)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinResponse) response
      = certpin_client_send (program->client, program->large, NULL, NULL, &error);
  g_autofree char *buffer = g_malloc (PIECE_BYTES);

  g_assert_no_error (error);
  while (g_input_stream_read (certpin_response_get_stream (response), buffer, PIECE_BYTES, NULL,
                              &error)
         > 0)
    ;
  g_assert_no_error (error);
}

static void
leave_stream (Program *program)
{
  g_autoptr (GError) error = NULL;

  assert_good (certpin_client_send (program->client, program->large, NULL, NULL, &error), error);
}

static void
refuse (Program *program, CertpinRequest *request, CertpinError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (certpin_client_secure_request (program->client, request, NULL, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, (int)code);
}

static void
refuse_wrong_key (Program *program)
{
  refuse (program, program->wrong, CERTPIN_ERROR_PIN_MISMATCH);
}

static void
refuse_unpinned (Program *program)
{
  refuse (program, program->unpinned, CERTPIN_ERROR_NOT_PINNED);
}

static void
cancel (Program *program)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  certpin_client_secure_request_async (program->client, program->stall, NULL, cancellable,
                                       on_result, &result);
  g_cancellable_cancel (cancellable);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (certpin_client_secure_request_finish (program->client, result, &error));
}

/* The connection to the bus is the first client's. */
static void
use_other_client (Program *program)
{
  CertpinClient *kept = program->client;

  program->client = certpin_client_new ();
  certpin_client_set_watching (program->client, TRUE);
  make_and_wait (program);
  g_clear_object (&program->client);
  program->client = kept;
}

/* No client is left meanwhile, so each connects anew. */
static void
connect_anew (Program *program)
{
  g_clear_object (&program->client);
  program->client = certpin_client_new ();
  make_and_wait (program);
}

static void (*const kinds[]) (Program *)
    = { make_and_wait,   make_asynchronously, read_in_memory, read_stream,      leave_stream,
        refuse_unpinned, refuse_wrong_key,    cancel,         use_other_client, connect_anew };

static CertpinRequest *
new_request (const char *url)
{
  g_autoptr (GError) error = NULL;
  CertpinRequest *request = certpin_request_new ("GET", url, NULL, NULL, &error);

  g_assert_no_error (error);
  return request;
}

/* Of all threads, and what has its own pages. */
static gsize
count_heap (void)
{
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
}

int
main (int argc, char **argv)
{
  Program program = { 0 };
  char line[32];

  g_assert_cmpint (argc, ==, 6);
  program.client = certpin_client_new ();
  program.good = new_request (argv[1]);
  program.large = new_request (argv[2]);
  program.stall = new_request (argv[3]);
  program.wrong = new_request (argv[4]);
  program.unpinned = new_request (argv[5]);
  while (fgets (line, sizeof line, stdin) != NULL)
    {
      for (int i = 0; i < atoi (line); i++)
        kinds[i % (int)G_N_ELEMENTS (kinds)](&program);
      printf ("%zu\n", count_heap ());
      fflush (stdout);
    }
  return 0;
}
