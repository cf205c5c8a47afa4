/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a download replaces its file by a whole body or not at all, and that a part which
 * stays is continued only with the same version, from a server with the same key. */

#include "config.h"

#include "tests/client/fake-body.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include "dbus/certpin-names.h"

#include <certpin.h>

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define URL   "https://h.example/file"
#define OTHER "https://h.example/other"
#define WHOLE "0123456789abcdef"
#define TAG   "\"one\""

/* What the server answers. */
typedef struct
{
  unsigned int status;
  const char *headers; /* the text of an `a(ss)` */
  const char *body;
  gboolean cut;
} Answer;

typedef struct
{
  FakeService *service;
  CertpinClient *client;
  char *folder, *path, *part;
  GFile *file;
  FakeBody body;
  const Answer *answers; /* the next one is the first */
  const char *reason;    /* of a cut */
  const char *refusal;   /* (nullable): the service's answer */
  gboolean holds;        /* the body does not end */
  GMutex lock;
  GString *ranges; /* under `lock`: of the requests, each with its If-Range, in one line each */
  goffset done, total;
  unsigned int reports, destroyed;
} Fixture;

static void
note_range (Fixture *f, GDBusMessage *call)
{
  g_autoptr (GVariant) headers = g_variant_get_child_value (g_dbus_message_get_body (call), 2);
  const char *name, *value;
  GVariantIter iter;

  g_mutex_lock (&f->lock);
  g_variant_iter_init (&iter, headers);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    g_string_append_printf (f->ranges, "%s=%s ", name, value);
  g_string_append_c (f->ranges, '\n');
  g_mutex_unlock (&f->lock);
}

static GDBusMessage *
on_call (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  Fixture *f = user_data;
  GDBusMessage *reply;

  if (g_str_equal (g_dbus_message_get_member (call), "Finish"))
    return g_dbus_message_new_method_error_literal (call, f->reason, "the reason");
  if (!g_str_equal (g_dbus_message_get_member (call), "SecureRequest"))
    return fake_service_reply (service, call);
  if (f->refusal != NULL)
    return g_dbus_message_new_method_error_literal (call, f->refusal, "the reason");
  note_range (f, call);
  fake_body_clear (&f->body);
  fake_body_init (&f->body);
  reply = fake_body_reply (&f->body, call, f->answers->status, f->answers->headers);
  fake_body_write (&f->body, f->answers->body, strlen (f->answers->body));
  if (f->answers->cut)
    fake_body_cut (&f->body);
  else if (!f->holds)
    fake_body_finish (&f->body);
  f->answers++;
  return reply;
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  private_bus_start ();
  f->service = fake_service_new ();
  f->client = certpin_client_new ();
  f->folder = g_dir_make_tmp ("certpin-download-XXXXXX", &error);
  g_assert_no_error (error);
  f->path = g_build_filename (f->folder, "file", NULL);
  f->part = g_strconcat (f->path, ".certpin-part", NULL);
  f->file = g_file_new_for_path (f->path);
  f->body = (FakeBody){ -1, -1 };
  f->reason = CERTPIN_ERROR_PREFIX "Truncated";
  f->ranges = g_string_new (NULL);
  fake_service_set_handler (f->service, on_call, f);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_object_unref (f->client);
  fake_service_free (f->service);
  fake_body_clear (&f->body);
  g_unlink (f->path);
  g_unlink (f->part);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0); /* nothing else is left */
  g_object_unref (f->file);
  g_free (f->folder);
  g_free (f->path);
  g_free (f->part);
  g_string_free (f->ranges, TRUE);
  test_loop_settle ();
  private_bus_stop ();
}

static void
on_progress (goffset done, goffset total, gpointer user_data)
{
  Fixture *f = user_data;

  f->done = done;
  f->total = total;
  f->reports++;
}

static CertpinResponse *
download (Fixture *f, CertpinRequest *request, const Answer *answers, GError **error)
{
  f->answers = answers;
  g_string_truncate (f->ranges, 0);
  return certpin_client_download (f->client, request, f->file, NULL, NULL, on_progress, f, error);
}

static CertpinResponse *
download_url (Fixture *f, const char *url, const Answer *answers, GError **error)
{
  g_autoptr (CertpinRequest) request = certpin_request_new ("GET", url, NULL, NULL, NULL);

  return download (f, request, answers, error);
}

static void
assert_contents (const char *path, const char *expected)
{
  g_autofree char *contents = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &contents, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (contents, ==, expected);
}

