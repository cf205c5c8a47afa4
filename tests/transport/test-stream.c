/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what a thread that moves bodies does: all of it or an error, nothing once it was stopped,
 * and nothing at all while there is nothing to do. */

#define _GNU_SOURCE /* POLLRDHUP */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/base/cpd-clock.h"
#include "daemon/transport/cpd-stream.h"
#include "errant-socket.h"
#include "tests/lib/test-core.h"
#include "tests/lib/test-loop.h"
#include "tls-fixture.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define UID    1000
#define IDLE_S 60

/* Before it sleeps: one sends what is there, the next one finds nothing, and so on. */
#define MOVES_MAX 10

static const TlsServer usual = { .priority = "NORMAL" };

static gboolean refuses_nice;

int __real_nice (int increment);
int __wrap_nice (int increment);

int
__wrap_nice (int increment)
{
  if (!refuses_nice)
    return __real_nice (increment);
  errno = EPERM;
  return -1;
}

static int moves; /* atomic */

gboolean __real_cpd_http_flow_move (CpdHttpFlow *flow);
gboolean __wrap_cpd_http_flow_move (CpdHttpFlow *flow);

gboolean
__wrap_cpd_http_flow_move (CpdHttpFlow *flow)
{
  g_atomic_int_inc (&moves);
  return __real_cpd_http_flow_move (flow);
}

typedef struct
{
  TlsFixture tls;
  CpdConnection *connection;
  CpdQueue *queue;
  CpdTransfer *transfer;
  CpdBudget *bodies;
  CpdHttpFlow *flow;
  CpdStream *stream;
  unsigned int paused;
  int reader; /* the caller's end; -1: closed */
  int writer; /* what an upload is read from; -1: closed, or none */
} Fixture;

static void
set_up (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdHost) host = test_host ("h.example");

  f->reader = f->writer = -1;
  tls_set_up (&f->tls, &usual);
  tls_assert_shakes_hands (&f->tls);
  f->connection = cpd_connection_new (g_steal_pointer (&f->tls.tls), host);
  f->queue = cpd_queue_new_without_bodies (1, 0, 1);
  f->transfer = cpd_transfer_new (f->queue, UID, "streams");
  f->bodies = cpd_budget_new (1024 * 1024);
}

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  cpd_stream_free (f->stream);
  cpd_http_flow_free (f->flow);
  g_assert_true (cpd_budget_take (f->bodies, 1024 * 1024)); /* all was given back */
  cpd_budget_unref (f->bodies);
  g_object_unref (f->transfer);
  cpd_queue_free (f->queue);
  cpd_connection_free (f->connection);
  close_fd (&f->reader);
  close_fd (&f->writer);
  tls_tear_down (&f->tls, &usual);
}

static void
on_paused (gpointer user_data)
{
  Fixture *f = user_data;

  f->paused++;
}

/* `reader`: (transfer full): -1: there is no upload */
static void
make_flow_from (Fixture *f, int reader, guint64 upload_bytes)
{
  g_autoptr (CertpinRequest) request = certpin_request_new (upload_bytes > 0 ? "PUT" : "GET",
                                                            "https://h.example/", NULL, NULL, NULL);
  const CpdPump pump = { .apart = { .most = 4 }, .from = reader, .bytes = upload_bytes };
  g_autoptr (CpdUpload) upload = reader >= 0 ? cpd_upload_new (&pump, NULL) : NULL;

  f->flow = cpd_http_flow_new (&(const CpdHttpFlowSettings){
      .connection = f->connection,
      .request = request,
      .upload = upload,
      .transfer = f->transfer,
      .plain = TRUE,
      .max_body_bytes = G_MAXUINT64,
      .max_inline_bytes = 1024 * 1024,
      .bodies = f->bodies,
  });
  cpd_http_flow_send (f->flow);
}

/* `upload_bytes`: 0: there is none */
static void
make_flow (Fixture *f, guint64 upload_bytes)
{
  int ends[] = { -1, -1 };

  if (upload_bytes > 0)
    g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  f->writer = ends[1];
  make_flow_from (f, ends[0], upload_bytes);
}

