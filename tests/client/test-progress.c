/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a program may do in a function for the progress what it may do in any callback: wait
 * for a call, make one, cancel the transfer, run a loop until it has ended, and drop the client. */

#include "config.h"

#include "tests/client/fake-body.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include <certpin.h>

#include <gio/gunixfdlist.h>

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define URL        "https://h.example/file"
#define FIRST      "0123456789"
#define BODY_BYTES (1024 * 1024)

typedef struct Fixture Fixture;

typedef void (*Deed) (Fixture *f);

struct Fixture
{
  FakeService *service;
  CertpinClient *client;
  CertpinRequest *get, *put;
  GCancellable *cancellable;
  char *folder;
  GFile *file;
  FakeBody body;
  Deed deed;           /* what the first report leads to */
  GThread *thread;     /* whose functions are called back */
  GAsyncResult *inner; /* of the call that the deed makes */
  GAsyncResult *outer; /* of the transfer */
  gboolean holds;
  unsigned int reports, depth, destroyed;
};

/* Reads the body of a request. */
static void
drain (GDBusMessage *call)
{
  int fd = g_unix_fd_list_peek_fds (g_dbus_message_get_unix_fd_list (call), NULL)[0];
  char buffer[16 * 1024];

  while (read (fd, buffer, sizeof buffer) > 0)
    ;
}

/* A request with a body is held, if it is to be cancelled. Without one, the body of its response
 * begins, and ends when the program has done its deed. */
static GDBusMessage *
on_call (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  Fixture *f = user_data;
  GDBusMessage *reply;

  if (!g_str_equal (g_dbus_message_get_member (call), "SecureRequest"))
    return fake_service_reply (service, call);
  if (g_dbus_message_get_unix_fd_list (call) != NULL && f->holds)
    return fake_service_hold (service, call, NULL);
  if (g_dbus_message_get_unix_fd_list (call) != NULL)
    {
      drain (call);
      return fake_service_reply (service, call);
    }
  fake_body_init (&f->body);
  reply = fake_body_reply (&f->body, call, 200, "@a(ss) []");
  fake_body_write (&f->body, FIRST, strlen (FIRST));
  return reply;
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;

  private_bus_start ();
  f->body = (FakeBody){ -1, -1 };
  f->service = fake_service_new_with_handler (on_call, f);
  f->client = certpin_client_new ();
  f->get = certpin_request_new ("GET", URL, NULL, NULL, NULL);
  f->put = certpin_request_new ("PUT", URL, NULL, NULL, NULL);
  f->cancellable = g_cancellable_new ();
  f->folder = g_dir_make_tmp ("certpin-progress-XXXXXX", &error);
  g_assert_no_error (error);
  path = g_build_filename (f->folder, "file", NULL);
  f->file = g_file_new_for_path (path);
  f->thread = g_thread_self ();
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_clear_object (&f->inner);
  g_clear_object (&f->outer);
  g_clear_object (&f->client);
  certpin_request_unref (f->get);
  certpin_request_unref (f->put);
  g_object_unref (f->cancellable);
  fake_service_free (f->service);
  fake_body_clear (&f->body);
  g_file_delete (f->file, NULL, NULL);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  g_object_unref (f->file);
  g_free (f->folder);
  test_loop_settle ();
  private_bus_stop ();
}

static void
on_progress (goffset done, goffset total, gpointer user_data)
{
  Fixture *f = user_data;

  g_assert_true (g_thread_self () == f->thread);
  g_assert_cmpuint (f->destroyed, ==, 0);
  if (f->reports++ > 0)
    return;
  f->depth++;
  f->deed (f);
  f->depth--;
}

static void
on_destroy (gpointer data)
{
  Fixture *f = data;

  g_assert_true (g_thread_self () == f->thread);
  f->destroyed++;
}

static void
finish_body (Fixture *f)
{
  if (f->body.service != -1)
    fake_body_finish (&f->body);
}

static void
wait_for_call (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  certpin_client_unpin (f->client, "h.example", NULL, NULL, &error);
  g_assert_no_error (error);
  finish_body (f);
}

static void
begin_call (Fixture *f)
{
  certpin_client_unpin_async (f->client, "h.example", NULL, NULL, test_loop_on_result, &f->inner);
  finish_body (f);
}

static void
cancel (Fixture *f)
{
  g_cancellable_cancel (f->cancellable);
}

/* A program may show a dialog there. */
static void
cancel_and_run_loop (Fixture *f)
{
  g_cancellable_cancel (f->cancellable);
  while (f->outer == NULL)
    test_loop_step ();
}

static void
run_loop (Fixture *f)
{
  finish_body (f);
  while (f->outer == NULL)
    test_loop_step ();
}

static void
drop_client (Fixture *f)
{
  g_clear_object (&f->client);
  finish_body (f);
}

/* Another transfer, whose reports come in the middle of this one's. */
static void
transfer (Fixture *f)
{
  g_autoptr (CertpinResponse) response = NULL;
  g_autoptr (GError) error = NULL;
  FakeBody outer = f->body;

  response = certpin_client_send (f->client, f->get, NULL, NULL, &error);
  g_assert_no_error (error);
  fake_body_clear (&f->body);
  f->body = outer;
  finish_body (f);
}

