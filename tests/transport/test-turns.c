/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that of a connection which is read by turns each turn of the main loop reads its share,
 * that the rest comes in the turns that follow, that nothing is waited for once hands are shaken,
 * and that other connections are as ever. */

#include "config.h"

#include "daemon/transport/cpd-turns.h"

#include <sys/socket.h>

#define BYTES (2 * CPD_TURN_BYTES + 1)

typedef struct
{
  GSocketConnection *ends[2];
  gsize reads[8]; /* how many bytes each turn read */
  unsigned int turns;
} Fixture;

static GSocketConnection *
adopt (int fd)
{
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, NULL);

  return g_socket_connection_factory_create_connection (socket);
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  g_autofree char *bytes = g_malloc0 (BYTES);
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  for (int i = 0; i < 2; i++)
    f->ends[i] = adopt (fds[i]);
  g_assert_true (g_output_stream_write_all (
      g_io_stream_get_output_stream (G_IO_STREAM (f->ends[1])), bytes, BYTES, NULL, NULL, NULL));
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  for (int i = 0; i < 2; i++)
    g_object_unref (f->ends[i]);
}

static GPollableInputStream *
get_input (Fixture *f)
{
  return G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (G_IO_STREAM (f->ends[0])));
}

/* Reads until there seems to be nothing more. */
static gboolean
on_readable (GObject *stream, gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (GError) error = NULL;
  char buffer[1000];
  gssize length;

  g_assert_cmpuint (f->turns, <, G_N_ELEMENTS (f->reads));
  while ((length = g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM (stream),
                                                             buffer, sizeof buffer, NULL, &error))
         > 0)
    f->reads[f->turns] += (gsize)length;
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  f->turns++;
  return G_SOURCE_CONTINUE;
}

static void
read_all (Fixture *f)
{
  g_autoptr (GSource) source = g_pollable_input_stream_create_source (get_input (f), NULL);

  g_source_set_callback (source, G_SOURCE_FUNC (on_readable), f, NULL);
  g_source_attach (source, NULL);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_source_destroy (source);
}

static void
test_shares (Fixture *f, gconstpointer user_data)
{
  cpd_turns_apply (f->ends[0]);
  read_all (f);
  g_assert_cmpuint (f->turns, ==, 3);
  g_assert_cmpuint (f->reads[0], ==, CPD_TURN_BYTES);
  g_assert_cmpuint (f->reads[1], ==, CPD_TURN_BYTES);
  g_assert_cmpuint (f->reads[2], ==, 1);
}

/* Though GIO's method is replaced for good. */
static void
test_others (Fixture *f, gconstpointer user_data)
{
  cpd_turns_apply (f->ends[1]);
  read_all (f);
  g_assert_cmpuint (f->turns, ==, 1);
  g_assert_cmpuint (f->reads[0], ==, BYTES);
}

/* As in a thread that shakes hands. */
static void
test_outside_the_loop (Fixture *f, gconstpointer user_data)
{
  cpd_turns_apply (f->ends[0]);
  on_readable (G_OBJECT (get_input (f)), f);
  g_assert_cmpuint (f->reads[0], ==, BYTES);
}

/* As TLS does in a thread. */
static gssize
wait_to_read (Fixture *f, GError **error)
{
  char byte;

  return g_input_stream_read (G_INPUT_STREAM (get_input (f)), &byte, sizeof byte, NULL, error);
}

static void
test_second_handshake (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  cpd_turns_apply (f->ends[0]);
  g_assert_cmpint (wait_to_read (f, &error), ==, 1);
  read_all (f);
  g_assert_cmpint (wait_to_read (f, &error), ==, -1);
  g_assert_error (error, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE);
}

/* Would never end if it waited, and TLS would ask for ever if it was told to: nobody reads at the
 * other end. */
static void
test_writing (Fixture *f, gconstpointer user_data)
{
  GOutputStream *output = g_io_stream_get_output_stream (G_IO_STREAM (f->ends[0]));
  char bytes[1000] = { 0 };
  g_autoptr (GError) error = NULL;

  cpd_turns_apply (f->ends[0]);
  read_all (f);
  while (g_output_stream_write (output, bytes, sizeof bytes, NULL, &error) > 0)
    ;
  g_assert_error (error, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE);
}

#define add(name, function)                                                                        \
  g_test_add ("/transport/turns/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("each-reads-its-share", test_shares);
  add ("others-read-all", test_others);
  add ("no-turn-reads-all", test_outside_the_loop);
  add ("no-second-handshake", test_second_handshake);
  add ("none-waits-to-write", test_writing);
  return g_test_run ();
}
