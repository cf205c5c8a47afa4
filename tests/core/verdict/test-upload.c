/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a body is read from a descriptor without ever waiting, whatever else happens to it,
 * and that it is whole or an error. */

#define _GNU_SOURCE /* O_PATH */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/verdict/cpd-upload.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  int ends[2]; /* which is read from, the test's copy; which is written to; -1: closed */
  CpdUpload *upload;
} Fixture;

/* `kind`: NULL: a pipe, else a pair of sockets */
static void
set_up (Fixture *f, gconstpointer kind)
{
  g_autoptr (GError) error = NULL;

  if (kind == NULL)
    g_assert_cmpint (pipe (f->ends), ==, 0);
  else
    g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, f->ends), ==, 0);
  f->upload = cpd_upload_new (dup (f->ends[0]), 10, &error);
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
}

static void
give (Fixture *f, const char *text)
{
  g_assert_cmpint (write (f->ends[1], text, strlen (text)), ==, (ssize_t)strlen (text));
}

/* `text`: empty: nothing is there now */
static void
assert_takes (Fixture *f, const char *text)
{
  g_autoptr (GError) error = NULL;
  char buffer[64];
  gssize length = cpd_upload_take (f->upload, buffer, sizeof buffer, &error);

  g_assert_no_error (error);
  g_assert_cmpmem (buffer, (gsize)length, text, strlen (text));
}

static void
assert_ended_early (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  char byte;

  g_assert_cmpint (cpd_upload_take (f->upload, &byte, 1, &error), ==, -1);
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

/* The program shares the descriptor: it makes reads wait, and reads itself. */
static void
test_never_waits (Fixture *f, gconstpointer kind)
{
  char rest[16];

  for (int blocks = 0; blocks < 2; blocks++)
    {
      g_assert_cmpint (fcntl (f->ends[0], F_SETFL, blocks ? 0 : O_NONBLOCK), ==, 0);
      assert_takes (f, "");
      give (f, "abc");
      g_assert_cmpint (read (f->ends[0], rest, sizeof rest), ==, 3);
      assert_takes (f, "");
      give (f, "hello");
      assert_takes (f, "hello");
    }
  /* what was set stays */
  g_assert_cmpint (fcntl (f->ends[0], F_GETFL) & O_NONBLOCK, ==, 0);
}

static void
assert_refused (int fd)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (fd, >=, 0);
  g_assert_null (cpd_upload_new (fd, 10, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT);
  g_assert_cmpint (fcntl (fd, F_GETFD), ==, -1); /* it was closed */
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
  g_test_init (&argc, &argv, NULL);
  ADD ("takes", test_takes);
  ADD ("takes-no-more", test_takes_no_more);
  ADD ("ends-early", test_ends_early);
  ADD ("empty-ends-early", test_empty_ends_early);
  ADD ("never-waits", test_never_waits);
  g_test_add_func ("/core/verdict/upload/kinds", test_kinds);
  return g_test_run ();
}