static const struct
{
  const char *name;
  Deed deed;
  gboolean is_cancelled; /* the transfer */
  gboolean needs_loop;   /* only where the transfer does not wait itself */
} deeds[] = {
  { "waits", wait_for_call },
  { "calls", begin_call },
  { "cancels", cancel, TRUE },
  { "cancels-and-runs-a-loop", cancel_and_run_loop, TRUE, TRUE },
  { "runs-a-loop", run_loop, FALSE, TRUE },
  { "drops-the-client", drop_client },
  { "transfers", transfer },
};

typedef enum
{
  DOWNLOAD,
  UPLOAD,
  TRANSFERS,
} Transfer;

static const char *const transfers[] = { "download", "upload" };

#define DEED_OF(user_data)     (GPOINTER_TO_SIZE (user_data) / TRANSFERS)
#define TRANSFER_OF(user_data) ((Transfer)(GPOINTER_TO_SIZE (user_data) % TRANSFERS))

static void
assert_ended (Fixture *f, CertpinResponse *response, GError *error, gconstpointer user_data)
{
  gboolean is_cancelled = deeds[DEED_OF (user_data)].is_cancelled;

  if (is_cancelled)
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  else
    g_assert_no_error (error);
  g_assert_true ((response == NULL) == is_cancelled);
  if (TRANSFER_OF (user_data) == DOWNLOAD)
    g_assert_true (g_file_query_exists (f->file, NULL) == !is_cancelled);
  g_assert_cmpuint (f->reports, >, 0);
  g_assert_cmpuint (f->depth, ==, 0);
}

/* A call that was made in the function returns where all others of the program do. */
static void
assert_inner_ends (Fixture *f)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  if (f->deed != begin_call)
    return;
  result = test_loop_wait_for (&f->inner);
  certpin_client_unpin_finish (CERTPIN_CLIENT (g_task_get_source_object (G_TASK (result))), result,
                               &error);
  g_assert_no_error (error);
}

static GInputStream *
new_body (void)
{
  return g_memory_input_stream_new_from_data (g_malloc0 (BODY_BYTES), BODY_BYTES, g_free);
}

static void
test_blocking (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CertpinResponse) response = NULL;
  g_autoptr (GInputStream) body = new_body ();
  g_autoptr (GError) error = NULL;

  f->deed = deeds[DEED_OF (user_data)].deed;
  f->holds = deeds[DEED_OF (user_data)].is_cancelled;
  if (TRANSFER_OF (user_data) == DOWNLOAD)
    response = certpin_client_download (f->client, f->get, f->file, NULL, f->cancellable,
                                        on_progress, f, &error);
  else
    response = certpin_client_upload (f->client, f->put, body, BODY_BYTES, NULL, f->cancellable,
                                      on_progress, f, &error);
  g_assert_null (f->inner); /* the program's context has not run */
  assert_ended (f, response, error, user_data);
  assert_inner_ends (f);
}

static void
test_async (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CertpinResponse) response = NULL;
  g_autoptr (GInputStream) body = new_body ();
  g_autoptr (CertpinClient) client = g_object_ref (f->client);
  gboolean is_download = TRANSFER_OF (user_data) == DOWNLOAD;
  g_autoptr (GError) error = NULL;

  f->deed = deeds[DEED_OF (user_data)].deed;
  f->holds = deeds[DEED_OF (user_data)].is_cancelled;
  if (is_download)
    certpin_client_download_async (client, f->get, f->file, NULL, f->cancellable, on_progress, f,
                                   on_destroy, test_loop_on_result, &f->outer);
  else
    certpin_client_upload_async (client, f->put, body, BODY_BYTES, NULL, f->cancellable,
                                 on_progress, f, on_destroy, test_loop_on_result, &f->outer);
  if (f->deed == drop_client)
    g_clear_object (&client);
  while (f->outer == NULL || f->depth > 0)
    test_loop_step ();
  if (client == NULL)
    client = CERTPIN_CLIENT (g_async_result_get_source_object (f->outer));
  response = is_download ? certpin_client_download_finish (client, f->outer, &error)
                         : certpin_client_upload_finish (client, f->outer, &error);
  assert_ended (f, response, error, user_data);
  assert_inner_ends (f);
  g_clear_object (&f->outer);
  test_loop_settle ();
  g_assert_cmpuint (f->destroyed, ==, 1);
}

static void
add (const char *way, size_t deed, Transfer transfer, void (*run) (Fixture *, gconstpointer))
{
  g_autofree char *path
      = g_strdup_printf ("/client/progress/%s-%s/%s", way, transfers[transfer], deeds[deed].name);

  g_test_add (path, Fixture, GSIZE_TO_POINTER (deed * TRANSFERS + transfer), set_up, run,
              tear_down);
}

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
  for (size_t i = 0; i < G_N_ELEMENTS (deeds); i++)
    for (Transfer transfer = DOWNLOAD; transfer < TRANSFERS; transfer++)
      {
        if (!deeds[i].needs_loop)
          add ("blocking", i, transfer, test_blocking);
        add ("async", i, transfer, test_async);
      }
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
