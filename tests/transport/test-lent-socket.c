/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a socket that a caller lends behaves as one of our own: what goes over it, how it
 * ends, and that a cut lets nothing more out. */

#define _GNU_SOURCE /* POLLRDHUP */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/transport/cpd-lent-socket.h"
#include "errant-socket.h"
#include "tests/lib/test-loop.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MUCH_BYTES  (4 * 1024 * 1024)
#define DEADLINE_MS 15000

/* A socket that costs processor time for half of this is never left alone. */
#define QUIET_MS 300

typedef struct
{
  int ends[2]; /* the caller's, and the server's */
  CpdLentSocket *lent;
  int fd; /* to be used in place of the caller's */
  gboolean told;
  GError *error;
} Fixture;

static void
on_ready (GError *error, gpointer user_data)
{
  Fixture *f = user_data;

  g_assert_false (f->told);
  f->told = TRUE;
  f->error = error;
}

static CpdLentSocket *
lend (Fixture *f, unsigned int most, GError **error)
{
  const CpdLentSocketSettings settings
      = { .given = f->ends[0], .apart = { .most = most }, .ready = on_ready, .user_data = f };

  return cpd_lent_socket_new (&settings, error);
}

static void
make_ready (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  f->told = FALSE;
  f->lent = lend (f, 1, &error);
  /* The thread of the last test may not have counted itself out yet. */
  while (g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED))
    {
      g_clear_error (&error);
      g_thread_yield ();
      f->lent = lend (f, 1, &error);
    }
  g_assert_no_error (error);
  while (!f->told)
    test_loop_step ();
  f->fd = cpd_lent_socket_get_fd (f->lent);
}

static void
close_end (int *end)
{
  if (*end >= 0)
    close (*end);
  *end = -1;
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  errant_socket_make (f->ends);
  make_ready (f);
  g_assert_no_error (f->error);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_clear_pointer (&f->lent, cpd_lent_socket_free);
  close_end (&f->ends[0]);
  close_end (&f->ends[1]);
  g_clear_error (&f->error);
}

static void
say (int fd, const char *text)
{
  g_assert_cmpint (send (fd, text, strlen (text), MSG_NOSIGNAL), ==, strlen (text));
}

static void
wait_for (int fd, short events)
{
  struct pollfd state = { .fd = fd, .events = events };

  g_assert_cmpint (poll (&state, 1, DEADLINE_MS), ==, 1);
}

/* `error`: an errno; 0: the end of file */
static void
assert_hears (int fd, const char *text, int error)
{
  char buffer[64];
  gsize length = 0;
  ssize_t more = 1;

  while (more > 0 && (error >= 0 || length < strlen (text)))
    {
      wait_for (fd, POLLIN);
      more = recv (fd, buffer + length, sizeof buffer - length, 0);
      length += (gsize)MAX (more, 0);
    }
  g_assert_cmpmem (buffer, length, text, strlen (text));
  if (error >= 0)
    g_assert_cmpint (more == 0 ? 0 : errno, ==, error);
}

#define GOES_ON (-1)

static void
begin (Fixture *f)
{
  say (f->fd, "hello");
  assert_hears (f->ends[1], "hello", GOES_ON);
}

/* In TLS, the client speaks first. */
static void
test_carries (Fixture *f, gconstpointer user_data)
{
  g_autofree char *address = g_inet_address_to_string (cpd_lent_socket_get_address (f->lent));
  char byte;

  g_assert_cmpstr (address, ==, "127.0.0.1");
  say (f->ends[1], "early");
  wait_for (f->ends[0], POLLIN);
  g_assert_cmpint (recv (f->fd, &byte, 1, MSG_DONTWAIT), ==, -1);
  begin (f);
  assert_hears (f->fd, "early", GOES_ON);
}

/* Returns: how many bytes were taken at once */
static gsize
say_much (int fd)
{
  static const char bytes[64 * 1024];
  gsize said = 0;
  ssize_t length = 0;

  while (length >= 0 && said < MUCH_BYTES)
    {
      length = send (fd, bytes, MIN (sizeof bytes, MUCH_BYTES - said), MSG_DONTWAIT | MSG_NOSIGNAL);
      said += (gsize)MAX (length, 0);
    }
  return said;
}

