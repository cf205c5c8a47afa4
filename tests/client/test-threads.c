/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Everything at once: threads with main contexts of their own make calls over one client and over
 * their own ones, wait in callbacks, cancel, read bodies and watch, while the service, and now and
 * then the bus, ends and comes back. Each call ends once, in its own thread, with what was due.
 * With ThreadSanitizer, this finds data races. */

#include "config.h"

#include "tests/client/fake-body.h"
#include "tests/client/fake-service.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include "dbus/certpin-names.h"

#include <certpin.h>

#define THREADS         6
#define UNDER_WAY       8 /* calls of a thread */
#define RESTARTS        12
#define BUS_RESTARTS_AT 4 /* every fourth one */
#define CALLS_BETWEEN   100

/* What the service answers, by the host. */
typedef enum
{
  FINE,
  ODD,     /* a reply of another type */
  REFUSED, /* an error */
  REPLIES,
} Reply;

static const char *const hosts[] = { "fine.example", "odd.example", "refused.example" };

/* What a thread does with a call. */
typedef enum
{
  ONLY_WAIT,
  CANCEL,
  CALL_IN_CALLBACK,
  READ_BODY,
  WATCH,
  RENEW_CLIENT,
  WAYS,
} Way;

typedef struct
{
  FakeService *service;
  CertpinClient *client; /* of all threads */
  CertpinRequest *request;
  int over; /* atomic: whether the threads are to end */
} Fixture;

typedef struct
{
  Fixture *f;
  GThread *thread;
  CertpinClient *own;
  unsigned int number;
  unsigned int under_way;
  unsigned int ended[REPLIES]; /* calls that ended as was due */
  unsigned int bodies;         /* that came whole */
} Worker;

typedef struct
{
  Worker *worker;
  Reply reply;
  Way way;
  GCancellable *cancellable;
} Call;

static GDBusMessage *
on_call (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  const char *host;
  FakeBody body;

  if (g_str_equal (g_dbus_message_get_member (call), "SecureRequest"))
    {
      fake_body_init (&body);
      fake_body_write (&body, "hello", 5);
      fake_body_finish (&body);
      return fake_body_reply (&body, call, 200, "[('A', 'b')]");
    }
  if (!g_str_equal (g_dbus_message_get_member (call), "Unpin"))
    return fake_service_reply (service, call);
  fake_service_emit (service, "PinChanged", "h.example", "{'state': <'removed'>}");
  g_variant_get_child (g_dbus_message_get_body (call), 0, "&s", &host);
  if (g_str_equal (host, hosts[REFUSED]))
    return g_dbus_message_new_method_error_literal (call, CERTPIN_ERROR_PREFIX "NotPinned", "no");
  if (g_str_equal (host, hosts[ODD]))
    {
      GDBusMessage *odd = g_dbus_message_new_method_reply (call);

      g_dbus_message_set_body (odd, g_variant_new ("(s)", "odd"));
      return odd;
    }
  return fake_service_reply (service, call);
}

/* `error`: (nullable): how the call ended. The service may be away at any time. */
static void
assert_due (Worker *worker, Reply reply, gboolean cancels, const GError *error)
{
  static const CertpinError due[]
      = { [ODD] = CERTPIN_ERROR_FAILED, [REFUSED] = CERTPIN_ERROR_NOT_PINNED };

  g_assert_true (g_thread_self () == worker->thread);
  if (g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_SERVICE_UNAVAILABLE)
      || (cancels && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)))
    return;
  if (reply == FINE)
    g_assert_no_error (error);
  else
    g_assert_error (error, CERTPIN_ERROR, (int)due[reply]);
  worker->ended[reply]++;
}

static void
call_and_wait (Worker *worker, CertpinClient *client, Reply reply)
{
  g_autoptr (GError) error = NULL;

  certpin_client_unpin (client, hosts[reply], NULL, NULL, &error);
  assert_due (worker, reply, /* cancels= */ FALSE, error);
}

static void
call_end (Call *call)
{
  call->worker->under_way--;
  g_clear_object (&call->cancellable);
  g_free (call);
}

static void
on_unpinned (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Call *call = user_data;
  Worker *worker = call->worker;
  g_autoptr (GError) error = NULL;

  certpin_client_unpin_finish (CERTPIN_CLIENT (source), result, &error);
  assert_due (worker, call->reply, call->way == CANCEL, error);
  if (call->way == CALL_IN_CALLBACK)
    {
      call_and_wait (worker, worker->own, call->reply);
      call_and_wait (worker, worker->f->client, FINE);
    }
  call_end (call);
}

