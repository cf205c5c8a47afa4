/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes requests to certpin or to one of its rivals, which have the same method. */

#include "config.h"

#include "bench-load.h"

#include "bench-rivals.h"

const BenchService bench_certpin = { "certpin", CERTPIN_NAME, CERTPIN_PATH, CERTPIN_REQUESTS };
const BenchService bench_proxy
    = { "proxy", BENCH_PROXY_NAME, BENCH_RIVAL_PATH, BENCH_RIVAL_INTERFACE };
const BenchService bench_echo
    = { "bare", BENCH_ECHO_NAME, BENCH_RIVAL_PATH, BENCH_RIVAL_INTERFACE };

#define TIMEOUT_MS (60 * 1000)

struct _BenchLoad
{
  BenchOrder order;
  GPtrArray *callers;
  unsigned int started, count, answered;
  gint64 begun; /* monotonic µs */
  GCancellable *cancellable;
  GArray *times;
};

typedef struct
{
  BenchLoad *load;
  GDBusConnection *caller;
  gint64 started;
} Call;

static GVariant *
make_parameters (const BenchOrder *order, unsigned int number)
{
  unsigned int host = order->first_host + number % MAX (order->hosts, 1);
  g_autofree char *url = bench_server_make_url (order->server, host, order->path);
  g_autofree char *bytes = g_malloc0 (order->body_size + 1);
  GVariant *body = g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, order->body_size, 1);

  return g_variant_new ("(ss@a(ss)@ay@a{sv})", order->method != NULL ? order->method : "GET", url,
                        g_variant_new ("a(ss)", NULL), body, g_variant_new ("a{sv}", NULL));
}

/* One request, and its reply. */
GVariant *
bench_request (GDBusConnection *caller, const BenchOrder *order)
{
  const BenchService *service = order->service;
  GError *error = NULL;
  GVariant *reply = g_dbus_connection_call_sync (
      caller, service->name, service->path, service->interface, "SecureRequest",
      make_parameters (order, 0), NULL, G_DBUS_CALL_FLAGS_NONE, TIMEOUT_MS, NULL, &error);

  bench_check (error);
  return reply;
}

/* A service that replies as certpin does to `order`, byte for byte, and does nothing else. */
GSubprocess *
bench_start_echo (BenchWorld *world, const char *rivals, const BenchOrder *order)
{
  BenchOrder same = *order;
  g_autoptr (GVariant) reply = NULL;
  g_autofree char *text = NULL;
  GSubprocess *process;

  same.service = &bench_certpin;
  reply = bench_request (world->bus, &same);
  text = g_variant_print (reply, TRUE);
  process = bench_spawn (world, rivals, "echo", world->address, text, NULL);
  bench_wait_for_name (world, BENCH_ECHO_NAME);
  return process;
}

/* A service that makes requests with libsoup, and checks no pins. */
GSubprocess *
bench_start_proxy (BenchWorld *world, const char *rivals)
{
  GSubprocess *process = bench_spawn (world, rivals, "proxy", world->address, world->ca_file, NULL);

  bench_wait_for_name (world, BENCH_PROXY_NAME);
  return process;
}

BenchLoad *
bench_load_new (const BenchOrder *order)
{
  BenchLoad *load = g_new0 (BenchLoad, 1);

  load->order = *order;
  load->cancellable = g_cancellable_new ();
  load->callers = g_ptr_array_new_with_free_func (g_object_unref);
  load->times = g_array_new (FALSE, FALSE, sizeof (gint64));
  return load;
}

void
bench_load_free (BenchLoad *load)
{
  g_object_unref (load->cancellable);
  g_ptr_array_unref (load->callers);
  g_array_unref (load->times);
  g_free (load);
}

void
bench_load_add_caller (BenchLoad *load, GDBusConnection *caller)
{
  g_ptr_array_add (load->callers, g_object_ref (caller));
}

static void start_next (BenchLoad *load, GDBusConnection *caller);

static void
on_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Call *call = user_data;
  BenchLoad *load = call->load;
  GError *error = NULL;
  g_autoptr (GVariant) reply
      = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  gint64 taken = g_get_monotonic_time () - call->started;

  load->answered++;
  if (g_cancellable_is_cancelled (load->cancellable))
    {
      g_clear_error (&error);
      return;
    }
  bench_check (error);
  g_array_append_val (load->times, taken);
  start_next (load, call->caller);
}

static void
start_next (BenchLoad *load, GDBusConnection *caller)
{
  const BenchService *service = load->order.service;
  Call *call;

  if (load->started == load->count)
    return;
  call = g_new0 (Call, 1);
  call->load = load;
  call->caller = caller;
  call->started = g_get_monotonic_time ();
  g_dbus_connection_call (caller, service->name, service->path, service->interface, "SecureRequest",
                          make_parameters (&load->order, load->started++), NULL,
                          G_DBUS_CALL_FLAGS_NONE, TIMEOUT_MS, load->cancellable, on_reply, call);
}

/* The loop has been woken up. */
static gboolean
on_time (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

/* Begins `count` more requests: `at_a_time` of each caller, and another one after each reply. */
void
bench_load_begin (BenchLoad *load, unsigned int count, unsigned int at_a_time)
{
  load->count += count;
  load->begun = g_get_monotonic_time ();
  for (unsigned int i = 0; i < at_a_time; i++)
    for (unsigned int caller = 0; caller < load->callers->len; caller++)
      start_next (load, load->callers->pdata[caller]);
}

/* Until all replies are there. */
void
bench_load_wait (BenchLoad *load)
{
  while (load->answered < load->count)
    g_main_context_iteration (NULL, TRUE);
}

/* Makes requests for some time, `at_a_time` of each caller, and then gives up what is not answered.
 * Returns: replies a second */
double
bench_load_run (BenchLoad *load, unsigned int at_a_time, gint64 duration_us)
{
  gint64 end = g_get_monotonic_time () + duration_us;
  g_autoptr (GSource) timer = g_timeout_source_new ((unsigned int)(duration_us / 1000));
  double rate;

  g_source_set_callback (timer, on_time, NULL, NULL);
  g_source_attach (timer, NULL);
  bench_load_begin (load, G_MAXUINT, at_a_time);
  while (g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, TRUE);
  rate = load->times->len * 1e6 / (double)(g_get_monotonic_time () - load->begun);
  load->count = load->started;
  g_cancellable_cancel (load->cancellable);
  bench_load_wait (load);
  g_source_destroy (timer);
  return rate;
}

/* Returns: (transfer none): in µs, of each reply */
GArray *
bench_load_get_times (BenchLoad *load)
{
  return load->times;
}