/* Returns: how many bytes came until nothing more did */
static gsize
hear_much (int fd)
{
  static char bytes[64 * 1024];
  gsize heard = 0;
  ssize_t length = 1;

  while (length > 0)
    {
      wait_for (fd, POLLIN);
      length = recv (fd, bytes, sizeof bytes, MSG_DONTWAIT);
      heard += (gsize)MAX (length, 0);
    }
  return heard;
}

/* More than any buffer on the way holds. */
static gsize
fill (int fd)
{
  struct pollfd room = { .fd = fd, .events = POLLOUT };
  gsize said = 0;

  while (poll (&room, 1, 200) == 1)
    said += say_much (fd);
  return said;
}

static void
test_closes (Fixture *f, gconstpointer user_data)
{
  gsize said = say_much (f->fd);

  g_clear_pointer (&f->lent, cpd_lent_socket_free);
  g_assert_cmpuint (hear_much (f->ends[1]), ==, said);
}

static void
test_cuts (Fixture *f, gconstpointer user_data)
{
  gsize said = fill (f->fd);

  cpd_lent_socket_cut (f->lent);
  g_clear_pointer (&f->lent, cpd_lent_socket_free);
  wait_for (f->ends[1], POLLRDHUP);
  g_assert_cmpuint (hear_much (f->ends[1]), <, said);
  g_assert_cmpint (errno, ==, ECONNRESET);
}

/* Nobody waits for ever for a server that does not read what was sent before the end. */
static void
test_last_bytes (Fixture *f, gconstpointer user_data)
{
  gsize said = fill (f->fd);

  g_clear_pointer (&f->lent, cpd_lent_socket_free);
  wait_for (f->ends[1], POLLRDHUP);
  g_assert_cmpuint (hear_much (f->ends[1]), <, said);
}

/* The caller has it back as it was. */
static void
test_lets_go (Fixture *f, gconstpointer user_data)
{
  say (f->ends[1], "later");
  g_clear_pointer (&f->lent, cpd_lent_socket_free);
  make_ready (f); /* the thread has ended */
  g_assert_error (f->error, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE);
  assert_hears (f->ends[0], "later", GOES_ON);
  say (f->ends[0], "on");
  assert_hears (f->ends[1], "on", GOES_ON);
}

static void
test_server_closes (Fixture *f, gconstpointer user_data)
{
  begin (f);
  say (f->ends[1], "bye");
  shutdown (f->ends[1], SHUT_WR);
  assert_hears (f->fd, "bye", 0);
  say (f->fd, "more");
  assert_hears (f->ends[1], "more", GOES_ON);
}

static void
reset (int *end)
{
  const struct linger at_once = { .l_onoff = 1 };

  g_assert_no_errno (setsockopt (*end, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
  close_end (end);
}

static void
test_server_resets (Fixture *f, gconstpointer user_data)
{
  begin (f);
  reset (&f->ends[1]);
  assert_hears (f->fd, "", 0);
  while (send (f->fd, "x", 1, MSG_NOSIGNAL) == 1)
    g_thread_yield ();
  g_assert_cmpint (errno, ==, EPIPE);
  g_assert_cmpint (cpd_lent_socket_get_failure (f->lent), ==, 0);
}

/* What a server said before it went away arrives, even if something was sent to it meanwhile. */
static void
test_says_why (Fixture *f, gconstpointer user_data)
{
  gsize said;
  int queued;

  begin (f);
  said = fill (f->ends[1]);
  g_assert_no_errno (ioctl (f->ends[1], SIOCOUTQ, &queued));
  reset (&f->ends[1]);
  while (send (f->fd, "x", 1, MSG_NOSIGNAL) == 1)
    g_thread_yield ();
  g_assert_cmpuint (hear_much (f->fd), ==, said - (gsize)queued);
}

static void
test_counts_queued (Fixture *f, gconstpointer user_data)
{
  gsize left = fill (f->fd);

  g_assert_cmpuint (cpd_lent_socket_count_queued (f->lent), >, 0);
  for (char bytes[4096]; left > 0;)
    {
      ssize_t length = recv (f->ends[1], bytes, MIN (left, sizeof bytes), 0);

      g_assert_cmpint (length, >, 0);
      left -= (gsize)length;
    }
  while (cpd_lent_socket_count_queued (f->lent) > 0)
    g_thread_yield ();
}

static gint64
get_processor_us (void)
{
  struct timespec used;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &used);
  return used.tv_sec * G_USEC_PER_SEC + used.tv_nsec / 1000;
}

/* The caller shares the socket, and can have the kernel tell things of it. */
static void
test_sleeps (Fixture *f, gconstpointer user_data)
{
  static char bytes[20000];
  gint64 before_us;

  begin (f);
  before_us = get_processor_us ();
  g_assert_cmpint (send (f->ends[0], bytes, sizeof bytes, MSG_ZEROCOPY), ==, sizeof bytes);
  g_assert_cmpint (recv (f->ends[1], bytes, sizeof bytes, MSG_WAITALL), ==, sizeof bytes);
  test_loop_run_for (QUIET_MS);
  g_assert_cmpint (get_processor_us () - before_us, <, QUIET_MS * 1000 / 2);
  begin (f);
}

/* Whoever handles a signal wakes the main loop up by a descriptor, which this thread has not. */
static gboolean
blocks_termination (const char *task)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/task/%s/status", task);
  g_autofree char *status = NULL;
  const char *blocked;

  if (!g_file_get_contents (path, &status, NULL, NULL) || strstr (status, "Name:\tapart\n") == NULL)
    return FALSE;
  blocked = strstr (status, "SigBlk:\t");
  g_assert_nonnull (blocked);
  g_assert_true ((g_ascii_strtoull (blocked + 8, NULL, 16) & 1 << (SIGTERM - 1)) != 0);
  return TRUE;
}