/* The requests had these ranges, and the file is whole, and nothing is left. */
static void
assert_downloads (Fixture *f, const Answer *answers, const char *ranges)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinResponse) response = download_url (f, URL, answers, &error);

  g_assert_no_error (error);
  g_assert_null (certpin_response_get_stream (response));
  g_assert_cmpstr (f->ranges->str, ==, ranges);
  g_assert_cmpint (f->done, ==, strlen (WHOLE));
  g_assert_cmpint (f->total, ==, strlen (WHOLE));
  assert_contents (f->path, WHOLE);
  g_assert_false (g_file_test (f->part, G_FILE_TEST_EXISTS));
}

/* The file is as it was. */
static void
assert_fails (Fixture *f, const Answer *answers, int code, gboolean stays)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents (f->path, "old", -1, &error);
  g_assert_no_error (error);
  g_assert_null (download_url (f, URL, answers, &error));
  g_assert_error (error, CERTPIN_ERROR, code);
  assert_contents (f->path, "old");
  g_assert_true (g_file_test (f->part, G_FILE_TEST_EXISTS) == stays);
}

static const Answer whole = { 200, "[('ETag', '" TAG "'), ('Content-Length', '16')]", WHOLE };
static const Answer cut = { 200, "[('ETag', '" TAG "')]", "0123456789", TRUE };
static const Answer rest
    = { 206, "[('Content-Range', 'bytes 10-15/16'), ('ETag', '" TAG "')]", "abcdef" };

#define RANGE(first) "Range=bytes=" first "- If-Range=" TAG " \n"

static mode_t
mode_of (const char *path)
{
  struct stat state;

  g_assert_cmpint (stat (path, &state), ==, 0);
  return state.st_mode & 0777;
}

static void
test_whole (Fixture *f, gconstpointer user_data)
{
  mode_t before = umask (027);

  assert_downloads (f, &whole, "\n");
  g_assert_cmpint (mode_of (f->path), ==, 0640);
  g_assert_cmpint (chmod (f->path, 0604), ==, 0);
  assert_downloads (f, &whole, "\n");
  g_assert_cmpint (mode_of (f->path), ==, 0604);
  umask (before);
}

/* Whatever ended the body, but for the server or the pins. */
static void
test_cut (Fixture *f, gconstpointer user_data)
{
  static const struct
  {
    const char *reason;
    CertpinError code;
  } cases[] = { { CERTPIN_ERROR_PREFIX "Truncated", CERTPIN_ERROR_TRUNCATED },
                { CERTPIN_ERROR_PREFIX "TimedOut", CERTPIN_ERROR_TIMED_OUT },
                { CERTPIN_ERROR_PREFIX "Offline", CERTPIN_ERROR_OFFLINE },
                { CERTPIN_ERROR_PREFIX "Unreachable", CERTPIN_ERROR_UNREACHABLE },
                { CERTPIN_ERROR_PREFIX "Cancelled", CERTPIN_ERROR_CANCELLED } };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      f->reason = cases[i].reason;
      assert_fails (f, &cut, (int)cases[i].code, TRUE);
      assert_downloads (f, &rest, RANGE ("10"));
    }
}

static void
test_resumed (Fixture *f, gconstpointer user_data)
{
  assert_fails (f, &cut, CERTPIN_ERROR_TRUNCATED, /* stays= */ TRUE);
  assert_downloads (f, &rest, RANGE ("10"));
}

