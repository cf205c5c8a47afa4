/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that reading a certificate's file has the deadline of a call, and that the host is blocked
 * if the file misses it. The linker puts __wrap_… in the place of the library's own function, so
 * the deadline is short here. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "client-lib/certpin-task.h"
#include "tests/client/fake-service.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include <glib/gstdio.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHORT_MS 100
#define LONG_MS  20000

typedef struct
{
  FakeService *service;
  CertpinClient *client;
  char *folder;
  char *path; /* of a FIFO */
  GFile *file;
} Fixture;

static int timeout_ms;

int __wrap_certpin_task_get_timeout_ms (GTask *task);

int
__wrap_certpin_task_get_timeout_ms (GTask *task)
{
  return timeout_ms;
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  private_bus_start ();
  f->service = fake_service_new ();
  f->client = certpin_client_new ();
  f->folder = g_dir_make_tmp ("certpin-fifo-XXXXXX", NULL);
  f->path = g_build_filename (f->folder, "fifo", NULL);
  f->file = g_file_new_for_path (f->path);
  g_assert_no_errno (mkfifo (f->path, 0600));
  timeout_ms = SHORT_MS;
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_object_unref (f->file);
  g_unlink (f->path);
  g_rmdir (f->folder);
  g_free (f->path);
  g_free (f->folder);
  g_object_unref (f->client);
  fake_service_free (f->service);
  test_loop_settle ();
  private_bus_stop ();
}

static void
assert_unreadable (const GError *error)
{
  g_test_message ("%s", error->message);
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FILE_NOT_FOUND);
  g_assert_nonnull (g_strstr_len (error->message, -1, "the host ‘h.example’ is blocked"));
}

/* The asynchronous and the waiting function end, and block the host, as nothing was pinned. */
static void
assert_both_block (Fixture *f)
{
  GAsyncResult *pending = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) async_error = NULL, error = NULL;

  certpin_client_pin_certificate_from_file_async (f->client, "h.example", f->file, NULL, NULL,
                                                  test_loop_on_result, &pending);
  result = test_loop_wait_for (&pending);
  g_assert_null (certpin_client_pin_certificate_from_file_finish (f->client, result, &async_error));
  assert_unreadable (async_error);
  g_assert_null (certpin_client_pin_certificate_from_file (f->client, "h.example", f->file, NULL,
                                                           NULL, &error));
  assert_unreadable (error);
  g_assert_cmpuint (fake_service_count (f->service, "BlockHost"), ==, 2);
}

/* Opening the FIFO blocks. What is written to it later is not pinned. */
static void
test_no_writer (Fixture *f, gconstpointer user_data)
{
  int both;

  assert_both_block (f);
  both = open (f->path, O_RDWR | O_CLOEXEC); /* unblocks the threads */
  g_assert_no_errno (both);
  g_assert_cmpint (write (both, "der", 3), ==, 3);
  g_assert_no_errno (close (both));
  test_loop_settle ();
  g_assert_true (certpin_client_unpin (f->client, "h.example", NULL, NULL, NULL));
  g_assert_cmpuint (fake_service_count (f->service, "PinCertificate"), ==, 0);
}

/* Reading from the FIFO blocks. */
static void
test_silent_writer (Fixture *f, gconstpointer user_data)
{
  int writer = open (f->path, O_RDWR | O_CLOEXEC);

  g_assert_no_errno (writer);
  assert_both_block (f);
  g_assert_no_errno (close (writer));
  g_assert_cmpuint (fake_service_count (f->service, "PinCertificate"), ==, 0);
}

/* A pipe is read like any other file if the certificate comes in time. */
static void
test_writer_in_time (Fixture *f, gconstpointer user_data)
{
  GAsyncResult *pending = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinPin) pin = NULL;
  int writer;

  timeout_ms = LONG_MS;
  certpin_client_pin_certificate_from_file_async (f->client, "h.example", f->file, NULL, NULL,
                                                  test_loop_on_result, &pending);
  test_loop_settle (); /* until a thread opens the FIFO */
  writer = open (f->path, O_WRONLY | O_CLOEXEC);
  g_assert_no_errno (writer);
  g_assert_cmpint (write (writer, "der", 3), ==, 3);
  g_assert_no_errno (close (writer));
  result = test_loop_wait_for (&pending);
  pin = certpin_client_pin_certificate_from_file_finish (f->client, result, &error);
  g_assert_no_error (error);
  g_assert_nonnull (pin);
  g_assert_cmpuint (fake_service_count (f->service, "BlockHost"), ==, 0);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/client/file-deadline/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
  ADD ("no-writer", test_no_writer);
  ADD ("silent-writer", test_silent_writer);
  ADD ("writer-in-time", test_writer_in_time);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
