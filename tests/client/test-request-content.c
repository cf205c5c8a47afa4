/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that the service gets all of a body that is in a file or comes by a stream, whether or not
 * its length is known, and that no rest of one is ever sent as the whole. */

#include "config.h"

#include "tests/client/fake-service.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include "dbus/certpin-names.h"

#include <certpin.h>

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <gio/gunixinputstream.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGE_BYTES (2 * 1024 * 1024 + 1)

typedef struct
{
  FakeService *service;
  CertpinClient *client;
  CertpinRequestBuilder *builder;
  GByteArray *received; /* the last body */
  guint64 announced;    /* its length */
  char *folder;         /* for temporary files */
  char *path;           /* in another one */
} Fixture;

static GDBusMessage *
on_call (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (GVariant) options = g_variant_get_child_value (g_dbus_message_get_body (call), 4);
  guint8 buffer[16 * 1024];
  gssize length;
  gint32 index = -1;
  int descriptor;

  g_assert_true (g_variant_lookup (options, "body-stream", "h", &index));
  g_assert_true (g_variant_lookup (options, "body-length", "t", &f->announced));
  descriptor = g_unix_fd_list_peek_fds (g_dbus_message_get_unix_fd_list (call), NULL)[index];
  g_byte_array_set_size (f->received, 0);
  while ((length = read (descriptor, buffer, sizeof buffer)) > 0)
    g_byte_array_append (f->received, buffer, (guint)length);
  if (f->received->len == f->announced)
    return fake_service_reply (service, call);
  return g_dbus_message_new_method_error_literal (call, CERTPIN_ERROR_PREFIX "InvalidArgument",
                                                  "the body ended early");
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  private_bus_start ();
  f->service = fake_service_new ();
  fake_service_set_handler (f->service, on_call, f);
  f->client = certpin_client_new ();
  f->builder = certpin_request_builder_new ("https://h.example/");
  f->received = g_byte_array_new ();
  f->folder = g_strdup (g_get_tmp_dir ());
  f->path = g_strconcat (f->folder, ".body", NULL);
}

/* No temporary file is left; the bus has a folder here. */
static void
assert_only_folders (const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *entry = g_build_filename (path, name, NULL);

      g_assert_true (g_file_test (entry, G_FILE_TEST_IS_DIR));
    }
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  assert_only_folders (f->folder);
  g_object_unref (f->client);
  certpin_request_builder_unref (f->builder);
  fake_service_free (f->service);
  g_byte_array_unref (f->received);
  g_unlink (f->path);
  g_free (f->path);
  g_free (f->folder);
  test_loop_settle ();
  private_bus_stop ();
}

/* By certpin_client_send(), or certpin_client_secure_request().
 * Returns: (transfer full) (nullable): how it failed; NULL: it did not */
static GError *
send_by (Fixture *f, CertpinRequest *request, gboolean in_memory)
{
  GError *error = NULL;
  g_autoptr (CertpinResponse) response
      = in_memory ? certpin_client_secure_request (f->client, request, NULL, NULL, &error)
                  : certpin_client_send (f->client, request, NULL, NULL, &error);

  g_assert_true ((response == NULL) == (error != NULL));
  return error;
}

static CertpinRequest *
build (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  CertpinRequest *request = certpin_request_builder_build (f->builder, &error);

  g_assert_no_error (error);
  return request;
}

/* `content`: the whole body */
static void
assert_sent (Fixture *f, gboolean in_memory, const char *content, gsize length)
{
  g_autoptr (CertpinRequest) request = build (f);
  g_autoptr (GError) error = send_by (f, request, in_memory);

  g_assert_no_error (error);
  g_assert_cmpuint (f->announced, ==, length);
  g_assert_cmpmem (f->received->data, f->received->len, content, length);
}

static void
assert_fails (Fixture *f, GQuark domain, int code)
{
  g_autoptr (CertpinRequest) request = build (f);

  for (int in_memory = 0; in_memory < 2; in_memory++)
    {
      g_autoptr (GError) error = send_by (f, request, in_memory);

      g_assert_error (error, domain, code);
      g_test_message ("%s", error->message);
    }
}

static void
set_file (Fixture *f, const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);

  certpin_request_builder_set_body_file (f->builder, NULL, file);
}

/* As often as the request is sent, and also if the file seems to be empty, as those of the kernel
 * do. */
static void
test_file (Fixture *f, gconstpointer user_data)
{
  static const gsize lengths[] = { 0, 1, LARGE_BYTES };
  g_autofree char *own = NULL;
  gsize own_length;

  for (size_t i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autofree char *content = g_strnfill (lengths[i], 'x');

      g_assert_true (g_file_set_contents (f->path, content, (gssize)lengths[i], NULL));
      set_file (f, f->path);
      assert_sent (f, FALSE, content, lengths[i]);
      assert_sent (f, TRUE, content, lengths[i]);
    }
  g_assert_true (g_file_get_contents ("/proc/self/cmdline", &own, &own_length, NULL));
  g_assert_cmpuint (own_length, >, 0);
  set_file (f, "/proc/self/cmdline");
  assert_sent (f, FALSE, own, own_length);
}

