/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that what is cut ends at once, that what has ended is not said to be cut, and that it is
 * forgotten. */

#include "config.h"

#include "daemon/transport/cpd-sockets.h"

#include <malloc.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  CpdSockets *sockets;
  GSocket *socket;
  int other_end;
} Fixture;

/* Returns: (transfer full): one that is known by that id */
static GSocket *
add (Fixture *f, guint64 id, int *other_end)
{
  g_autoptr (GError) error = NULL;
  GSocket *socket;
  int fds[2];

  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
  socket = g_socket_new_from_fd (fds[0], &error);
  g_assert_no_error (error);
  cpd_sockets_add (f->sockets, id, socket);
  *other_end = fds[1];
  return socket;
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  f->sockets = cpd_sockets_new ();
  f->socket = add (f, 1, &f->other_end);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_clear_object (&f->socket);
  close (f->other_end);
  cpd_sockets_unref (f->sockets);
}

static gboolean
has_ended (int fd)
{
  char byte;

  return recv (fd, &byte, sizeof byte, MSG_DONTWAIT) == 0;
}

static void
test_cut (Fixture *f, gconstpointer user_data)
{
  int bystander;
  g_autoptr (GSocket) other = add (f, 2, &bystander);

  g_assert_true (cpd_sockets_cut (f->sockets, 1));
  g_assert_true (has_ended (f->other_end));
  g_assert_false (has_ended (bystander));
  cpd_sockets_cut_all (f->sockets);
  g_assert_true (has_ended (bystander));
  close (bystander);
}

static void
test_unknown (Fixture *f, gconstpointer user_data)
{
  g_assert_false (cpd_sockets_cut (f->sockets, 2));
  g_assert_false (has_ended (f->other_end));
}

/* Whoever asks for it has to stop what is under way in another manner. */
static void
test_closed (Fixture *f, gconstpointer user_data)
{
  g_assert_true (g_socket_close (f->socket, NULL));
  g_assert_false (cpd_sockets_cut (f->sockets, 1));
  cpd_sockets_cut_all (f->sockets);
}

static void
test_gone (Fixture *f, gconstpointer user_data)
{
  g_clear_object (&f->socket);
  g_assert_false (cpd_sockets_cut (f->sockets, 1));
  cpd_sockets_cut_all (f->sockets);
}

static void
add_many (Fixture *f, guint64 first)
{
  for (guint64 id = first; id < first + 4000; id++)
    {
      int other_end;
      g_autoptr (GSocket) socket = add (f, id, &other_end);

      close (other_end);
    }
}

/* A server that ends each connection does not make its channel grow. The second time shows it: the
 * first one fills the caches of allocators. */
static void
test_forgets (Fixture *f, gconstpointer user_data)
{
  size_t before;

  add_many (f, 10000);
  before = mallinfo2 ().uordblks;
  add_many (f, 20000);
  g_assert_cmpuint (mallinfo2 ().uordblks, <, before + 64 * 1024);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/transport/sockets/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("cut", test_cut);
  ADD ("unknown-is-not-cut", test_unknown);
  ADD ("closed-is-not-cut", test_closed);
  ADD ("gone-is-not-cut", test_gone);
  ADD ("forgets-what-has-ended", test_forgets);
  return g_test_run ();
}