static void
start (Fixture *f, unsigned int idle_s)
{
  g_autoptr (GError) error = NULL;

  f->stream = cpd_stream_new (f->flow, idle_s, on_paused, f, &error);
  g_assert_no_error (error);
  g_assert_true (cpd_stream_start (f->stream, &error));
}

static void
say (Fixture *f, const char *text)
{
  gsize length = strlen (text);

  g_assert_cmpint (gnutls_record_send (f->tls.server, text, length), ==, (ssize_t)length);
}

/* A response whose body goes to a descriptor, of which the head has been read. */
static void
start_download (Fixture *f, const char *head, unsigned int idle_s)
{
  g_autoptr (GError) error = NULL;
  CpdPair *pair;

  make_flow (f, 0);
  say (f, head);
  while (cpd_http_flow_get_head (f->flow) == NULL)
    cpd_http_flow_move (f->flow);
  pair = cpd_pair_new (&error);
  g_assert_no_error (error);
  f->reader = cpd_pair_steal_other (pair);
  cpd_http_flow_stream (f->flow, pair);
  start (f, idle_s);
}

static void
wait_until_paused (Fixture *f)
{
  while (f->paused == 0)
    test_loop_step ();
}

/* All has moved, but the end is told by the owner alone. */
static void
end_in_order (Fixture *f)
{
  struct pollfd end = { .fd = f->reader, .events = POLLRDHUP };

  wait_until_paused (f);
  g_assert_cmpint (poll (&end, 1, 0), ==, 0);
  cpd_http_flow_end_stream (f->flow);
}

/* Reads until the end. `error`: an errno; 0: the end of file */
static void
assert_reads (Fixture *f, const char *text, int error)
{
  g_autoptr (GString) read_text = g_string_new (NULL);
  char buffer[1000];
  ssize_t length;

  if (error == 0)
    end_in_order (f);
  while ((length = read (f->reader, buffer, sizeof buffer)) > 0)
    g_string_append_len (read_text, buffer, length);
  g_assert_cmpint (length == 0 ? 0 : errno, ==, error);
  g_assert_cmpstr (read_text->str, ==, text);
}

/* Whole records, up to one that was cut, and then an error. */
static void
assert_reads_at_least (Fixture *f, gsize count)
{
  char buffer[1000];
  ssize_t length;
  gsize all = 0;

  while ((length = read (f->reader, buffer, sizeof buffer)) > 0)
    all += (gsize)length;
  g_assert_cmpint (errno, ==, ECONNRESET);
  g_assert_cmpuint (all, >=, count);
}

static void
assert_fails (Fixture *f, int code)
{
  wait_until_paused (f);
  g_assert_error (cpd_http_flow_get_error (f->flow), CERTPIN_ERROR, code);
}

static void
test_whole (Fixture *f, gconstpointer user_data)
{
  start_download (f, "HTTP/1.1 200 So\r\nContent-Length: 10\r\n\r\nhello", IDLE_S);
  say (f, "world");
  assert_reads (f, "helloworld", 0);
  wait_until_paused (f);
  g_assert_no_error (cpd_http_flow_get_error (f->flow));
  g_assert_true (cpd_http_flow_is_reusable (f->flow));
  g_assert_cmpuint (cpd_transfer_get_progress (f->transfer).received, ==, 10);
}

static void
test_chunks (Fixture *f, gconstpointer user_data)
{
  start_download (f, "HTTP/1.1 200 So\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n", IDLE_S);
  say (f, "4;x=y\r\nel");
  say (f, "lo\r\n5\r\nworld\r\n0\r\nA: ");
  say (f, "b\r\n\r\n");
  assert_reads (f, "helloworld", 0);
  wait_until_paused (f);
  g_assert_no_error (cpd_http_flow_get_error (f->flow));
}

static void
test_breaks (Fixture *f, gconstpointer user_data)
{
  start_download (f, "HTTP/1.1 200 So\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", IDLE_S);
  say (f, "x\r\n");
  assert_reads (f, "hello", ECONNRESET);
  assert_fails (f, CERTPIN_ERROR_PROTOCOL_ERROR);
}

