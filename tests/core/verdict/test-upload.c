/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a body is read from a descriptor without ever waiting, not even for a lock that
 * another process holds, and that it is whole or an error. */

#define _GNU_SOURCE /* O_PATH */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/verdict/cpd-upload.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  int ends[2]; /* which is read from, the test's copy; which is written to; -1: closed */
  CpdUpload *upload;
} Fixture;

/* Each test has a user of its own: the threads of the last one may not have ended. */
static CpdOwner owner;

static CpdUpload *
new_upload (int descriptor, GError **error)
{
  const CpdPump pump = { .apart = { .owner = owner, .most = 2 }, .from = descriptor, .bytes = 10 };

  return cpd_upload_new (&pump, error);
}

/* `kind`: NULL: a pipe, else a pair of sockets */
static void
set_up (Fixture *f, gconstpointer kind)
{
  g_autoptr (GError) error = NULL;

  if (kind == NULL)
    g_assert_cmpint (pipe (f->ends), ==, 0);
  else
    g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, f->ends), ==, 0);
  f->upload = new_upload (dup (f->ends[0]), &error);
  g_assert_no_error (error);
  g_assert_true (cpd_upload_is_untouched (f->upload));
}

static void
close_end (Fixture *f, int end)
{
  if (f->ends[end] >= 0)
    close (f->ends[end]);
  f->ends[end] = -1;
}

static void
tear_down (Fixture *f, gconstpointer kind)
{
  cpd_upload_unref (f->upload);
  close_end (f, 0);
  close_end (f, 1);
  owner++;
}

static void
give (Fixture *f, const char *text)
{
  g_assert_cmpint (write (f->ends[1], text, strlen (text)), ==, (ssize_t)strlen (text));
}

/* Returns: as cpd_upload_take(), once something has come, or the end */
static gssize
take (Fixture *f, char *buffer, gsize size, GError **error)
{
  struct pollfd there = { .fd = cpd_upload_get_fd (f->upload), .events = POLLIN };
  gssize length = cpd_upload_take (f->upload, buffer, size, error);

  if (length != 0)
    return length;
  g_assert_cmpint (poll (&there, 1, -1), ==, 1);
  return cpd_upload_take (f->upload, buffer, size, error);
}

/* `text`: empty: nothing is there now */
static void
assert_takes (Fixture *f, const char *text)
{
  g_autoptr (GError) error = NULL;
  char buffer[64];
  gssize length = *text == '\0' ? cpd_upload_take (f->upload, buffer, sizeof buffer, &error)
                                : take (f, buffer, sizeof buffer, &error);

  g_assert_no_error (error);
  g_assert_cmpmem (buffer, (gsize)length, text, strlen (text));
}

static void
assert_ended_early (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  char byte;

  g_assert_cmpint (take (f, &byte, 1, &error), ==, -1);
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT);
}

static void
test_takes (Fixture *f, gconstpointer kind)
{
  assert_takes (f, "");
  g_assert_true (cpd_upload_is_untouched (f->upload));
  give (f, "hello");
  assert_takes (f, "hello");
  assert_takes (f, "");
  g_assert_false (cpd_upload_is_untouched (f->upload));
  g_assert_cmpuint (cpd_upload_count_left (f->upload), ==, 5);
  give (f, "world");
  assert_takes (f, "world");
  g_assert_cmpuint (cpd_upload_count_left (f->upload), ==, 0);
}

/* The end of the descriptor does not matter then. */
static void
test_takes_no_more (Fixture *f, gconstpointer kind)
{
  char rest[16];

  give (f, "hello worldly");
  assert_takes (f, "hello worl");
  assert_takes (f, "");
  g_assert_cmpint (read (f->ends[0], rest, sizeof rest), ==, 3);
  close_end (f, 1);
  assert_takes (f, "");
}

static void
test_ends_early (Fixture *f, gconstpointer kind)
{
  give (f, "hello");
  close_end (f, 1);
  assert_takes (f, "hello");
  assert_ended_early (f);
  assert_ended_early (f);
}

static void
test_empty_ends_early (Fixture *f, gconstpointer kind)
{
  close_end (f, 1);
  assert_ended_early (f);
}

/* The program shares the descriptor, and makes reads wait, or not. */
static void
test_never_waits (Fixture *f, gconstpointer kind)
{
  for (int blocks = 0; blocks < 2; blocks++)
    {
      g_assert_cmpint (fcntl (f->ends[0], F_SETFL, blocks ? 0 : O_NONBLOCK), ==, 0);
      assert_takes (f, "");
      give (f, "hello");
      assert_takes (f, "hello");
    }
  /* what was set stays */
  g_assert_cmpint (fcntl (f->ends[0], F_GETFL) & O_NONBLOCK, ==, 0);
}

/* A pipe in packet mode (pipe(2), O_DIRECT). */
static void
test_packets (void)
{
  Fixture f = { .ends = { -1, -1 } };

  g_assert_cmpint (pipe2 (f.ends, O_DIRECT), ==, 0);
  f.upload = new_upload (dup (f.ends[0]), NULL);
  give (&f, "hello");
  give (&f, "world");
  close_end (&f, 1);
  assert_takes (&f, "hello");
  assert_takes (&f, "world");
  tear_down (&f, NULL);
}

/* Moves from a pipe into a full socket, and has the lock of the pipe until there is room. */
typedef struct
{
  int pipe, sockets[2];
} Holder;

