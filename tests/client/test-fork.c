/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what happens when a program forks: the child's calls fail at once, whatever it does with
 * what it has from its parent, and its parent's calls, bodies and signals go on. */

#include "config.h"

#include "tests/client/fake-body.h"
#include "tests/client/fake-service.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include <certpin.h>
#include <glib/gstdio.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child process that has not ended by then hangs. */
#define CHILD_MAX_S 20

#define CALLS   100
#define FORKS   20
#define UPLOADS 50
#define CALLERS 3

/* What a child's process ends with. */
#define GOOD 0
#define BAD  1

typedef struct
{
  FakeService *service;
  CertpinClient *client;
  CertpinRequest *request;
  CertpinResponse *response; /* (nullable): whose body the parent reads */
  char *folder;
  GFile *file;
  unsigned int answered; /* calls */
  gboolean changed;      /* pin-changed was emitted */
  int over;              /* atomic: whether other threads are to end */
} Fixture;

typedef gboolean (*Child) (Fixture *f);

/* Only the parent's leaks count: a child has none of the threads that hold the rest. */
static pid_t parent;

int __lsan_is_turned_off (void);

int
__lsan_is_turned_off (void)
{
  return parent != 0 && getpid () != parent;
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  parent = getpid ();
  private_bus_start ();
  f->service = fake_service_new ();
  f->client = certpin_client_new ();
  f->request = certpin_request_new ("GET", "https://h.example/", NULL, NULL, NULL);
  f->folder = g_dir_make_tmp ("certpin-fork-XXXXXX", NULL);
  f->file = g_file_new_build_filename (f->folder, "file", NULL);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_clear_object (&f->client);
  certpin_request_unref (f->request);
  fake_service_free (f->service);
  g_file_delete (f->file, NULL, NULL);
  g_object_unref (f->file);
  g_assert_no_errno (g_rmdir (f->folder)); /* nothing else is in it */
  g_free (f->folder);
  test_loop_settle ();
  private_bus_stop ();
}

static void
assert_works (CertpinClient *client)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (certpin_client_unpin (client, "h.example", NULL, NULL, &error));
  g_assert_no_error (error);
}

/* Returns: the status of a forked process that runs `function`, as waitpid () tells it */
static int
fork_and_wait (Child function, gboolean leaves, Fixture *f)
{
  int status = 0;
  pid_t child;

  fflush (NULL); /* or the child writes the same again */
  child = fork ();
  if (child == 0)
    {
      alarm (CHILD_MAX_S);
      (leaves ? exit : _exit) (function (f) ? GOOD : BAD);
    }
  g_assert_cmpint (child, >, 0);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  return status;
}

/* Runs `function` in a forked process. A lock that another thread held at the fork is never
 * released in the child; GLib and AddressSanitizer's allocator have such locks. So a child that
 * hangs is forked anew, twice at most. One that waits for the parent's threads hangs each time.
 * `leaves`: whether it ends with exit () instead of _exit () */
static void
assert_good_child (Fixture *f, Child function, gboolean leaves)
{
  int status = fork_and_wait (function, leaves, f);

  for (int again = 0; again < 2 && WIFSIGNALED (status) && WTERMSIG (status) == SIGALRM; again++)
    status = fork_and_wait (function, leaves, f);
  if (WIFSIGNALED (status))
    g_error ("the child ended by signal %d (%s)", WTERMSIG (status), strsignal (WTERMSIG (status)));
  g_assert_cmpint (WEXITSTATUS (status), ==, GOOD);
}

/* Whether this is the error that tells the programmer what to do. */
static gboolean
is_clear (const GError *error)
{
  return g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_SERVICE_UNAVAILABLE)
         && strstr (error->message, "forked") != NULL && strstr (error->message, "exec()") != NULL;
}

static gboolean
is_refused (CertpinClient *client)
{
  g_autoptr (GError) error = NULL;

  return !certpin_client_unpin (client, "h.example", NULL, NULL, &error) && is_clear (error);
}

/* The child has none of the parent's threads, so it must not wait for them or use their
 * connection. */
static gboolean
use_and_drop (Fixture *f)
{
  g_autoptr (CertpinClient) own = certpin_client_new ();
  gboolean refused = is_refused (f->client) && is_refused (own);

  g_object_unref (f->client);
  return refused;
}

static void
test_use (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GDBusConnection) connection = private_bus_connect ();
  unsigned int before;

  assert_works (f->client);
  before = fake_service_count (f->service, "Unpin");
  assert_good_child (f, use_and_drop, /* leaves= */ FALSE);
  g_assert_cmpuint (fake_service_count (f->service, "Unpin"), ==, before);
  assert_works (f->client);
  g_object_unref (f->client);
  f->client = certpin_client_new_for_connection (connection);
  assert_good_child (f, use_and_drop, /* leaves= */ FALSE);
  assert_works (f->client);
}