static void
test_server_leaves (Fixture *f, gconstpointer user_data)
{
  start_download (f, "HTTP/1.1 200 So\r\nContent-Length: 10\r\n\r\nhello", IDLE_S);
  shutdown (f->tls.fd, SHUT_RDWR);
  assert_reads (f, "hello", ECONNRESET);
  assert_fails (f, CERTPIN_ERROR_TRUNCATED);
}

/* Until the server's end takes no more, or has taken that much. Returns: how many bytes it took */
static gsize
say_much (Fixture *f, gsize most)
{
  g_autofree char *many = g_strnfill (10000, 'x');
  gsize all = 0;

  while (all < most && gnutls_record_send (f->tls.server, many, 10000) > 0)
    all += 10000;
  return all;
}

/* All that came is there before the error, even if the caller's end had no room for it. */
static void
test_server_leaves_before_reader (Fixture *f, gconstpointer user_data)
{
  gint64 end_us = g_get_monotonic_time () + 2 * G_TIME_SPAN_SECOND;
  gsize all = 0;

  start_download (f, "HTTP/1.1 200 So\r\nContent-Length: 10000000\r\n\r\n", IDLE_S);
  g_unix_set_fd_nonblocking (f->tls.fd, TRUE, NULL);
  while (all < 290000 && g_get_monotonic_time () < end_us)
    {
      all += say_much (f, 10000);
      while (cpd_transfer_get_progress (f->transfer).received < all
             && g_get_monotonic_time () < end_us)
        g_thread_yield ();
    }
  cpd_stream_stop (f->stream);
  all += say_much (f, 200000);
  shutdown (f->tls.fd, SHUT_RDWR);
  g_assert_true (cpd_stream_start (f->stream, NULL));
  test_loop_run_for (50); /* what has no room yet must not be lost */
  assert_reads_at_least (f, all);
  assert_fails (f, CERTPIN_ERROR_TRUNCATED);
}

static void
test_reader_leaves (Fixture *f, gconstpointer user_data)
{
  start_download (f, "HTTP/1.1 200 So\r\nContent-Length: 10\r\n\r\nhello", IDLE_S);
  close_fd (&f->reader);
  assert_fails (f, CERTPIN_ERROR_CANCELLED);
}

static void
test_idle (Fixture *f, gconstpointer user_data)
{
  gint64 before_us = g_get_monotonic_time ();

  start_download (f, "HTTP/1.1 200 So\r\nContent-Length: 10\r\n\r\nhello", /* idle_s= */ 1);
  assert_reads (f, "hello", ECONNRESET);
  g_assert_cmpint (g_get_monotonic_time () - before_us, >=, 900 * 1000);
  assert_fails (f, CERTPIN_ERROR_TIMED_OUT);
}

/* Once it was stopped nothing moves, whatever comes; then it goes on where it was. */
static void
test_stops (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;
  char buffer[64];

  start_download (f, "HTTP/1.1 200 So\r\nContent-Length: 10\r\n\r\n", IDLE_S);
  for (int i = 0; i < 5; i++)
    {
      cpd_stream_stop (f->stream);
      say (f, "ab");
      g_assert_cmpint (recv (f->reader, buffer, sizeof buffer, MSG_DONTWAIT), ==, -1);
      g_assert_true (cpd_stream_start (f->stream, &error));
      g_assert_cmpint (read (f->reader, buffer, sizeof buffer), ==, 2);
    }
  cpd_stream_stop (f->stream); /* which it has already, by itself */
  g_assert_cmpuint (f->paused, ==, 0);
  g_assert_true (cpd_stream_start (f->stream, &error));
  wait_until_paused (f);
  g_assert_cmpuint (f->paused, ==, 1);
  assert_reads (f, "", 0);
}

/* Whoever stops one wakes it: a single wait until poll () returns by itself would take all of this
 * test's time. */
static void
test_stops_at_once (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gint64 before_us = g_get_monotonic_time ();

  start_download (f, "HTTP/1.1 200 So\r\nContent-Length: 10\r\n\r\n", IDLE_S);
  for (int i = 0; i < 20; i++)
    {
      cpd_stream_stop (f->stream);
      g_assert_true (cpd_stream_start (f->stream, &error));
    }
  g_assert_cmpint (g_get_monotonic_time () - before_us, <, IDLE_S * G_USEC_PER_SEC);
}

