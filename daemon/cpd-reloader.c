/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Watches the files that the store only reads, and reloads them: once, a moment after the last of
 * several changes, because a package makes many; but not much later than the first, because some
 * files change all the time. If a reload fails, the error is logged, and the old state stays in
 * force. */

#include "config.h"

#include "daemon/cpd-reloader.h"

#include "daemon/bus/cpd-audit.h"
#include "daemon/cpd-watch.h"

#define SETTLE_MS 500
#define MOST_MS   2000

struct _CpdReloader
{
  GObject parent;

  CpdStore *store;
  CpdWatch *watch;
  gboolean started;    /* the store has been read once */
  gboolean asked;      /* to reload, before that */
  unsigned int timer;  /* until the changes have settled; 0: no changes */
  gint64 first_change; /* of those, monotonic µs */
  gboolean renewing;   /* the watch, before a reload */
  gboolean again;      /* further changes have settled meanwhile */
};

G_DEFINE_FINAL_TYPE (CpdReloader, cpd_reloader, G_TYPE_OBJECT)

static void
cpd_reloader_dispose (GObject *object)
{
  CpdReloader *reloader = CPD_RELOADER (object);

  g_clear_handle_id (&reloader->timer, g_source_remove);
  g_clear_object (&reloader->watch);
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
  reloader->watch = cpd_watch_new ();
}

static void
on_reloaded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (cpd_store_reload_finish (CPD_STORE (source), result, &error))
    cpd_audit_reloaded (/* caller= */ NULL);
  else
    {
      g_autoptr (GPtrArray) problems = cpd_store_get_problems_of_files (CPD_STORE (source));
      cpd_audit_reload_failed (/* caller= */ NULL, problems);
    }
}

/* Before the start, the request is only remembered. */
void
cpd_reloader_reload (CpdReloader *reloader)
{
  if (reloader->started)
    cpd_store_reload_async (reloader->store, on_reloaded, NULL);
  else
    reloader->asked = TRUE;
}

static void renew_watch (CpdReloader *reloader);

static void
on_renewed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (CpdReloader) reloader = user_data;
  g_autoptr (GError) error = NULL;

  if (!cpd_watch_renew_finish (CPD_WATCH (source), result, &error))
    g_warning ("%s", error->message);
  reloader->renewing = FALSE;
  cpd_reloader_reload (reloader);
  if (reloader->again)
    renew_watch (reloader);
}

/* Before the files are read: what changes later is reported again. */
static void
renew_watch (CpdReloader *reloader)
{
  reloader->again = reloader->renewing;
  if (reloader->renewing)
    return;
  reloader->renewing = TRUE;
  cpd_watch_renew_async (reloader->watch, on_renewed, g_object_ref (reloader));
}

static gboolean
on_settled (gpointer user_data)
{
  CpdReloader *reloader = user_data;

  reloader->timer = 0;
  renew_watch (reloader);
  return G_SOURCE_REMOVE;
}

static void
on_changed (CpdReloader *reloader)
{
  gint64 now = g_get_monotonic_time ();
  unsigned int passed_ms;

  if (reloader->timer == 0)
    reloader->first_change = now;
  passed_ms = (unsigned int)((now - reloader->first_change) / 1000);
  g_clear_handle_id (&reloader->timer, g_source_remove);
  reloader->timer = g_timeout_add (passed_ms < MOST_MS ? MIN (SETTLE_MS, MOST_MS - passed_ms) : 0,
                                   on_settled, reloader);
}

/* Watches from now on, but does nothing until it is started. */
CpdReloader *
cpd_reloader_new (CpdStore *store)
{
  CpdReloader *reloader = g_object_new (CPD_TYPE_RELOADER, NULL);
  const char *const *folders = cpd_store_get_pins_dirs (store);
  CpdTrustSource *trust = cpd_store_get_trust (store);
  g_autoptr (GError) error = NULL;

  reloader->store = g_object_ref (store);
  for (size_t i = 0; folders[i] != NULL; i++)
    cpd_watch_add (reloader->watch, folders[i]);
  if (trust != NULL && cpd_trust_source_get_file (trust) != NULL)
    cpd_watch_add (reloader->watch, cpd_trust_source_get_file (trust));
  g_signal_connect_swapped (reloader->watch, "changed", G_CALLBACK (on_changed), reloader);
  if (!cpd_watch_renew (reloader->watch, &error))
    g_warning ("%s", error->message);
  return reloader;
}

/* The store was read after the reloader was made. */
void
cpd_reloader_start (CpdReloader *reloader)
{
  reloader->started = TRUE;
  if (reloader->asked)
    cpd_reloader_reload (reloader);
}
