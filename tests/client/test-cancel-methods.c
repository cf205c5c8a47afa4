/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that every method of the client can be cancelled: before it begins, when the service has
 * its call, and at any other moment. It fails as calls of GIO do, unlike one that was cancelled in
 * the service. */

#include "config.h"

#include "tests/client/fake-service.h"
#include "tests/client/methods.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include "dbus/certpin-names.h"

#include <certpin.h>

#define ROUNDS      40
#define SPIN_MAX_US 400

typedef struct
{
  FakeService *service;
  CertpinClient *client;
  Sample *sample;
  GCancellable *cancellable;
  int calls; /* atomic: how many the service got */
} Fixture;

static GDBusMessage *
count_call (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  Fixture *f = user_data;

  g_atomic_int_inc (&f->calls);
  return fake_service_reply (service, call);
}

/* In a thread of GDBus's: the program waits for the reply, which never comes. */
static GDBusMessage *
cancel_and_hold (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  Fixture *f = user_data;

  g_cancellable_cancel (f->cancellable);
  return NULL;
}

static GDBusMessage *
fail_cancelled (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  return g_dbus_message_new_method_error_literal (call, CERTPIN_ERROR_PREFIX "Cancelled",
                                                  "cancelled");
}

static gpointer
cancel_sometime (gpointer data)
{
  gint64 then_us = g_get_monotonic_time () + g_random_int_range (0, SPIN_MAX_US);

  while (g_get_monotonic_time () < then_us)
    ;
  g_cancellable_cancel (data);
  return NULL;
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  private_bus_start ();
  f->service = fake_service_new ();
  f->client = certpin_client_new ();
  f->sample = sample_new ();
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  fake_service_set_handler (f->service, NULL, NULL);
  fake_service_answer_held (f->service);
  g_object_unref (f->client);
  sample_free (f->sample);
  fake_service_free (f->service);
  test_loop_settle ();
  private_bus_stop ();
}

/* Calls the method, asynchronously or not.
 * Returns: (transfer full) (nullable): how it failed; NULL: it did not */
static GError *
run (Fixture *f, const Method *method, gboolean waits)
{
  Arguments a = sample_get_arguments (f->sample, method, f->client);
  GAsyncResult *pending = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  GError *error = NULL;
  gboolean done;

  g_test_message ("%s%s", method->name, waits ? "" : "_async");
  a.cancellable = f->cancellable;
  if (waits)
    done = method->wait (&a, &error);
  else
    {
      method->start (&a, test_loop_on_result, &pending);
      result = test_loop_wait_for (&pending);
      done = method->finish (a.client, result, &error);
    }
  g_assert_true (done == (error == NULL));
  return error;
}

/* Each method, in both ways, fails with this error. */
static void
assert_all_fail (Fixture *f, gboolean cancelled_before, GQuark domain, int code)
{
  for (unsigned int i = 0; i < 2 * n_methods; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GError) error = NULL;

      f->cancellable = cancellable;
      if (cancelled_before)
        g_cancellable_cancel (cancellable);
      error = run (f, &methods[i / 2], i % 2 == 0);
      g_assert_error (error, domain, code);
    }
}

static void
test_before (Fixture *f, gconstpointer user_data)
{
  fake_service_set_handler (f->service, count_call, f);
  assert_all_fail (f, /* cancelled_before= */ TRUE, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (g_atomic_int_get (&f->calls), ==, 0);
}

static void
test_under_way (Fixture *f, gconstpointer user_data)
{
  fake_service_set_handler (f->service, cancel_and_hold, f);
  assert_all_fail (f, /* cancelled_before= */ FALSE, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* It may also be too late. */
static void
test_sometime (Fixture *f, gconstpointer user_data)
{
  unsigned int cancelled = 0;

  for (unsigned int i = 0; i < 2 * n_methods * ROUNDS; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GError) error = NULL;
      GThread *thread = g_thread_new ("cancel", cancel_sometime, cancellable);

      f->cancellable = cancellable;
      error = run (f, &methods[i / 2 % n_methods], i % 2 == 0);
      if (error != NULL)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      cancelled += error != NULL;
      g_thread_join (thread);
    }
  g_test_message ("%u of %u calls were cancelled", cancelled, 2 * n_methods * ROUNDS);
  g_assert_cmpuint (cancelled, >, 0);
}

/* Nobody has cancelled the call here. */
static void
test_in_service (Fixture *f, gconstpointer user_data)
{
  fake_service_set_handler (f->service, fail_cancelled, f);
  assert_all_fail (f, /* cancelled_before= */ FALSE, CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/client/cancel-methods/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
  ADD ("before", test_before);
  ADD ("under-way", test_under_way);
  ADD ("sometime", test_sometime);
  ADD ("in-service", test_in_service);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