static gboolean
do_nothing (Fixture *f)
{
  return TRUE;
}

static void
test_exit (Fixture *f, gconstpointer user_data)
{
  assert_works (f->client);
  assert_good_child (f, do_nothing, /* leaves= */ TRUE);
  assert_works (f->client);
  assert_good_child (f, use_and_drop, /* leaves= */ TRUE);
  assert_works (f->client);
}

static void
on_unpinned (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_true (certpin_client_unpin_finish (CERTPIN_CLIENT (source), result, &error));
  g_assert_no_error (error);
  f->answered++;
}

/* Some of the parent's calls are under way, the others wait. */
static gboolean
run_the_loop (Fixture *f)
{
  gboolean refused = is_refused (f->client);

  g_object_unref (f->client);
  test_loop_settle ();
  return refused && f->answered == 0;
}

static void
test_calls_under_way (Fixture *f, gconstpointer user_data)
{
  fake_service_set_handler (f->service, fake_service_hold, NULL);
  for (int i = 0; i < CALLS; i++)
    certpin_client_unpin_async (f->client, "h.example", NULL, NULL, on_unpinned, f);
  fake_service_wait_for_held (f->service, 64);
  assert_good_child (f, run_the_loop, /* leaves= */ TRUE);
  g_assert_cmpuint (fake_service_count_held (f->service), ==, 64);
  fake_service_set_handler (f->service, NULL, NULL);
  fake_service_answer_held (f->service);
  while (f->answered < CALLS)
    test_loop_step ();
}

static GDBusMessage *
reply_with_body (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  if (g_str_equal (g_dbus_message_get_member (call), "SecureRequest"))
    return fake_body_reply (user_data, call, 200, "[('A', 'b')]");
  return fake_service_reply (service, call);
}

static gboolean
read_and_drop_body (Fixture *f)
{
  GInputStream *stream = certpin_response_get_stream (f->response);
  GAsyncResult *pending = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL, async_error = NULL;
  char bytes[8];
  gboolean refused;

  refused = g_input_stream_read (stream, bytes, sizeof bytes, NULL, &error) == -1;
  g_input_stream_read_async (stream, bytes, sizeof bytes, 0, NULL, test_loop_on_result, &pending);
  result = test_loop_wait_for (&pending);
  refused = g_input_stream_read_finish (stream, result, &async_error) == -1 && refused;
  certpin_response_unref (f->response);
  return refused && is_clear (error) && is_clear (async_error);
}

/* Bytes are there, and belong to the parent; so does the end. */
static void
test_body (Fixture *f, gconstpointer user_data)
{
  FakeBody body;
  g_autoptr (GError) error = NULL;
  char bytes[16];
  gsize length;

  fake_body_init (&body);
  fake_service_set_handler (f->service, reply_with_body, &body);
  f->response = certpin_client_send (f->client, f->request, NULL, NULL, &error);
  g_assert_no_error (error);
  fake_body_write (&body, "hello", 5);
  assert_good_child (f, read_and_drop_body, /* leaves= */ TRUE);
  fake_body_write (&body, " world", 6);
  fake_body_finish (&body);
  g_input_stream_read_all (certpin_response_get_stream (f->response), bytes, sizeof bytes, &length,
                           NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (bytes, length, "hello world", 11);
  certpin_response_unref (f->response);
  fake_body_clear (&body);
}

/* What the child reads of a body to send, its parent would not find any more. */
static gboolean
is_upload_refused (Fixture *f, GInputStream *body)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinResponse) response
      = certpin_client_upload (f->client, f->request, body, 5, NULL, NULL, NULL, NULL, &error);

  return response == NULL && is_clear (error) && g_seekable_tell (G_SEEKABLE (body)) == 0;
}

static gboolean
transfer (Fixture *f)
{
  g_autoptr (GInputStream) body = G_INPUT_STREAM (g_file_read (f->file, NULL, NULL));
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinResponse) response
      = certpin_client_download (f->client, f->request, f->file, NULL, NULL, NULL, NULL, &error);
  gboolean refused = response == NULL && is_clear (error);

  /* Another thread would read it, but perhaps not each time before it is stopped. */
  for (int i = 0; i < UPLOADS; i++)
    refused = is_upload_refused (f, body) && refused;
  return refused;
}

