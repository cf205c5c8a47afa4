/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that an upload gives the service all of its body, or less than it announced, and that it
 * ends with the service's answer, however much of the body is left. */

#include "config.h"

#include "tests/client/fake-service.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include "dbus/certpin-names.h"

#include <certpin.h>

#include <gio/gunixfdlist.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define BODY_BYTES  (3 * 1024 * 1024)
#define LARGE_BYTES (1024 * 1024 + 1)
#define UPLOADS     200
#define SPARE       8

typedef struct
{
  FakeService *service;
  CertpinClient *client;
  CertpinRequest *request;
  char *bytes;
  gboolean reads;         /* the service reads the body */
  const char *error_name; /* (nullable): the service's answer */
  GByteArray *received;   /* of the last body */
  guint64 announced;      /* its length */
  goffset done, total;
  unsigned int reports;
  GThread *thread; /* that of the test */
} Fixture;

static void
receive (Fixture *f, int descriptor)
{
  guint8 buffer[16 * 1024];
  gssize length;

  while ((length = read (descriptor, buffer, sizeof buffer)) > 0)
    g_byte_array_append (f->received, buffer, (guint)length);
  g_assert_cmpint (length, ==, 0);
}

static GDBusMessage *
on_call (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (GVariant) options = NULL;
  gint32 index = -1;
  const int *descriptors;

  if (!g_str_equal (g_dbus_message_get_member (call), "SecureRequest"))
    return fake_service_reply (service, call);
  options = g_variant_get_child_value (g_dbus_message_get_body (call), 4);
  g_assert_true (g_variant_lookup (options, "body-stream", "h", &index));
  g_assert_true (g_variant_lookup (options, "body-length", "t", &f->announced));
  descriptors = g_unix_fd_list_peek_fds (g_dbus_message_get_unix_fd_list (call), NULL);
  g_byte_array_set_size (f->received, 0);
  if (f->reads)
    receive (f, descriptors[index]);
  if (f->error_name != NULL)
    return g_dbus_message_new_method_error_literal (call, f->error_name, "the reason");
  return fake_service_reply (service, call);
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  private_bus_start ();
  f->service = fake_service_new ();
  f->client = certpin_client_new ();
  f->request = certpin_request_new ("PUT", "https://h.example/", NULL, NULL, NULL);
  f->reads = TRUE;
  f->thread = g_thread_self ();
  f->received = g_byte_array_new ();
  f->bytes = g_malloc (BODY_BYTES);
  for (gsize i = 0; i < BODY_BYTES; i++)
    f->bytes[i] = (char)(i % 251);
  fake_service_set_handler (f->service, on_call, f);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_object_unref (f->client);
  certpin_request_unref (f->request);
  fake_service_free (f->service);
  g_byte_array_unref (f->received);
  g_free (f->bytes);
  test_loop_settle ();
  private_bus_stop ();
}

static GInputStream *
new_body (Fixture *f, gsize length)
{
  return g_memory_input_stream_new_from_data (f->bytes, (gssize)length, NULL);
}

/* A program need not be ready for another thread, and may make calls. */
static void
on_progress (goffset done, goffset total, gpointer user_data)
{
  Fixture *f = user_data;

  g_assert_true (g_thread_self () == f->thread);
  g_assert_null (g_main_context_get_thread_default ());
  f->done = done;
  f->total = total;
  f->reports++;
}

static CertpinResponse *
upload (Fixture *f, GInputStream *body, goffset length, GError **error)
{
  return certpin_client_upload (f->client, f->request, body, length, NULL, NULL, on_progress, f,
                                error);
}

static void
assert_received (Fixture *f, gsize length)
{
  g_assert_cmpuint (f->announced, ==, length);
  g_assert_cmpmem (f->received->data, f->received->len, f->bytes, length);
}

static void
test_whole (Fixture *f, gconstpointer user_data)
{
  static const gsize lengths[] = { 0, 1, 65536, 65537, BODY_BYTES };

  for (size_t i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autoptr (GInputStream) body = new_body (f, BODY_BYTES);
      g_autoptr (GError) error = NULL;
      g_autoptr (CertpinResponse) response = upload (f, body, (goffset)lengths[i], &error);

      g_assert_no_error (error);
      g_assert_nonnull (certpin_response_get_stream (response));
      assert_received (f, lengths[i]);
      g_assert_cmpint (f->done, ==, lengths[i]);
    }
}