/* Step by step, even if there is no connection in between. */
static void
test_resumed_often (Fixture *f, gconstpointer user_data)
{
  const Answer more
      = { 206, "[('Content-Range', 'bytes 10-15/16'), ('ETag', '" TAG "')]", "ab", TRUE };
  /* less than its own head says */
  const Answer little = { 206, "[('Content-Range', 'bytes 12-15/16'), ('ETag', '" TAG "')]", "c" };
  const Answer last = { 206, "[('Content-Range', 'bytes 13-15/16'), ('ETag', '" TAG "')]", "def" };
  const Answer missing = { 404, "@a(ss) []", "not found" };
  g_autoptr (CertpinResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  assert_fails (f, &cut, CERTPIN_ERROR_TRUNCATED, TRUE);
  assert_fails (f, &more, CERTPIN_ERROR_TRUNCATED, TRUE);
  g_assert_cmpstr (f->ranges->str, ==, RANGE ("10"));
  response = download_url (f, URL, &missing, &error);
  g_assert_no_error (error);
  assert_fails (f, &little, CERTPIN_ERROR_TRUNCATED, TRUE);
  g_assert_cmpstr (f->ranges->str, ==, RANGE ("12"));
  assert_downloads (f, &last, RANGE ("13"));
}

/* The part is dropped, and all of the file requested, in the same request or in another one. */
static void
test_not_resumed (Fixture *f, gconstpointer user_data)
{
  static const Answer others[]
      = { { 416, "[('Content-Range', 'bytes */5')]", "" },
          { 206, "[('Content-Range', 'bytes 9-15/16'), ('ETag', '" TAG "')]", "9abcdef" },
          { 206, "[('Content-Range', 'bytes 10-15/16'), ('ETag', '\"two\"')]", "ABCDEF" },
          { 206, "[('Content-Range', 'bytes 10-15/16')]", "ABCDEF" },
          { 206, "[('Content-Range', 'bytes 10-15/16'), ('ETag', 'W/" TAG "')]", "ABCDEF" },
          { 206, "[('Content-Range', 'bytes 10-9/16'), ('ETag', '" TAG "')]", "" },
          { 206, "[('Content-Range', 'bytes 10-15/15'), ('ETag', '" TAG "')]", "abcdef" },
          { 206, "[('Content-Range', 'lines 10-15/16'), ('ETag', '" TAG "')]", "abcdef" },
          { 206, "[('Content-Range', 'bytes 10-12/*'), ('ETag', '" TAG "')]", "abc" },
          { 206, "[('Content-Range', 'bytes 10-15/*'), ('ETag', '" TAG "')]", "abcdef" },
          { 206, "[('Content-Range', 'bytes 10-12/16'), ('ETag', '" TAG "')]", "abc" },
          { 206, "[('Content-Type', 'multipart/byteranges'), ('ETag', '" TAG "')]", "--x" } };

  assert_fails (f, &cut, CERTPIN_ERROR_TRUNCATED, TRUE);
  assert_downloads (f, &whole, RANGE ("10"));
  for (size_t i = 0; i < G_N_ELEMENTS (others); i++)
    {
      const Answer answers[] = { others[i], whole };

      assert_fails (f, &cut, CERTPIN_ERROR_TRUNCATED, TRUE);
      assert_downloads (f, answers, RANGE ("10") "\n");
    }
}

/* The server has another key: what it sends must not be mixed with what the other one sent. */
static void
test_other_key (Fixture *f, gconstpointer user_data)
{
  const Answer answers[] = { rest, whole };
  g_autofree char *contents = NULL;
  g_autoptr (GError) error = NULL;
  char *key;
  gsize length;

  assert_fails (f, &cut, CERTPIN_ERROR_TRUNCATED, TRUE);
  g_file_get_contents (f->part, &contents, &length, &error);
  g_assert_no_error (error);
  key = strstr (contents, "sha256/A");
  g_assert_nonnull (key);
  key[strlen ("sha256/")] = 'B';
  g_file_set_contents (f->part, contents, (gssize)length, &error);
  g_assert_no_error (error);
  assert_downloads (f, answers, RANGE ("10") "\n");
}

static void
test_nothing_stays (Fixture *f, gconstpointer user_data)
{
  const Answer untagged = { 200, "@a(ss) []", "0123456789", TRUE };
  const Answer weak = { 200, "[('ETag', 'W/" TAG "')]", "0123456789", TRUE };
  const Answer empty = { 200, "[('ETag', '" TAG "')]", "", TRUE };

  assert_fails (f, &untagged, CERTPIN_ERROR_TRUNCATED, /* stays= */ FALSE);
  assert_fails (f, &weak, CERTPIN_ERROR_TRUNCATED, FALSE);
  assert_fails (f, &empty, CERTPIN_ERROR_TRUNCATED, FALSE);
  f->reason = CERTPIN_ERROR_PREFIX "PinChanged";
  assert_fails (f, &cut, CERTPIN_ERROR_PIN_CHANGED, FALSE);
  f->reason = CERTPIN_ERROR_PREFIX "ProtocolError";
  assert_fails (f, &cut, CERTPIN_ERROR_PROTOCOL_ERROR, FALSE);
}

/* What came before a request without an answer is there for the next one, unless nobody knows now
 * whether the server was the right one. */
static void
test_no_answer (Fixture *f, gconstpointer user_data)
{
  static const struct
  {
    const char *name;
    CertpinError code;
    gboolean stays;
  } cases[] = { { CERTPIN_ERROR_PREFIX "LimitExceeded", CERTPIN_ERROR_LIMIT_EXCEEDED, TRUE },
                { CERTPIN_ERROR_PREFIX "InvalidArgument", CERTPIN_ERROR_INVALID_ARGUMENT, TRUE },
                { CERTPIN_ERROR_PREFIX "ProxyFailed", CERTPIN_ERROR_PROXY_FAILED, TRUE },
                { CERTPIN_ERROR_PREFIX "TlsFailed", CERTPIN_ERROR_TLS_FAILED, TRUE },
                { CERTPIN_ERROR_PREFIX "Unreachable", CERTPIN_ERROR_UNREACHABLE, TRUE },
                { CERTPIN_ERROR_PREFIX "PinMismatch", CERTPIN_ERROR_PIN_MISMATCH, FALSE },
                { CERTPIN_ERROR_PREFIX "Untrusted", CERTPIN_ERROR_UNTRUSTED, FALSE },
                { CERTPIN_ERROR_PREFIX "NotPinned", CERTPIN_ERROR_NOT_PINNED, FALSE },
                { CERTPIN_ERROR_PREFIX "Blocked", CERTPIN_ERROR_BLOCKED, FALSE },
                { CERTPIN_ERROR_PREFIX "PinExpired", CERTPIN_ERROR_PIN_EXPIRED, FALSE } };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      f->refusal = NULL;
      assert_fails (f, &cut, CERTPIN_ERROR_TRUNCATED, TRUE);
      f->refusal = cases[i].name;
      assert_fails (f, NULL, (int)cases[i].code, cases[i].stays);
      f->refusal = NULL;
      if (cases[i].stays)
        assert_downloads (f, &rest, RANGE ("10"));
    }
}