static void
test_transfers (Fixture *f, gconstpointer user_data)
{
  g_autofree char *text = NULL;

  assert_works (f->client);
  g_assert_true (g_file_set_contents (g_file_peek_path (f->file), "hello", 5, NULL));
  assert_good_child (f, transfer, /* leaves= */ FALSE);
  g_assert_true (g_file_get_contents (g_file_peek_path (f->file), &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "hello");
}

static void
on_changed (CertpinClient *client, const char *host, CertpinPinChange *change, gpointer user_data)
{
  Fixture *f = user_data;

  f->changed = TRUE;
}

static gboolean
watch (Fixture *f)
{
  g_autoptr (CertpinClient) own = certpin_client_new ();
  g_autoptr (CertpinPinList) list = certpin_pin_list_new (f->client);
  gboolean watches;

  certpin_client_set_watching (own, TRUE);
  watches = certpin_client_get_watching (own) || certpin_client_get_watching (f->client);
  certpin_client_set_watching (f->client, FALSE);
  test_loop_settle ();
  return !watches && !certpin_client_get_connected (f->client) && !f->changed
         && is_clear (certpin_pin_list_get_error (list));
}

static void
test_signals (Fixture *f, gconstpointer user_data)
{
  g_signal_connect (f->client, "pin-changed", G_CALLBACK (on_changed), f);
  certpin_client_set_watching (f->client, TRUE);
  assert_works (f->client);
  assert_good_child (f, watch, /* leaves= */ TRUE);
  g_assert_true (certpin_client_get_watching (f->client));
  g_assert_true (certpin_client_get_connected (f->client));
  g_assert_cmpuint (fake_service_count (f->service, "Unsubscribe"), ==, 0);
  fake_service_emit (f->service, "PinChanged", "h.example", "{'state': <'removed'>}");
  while (!f->changed)
    test_loop_step ();
}

static gpointer
call_until_over (gpointer data)
{
  Fixture *f = data;

  while (!g_atomic_int_get (&f->over))
    {
      assert_works (f->client);
      certpin_client_set_watching (f->client, !certpin_client_get_watching (f->client));
    }
  return NULL;
}

/* Returns: whether an error of the program's own has no cause, as it should be */
static gboolean
look_for_cause (void)
{
  g_autoptr (GError) error = g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_FAILED, "it failed");

  return certpin_error_get_cause (error) == NULL;
}

static gpointer
look_until_over (gpointer data)
{
  Fixture *f = data;

  while (!g_atomic_int_get (&f->over))
    g_assert_true (look_for_cause ());
  return NULL;
}

/* None of the library's locks may be needed that another thread holds at the fork. */
static gboolean
use_and_watch (Fixture *f)
{
  gboolean watches = certpin_client_get_watching (f->client);

  certpin_client_set_watching (f->client, TRUE);
  return !watches && look_for_cause () && use_and_drop (f);
}

static void
test_while_others_call (Fixture *f, gconstpointer user_data)
{
  GThread *threads[CALLERS], *looker = g_thread_new ("looker", look_until_over, f);

  for (int i = 0; i < CALLERS; i++)
    threads[i] = g_thread_new ("caller", call_until_over, f);
  fake_service_wait_for (f->service, "Unpin", CALLERS);
  for (int i = 0; i < FORKS; i++)
    assert_good_child (f, use_and_watch, /* leaves= */ FALSE);
  g_atomic_int_set (&f->over, TRUE);
  for (int i = 0; i < CALLERS; i++)
    g_thread_join (threads[i]);
  g_thread_join (looker);
}

static gboolean
call (Fixture *f)
{
  return certpin_client_unpin (f->client, "h.example", NULL, NULL, NULL);
}

static void
program_that_forks_first (void)
{
  Fixture f = { .client = certpin_client_new () };

  assert_good_child (&f, call, /* leaves= */ FALSE);
  assert_works (f.client);
  g_object_unref (f.client);
}

/* A process may fork before its first call; then both processes may call. */
static void
test_first (Fixture *f, gconstpointer user_data)
{
  g_test_trap_subprocess ("/client/fork/first/subprocess", 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
  g_assert_cmpuint (fake_service_count (f->service, "Unpin"), ==, 2);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/client/fork/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
  ADD ("use", test_use);
  ADD ("exit", test_exit);
  ADD ("calls-under-way", test_calls_under_way);
  ADD ("body", test_body);
  ADD ("transfers", test_transfers);
  ADD ("signals", test_signals);
  ADD ("while-others-call", test_while_others_call);
  ADD ("first", test_first);
  g_test_add_func ("/client/fork/first/subprocess", program_that_forks_first);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
