/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the administrator's files say. Both are read together: at the start, and on a reload, in a
 * thread. All that a reload has found is in force, or nothing of it. */

#include "config.h"

#include "daemon/core/pins/cpd-sources.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/base/cpd-fault.h"
#include "daemon/core/pins/cpd-drop-ins.h"

#include <malloc.h>

/* An error on the bus has room for some. */
#define SUMMARY_MAX_BYTES 1400

/* Where the files are does not change. The rest belongs to the main context. */
struct _CpdSources
{
  CpdTrustSource *trust; /* NULL: nothing is trusted */
  GStrv pins_dirs;
  GQueue readings; /* of GTask: the one in progress, and the waiting ones */

  CpdPinTable *files; /* in force, like the anchors */
  CpdAnchors *anchors;
  GPtrArray *problems; /* of CpdFault: of the last reading, even if it is not in force */
};

/* What was read. */
typedef struct
{
  CpdPinTable *files;
  CpdAnchors *anchors; /* NULL: nothing is trusted */
  GPtrArray *problems; /* of CpdFault: why hosts are blocked, or anchors are not trusted */
} Found;

/* `trust`: (nullable). `pins_dirs`: the first one has priority. */
CpdSources *
cpd_sources_new (CpdTrustSource *trust, const char *const *pins_dirs)
{
  CpdSources *sources = g_atomic_rc_box_new0 (CpdSources);

  sources->trust = trust != NULL ? cpd_trust_source_ref (trust) : NULL;
  sources->pins_dirs = g_strdupv ((GStrv)pins_dirs);
  sources->files = cpd_pin_table_new (CPD_LAYER_FILES);
  sources->anchors = cpd_anchors_new_empty ();
  sources->problems = cpd_faults_new ();
  return sources;
}

static void
sources_clear (gpointer data)
{
  CpdSources *sources = data;

  cpd_trust_source_unref (sources->trust);
  g_strfreev (sources->pins_dirs);
  cpd_pin_table_free (sources->files);
  cpd_anchors_unref (sources->anchors);
  g_ptr_array_unref (sources->problems);
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

/* Returns: (transfer none): of the layer of pin files */
CpdPinTable *
cpd_sources_get_files (CpdSources *sources)
{
  return sources->files;
}

/* Returns: (transfer none): a new set after each reload */
CpdAnchors *
cpd_sources_get_anchors (CpdSources *sources)
{
  return sources->anchors;
}

/* Returns: (transfer none): of CpdFault: of the last reading */
GPtrArray *
cpd_sources_get_problems (CpdSources *sources)
{
  return sources->problems;
}

static void
found_free (Found *found)
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
  found_free (task_data);
  cpd_sources_trim ();
  g_task_return_boolean (task, TRUE);
}

/* 100 000 pins take longer than a turn of the main loop may. `found`: (transfer full) */
static void
found_free_in_thread (Found *found)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, NULL, NULL);

  g_task_set_source_tag (task, found_free_in_thread);
  g_task_set_task_data (task, found, NULL);
  g_task_run_in_thread (task, free_in_thread);
}

/* Blocks. Returns: (transfer full) */
static Found *
read_all (CpdSources *sources)
{
  Found *found = g_new0 (Found, 1);
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
take_problems (CpdSources *sources, const Found *found)
{
  g_ptr_array_unref (sources->problems);
  sources->problems = g_ptr_array_ref (found->problems);
}

/* What was there before is left in `found`. */
static void
take_over (CpdSources *sources, Found *found)
{
  CpdPinTable *files = sources->files;
  CpdAnchors *anchors = sources->anchors;

  sources->files = found->files;
  found->files = files;
  if (found->anchors == NULL)
    return;
  sources->anchors = found->anchors;
  found->anchors = anchors;
}

/* Puts in force whatever can be read: the rest is blocked. Blocks: call it before the service is
 * up. */
void
cpd_sources_load (CpdSources *sources)
{
  Found *found = read_all (sources);

  take_problems (sources, found);
  take_over (sources, found);
  found_free (found);
}

static void
read_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  g_task_return_pointer (task, read_all (task_data), (GDestroyNotify)found_free);
}

static void start_reading (CpdSources *sources);

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdSources *sources = g_task_get_task_data (G_TASK (result));
  g_autoptr (GTask) task = g_queue_pop_head (&sources->readings);

  start_reading (sources); /* first: the callback may request another reload */
  g_task_return_pointer (task, g_task_propagate_pointer (G_TASK (result), NULL),
                         (GDestroyNotify)found_free);
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

/* Reads them again, in a thread. */
void
cpd_sources_reload_async (CpdSources *sources, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);

  g_task_set_source_tag (task, cpd_sources_reload_async);
  g_queue_push_tail (&sources->readings, task);
  if (sources->readings.length == 1)
    start_reading (sources);
}

static gboolean
fail (GPtrArray *problems, GError **error)
{
  g_autofree char *summary = cpd_faults_summarise (problems, SUMMARY_MAX_BYTES);

  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED,
               "nothing was reloaded; the old pins and trust anchors stay in force: %s", summary);
  return FALSE;
}

/* What was read is in force from here on, unless something is wrong with it.
 * Errors: CERTPIN_ERROR_STORE_FAILED. */
gboolean
cpd_sources_reload_finish (CpdSources *sources, GAsyncResult *result, GError **error)
{
  Found *found = g_task_propagate_pointer (G_TASK (result), NULL);
  gboolean good = found->problems->len == 0;

  take_problems (sources, found);
  if (good)
    take_over (sources, found);
  found_free_in_thread (found);
  return good || fail (sources->problems, error);
}
