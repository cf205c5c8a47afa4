/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads both together: at the start, and on a reload, in a thread. */

#include "config.h"

#include "daemon/core/pins/cpd-sources.h"

#include "daemon/core/base/cpd-fault.h"
#include "daemon/core/pins/cpd-drop-ins.h"

#include <malloc.h>

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
  g_ptr_array_unref (found->problems);
  g_free (found);
}

/* Gives back to the kernel what reading has left unused, in the arenas of all threads. */
void
cpd_sources_trim (void)
{
#ifdef __GLIBC__
  malloc_trim (0);
#endif
}

static void
free_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  cpd_found_free (task_data);
  cpd_sources_trim ();
  g_task_return_boolean (task, TRUE);
}

/* 100 000 pins take longer than a turn of the main loop may. `found`: (transfer full) */
void
cpd_found_free_in_thread (CpdFound *found)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, NULL, NULL);

  g_task_set_source_tag (task, cpd_found_free_in_thread);
  g_task_set_task_data (task, found, NULL);
  g_task_run_in_thread (task, free_in_thread);
}

/* Blocks. Returns: (transfer full) */
CpdFound *
cpd_sources_read (CpdSources *sources)
{
  CpdFound *found = g_new0 (CpdFound, 1);
  g_autoptr (GError) error = NULL;

  found->problems = cpd_faults_new ();
  found->files = cpd_drop_ins_load (cpd_sources_get_pins_dirs (sources), found->problems);
  if (sources->trust != NULL)
    found->anchors = cpd_trust_source_load (sources->trust, &error);
  if (error != NULL)
    cpd_faults_tell (found->problems, error->message);
  return found;
}

static void
read_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  g_task_return_pointer (task, cpd_sources_read (task_data), (GDestroyNotify)cpd_found_free);
}

static void start_reading (CpdSources *sources);

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdSources *sources = g_task_get_task_data (G_TASK (result));
  g_autoptr (GTask) task = g_queue_pop_head (&sources->readings);

  start_reading (sources); /* first: the callback may request another reload */
  g_task_return_pointer (task, g_task_propagate_pointer (G_TASK (result), NULL),
                         (GDestroyNotify)cpd_found_free);
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

/* As cpd_sources_read (), in a thread. */
void
cpd_sources_read_async (CpdSources *sources, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);

  g_task_set_source_tag (task, cpd_sources_read_async);
  g_queue_push_tail (&sources->readings, task);
  if (sources->readings.length == 1)
    start_reading (sources);
}

/* Returns: (transfer full) */
CpdFound *
cpd_sources_read_finish (GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}