static gint64
get_thread_time_us (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec * G_USEC_PER_SEC + usage.ru_utime.tv_usec
         + usage.ru_stime.tv_sec * G_USEC_PER_SEC + usage.ru_stime.tv_usec;
}

/* A server that is silent, a reader that does not read, and what it writes cost nothing. */
static void
test_does_not_spin (Fixture *f, gconstpointer user_data)
{
  g_autofree char *many = g_strnfill (16000, 'x');
  gint64 before_us;

  start_download (f, "HTTP/1.1 200 So\r\nContent-Length: 900000\r\n\r\n", IDLE_S);
  g_assert_cmpint (write (f->reader, "unasked", 7), ==, 7);
  g_unix_set_fd_nonblocking (f->tls.fd, TRUE, NULL);
  while (gnutls_record_send (f->tls.server, many, 16000) > 0)
    ;
  before_us = get_thread_time_us ();
  test_loop_run_for (300);
  g_assert_cmpint (get_thread_time_us () - before_us, <, 100 * 1000);
}

/* Until all that was written is there. */
static void
take (Fixture *f, GString *taken, const char *end)
{
  char buffer[1000];

  while (!g_str_has_suffix (taken->str, end))
    {
      struct pollfd readable = { .fd = f->tls.fd, .events = POLLIN };
      ssize_t length = gnutls_record_recv (f->tls.server, buffer, sizeof buffer);

      if (length > 0)
        g_string_append_len (taken, buffer, length);
      else
        g_assert_cmpint (poll (&readable, 1, 15000), ==, 1);
    }
}

/* Nor does what the kernel tells of the socket of an upload. */
static void
test_does_not_spin_on_errors (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GString) taken = g_string_new (NULL);
  int ends[2];

  errant_socket_make (ends);
  f->writer = ends[1];
  make_flow_from (f, ends[0], 5);
  g_atomic_int_set (&moves, 0);
  start (f, IDLE_S);
  test_loop_run_for (100);
  g_assert_cmpint (g_atomic_int_get (&moves), <=, MOVES_MAX);
  g_assert_cmpint (write (f->writer, "hello", 5), ==, 5);
  take (f, taken, "\r\n\r\nhello");
  wait_until_paused (f);
}

static gboolean
is_stream (const char *task)
{
  g_autofree char *path = g_build_filename ("/proc/self/task", task, "comm", NULL);
  g_autofree char *name = NULL;

  return g_file_get_contents (path, &name, NULL, NULL) && g_str_equal (name, "certpin-stream\n");
}

/* Returns: the thread that moves a body; 0: none does */
static id_t
find_stream (void)
{
  g_autoptr (GDir) tasks = g_dir_open ("/proc/self/task", 0, NULL);
  const char *task;

  while ((task = g_dir_read_name (tasks)) != NULL)
    if (is_stream (task))
      return (id_t)g_ascii_strtoull (task, NULL, 10);
  return 0;
}

static int
get_niceness (void)
{
  id_t thread = find_stream ();

  g_assert_cmpuint (thread, !=, 0);
  return getpriority (PRIO_PROCESS, thread);
}

/* The small steps of others go first. A sandbox that does not allow that changes nothing else. */
static void
test_gives_way (Fixture *f, gconstpointer refused)
{
  int usual_niceness = getpriority (PRIO_PROCESS, 0);
  char byte;

  refuses_nice = refused != NULL;
  start_download (f, "HTTP/1.1 200 So\r\nContent-Length: 2\r\n\r\no", IDLE_S);
  g_assert_cmpint (read (f->reader, &byte, 1), ==, 1);
  g_assert_cmpint (get_niceness (), ==,
                   refuses_nice ? usual_niceness : MIN (usual_niceness + 10, 19));
  g_assert_cmpint (getpriority (PRIO_PROCESS, 0), ==, usual_niceness);
  refuses_nice = FALSE;
  say (f, "k");
  assert_reads (f, "k", 0);
}

