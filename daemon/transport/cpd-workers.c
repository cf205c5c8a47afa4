/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Work of which a server chooses how long it takes is done on threads: the main loop is
 * everybody's. There are few threads, and of those one uid has at most half: what its servers make
 * long never keeps another uid waiting for longer than its turn, nor what those of its apps do the
 * uid's own programs. Whoever made the threads is told how long they worked for whom. */

#include "config.h"

#include "daemon/transport/cpd-workers.h"

#include "daemon/core/base/cpd-clock.h"
#include "daemon/core/base/cpd-queue.h"

#define THREADS_MAX         4
#define THREADS_MAX_PER_UID 2

struct _CpdWorkers
{
  CpdQueue *queue;
  GThreadPool *threads; /* NULL: no job begins any more */
  GMainContext *context;
  CpdWorkedFunc worked; /* NULL: nobody wants to know */
  gpointer user_data;
};

struct _CpdJob
{
  CpdWorkers *workers;
  CpdPlace *place;
  CpdOwner owner;
  const CpdJobFuncs *funcs;
  gpointer data;
  gint64 took_us; /* of processor time */
  gboolean running;
  gboolean stopped;
};

/* No thread has it. */
static void
job_free (CpdJob *job)
{
  g_clear_pointer (&job->place, cpd_place_leave);
  job->funcs->free (job->data);
  cpd_workers_unref (job->workers);
  g_free (job);
}

static gboolean
on_worked (gpointer user_data)
{
  CpdJob *job = user_data;
  const CpdWorkers *workers = job->workers;

  if (workers->worked != NULL)
    workers->worked (job->owner, job->took_us, workers->user_data);
  g_clear_pointer (&job->place, cpd_place_leave); /* the next one need not wait for `done` */
  if (!job->stopped)
    job->funcs->done (job->data);
  job_free (job);
  return G_SOURCE_REMOVE;
}

static void
work (gpointer data, gpointer user_data)
{
  CpdJob *job = data;
  GMainContext *context = job->workers->context;
  g_autoptr (GSource) source = g_idle_source_new ();
  gint64 before_us = cpd_clock_work_us ();

  job->funcs->work (job->data);
  job->took_us = cpd_clock_work_us () - before_us;
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_worked, job, NULL);
  g_source_attach (source, context);
}

/* `worked`: (nullable) */
CpdWorkers *
cpd_workers_new (CpdWorkedFunc worked, gpointer user_data)
{
  CpdWorkers *workers = g_atomic_rc_box_new0 (CpdWorkers);

  workers->queue = cpd_queue_new_without_bodies (THREADS_MAX_PER_UID, G_MAXUINT64, THREADS_MAX);
  workers->threads = g_thread_pool_new (work, NULL, THREADS_MAX, /* exclusive= */ FALSE, NULL);
  workers->context = g_main_context_ref_thread_default ();
  workers->worked = worked;
  workers->user_data = user_data;
  return workers;
}

/* Whoever made them has no use for them any more; what is under way goes on.
 * `workers`: (transfer full) */
void
cpd_workers_leave (CpdWorkers *workers)
{
  workers->worked = NULL;
  cpd_workers_unref (workers);
}

CpdWorkers *
cpd_workers_ref (CpdWorkers *workers)
{
  return g_atomic_rc_box_acquire (workers);
}

/* No job begins any more. Returns when no thread works: before the process ends, and takes away
 * from under them what GnuTLS shares. */
void
cpd_workers_finish (CpdWorkers *workers)
{
  if (workers->threads != NULL)
    g_thread_pool_free (g_steal_pointer (&workers->threads), /* immediate= */ FALSE,
                        /* wait= */ TRUE);
}

/* Nothing is under way any more: each job has a reference. */
static void
workers_clear (gpointer data)
{
  CpdWorkers *workers = data;

  cpd_workers_finish (workers);
  cpd_queue_free (workers->queue);
  g_main_context_unref (workers->context);
}

void
cpd_workers_unref (CpdWorkers *workers)
{
  if (workers != NULL)
    g_atomic_rc_box_release_full (workers, workers_clear);
}

static void
run (gpointer user_data)
{
  CpdJob *job = user_data;

  if (job->workers->threads == NULL)
    return;
  job->running = TRUE;
  g_thread_pool_push (job->workers->threads, job, NULL);
}

/* At the owner's turn. `funcs`: must stay. `data`: (transfer full).
 * Returns: (transfer none): it lasts until `done` is called */
CpdJob *
cpd_workers_start (CpdWorkers *workers, CpdOwner owner, const CpdJobFuncs *funcs, gpointer data)
{
  CpdJob *job = g_new0 (CpdJob, 1);

  job->workers = cpd_workers_ref (workers);
  job->place = cpd_place_new (workers->queue, owner, run, job);
  job->owner = owner;
  job->funcs = funcs;
  job->data = data;
  cpd_place_enter (job->place, NULL); /* any number may wait */
  return job;
}

/* A thread that has begun comes to its end, and counts until then. */
void
cpd_job_stop (CpdJob *job)
{
  job->stopped = TRUE;
  if (!job->running)
    job_free (job);
}