static void
test_no_file (Fixture *f, gconstpointer user_data)
{
  set_file (f, f->path);
  assert_fails (f, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  set_file (f, f->folder);
  assert_fails (f, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE);
  g_assert_cmpint (mkfifo (f->path, 0600), ==, 0);
  set_file (f, f->path);
  assert_fails (f, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE);
  g_assert_cmpuint (fake_service_count (f->service, "SecureRequest"), ==, 0);
}

/* A stream that does not know how long it is. `length`: how much of it is the body */
static void
set_pipe (Fixture *f, const char *content, gint64 length)
{
  g_autoptr (GInputStream) stream = NULL;
  int ends[2];

  g_assert_true (g_unix_open_pipe (ends, FD_CLOEXEC, NULL));
  g_assert_cmpint (write (ends[1], content, strlen (content)), ==, (gssize)strlen (content));
  g_close (ends[1], NULL);
  stream = g_unix_input_stream_new (ends[0], /* close_fd= */ TRUE);
  certpin_request_builder_set_body_stream (f->builder, NULL, stream, length);
}

static void
test_stream (Fixture *f, gconstpointer user_data)
{
  for (int in_memory = 0; in_memory < 2; in_memory++)
    {
      set_pipe (f, "one two", 3);
      assert_sent (f, in_memory, "one", 3);
      set_pipe (f, "one two", -1);
      assert_sent (f, in_memory, "one two", 7);
      set_pipe (f, "", -1);
      assert_sent (f, in_memory, "", 0);
    }
}

static void
test_stream_ends_early (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CertpinRequest) request = NULL;
  g_autoptr (GError) error = NULL;

  set_pipe (f, "one", 4);
  request = build (f);
  error = send_by (f, request, FALSE);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT);
}

/* Neither the request nor another one of the same builder. */
static void
test_stream_again (Fixture *f, gconstpointer user_data)
{
  static const gint64 lengths[] = { 3, -1 };

  for (size_t i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      unsigned int calls;

      set_pipe (f, "one", lengths[i]);
      assert_sent (f, FALSE, "one", 3);
      calls = fake_service_count (f->service, "SecureRequest");
      assert_fails (f, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT);
      g_assert_cmpuint (fake_service_count (f->service, "SecureRequest"), ==, calls);
    }
}

/* A call that was cancelled before has not touched the stream. */
static void
test_cancelled_before (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (CertpinRequest) request = NULL;
  g_autoptr (GError) error = NULL;

  set_pipe (f, "one", -1);
  request = build (f);
  g_cancellable_cancel (cancellable);
  g_assert_null (certpin_client_send (f->client, request, NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_sent (f, FALSE, "one", 3);
}

/* While a stream is read whose end does not come. */
static void
test_cancelled (Fixture *f, gconstpointer user_data)
{
  g_autofree char *content = g_strnfill (LARGE_BYTES, 'x');
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GInputStream) stream = NULL;
  g_autoptr (CertpinRequest) request = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  GAsyncResult *pending = NULL;
  g_autoptr (GError) error = NULL;
  int ends[2];

  g_assert_true (g_unix_open_pipe (ends, FD_CLOEXEC, NULL));
  stream = g_unix_input_stream_new (ends[0], /* close_fd= */ TRUE);
  certpin_request_builder_set_body_stream (f->builder, NULL, stream, -1);
  request = build (f);
  certpin_client_send_async (f->client, request, NULL, cancellable, test_loop_on_result, &pending);
  /* More than the pipe holds, so that it is being read when all is written. */
  g_assert_cmpint (write (ends[1], content, LARGE_BYTES), ==, LARGE_BYTES);
  g_cancellable_cancel (cancellable);
  result = test_loop_wait_for (&pending);
  g_assert_null (certpin_client_send_finish (f->client, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (fake_service_count (f->service, "SecureRequest"), ==, 0);
  g_close (ends[1], NULL);
}

static void
test_upload (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GInputStream) another = g_memory_input_stream_new ();
  g_autoptr (CertpinRequest) request = NULL;
  g_autoptr (GError) error = NULL;

  set_file (f, "/proc/self/cmdline");
  request = build (f);
  g_assert_null (
      certpin_client_upload (f->client, request, another, 0, NULL, NULL, NULL, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT);
  g_assert_cmpuint (fake_service_count (f->service, "SecureRequest"), ==, 0);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/client/request-content/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  const char *before = g_getenv ("TMPDIR");
  g_autofree char *folder
      = g_build_filename (before != NULL ? before : "/tmp", "certpin-content-XXXXXX", NULL);
  int status;

  g_assert_nonnull (g_mkdtemp (folder));
  g_setenv ("TMPDIR", folder, TRUE); /* before GLib asks for it */
  private_bus_init (&argc, &argv);
  ADD ("file", test_file);
  ADD ("no-file", test_no_file);
  ADD ("stream", test_stream);
  ADD ("stream-ends-early", test_stream_ends_early);
  ADD ("stream-again", test_stream_again);
  ADD ("cancelled-before", test_cancelled_before);
  ADD ("cancelled", test_cancelled);
  ADD ("upload", test_upload);
  status = g_test_run ();
  private_bus_finish ();
  g_rmdir (folder);
  return status;
}