static void
test_part_not_asked_for (Fixture *f, gconstpointer user_data)
{
  assert_fails (f, &rest, CERTPIN_ERROR_PROTOCOL_ERROR, FALSE);
}

/* The part of another URL is of no use. */
static void
test_other_url (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinResponse) response = NULL;

  assert_fails (f, &cut, CERTPIN_ERROR_TRUNCATED, TRUE);
  response = download_url (f, OTHER, &whole, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (f->ranges->str, ==, "\n");
  assert_contents (f->path, WHOLE);
  g_assert_false (g_file_test (f->part, G_FILE_TEST_EXISTS));
}

/* Nor is one whose request had no body, or another one. */
static void
test_request_with_body (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CertpinRequestBuilder) builder = certpin_request_builder_new (URL);
  g_autoptr (GFile) body = g_file_new_for_path ("/proc/self/cmdline");
  g_autoptr (CertpinRequest) request = NULL;
  g_autoptr (CertpinResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  assert_fails (f, &cut, CERTPIN_ERROR_TRUNCATED, TRUE);
  certpin_request_builder_set_body_file (builder, NULL, body);
  request = certpin_request_builder_build (builder, &error);
  g_assert_no_error (error);
  response = download (f, request, &whole, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (f->ranges->str, ==, "\n");
  assert_contents (f->path, WHOLE);
}

/* What somebody else may have prepared, and what is not a part at all. */
static void
test_foreign_part (Fixture *f, gconstpointer user_data)
{
  g_autofree char *twin = g_strconcat (f->path, "-twin", NULL);
  static const char *const others[] = { "", "x", "certpin-part", "\ncertpin-part 1\nffffffff",
                                        "\ncertpin-part 1\n" URL "\n\"one\"\n00000001" };
  g_autoptr (GError) error = NULL;

  assert_fails (f, &cut, CERTPIN_ERROR_TRUNCATED, TRUE);
  g_assert_cmpint (link (f->part, twin), ==, 0);
  assert_downloads (f, &whole, "\n");
  g_assert_cmpint (symlink (twin, f->part), ==, 0);
  assert_downloads (f, &whole, "\n");
  g_assert_cmpint (g_unlink (twin), ==, 0);
  for (size_t i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_file_set_contents (f->part, others[i], -1, &error);
      g_assert_no_error (error);
      assert_downloads (f, &whole, "\n");
    }
}

static void
test_error_status (Fixture *f, gconstpointer user_data)
{
  const Answer missing = { 404, "@a(ss) []", "not found" };
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinResponse) response = download_url (f, URL, &missing, &error);
  g_autoptr (GBytes) body = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (certpin_response_get_status (response), ==, 404);
  body = g_input_stream_read_bytes (certpin_response_get_stream (response), 100, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (body), ==, strlen ("not found"));
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
}