static gpointer
hold_in_thread (gpointer data)
{
  Holder *holder = data;

  splice (holder->pipe, NULL, holder->sockets[1], NULL, 1, 0);
  return NULL;
}

/* `pipe`: has data */
static GThread *
hold (Holder *holder, int pipe)
{
  const char bytes[4096] = { 0 };
  GThread *thread;

  holder->pipe = pipe;
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, holder->sockets), ==, 0);
  while (send (holder->sockets[1], bytes, sizeof bytes, MSG_DONTWAIT) > 0)
    ;
  thread = g_thread_new ("holder", hold_in_thread, holder);
  g_usleep (50000); /* nothing tells that it has the lock */
  return thread;
}

static void
check_held_pipe (gboolean pumped)
{
  Fixture f = { .ends = { -1, -1 } };
  Holder holder;
  GThread *thread;
  char rest[4096];

  g_assert_cmpint (pipe (f.ends), ==, 0);
  f.upload = new_upload (dup (f.ends[0]), NULL);
  give (&f, "hello");
  thread = hold (&holder, f.ends[0]);
  if (pumped)
    assert_takes (&f, "");
  g_clear_pointer (&f.upload, cpd_upload_unref);
  while (recv (holder.sockets[0], rest, sizeof rest, MSG_DONTWAIT) > 0)
    ;
  g_thread_join (thread);
  close (holder.sockets[0]);
  close (holder.sockets[1]);
  tear_down (&f, NULL);
}

/* Whether something was taken from it, or it is only let go. */
static void
test_held_pipe (void)
{
  check_held_pipe (TRUE);
  check_held_pipe (FALSE);
}

/* What other programs hold counts until they let go of it. */
static void
test_limit (void)
{
  g_autoptr (GError) error = NULL;
  Fixture f[3];
  char byte;

  for (unsigned int i = 0; i < G_N_ELEMENTS (f); i++)
    set_up (&f[i], NULL);
  assert_takes (&f[0], "");
  assert_takes (&f[1], "");
  g_assert_cmpint (cpd_upload_take (f[2].upload, &byte, 1, &error), ==, -1);
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED);
  tear_down (&f[0], NULL);
  while (cpd_upload_take (f[2].upload, &byte, 1, NULL) < 0)
    g_thread_yield ();
  tear_down (&f[1], NULL);
  tear_down (&f[2], NULL);
}

/* What the apps of a user may have, there is left for the user's own programs. */
static void
test_limit_of_apps (void)
{
  const CpdOwner user = owner, owners[] = { cpd_owner_new_app ((guint32)user, 1),
                                            cpd_owner_new_app ((guint32)user, 2), user };
  g_autoptr (GError) error = NULL;
  Fixture f[G_N_ELEMENTS (owners)];
  char byte;

  for (unsigned int i = 0; i < G_N_ELEMENTS (f); i++)
    {
      owner = owners[i];
      set_up (&f[i], NULL);
    }
  assert_takes (&f[0], "");
  g_assert_cmpint (cpd_upload_take (f[1].upload, &byte, 1, &error), ==, -1);
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED);
  assert_takes (&f[2], "");
  tear_down (&f[0], NULL);
  while (cpd_upload_take (f[1].upload, &byte, 1, NULL) < 0)
    g_thread_yield ();
  tear_down (&f[1], NULL);
  tear_down (&f[2], NULL);
}

static void
assert_refused (int fd)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (fd, >=, 0);
  g_assert_null (new_upload (fd, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT);
  while (fcntl (fd, F_GETFD) != -1) /* it is closed */
    g_thread_yield ();
}

static void
test_kinds (void)
{
  int ends[2];

  assert_refused (open ("/dev/null", O_RDONLY));
  assert_refused (open ("/", O_RDONLY));
  assert_refused (open ("/proc/self/exe", O_RDONLY));
  assert_refused (open ("/dev/zero", O_PATH));
  assert_refused (socket (AF_UNIX, SOCK_DGRAM, 0));
  assert_refused (socket (AF_UNIX, SOCK_SEQPACKET, 0));
  assert_refused (socket (AF_INET, SOCK_DGRAM, 0));
  g_assert_cmpint (pipe (ends), ==, 0);
  assert_refused (ends[1]);
  close (ends[0]);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/core/verdict/upload/pipe/" name, Fixture, NULL, set_up, function, tear_down);      \
  g_test_add ("/core/verdict/upload/socket/" name, Fixture, "", set_up, function, tear_down)

int
main (int argc, char **argv)
{
  signal (SIGPIPE, SIG_IGN); /* as the service does */
  g_test_init (&argc, &argv, NULL);
  ADD ("takes", test_takes);
  ADD ("takes-no-more", test_takes_no_more);
  ADD ("ends-early", test_ends_early);
  ADD ("empty-ends-early", test_empty_ends_early);
  ADD ("never-waits", test_never_waits);
  g_test_add_func ("/core/verdict/upload/packets", test_packets);
  g_test_add_func ("/core/verdict/upload/held-pipe", test_held_pipe);
  g_test_add_func ("/core/verdict/upload/limit", test_limit);
  g_test_add_func ("/core/verdict/upload/limit-of-apps", test_limit_of_apps);
  g_test_add_func ("/core/verdict/upload/kinds", test_kinds);
  return g_test_run ();
}
