/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One call: from the received bytes to GDBus's message. */

#include "config.h"

#include "daemon/bus/cpd-arrival.h"

#include "daemon/bus/cpd-decode.h"
#include "daemon/core/base/cpd-closer.h"
#include "dbus/certpin-names.h"

/* To decode more bytes or values would block the main loop for too long. */
#define COSTLY_BYTES  (64 * 1024)
#define COSTLY_VALUES 512

static gboolean
is_costly (const CpdWireHeader *header, GBytes *message)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (message, &size);

  return size >= COSTLY_BYTES
         || cpd_wire_has_more_values (header, bytes + size - header->body_bytes, COSTLY_VALUES);
}

/* `message`: (transfer full): all of it; without its body if there is a `refusal`, which is
 * static. Then it has no size: nothing of it is worth counting. */
CpdArrival *
cpd_arrival_new (const CpdWireHeader *header, GBytes *message, const char *refusal)
{
  CpdArrival *arrival = g_new0 (CpdArrival, 1);

  arrival->descriptor = -1;
  arrival->bytes = message;
  arrival->refusal = refusal;
  arrival->of_pins = g_strcmp0 (header->interface, CERTPIN_PINS_IFACE) == 0;
  if (refusal != NULL)
    return arrival;
  arrival->size = g_bytes_get_size (message);
  arrival->costly = is_costly (header, message);
  return arrival;
}

/* `descriptors`: (nullable): of int, closed with the array; the first one is taken */
void
cpd_arrival_take_descriptors (CpdArrival *arrival, GArray *descriptors)
{
  if (descriptors == NULL || descriptors->len == 0 || arrival->refusal != NULL)
    return;
  arrival->descriptor = g_array_index (descriptors, int, 0);
  g_array_index (descriptors, int, 0) = -1;
  arrival->size += CPD_ARRIVAL_DESCRIPTOR_BYTES;
}

/* Returns: (transfer full): the descriptor with the handle 0; -1: there is none */
int
cpd_arrival_steal_descriptor (CpdArrival *arrival)
{
  int descriptor = arrival->descriptor;

  arrival->descriptor = -1;
  return descriptor;
}

static void
free_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  g_object_unref (task_data);
}

/* To return megabytes to the system takes milliseconds. */
static void
free_large (GDBusMessage *message)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, NULL, NULL);

  g_task_set_task_data (task, message, NULL);
  g_task_run_in_thread (task, free_in_thread);
}

/* What no inbox has, or has no more. */
void
cpd_arrival_destroy (CpdArrival *arrival)
{
  if (arrival->message != NULL && arrival->size >= COSTLY_BYTES)
    free_large (arrival->message);
  else
    g_clear_object (&arrival->message);
  g_clear_pointer (&arrival->bytes, g_bytes_unref);
  cpd_closer_close (arrival->descriptor);
  g_free (arrival);
}

/* Afterwards it has its message, unless GDBus cannot decode it. */
void
cpd_arrival_read (CpdArrival *arrival)
{
  arrival->message = cpd_decode_call (arrival->bytes);
  g_clear_pointer (&arrival->bytes, g_bytes_unref);
}

/* GVariant serializes its data, and copies it, when it is first read. */
static void
read_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  CpdArrival *arrival = task_data;
  GVariant *body;

  cpd_arrival_read (arrival);
  body = arrival->message != NULL ? g_dbus_message_get_body (arrival->message) : NULL;
  if (body != NULL)
    g_variant_get_data (body);
  g_task_return_boolean (task, TRUE);
}

void
cpd_arrival_read_in_thread (CpdArrival *arrival, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);

  g_task_set_task_data (task, arrival, NULL);
  g_task_run_in_thread (task, read_in_thread);
}

/* Returns: (transfer full): the arrival that a thread decoded */
CpdArrival *
cpd_arrival_of_result (GAsyncResult *result)
{
  return g_task_get_task_data (G_TASK (result));
}
