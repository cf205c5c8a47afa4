/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads both together. At the start, all readable files count; on a reload, in a thread, none does
 * unless all are readable. */

#include "config.h"

#include "daemon/core/pins/cpd-sources.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/pins/cpd-drop-ins.h"

/* Immutable except for the queue, which belongs to the main context. */
struct _CpdSources
{
  CpdTrustSource *trust; /* NULL: nothing is trusted */
  GStrv pins_dirs;
  GQueue readings; /* of GTask: the one in progress, and the waiting ones */
};

/* `trust`: (nullable). `pins_dirs`: the first one has priority. */
CpdSources *
cpd_sources_new (CpdTrustSource *trust, const char *const *pins_dirs)
{
  CpdSources *sources = g_atomic_rc_box_new0 (CpdSources);

  sources->trust = trust != NULL ? cpd_trust_source_ref (trust) : NULL;
  sources->pins_dirs = g_strdupv ((GStrv)pins_dirs);
  return sources;
}

static void
sources_clear (gpointer data)
{
  CpdSources *sources = data;

  cpd_trust_source_unref (sources->trust);
  g_strfreev (sources->pins_dirs);
}

void
cpd_sources_unref (CpdSources *sources)
{
  g_atomic_rc_box_release_full (sources, sources_clear);
}

/* Returns: (transfer none) (nullable): where the anchors are from */
CpdTrustSource *
cpd_sources_get_trust (CpdSources *sources)
{
  return sources->trust;
}

/* Returns: (transfer none): the folders of pin files */
const char *const *
cpd_sources_get_pins_dirs (CpdSources *sources)
{
  return (const char *const *)sources->pins_dirs;
}

void
cpd_found_free (CpdFound *found)
{
  g_clear_pointer (&found->files, cpd_pin_table_free);
  cpd_anchors_unref (found->anchors);
  g_free (found);
}

/* Blocks. `problems`: of char *: gets a sentence for each file that could not be read: its hosts
 * are blocked, or its anchors are not trusted.
 * Returns: (transfer full) */
CpdFound *
cpd_sources_read (CpdSources *sources, GPtrArray *problems)
{
  CpdFound *found = g_new0 (CpdFound, 1);
  g_autoptr (GError) error = NULL;

  found->files = cpd_drop_ins_load (cpd_sources_get_pins_dirs (sources), problems);
  if (sources->trust != NULL)
    found->anchors = cpd_trust_source_load (sources->trust, &error);
  if (error != NULL)
    g_ptr_array_add (problems, g_strdup (error->message));
  return found;
}

static void
read_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (CpdFound) found = cpd_sources_read (task_data, problems);

  if (problems->len == 0)
    g_task_return_pointer (task, g_steal_pointer (&found), (GDestroyNotify)cpd_found_free);
  else
    g_task_return_new_error (
        task, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED,
        "nothing was reloaded; the old pins and trust anchors stay in force: %s",
        (char *)problems->pdata[0]);
}

static void start_reading (CpdSources *sources);

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdSources *sources = g_task_get_task_data (G_TASK (result));
  g_autoptr (GTask) task = g_queue_pop_head (&sources->readings);
  GError *error = NULL;
  CpdFound *found = g_task_propagate_pointer (G_TASK (result), &error);

  start_reading (sources); /* first: the callback may request another reload */
  if (found != NULL)
    g_task_return_pointer (task, found, (GDestroyNotify)cpd_found_free);
  else
    g_task_return_error (task, error);
}

/* One at a time: the result of an older reading must not replace that of a newer one. */
static void
start_reading (CpdSources *sources)
{
  g_autoptr (GTask) reading = NULL;

  if (g_queue_is_empty (&sources->readings))
    return;
  reading = g_task_new (NULL, NULL, on_read, NULL);
  g_task_set_source_tag (reading, start_reading);
  g_task_set_task_data (reading, g_atomic_rc_box_acquire (sources),
                        (GDestroyNotify)cpd_sources_unref);
  g_task_run_in_thread (reading, read_in_thread);
}

/* Errors: CERTPIN_ERROR_STORE_FAILED: something could not be read, so nothing changes. */
void
cpd_sources_read_async (CpdSources *sources, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);

  g_task_set_source_tag (task, cpd_sources_read_async);
  g_queue_push_tail (&sources->readings, task);
  if (sources->readings.length == 1)
    start_reading (sources);
}

/* Returns: (transfer full) (nullable): NULL with `error` set */
CpdFound *
cpd_sources_read_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