static void
test_upload (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GString) taken = g_string_new (NULL);

  make_flow (f, 10);
  g_assert_true (cpd_http_flow_uploads (f->flow));
  start (f, IDLE_S);
  g_assert_cmpint (write (f->writer, "hello", 5), ==, 5);
  take (f, taken, "\r\n\r\nhello");
  g_assert_cmpint (write (f->writer, "world and more", 14), ==, 14);
  take (f, taken, "\r\n\r\nhelloworld");
  wait_until_paused (f); /* the owner waits for the answer */
  g_assert_false (cpd_http_flow_is_over (f->flow));
  g_assert_false (cpd_http_flow_uploads (f->flow));
  g_assert_cmpuint (cpd_transfer_get_progress (f->transfer).sent, ==, 10);
}

static void
test_upload_ends_early (Fixture *f, gconstpointer user_data)
{
  make_flow (f, 10);
  start (f, IDLE_S);
  g_assert_cmpint (write (f->writer, "hello", 5), ==, 5);
  close_fd (&f->writer);
  assert_fails (f, CERTPIN_ERROR_INVALID_ARGUMENT);
}

/* The owner decides what becomes of an answer that comes too early. */
static void
test_upload_is_answered (Fixture *f, gconstpointer status)
{
  g_autofree char *head
      = g_strdup_printf ("HTTP/1.1 %s So\r\nContent-Length: 2\r\n\r\nok", (const char *)status);

  make_flow (f, 10);
  start (f, IDLE_S);
  say (f, head);
  wait_until_paused (f);
  g_assert_nonnull (cpd_http_flow_get_head (f->flow));
  g_assert_no_error (cpd_http_flow_get_error (f->flow));
  g_assert_false (cpd_http_flow_is_reusable (f->flow));
}

/* Whoever stops one that has just paused by itself, and starts it again, does so before it is told:
 * in the same iteration, but earlier. */
static gboolean
restart (gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (GError) error = NULL;

  cpd_stream_stop (f->stream);
  cpd_http_flow_go_on (f->flow, G_MAXUINT64);
  g_assert_true (cpd_stream_start (f->stream, &error));
  return G_SOURCE_REMOVE;
}

/* It is told nothing of that pause, and does not wait for the thread that moves now. */
static void
test_restarts_when_paused (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  g_autoptr (GString) taken = g_string_new (NULL);

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, restart, f, NULL);
  make_flow (f, 10);
  g_source_attach (source,
                   NULL); /* before the stream's, so it is the first of those that are due */
  g_atomic_int_set (&moves, 0);
  start (f, /* idle_s= */ 5);
  say (f, "HTTP/1.1 200 So\r\nContent-Length: 2\r\n\r\n");
  while (g_atomic_int_get (&moves) == 0 || find_stream () != 0)
    g_thread_yield ();
  g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (f->paused, ==, 0);
  g_assert_cmpint (write (f->writer, "helloworld", 10), ==, 10);
  take (f, taken, "\r\n\r\nhelloworld");
  wait_until_paused (f);
  test_loop_settle ();
  g_assert_cmpuint (f->paused, ==, 1);
}

#define ADD(name, data, function)                                                                  \
  g_test_add ("/transport/stream/" name, Fixture, data, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("whole", NULL, test_whole);
  ADD ("chunks", NULL, test_chunks);
  ADD ("breaks", NULL, test_breaks);
  ADD ("server-leaves", NULL, test_server_leaves);
  ADD ("server-leaves-before-reader", NULL, test_server_leaves_before_reader);
  ADD ("reader-leaves", NULL, test_reader_leaves);
  ADD ("idle", NULL, test_idle);
  ADD ("stops", NULL, test_stops);
  ADD ("stops-at-once", NULL, test_stops_at_once);
  ADD ("does-not-spin", NULL, test_does_not_spin);
  ADD ("does-not-spin-on-errors", NULL, test_does_not_spin_on_errors);
  ADD ("gives-way", NULL, test_gives_way);
  ADD ("gives-way/refused", "refused", test_gives_way);
  ADD ("upload", NULL, test_upload);
  ADD ("upload-ends-early", NULL, test_upload_ends_early);
  ADD ("upload-is-answered/200", "200", test_upload_is_answered);
  ADD ("upload-is-answered/413", "413", test_upload_is_answered);
  ADD ("restarts-when-paused", NULL, test_restarts_when_paused);
  return g_test_run ();
}
