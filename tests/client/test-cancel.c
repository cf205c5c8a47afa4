/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a call can be cancelled at every moment, in its own thread and in others, and that
 * nothing hangs. CERTPIN_TEST_CANCELLATIONS in the environment is the number of cancellations in
 * all tests together. */

#include "config.h"

#include "tests/client/fake-service.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include <certpin.h>

#include <stdlib.h>
#include <string.h>

#define CANCELLATIONS 3000
#define SILENCE_MAX_S 20
#define THREADS       4
#define UNDER_WAY     16
#define SPIN_MAX_US   400

/* When a call is cancelled. */
typedef enum
{
  BEFORE,   /* it is made */
  AT_ONCE,  /* on its way to the service, perhaps while connecting */
  HELD,     /* when the service has it, and answers nothing */
  REPLYING, /* while its reply is on its way */
  SOMETIME, /* after a random time */
  AFTER,    /* it has ended */
  MOMENTS,
} Moment;

typedef struct
{
  FakeService *service;
  CertpinClient *client;
  GAsyncQueue *orders; /* of Order, for the thread that cancels */
  GThread *canceller;
  gboolean own_thread; /* calls are cancelled in the main context, instead of that thread */
  unsigned int calls;  /* how many this test makes */
  int made;            /* atomic: how many of them are made */
  GMutex lock;
  GHashTable *by_path; /* under `lock`: of GCancellable, those that the service cancels */
} Fixture;

/* One call that is cancelled. */
typedef struct
{
  Fixture *f;
  Moment moment;
  GCancellable *cancellable;
  CertpinRequest *request;
} Round;

typedef struct
{
  GCancellable *cancellable; /* NULL: no more will come */
  unsigned int spin_us;
} Order;

/* Ends the test when nothing happens any more. */
static struct
{
  GThread *thread;
  GMutex lock;
  GCond changed;
  unsigned int rounds; /* that are over */
  gboolean over;
} watchdog;

static unsigned int
count_cancellations (void)
{
  const char *text = g_getenv ("CERTPIN_TEST_CANCELLATIONS");

  return text != NULL ? (unsigned int)atoi (text) : CANCELLATIONS;
}

static gpointer
watchdog_run (gpointer data)
{
  unsigned int before = 0;

  g_mutex_lock (&watchdog.lock);
  while (!watchdog.over)
    {
      gint64 end_us = g_get_monotonic_time () + SILENCE_MAX_S * G_TIME_SPAN_SECOND;

      if (g_cond_wait_until (&watchdog.changed, &watchdog.lock, end_us))
        continue;
      if (watchdog.rounds == before)
        g_error ("it hangs after %u cancellations", before);
      before = watchdog.rounds;
    }
  g_mutex_unlock (&watchdog.lock);
  return NULL;
}

static void
watchdog_count (void)
{
  g_mutex_lock (&watchdog.lock);
  watchdog.rounds++;
  g_mutex_unlock (&watchdog.lock);
}

static void
watchdog_end (void)
{
  g_mutex_lock (&watchdog.lock);
  watchdog.over = TRUE;
  g_cond_signal (&watchdog.changed);
  g_mutex_unlock (&watchdog.lock);
  g_thread_join (watchdog.thread);
}

static void
order (Fixture *f, GCancellable *cancellable, unsigned int spin_us)
{
  Order *new_order = g_new0 (Order, 1);

  new_order->cancellable = cancellable != NULL ? g_object_ref (cancellable) : NULL;
  new_order->spin_us = spin_us;
  g_async_queue_push (f->orders, new_order);
}

static gpointer
canceller_run (gpointer data)
{
  Fixture *f = data;

  while (TRUE)
    {
      g_autofree Order *next = g_async_queue_pop (f->orders);
      g_autoptr (GCancellable) cancellable = next->cancellable;
      gint64 then_us = g_get_monotonic_time () + next->spin_us;

      if (cancellable == NULL)
        return NULL;
      while (g_get_monotonic_time () < then_us)
        ;
      g_cancellable_cancel (cancellable);
    }
}