static void
on_response (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Call *call = user_data;
  Worker *worker = call->worker;
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinResponse) response
      = certpin_client_send_finish (CERTPIN_CLIENT (source), result, &error);
  char bytes[6];
  gsize length;

  assert_due (worker, FINE, /* cancels= */ FALSE, error);
  if (response != NULL)
    {
      g_input_stream_read_all (certpin_response_get_stream (response), bytes, sizeof bytes, &length,
                               NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpmem (bytes, length, "hello", 5);
      worker->bodies++;
    }
  call_end (call);
}

static void
on_changed (CertpinClient *client, const char *host, CertpinPinChange *change, gpointer user_data)
{
  Worker *worker = user_data;

  g_assert_true (g_thread_self () == worker->thread);
}

static void
renew_client (Worker *worker)
{
  if (worker->own != NULL)
    {
      g_signal_handlers_disconnect_by_data (worker->own, worker);
      g_object_unref (worker->own);
    }
  worker->own = certpin_client_new ();
  g_signal_connect (worker->own, "pin-changed", G_CALLBACK (on_changed), worker);
}

static void
begin (Worker *worker, unsigned int number)
{
  Call *call = g_new0 (Call, 1);
  CertpinClient *client = number % 2 == 0 ? worker->f->client : worker->own;

  call->worker = worker;
  call->way = (Way)(number % WAYS);
  call->reply = (Reply)((number / WAYS + worker->number) % REPLIES);
  call->cancellable = g_cancellable_new ();
  worker->under_way++;
  if (call->way == WATCH)
    certpin_client_set_watching (worker->own, !certpin_client_get_watching (worker->own));
  if (call->way == RENEW_CLIENT)
    renew_client (worker);
  if (call->way == READ_BODY)
    certpin_client_send_async (worker->f->client, worker->f->request, NULL, call->cancellable,
                               on_response, call);
  else
    certpin_client_unpin_async (call->way == RENEW_CLIENT ? worker->own : client,
                                hosts[call->reply], NULL, call->cancellable, on_unpinned, call);
  if (call->way == CANCEL)
    g_cancellable_cancel (call->cancellable);
}

static gpointer
work (gpointer data)
{
  Worker *worker = data;
  g_autoptr (GMainContext) context = g_main_context_new ();

  worker->thread = g_thread_self ();
  g_main_context_push_thread_default (context);
  renew_client (worker);
  for (unsigned int i = 0; !g_atomic_int_get (&worker->f->over); i++)
    {
      begin (worker, i);
      while (worker->under_way >= UNDER_WAY)
        g_main_context_iteration (context, TRUE);
    }
  while (worker->under_way > 0)
    g_main_context_iteration (context, TRUE);
  g_signal_handlers_disconnect_by_data (worker->own, worker);
  g_object_unref (worker->own);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  private_bus_start ();
  f->service = fake_service_new_with_handler (on_call, f);
  f->client = certpin_client_new ();
  f->request = certpin_request_new ("GET", "https://h.example/", NULL, NULL, NULL);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_clear_object (&f->client);
  certpin_request_unref (f->request);
  fake_service_free (f->service);
  test_loop_settle ();
  private_bus_stop ();
}

static void
test_everything (Fixture *f, gconstpointer user_data)
{
  Worker workers[THREADS] = { 0 };
  GThread *threads[THREADS];

  for (unsigned int i = 0; i < THREADS; i++)
    {
      workers[i].f = f;
      workers[i].number = i;
      threads[i] = g_thread_new ("worker", work, &workers[i]);
    }
  for (unsigned int i = 1; i <= RESTARTS; i++)
    {
      fake_service_wait_for (f->service, "Unpin", CALLS_BETWEEN);
      fake_service_wait_for (f->service, "SecureRequest", CALLS_BETWEEN / WAYS);
      fake_service_free (f->service);
      if (i % BUS_RESTARTS_AT == 0)
        {
          private_bus_stop ();
          private_bus_start ();
        }
      f->service = fake_service_new_with_handler (on_call, f);
    }
  fake_service_wait_for (f->service, "Unpin", CALLS_BETWEEN);
  g_atomic_int_set (&f->over, TRUE);
  for (unsigned int i = 0; i < THREADS; i++)
    {
      g_thread_join (threads[i]);
      for (unsigned int j = 0; j < REPLIES; j++)
        g_assert_cmpuint (workers[i].ended[j], >, 0);
      g_assert_cmpuint (workers[i].bodies, >, 0);
    }
}

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
  g_test_add ("/client/threads/everything", Fixture, NULL, set_up, test_everything, tear_down);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
