/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One look at what a server presents: a connection of its own, which the connector closes right
 * after the handshake. It waits at the gate like all that connect, and ends at its deadline. */

#include "config.h"

#include "daemon/transport/cpd-inspect.h"

#include "client-lib/certpin-error.h"
#include "daemon/transport/cpd-deadline.h"

/* One in progress; belongs to its task. */
typedef struct
{
  CpdInspectSettings settings; /* with references of its own */
  GSource *deadline;
  gulong cancelled_id;
  gulong gate_id;           /* waits there; 0: it does not */
  gint64 sent_us;           /* monotonic: when it was let through the gate */
  GCancellable *connecting; /* NULL: no connection is being made */
  gboolean over;
} Inspecting;

static void
inspecting_free (gpointer data)
{
  Inspecting *inspecting = data;

  g_clear_object (&inspecting->connecting);
  cpd_inspect_order_unref (inspecting->settings.order);
  cpd_proxy_unref (inspecting->settings.proxy);
  g_object_unref (inspecting->settings.store);
  cpd_workers_unref (inspecting->settings.workers);
  g_object_unref (inspecting->settings.gate);
  cpd_address_rules_unref (inspecting->settings.rules);
  g_free (inspecting);
}

/* Whatever could still call back. The connection that is being made tells when it is given up. */
static void
stop (GTask *task)
{
  Inspecting *inspecting = g_task_get_task_data (task);

  inspecting->over = TRUE;
  cpd_deadline_stop (&inspecting->deadline);
  g_clear_signal_handler (&inspecting->gate_id, inspecting->settings.gate);
  g_clear_signal_handler (&inspecting->cancelled_id, g_task_get_cancellable (task));
  if (inspecting->connecting != NULL)
    g_cancellable_cancel (inspecting->connecting);
}

/* `error`: (transfer full). Frees the task, unless a connection is being made. */
static void
fail (GTask *task, GError *error)
{
  stop (task);
  g_task_return_error (task, error);
  g_object_unref (task);
}

static void
answer (GTask *task, CpdInspection *inspection)
{
  Inspecting *inspecting = g_task_get_task_data (task);
  const CpdInspectSettings *settings = &inspecting->settings;

  inspection->queue_us = (guint64)MAX (inspecting->sent_us - settings->started_us, 0);
  inspection->total_us = (guint64)(g_get_monotonic_time () - settings->started_us);
  if (settings->proxy != NULL)
    inspection->proxy = g_strdup (cpd_proxy_get_text (settings->proxy));
  stop (task);
  g_task_return_pointer (task, inspection, (GDestroyNotify)cpd_inspection_free);
  g_object_unref (task);
}

static void
on_inspected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Inspecting *inspecting = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdInspection) inspection = cpd_connector_inspect_finish (result, &error);

  g_clear_object (&inspecting->connecting);
  if (inspecting->over)
    return;
  if (inspection != NULL)
    answer (task, g_steal_pointer (&inspection));
  else
    fail (task, g_steal_pointer (&error));
}

/* Where the gate is closed, it waits until there is room again. */
static void
try_connect (GTask *task)
{
  Inspecting *inspecting = g_task_get_task_data (task);
  const CpdInspectSettings *settings = &inspecting->settings;
  const CpdConnectorSettings connector = {
    .target = settings->order->target,
    .proxy = settings->proxy,
    .starttls = -1,
    .owner = settings->order->owner,
    .store = settings->store,
    .workers = settings->workers,
    .gate = settings->gate,
    .rules = settings->rules,
    .look = settings->order,
  };

  if (!cpd_gate_enter_or_wait (settings->gate, &inspecting->gate_id, G_CALLBACK (try_connect),
                               task))
    return;
  inspecting->sent_us = g_get_monotonic_time ();
  inspecting->connecting = g_cancellable_new ();
  cpd_connector_inspect_async (&connector, inspecting->connecting, on_inspected,
                               g_object_ref (task));
}

static gboolean
on_deadline (gpointer user_data)
{
  Inspecting *inspecting = g_task_get_task_data (user_data);
  const char *host = cpd_host_get_name (inspecting->settings.order->target);

  fail (user_data,
        g_error_new (CERTPIN_ERROR, CERTPIN_ERROR_TIMED_OUT,
                     "the handshake with host ‘%s’ did not end in the time allowed", host));
  return G_SOURCE_REMOVE;
}

static void
on_cancelled (GTask *task)
{
  fail (task,
        g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED, "the request was cancelled"));
}

/* From now on, it ends at its deadline, or when it is cancelled. */
static void
watch_end (GTask *task)
{
  Inspecting *inspecting = g_task_get_task_data (task);
  const CpdInspectSettings *settings = &inspecting->settings;

  inspecting->deadline
      = cpd_deadline_start (settings->started_us, settings->order->timeout_ms, on_deadline, task);
  inspecting->cancelled_id = g_signal_connect_swapped (g_task_get_cancellable (task), "cancelled",
                                                       G_CALLBACK (on_cancelled), task);
}

void
cpd_inspect_async (const CpdInspectSettings *settings, GCancellable *cancellable,
                   GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Inspecting *inspecting = g_new0 (Inspecting, 1);

  g_task_set_source_tag (task, cpd_inspect_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, inspecting, inspecting_free);
  inspecting->settings = *settings;
  cpd_inspect_order_ref (settings->order);
  cpd_proxy_ref (settings->proxy);
  g_object_ref (settings->store);
  cpd_workers_ref (settings->workers);
  g_object_ref (settings->gate);
  cpd_address_rules_ref (settings->rules);
  if (g_cancellable_is_cancelled (cancellable))
    {
      on_cancelled (task);
      return;
    }
  watch_end (task);
  try_connect (task);
}

/* Errors: CERTPIN_ERROR alone.
 * Returns: (transfer full): what was seen; NULL with `error` set */
CpdInspection *
cpd_inspect_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