/* Before anything is sent. */
static void
test_wrong_file (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CertpinRequest) request = certpin_request_new ("GET", URL, NULL, NULL, NULL);
  g_autofree char *missing = g_build_filename (f->folder, "missing", "file", NULL);
  const struct
  {
    GFile *file;
    GQuark domain;
    int code;
  } cases[] = { { g_file_new_for_path (f->folder), G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE },
                { g_file_new_for_path ("/dev/null"), G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE },
                { g_file_new_for_path (missing), G_IO_ERROR, G_IO_ERROR_NOT_FOUND },
                { g_file_new_for_uri ("resource:///no/file"), CERTPIN_ERROR,
                  CERTPIN_ERROR_INVALID_ARGUMENT } };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (certpin_client_download (f->client, request, cases[i].file, NULL, NULL, NULL,
                                              NULL, &error));
      g_test_message ("%s", error->message);
      g_assert_error (error, cases[i].domain, cases[i].code);
      g_object_unref (cases[i].file);
    }
  g_assert_cmpuint (fake_service_count (f->service, "SecureRequest"), ==, 0);
}

/* As if the disk were full, at the first byte or later. */
static void
test_no_room (Fixture *f, gconstpointer user_data)
{
  const struct rlimit five = { 5, RLIM_INFINITY };
  struct rlimit before;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  signal (SIGXFSZ, SIG_IGN);
  for (int with_part = 0; with_part < 2; with_part++)
    {
      g_autoptr (GError) error = NULL;

      if (with_part)
        assert_fails (f, &cut, CERTPIN_ERROR_TRUNCATED, TRUE);
      g_file_set_contents (f->path, "old", -1, &error);
      g_assert_no_error (error);
      g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &five), ==, 0);
      g_assert_null (download_url (f, URL, with_part ? &rest : &whole, &error));
      g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
      g_assert_error (error, G_IO_ERROR, (int)g_io_error_from_errno (EFBIG));
      assert_contents (f->path, "old");
      g_assert_false (g_file_test (f->part, G_FILE_TEST_EXISTS));
    }
  signal (SIGXFSZ, SIG_DFL);
}

static void
on_destroy (gpointer data)
{
  ((Fixture *)data)->destroyed++;
}

/* In the program's own thread: whatever is called back, and freed. */
static void
test_cancelled (Fixture *f, gconstpointer user_data)
{
  const Answer held = { 200, "[('ETag', '" TAG "')]", "0123456789" };
  g_autoptr (CertpinRequest) request = certpin_request_new ("GET", URL, NULL, NULL, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  GAsyncResult *pending = NULL;
  g_autoptr (GError) error = NULL;
  CertpinResponse *failed;

  f->answers = &held;
  f->holds = TRUE;
  certpin_client_download_async (f->client, request, f->file, NULL, cancellable, on_progress, f,
                                 on_destroy, test_loop_on_result, &pending);
  while (f->reports == 0)
    test_loop_step ();
  g_cancellable_cancel (cancellable);
  result = test_loop_wait_for (&pending);
  g_assert_null (certpin_client_download_finish (f->client, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  failed = certpin_client_download_get_failed_response (f->client, result);
  g_assert_cmpuint (certpin_response_get_status (failed), ==, 200);
  g_assert_null (certpin_response_get_stream (failed));
  g_assert_cmpuint (f->destroyed, ==, 0);
  g_clear_object (&result);
  test_loop_settle ();
  g_assert_cmpuint (f->destroyed, ==, 1);
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
  f->holds = FALSE;
  if (g_file_test (f->part, G_FILE_TEST_EXISTS))
    assert_downloads (f, &rest, RANGE ("10"));
}

#define ADD(path, function)                                                                        \
  g_test_add ("/client/download/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
  ADD ("whole", test_whole);
  ADD ("cut", test_cut);
  ADD ("resumed", test_resumed);
  ADD ("resumed-often", test_resumed_often);
  ADD ("not-resumed", test_not_resumed);
  ADD ("other-key", test_other_key);
  ADD ("nothing-stays", test_nothing_stays);
  ADD ("no-answer", test_no_answer);
  ADD ("part-not-asked-for", test_part_not_asked_for);
  ADD ("other-url", test_other_url);
  ADD ("request-with-body", test_request_with_body);
  ADD ("foreign-part", test_foreign_part);
  ADD ("error-status", test_error_status);
  ADD ("wrong-file", test_wrong_file);
  ADD ("no-room", test_no_room);
  ADD ("cancelled", test_cancelled);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