static void
test_file (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GFileIOStream) io = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) file = g_file_new_tmp ("certpin-upload-XXXXXX", &io, &error);
  g_autoptr (GFileInputStream) body = NULL;
  g_autoptr (CertpinResponse) response = NULL;

  g_assert_no_error (error);
  g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (io)), f->bytes, 100000,
                             NULL, NULL, &error);
  g_assert_no_error (error);
  body = g_file_read (file, NULL, &error);
  g_assert_no_error (error);
  response = upload (f, G_INPUT_STREAM (body), -1, &error);
  g_assert_no_error (error);
  assert_received (f, 100000);
  g_unlink (g_file_peek_path (file));
}

/* The service sees that, and so does the program: not only that the service refused it. */
static void
test_ends_early (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GInputStream) body = new_body (f, 1000);
  g_autoptr (GError) error = NULL;

  f->error_name = CERTPIN_ERROR_PREFIX "InvalidArgument";
  g_assert_null (upload (f, body, 1001, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT);
  g_assert_cmpuint (f->received->len, ==, 1000);
  g_assert_cmpuint (f->announced, ==, 1001);
}

/* The service has more to say than that it reads no more. */
static void
test_not_read (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GInputStream) body = new_body (f, BODY_BYTES);
  g_autoptr (GInputStream) another = new_body (f, BODY_BYTES);
  g_autoptr (CertpinResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  f->reads = FALSE;
  response = upload (f, body, BODY_BYTES, &error);
  g_assert_no_error (error);
  g_assert_nonnull (response);
  f->error_name = CERTPIN_ERROR_PREFIX "PinMismatch";
  g_assert_null (upload (f, another, BODY_BYTES, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_PIN_MISMATCH);
}

static void
test_wrong (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GInputStream) body = new_body (f, 10);
  g_autoptr (GBytes) own = g_bytes_new_static ("own", 3);
  g_autoptr (GError) error = NULL;

  certpin_request_unref (f->request);
  f->request = certpin_request_new ("PUT", "https://h.example/", NULL, own, NULL);
  g_assert_null (upload (f, body, 10, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT);
  g_assert_cmpuint (fake_service_count (f->service, "SecureRequest"), ==, 0);
}

static void
test_cancelled (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GInputStream) body = new_body (f, BODY_BYTES);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  GAsyncResult *pending = NULL;
  g_autoptr (GError) error = NULL;

  fake_service_set_handler (f->service, fake_service_hold, NULL);
  certpin_client_upload_async (f->client, f->request, body, BODY_BYTES, NULL, cancellable,
                               on_progress, f, NULL, test_loop_on_result, &pending);
  fake_service_wait_for_held (f->service, 1);
  g_cancellable_cancel (cancellable);
  result = test_loop_wait_for (&pending);
  g_assert_null (certpin_client_upload_finish (f->client, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (f->reports, >, 0);
  fake_service_wait_for_held (f->service, 0);
}

/* A body that is too large for a call is uploaded, whichever function sends it. */
static void
test_large (Fixture *f, gconstpointer user_data)
{
  g_autofree char *bytes = g_strnfill (LARGE_BYTES, 'x');
  g_autoptr (GBytes) body = g_bytes_new_static (bytes, LARGE_BYTES);
  g_autoptr (CertpinRequest) large
      = certpin_request_new ("PUT", "https://h.example/", NULL, body, NULL);

  for (int in_memory = 0; in_memory < 2; in_memory++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CertpinResponse) response
          = in_memory ? certpin_client_secure_request (f->client, large, NULL, NULL, &error)
                      : certpin_client_send (f->client, large, NULL, NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpmem (f->received->data, f->received->len, bytes, LARGE_BYTES);
      g_assert_true ((certpin_response_get_stream (response) == NULL) == in_memory);
      g_assert_cmpuint (g_bytes_get_size (certpin_response_get_body (response)), ==, in_memory);
    }
}

static unsigned int
count_open_files (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  unsigned int count = 0;

  while (g_dir_read_name (dir) != NULL)
    count++;
  return count;
}

static void
test_many (Fixture *f, gconstpointer user_data)
{
  unsigned int before = 0;

  for (unsigned int i = 0; i < UPLOADS; i++)
    {
      g_autoptr (GInputStream) body = new_body (f, BODY_BYTES);
      g_autoptr (CertpinResponse) response = NULL;

      f->reads = i % 2 == 0;
      f->error_name = i % 3 == 0 ? CERTPIN_ERROR_PREFIX "Truncated" : NULL;
      response = upload (f, body, 100000, NULL);
      if (i == 2)
        before = count_open_files ();
    }
  g_assert_cmpuint (count_open_files (), <=, before + SPARE);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/client/upload/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
  ADD ("whole", test_whole);
  ADD ("file", test_file);
  ADD ("ends-early", test_ends_early);
  ADD ("not-read", test_not_read);
  ADD ("wrong", test_wrong);
  ADD ("cancelled", test_cancelled);
  ADD ("large", test_large);
  ADD ("many", test_many);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
