/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Watches the files that the store only reads, and has them read anew: once, a moment after the
 * last of several changes, since a package brings many. What cannot be taken over is told, and what
 * was in force stays. */

#include "config.h"

#include "daemon/cpd-reloader.h"

#include "daemon/bus/cpd-audit.h"

#define SETTLE_MS 500

struct _CpdReloader
{
  GObject parent;

  CpdStore *store;
  GPtrArray *monitors; /* of GFileMonitor */
  unsigned int timer;  /* until the changes have settled; 0: there are none */
};

G_DEFINE_FINAL_TYPE (CpdReloader, cpd_reloader, G_TYPE_OBJECT)

static void
cpd_reloader_dispose (GObject *object)
{
  CpdReloader *reloader = CPD_RELOADER (object);

  g_clear_handle_id (&reloader->timer, g_source_remove);
  g_clear_pointer (&reloader->monitors, g_ptr_array_unref);
  g_clear_object (&reloader->store);
  G_OBJECT_CLASS (cpd_reloader_parent_class)->dispose (object);
}

static void
cpd_reloader_class_init (CpdReloaderClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = cpd_reloader_dispose;
}

static void
cpd_reloader_init (CpdReloader *reloader)
{
  reloader->monitors = g_ptr_array_new_with_free_func (g_object_unref);
}

static void
on_reloaded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (cpd_store_reload_finish (CPD_STORE (source), result, &error))
    g_message ("read the pin files and the trusted authorities anew");
  else
    cpd_audit_reload_failed (error->message);
}

void
cpd_reloader_reload (CpdReloader *reloader)
{
  cpd_store_reload_async (reloader->store, on_reloaded, NULL);
}

static gboolean
on_settled (gpointer user_data)
{
  CpdReloader *reloader = user_data;

  reloader->timer = 0;
  cpd_reloader_reload (reloader);
  return G_SOURCE_REMOVE;
}

static void
on_file_changed (CpdReloader *reloader)
{
  g_clear_handle_id (&reloader->timer, g_source_remove);
  reloader->timer = g_timeout_add (SETTLE_MS, on_settled, reloader);
}

/* What is not there is not watched: GIO would look for it every few seconds. */
static void
watch (CpdReloader *reloader, const char *path)
{
  g_autoptr (GFile) file = path != NULL ? g_file_new_for_path (path) : NULL;
  GFileMonitor *monitor = NULL;

  if (file != NULL && g_file_query_exists (file, NULL))
    monitor = g_file_monitor (file, G_FILE_MONITOR_WATCH_MOVES, NULL, NULL);
  if (monitor == NULL)
    return;
  g_signal_connect_object (monitor, "changed", G_CALLBACK (on_file_changed), reloader,
                           G_CONNECT_SWAPPED);
  g_ptr_array_add (reloader->monitors, monitor);
}

CpdReloader *
cpd_reloader_new (CpdStore *store)
{
  CpdReloader *reloader = g_object_new (CPD_TYPE_RELOADER, NULL);
  const char *const *folders = cpd_store_get_pins_dirs (store);

  reloader->store = g_object_ref (store);
  for (size_t i = 0; folders[i] != NULL; i++)
    watch (reloader, folders[i]);
  if (cpd_store_get_trust (store) != NULL)
    watch (reloader, cpd_trust_source_get_file (cpd_store_get_trust (store)));
  return reloader;
}