static void
test_blocks_signals (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GDir) tasks = g_dir_open ("/proc/self/task", 0, NULL);
  unsigned int found = 0;
  const char *task;

  while ((task = g_dir_read_name (tasks)) != NULL)
    found += blocks_termination (task);
  g_assert_cmpuint (found, >=, 2); /* the one that starts others, and this */
}

static void
test_limit (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (lend (f, 1, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED);
}

/* Whoever gave it up before it was ready is not told. */
static void
test_given_up (void)
{
  Fixture f = { .lent = NULL };

  errant_socket_make (f.ends);
  f.told = TRUE; /* on_ready () would fail */
  for (int i = 0; i < 100; i++)
    cpd_lent_socket_free (lend (&f, 100, NULL));
  test_loop_run_for (50);
  tear_down (&f, NULL);
}

static void
check_refused (int socket, GQuark domain, int code)
{
  Fixture f = { .ends = { socket, -1 } };

  make_ready (&f);
  g_assert_error (f.error, domain, code);
  tear_down (&f, NULL);
}

static void
test_kinds (void)
{
  int ends[2];

  check_refused (socket (AF_INET, SOCK_STREAM, 0), G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED);
  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM, 0, ends));
  say (ends[1], "waits");
  check_refused (ends[0], G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE);
  close (ends[1]);
  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM, 0, ends));
  close (ends[1]);
  check_refused (ends[0], G_TLS_ERROR, G_TLS_ERROR_EOF);
}

static void
test_this_machine (void)
{
  Fixture f = { .lent = NULL };

  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM, 0, f.ends));
  make_ready (&f);
  g_assert_no_error (f.error);
  g_assert_null (cpd_lent_socket_get_address (f.lent));
  g_assert_false (cpd_lent_socket_is_lost (f.lent));
  begin (&f);
  cpd_lent_socket_cut (f.lent);
  g_clear_pointer (&f.lent, cpd_lent_socket_free);
  assert_hears (f.ends[1], "", 0);
  tear_down (&f, NULL);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/transport/lent-socket/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("carries", test_carries);
  ADD ("closes", test_closes);
  ADD ("cuts", test_cuts);
  ADD ("last-bytes", test_last_bytes);
  ADD ("lets-go", test_lets_go);
  ADD ("server-closes", test_server_closes);
  ADD ("server-resets", test_server_resets);
  ADD ("says-why", test_says_why);
  ADD ("counts-queued", test_counts_queued);
  ADD ("sleeps", test_sleeps);
  ADD ("blocks-signals", test_blocks_signals);
  ADD ("limit", test_limit);
  g_test_add_func ("/transport/lent-socket/given-up", test_given_up);
  g_test_add_func ("/transport/lent-socket/kinds", test_kinds);
  g_test_add_func ("/transport/lent-socket/this-machine", test_this_machine);
  return g_test_run ();
}