static gboolean
cancel_in_main (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

/* Runs when the service receives a request. */
static GDBusMessage *
on_request (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  Fixture *f = user_data;
  GVariant *arguments = g_dbus_message_get_body (call);
  g_autoptr (GCancellable) cancellable = NULL;
  const char *url;

  g_variant_get_child (arguments, 1, "&s", &url);
  g_mutex_lock (&f->lock);
  cancellable = g_hash_table_lookup (f->by_path, url);
  if (cancellable != NULL)
    g_object_ref (cancellable);
  g_mutex_unlock (&f->lock);
  if (cancellable != NULL && f->own_thread)
    g_idle_add_full (G_PRIORITY_DEFAULT, cancel_in_main, g_object_ref (cancellable),
                     g_object_unref);
  else if (cancellable != NULL)
    order (f, cancellable, 0);
  return strstr (url, "/held/") != NULL ? NULL : fake_service_reply (service, call);
}

static Round *
round_new (Fixture *f)
{
  Round *round = g_new0 (Round, 1);
  int number = g_atomic_int_add (&f->made, 1);
  g_autofree char *url = NULL;

  round->f = f;
  round->moment = (Moment)(number % MOMENTS);
  round->cancellable = g_cancellable_new ();
  url = g_strdup_printf ("https://h.example/%s/%d", round->moment == HELD ? "held" : "", number);
  round->request = certpin_request_new ("GET", url, NULL, NULL, NULL);
  if (round->moment == HELD || round->moment == REPLYING)
    {
      g_mutex_lock (&f->lock);
      g_hash_table_insert (f->by_path, g_steal_pointer (&url), g_object_ref (round->cancellable));
      g_mutex_unlock (&f->lock);
    }
  if (round->moment == BEFORE)
    g_cancellable_cancel (round->cancellable);
  return round;
}

/* Has the other thread cancel the call, unless the call or the service does. */
static void
round_order (Round *round)
{
  if (round->moment == AT_ONCE)
    order (round->f, round->cancellable, 0);
  else if (round->moment == SOMETIME)
    order (round->f, round->cancellable, g_random_int_range (0, SPIN_MAX_US));
}

/* `response`, `error`: the result of the call */
static void
round_end (Round *round, CertpinResponse *response, const GError *error)
{
  g_autofree char *url = g_uri_to_string (certpin_request_get_uri (round->request));

  if (round->moment == BEFORE || round->moment == HELD)
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  else if (round->moment == AFTER)
    g_assert_no_error (error);
  else if (error != NULL)
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_true ((response == NULL) == (error != NULL));
  if (response != NULL)
    g_assert_cmpuint (certpin_response_get_status (response), ==, 200);
  if (round->moment == AFTER)
    g_cancellable_cancel (round->cancellable);
  g_mutex_lock (&round->f->lock);
  g_hash_table_remove (round->f->by_path, url);
  g_mutex_unlock (&round->f->lock);
  g_object_unref (round->cancellable);
  certpin_request_unref (round->request);
  g_free (round);
  watchdog_count ();
}

static void
wait_for_round (Fixture *f, CertpinClient *client)
{
  Round *round = round_new (f);
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinResponse) response = NULL;

  round_order (round);
  response
      = certpin_client_secure_request (client, round->request, NULL, round->cancellable, &error);
  round_end (round, response, error);
}

static gpointer
wait_for_rounds (gpointer data)
{
  Fixture *f = data;

  while ((unsigned int)g_atomic_int_get (&f->made) < f->calls)
    wait_for_round (f, f->client);
  return NULL;
}

static void
on_response (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Round *round = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinResponse) response
      = certpin_client_secure_request_finish (CERTPIN_CLIENT (source), result, &error);

  round->f->calls--;
  round_end (round, response, error);
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  unsigned int percent = GPOINTER_TO_UINT (user_data);

  private_bus_start ();
  f->service = fake_service_new ();
  fake_service_set_handler (f->service, on_request, f);
  f->client = certpin_client_new ();
  f->orders = g_async_queue_new ();
  f->canceller = g_thread_new ("canceller", canceller_run, f);
  f->calls = MAX (count_cancellations () * percent / 100, 1);
  f->by_path = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  g_mutex_init (&f->lock);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  /* Cancelled requests end in the service, too. */
  fake_service_wait_for_held (f->service, 0);
  order (f, NULL, 0);
  g_thread_join (f->canceller);
  g_async_queue_unref (f->orders);
  g_object_unref (f->client);
  fake_service_free (f->service);
  g_hash_table_unref (f->by_path);
  g_mutex_clear (&f->lock);
  test_loop_settle ();
  private_bus_stop ();
}

static void
test_waiting (Fixture *f, gconstpointer user_data)
{
  wait_for_rounds (f);
}

static void
test_waiting_threads (Fixture *f, gconstpointer user_data)
{
  GThread *threads[THREADS];

  for (size_t i = 0; i < THREADS; i++)
    threads[i] = g_thread_new ("caller", wait_for_rounds, f);
  for (size_t i = 0; i < THREADS; i++)
    g_thread_join (threads[i]);
}

static void
test_connecting (Fixture *f, gconstpointer user_data)
{
  while ((unsigned int)f->made < f->calls)
    {
      g_autoptr (CertpinClient) client = certpin_client_new ();

      wait_for_round (f, client);
    }
}

/* Keeps several calls under way. `cancel`: whether to cancel them in this thread */
static void
run_asynchronous (Fixture *f, gboolean cancel)
{
  unsigned int total = f->calls;

  f->own_thread = cancel;
  while (f->calls > 0)
    {
      Round *round;
      unsigned int over = total - f->calls;

      if ((unsigned int)f->made == total || (unsigned int)f->made - over >= UNDER_WAY)
        {
          test_loop_step ();
          continue;
        }
      round = round_new (f);
      if (!cancel)
        round_order (round);
      certpin_client_secure_request_async (f->client, round->request, NULL, round->cancellable,
                                           on_response, round);
      if (cancel && round->moment == AT_ONCE)
        g_cancellable_cancel (round->cancellable);
      else if (cancel && round->moment == SOMETIME)
        g_idle_add_full (G_PRIORITY_DEFAULT, cancel_in_main, g_object_ref (round->cancellable),
                         g_object_unref);
    }
}

static void
test_asynchronous (Fixture *f, gconstpointer user_data)
{
  run_asynchronous (f, /* cancel= */ TRUE);
}

static void
test_asynchronous_threads (Fixture *f, gconstpointer user_data)
{
  run_asynchronous (f, /* cancel= */ FALSE);
}

#define ADD(path, percent, function)                                                               \
  g_test_add ("/client/cancel/" path, Fixture, GUINT_TO_POINTER (percent), set_up, function,       \
              tear_down)

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
  watchdog.thread = g_thread_new ("watchdog", watchdog_run, NULL);
  ADD ("waiting", 25, test_waiting);
  ADD ("waiting-in-threads", 30, test_waiting_threads);
  ADD ("while-connecting", 5, test_connecting);
  ADD ("asynchronous", 20, test_asynchronous);
  ADD ("asynchronous-in-threads", 20, test_asynchronous_threads);
  status = g_test_run ();
  watchdog_end ();
  private_bus_finish ();
  return status;
}
