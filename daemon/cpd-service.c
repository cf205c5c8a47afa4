/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The life of the service: it takes the name, then locks its state, which another instance may
 * still be writing, and only then reads it and answers calls, until it is told to end or is
 * replaced. Then it answers the calls that it has received. The next instance gets the state when
 * this process has ended, so it knows every acknowledged change. */

#include "config.h"

#include "daemon/cpd-service.h"

#include "daemon/bus/cpd-audit.h"
#include "daemon/cpd-reloader.h"

#include <glib-unix.h>

/* How long calls in progress may delay the end, and how long changes that are being written. */
#define DRAIN_CALLS_MS  800
#define DRAIN_WRITES_MS 1200

/* Likewise, the steps before the first answer. */
#define DRAIN_START_MS 700

/* How long to wait for the state, which the previous instance holds until it has finished. */
#define LOCK_MS 10000

typedef struct
{
  const CpdBusSettings *settings;
  GMainLoop *loop;
  CpdBus *bus;
  CpdReloader *reloader;
  GCancellable *ending;
  gboolean starting; /* it waits for the name, waits for the state, or reads the state */
  gboolean owner;    /* it has the name */
  gboolean serving;  /* it has the state as well */
  gint64 end_began;  /* monotonic µs */
  int status;
  GError *error;
} Service;

static gboolean
on_start_is_late (gpointer user_data)
{
  g_main_loop_quit (((Service *)user_data)->loop);
  return G_SOURCE_REMOVE;
}

/* An instance that is about to answer still does so: calls may already be waiting. */
static void
end (Service *service)
{
  g_cancellable_cancel (service->ending);
  if (service->starting)
    g_timeout_add (DRAIN_START_MS, on_start_is_late, service);
  else
    g_main_loop_quit (service->loop);
}

static gboolean
on_terminate (gpointer user_data)
{
  end (user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_hangup (gpointer user_data)
{
  cpd_reloader_reload (((Service *)user_data)->reloader);
  return G_SOURCE_CONTINUE;
}

/* `error`: (transfer full) */
static void
fail (Service *service, GError *error)
{
  service->status = 1;
  service->error = error;
  g_main_loop_quit (service->loop);
}

/* A state folder that cannot be opened or made, and so not locked, is handled like an unreadable
 * one: the service starts, and refuses requests. */
static void
load_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  CpdStore *store = CPD_STORE (source);
  GError *error = NULL;

  if (!cpd_store_lock (store, LOCK_MS, cancellable, &error)
      && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BUSY))
    {
      g_task_return_error (task, error);
      return;
    }
  if (error != NULL)
    cpd_store_tell_problem (store, error->message);
  g_clear_error (&error);
  g_task_return_pointer (task, cpd_store_load (store), (GDestroyNotify)g_ptr_array_unref);
}

static void
start_serving (Service *service, GPtrArray *problems)
{
  for (unsigned int i = 0; i < problems->len; i++)
    cpd_audit_store_broken (problems->pdata[i]);
  cpd_bus_start_serving (service->bus);
  service->serving = TRUE;
  cpd_reloader_start (service->reloader);
  g_message ("ready");
}

static void
on_loaded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Service *service = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) problems = g_task_propagate_pointer (G_TASK (result), &error);

  service->starting = FALSE;
  if (problems != NULL)
    start_serving (service, problems);
  if (g_cancellable_is_cancelled (service->ending))
    g_main_loop_quit (service->loop);
  else if (problems == NULL)
    fail (service, g_steal_pointer (&error));
}

/* Nothing else uses the store before it is loaded. */
static void
on_acquired (Service *service)
{
  g_autoptr (GTask) task
      = g_task_new (service->settings->store, service->ending, on_loaded, service);

  service->owner = TRUE;
  g_task_set_check_cancellable (task, FALSE);
  g_task_run_in_thread (task, load_in_thread);
}

/* To lose the name to another instance, or to release it, is a normal end; anything else is an
 * error. */
static void
on_lost (Service *service, const char *reason)
{
  gboolean in_order = reason == NULL;

  if (in_order && !g_cancellable_is_cancelled (service->ending))
    g_message ("replaced by another instance");
  else if (!in_order)
    g_warning ("%s", reason);
  if (!service->owner)
    service->starting = FALSE;
  service->owner = FALSE;
  if (!in_order)
    service->status = 1;
  end (service);
}

/* Whether there is something to wait for: calls that arrived while this instance had the name, and
 * above all changes. */
static gboolean
is_draining (Service *service)
{
  gint64 passed_ms = (g_get_monotonic_time () - service->end_began) / 1000;

  if (cpd_store_is_busy (service->settings->store))
    return passed_ms < DRAIN_WRITES_MS;
  return passed_ms < DRAIN_CALLS_MS
         && (service->owner || cpd_bus_count_unanswered (service->bus) > 0
             || g_main_context_pending (NULL));
}

static gboolean
on_tick (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

/* Lets changes reach the disk, and sends their replies. What is only in memory gets one more
 * attempt. The lock on the state ends with the process, and so after the last write. */
static void
drain (Service *service)
{
  unsigned int ticks = g_timeout_add (DRAIN_CALLS_MS / 10, on_tick, NULL);

  service->end_began = g_get_monotonic_time ();
  service->owner = cpd_bus_release_name (service->bus);
  cpd_store_write_again (service->settings->store);
  while (is_draining (service))
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (ticks);
}

static void
set_up (Service *service)
{
  service->loop = g_main_loop_new (NULL, FALSE);
  service->ending = g_cancellable_new ();
  service->reloader = cpd_reloader_new (service->settings->store);
  service->bus = cpd_bus_new (service->settings);
  g_signal_connect_swapped (service->bus, "acquired", G_CALLBACK (on_acquired), service);
  g_signal_connect_swapped (service->bus, "lost", G_CALLBACK (on_lost), service);
  g_unix_signal_add (SIGTERM, on_terminate, service);
  g_unix_signal_add (SIGINT, on_terminate, service);
  g_unix_signal_add (SIGHUP, on_hangup, service);
}

/* Runs until the service is told to end. `settings`: of a store that is not loaded yet.
 * Returns: the exit status */
int
cpd_service_run (const CpdBusSettings *settings, GError **error)
{
  Service service = { .settings = settings, .starting = TRUE };

  set_up (&service);
  cpd_bus_own_name (service.bus);
  g_main_loop_run (service.loop);
  if (service.serving)
    drain (&service);
  g_signal_handlers_disconnect_by_data (service.bus, &service);
  g_clear_object (&service.bus);
  g_clear_object (&service.reloader);
  g_clear_object (&service.ending);
  g_main_loop_unref (service.loop);
  if (service.error != NULL)
    g_propagate_error (error, service.error);
  return service.status;
}
