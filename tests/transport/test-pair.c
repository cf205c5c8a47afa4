/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what a caller reads from its end of a pair: all that was given to it, and then the end of
 * file only if the pair was closed in order. */

#include "config.h"

#include "daemon/transport/cpd-pair.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct
{
  CpdPair *pair;
  int other;
} Fixture;

static void
set_up (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  f->pair = cpd_pair_new (&error);
  g_assert_no_error (error);
  f->other = cpd_pair_steal_other (f->pair);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  cpd_pair_free (f->pair);
  if (f->other >= 0)
    close (f->other);
}

static void
give (Fixture *f, const char *text)
{
  g_assert_cmpint (cpd_pair_give (f->pair, text, strlen (text)), ==, (gssize)strlen (text));
}

/* `error`: an errno; 0: the end of file */
static void
assert_reads (Fixture *f, const char *text, int error)
{
  char buffer[64];
  gsize length = 0;
  ssize_t more;

  while ((more = read (f->other, buffer + length, sizeof buffer - length)) > 0)
    length += (gsize)more;
  g_assert_cmpint (more == 0 ? 0 : errno, ==, error);
  g_assert_cmpmem (buffer, length, text, strlen (text));
}

static void
assert_takes (Fixture *f, const char *text)
{
  char buffer[64];
  gssize length = cpd_pair_take (f->pair, buffer, sizeof buffer);

  g_assert_cmpint (length, >, 0);
  g_assert_cmpmem (buffer, (gsize)length, text, strlen (text));
}

static void
test_close (Fixture *f, gconstpointer user_data)
{
  give (f, "hello");
  cpd_pair_close (f->pair);
  assert_reads (f, "hello", 0);
}

static void
test_cut (Fixture *f, gconstpointer user_data)
{
  give (f, "hello");
  g_clear_pointer (&f->pair, cpd_pair_free);
  assert_reads (f, "hello", ECONNRESET);
}

static void
test_cut_of_nothing (Fixture *f, gconstpointer user_data)
{
  g_clear_pointer (&f->pair, cpd_pair_free);
  assert_reads (f, "", ECONNRESET);
}

/* Also after the caller has sent something, and that was taken. */
static void
test_cut_after_taking (Fixture *f, gconstpointer user_data)
{
  g_assert_cmpint (write (f->other, "question", 8), ==, 8);
  assert_takes (f, "question");
  give (f, "ans");
  g_clear_pointer (&f->pair, cpd_pair_free);
  assert_reads (f, "ans", ECONNRESET);
}

static void
test_close_after_taking (Fixture *f, gconstpointer user_data)
{
  g_assert_cmpint (write (f->other, "question", 8), ==, 8);
  assert_takes (f, "question");
  g_assert_cmpint (write (f->other, "never taken", 11), ==, 11);
  give (f, "answer");
  cpd_pair_close (f->pair);
  assert_reads (f, "answer", 0);
}

/* A process that is killed cannot close anything in order. */
static void
test_killed (Fixture *f, gconstpointer user_data)
{
  pid_t child = fork ();

  if (child == 0)
    {
      give (f, "hello");
      kill (getpid (), SIGKILL);
    }
  g_clear_pointer (&f->pair, cpd_pair_free); /* now only the child's copy is left, or none */
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
  assert_reads (f, "hello", ECONNRESET);
}

/* A reader learns of a cut that comes while it waits. */
static gpointer
free_pair (gpointer user_data)
{
  cpd_pair_free (user_data);
  return NULL;
}

static void
test_cut_while_reading (Fixture *f, gconstpointer user_data)
{
  GThread *thread;

  give (f, "hello");
  thread = g_thread_new ("cutter", free_pair, g_steal_pointer (&f->pair));
  assert_reads (f, "hello", ECONNRESET);
  g_thread_join (thread);
}

static void
test_takes (Fixture *f, gconstpointer user_data)
{
  char byte;

  g_assert_cmpint (cpd_pair_take (f->pair, &byte, 1), ==, -1);
  for (const char *c = "bytes"; *c != '\0'; c++)
    {
      g_assert_cmpint (write (f->other, c, 1), ==, 1);
      g_assert_cmpint (cpd_pair_take (f->pair, &byte, 1), ==, 1);
      g_assert_cmpint (byte, ==, *c);
      g_assert_cmpint (cpd_pair_take (f->pair, &byte, 1), ==, -1);
    }
  shutdown (f->other, SHUT_WR);
  g_assert_cmpint (cpd_pair_take (f->pair, &byte, 1), ==, 0);
  g_assert_false (cpd_pair_is_left (f->pair));
}

static void
test_takes_in_pieces (Fixture *f, gconstpointer user_data)
{
  char taken[12];
  gsize length = 0;
  gssize more;

  g_assert_cmpint (write (f->other, "hello, world", 12), ==, 12);
  shutdown (f->other, SHUT_WR);
  while ((more = cpd_pair_take (f->pair, taken + length, MIN (5, sizeof taken - length))) > 0)
    length += (gsize)more;
  g_assert_cmpint (more, ==, 0);
  g_assert_cmpmem (taken, length, "hello, world", 12);
}

static void
test_end_of_one_direction (Fixture *f, gconstpointer user_data)
{
  give (f, "hello");
  cpd_pair_end_giving (f->pair);
  assert_reads (f, "hello", 0);
  g_assert_cmpint (write (f->other, "still", 5), ==, 5);
  assert_takes (f, "still");
}

/* To end one direction is not to leave. */
static void
test_left (Fixture *f, gconstpointer user_data)
{
  g_assert_false (cpd_pair_is_left (f->pair));
  shutdown (f->other, SHUT_WR);
  g_assert_false (cpd_pair_is_left (f->pair));
  give (f, "hello");
  close (f->other);
  f->other = -1;
  g_assert_true (cpd_pair_is_left (f->pair));
  g_assert_cmpint (cpd_pair_give (f->pair, "x", 1), ==, -1);
}

static void
test_has_no_room (Fixture *f, gconstpointer user_data)
{
  static const char many[64 * 1024];
  gssize given, all = 0;

  while ((given = cpd_pair_give (f->pair, many, sizeof many)) > 0)
    all += given;
  g_assert_cmpint (given, ==, 0);
  g_assert_cmpint (all, >=, (gssize)sizeof many);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/transport/pair/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("close", test_close);
  ADD ("cut", test_cut);
  ADD ("cut-of-nothing", test_cut_of_nothing);
  ADD ("cut-after-taking", test_cut_after_taking);
  ADD ("close-after-taking", test_close_after_taking);
  ADD ("cut-while-reading", test_cut_while_reading);
  ADD ("killed", test_killed);
  ADD ("takes", test_takes);
  ADD ("takes-in-pieces", test_takes_in_pieces);
  ADD ("end-of-one-direction", test_end_of_one_direction);
  ADD ("left", test_left);
  ADD ("has-no-room", test_has_no_room);
  return g_test_run ();
}
