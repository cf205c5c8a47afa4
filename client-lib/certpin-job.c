/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A transfer that blocks, in a thread of its own. What the program passed is freed in the main
 * context of its task, like everything that is called back. */

#include "config.h"

#include "certpin-job.h"

#include "certpin-engine.h"
#include "certpin-error.h"

/* The data of the task. */
typedef struct
{
  CertpinJobRun run;
  gpointer transfer;
  GDestroyNotify release;
  CertpinResponse *response;
  GError *error;
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  job->release (job->transfer);
  g_clear_pointer (&job->response, certpin_response_unref);
  g_clear_error (&job->error);
  g_free (job);
}

static gboolean
job_on_done (gpointer data)
{
  GTask *task = data;
  Job *job = g_task_get_task_data (task);

  if (job->error != NULL)
    g_task_return_error (task, g_steal_pointer (&job->error));
  else
    g_task_return_pointer (task, g_steal_pointer (&job->response),
                           (GDestroyNotify)certpin_response_unref);
  return G_SOURCE_REMOVE;
}

static gpointer
job_run (gpointer data)
{
  GTask *task = data;
  Job *job = g_task_get_task_data (task);

  job->response = job->run (job->transfer, &job->error);
  certpin_context_post (g_task_get_context (task), job_on_done, task, g_object_unref);
  return NULL;
}

/* `task`: returns the response. `transfer`: freed with the task, by `release` */
void
certpin_job_start (GTask *task, CertpinJobRun run, gpointer transfer, GDestroyNotify release)
{
  Job *job = g_new0 (Job, 1);
  g_autoptr (GError) error = NULL;
  GThread *thread;

  job->run = run;
  job->transfer = transfer;
  job->release = release;
  g_task_set_task_data (task, job, job_free);
  thread = g_thread_try_new ("certpin-transfer", job_run, g_object_ref (task), &error);
  if (thread != NULL)
    {
      g_thread_unref (thread);
      return;
    }
  g_task_return_new_error (task, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED,
                           "this program can have no more threads: %s", error->message);
  g_object_unref (task);
}

/* Returns: (transfer none) (nullable): NULL: it was not started */
gpointer
certpin_job_get_transfer (GTask *task)
{
  Job *job = g_task_get_task_data (task);

  return job != NULL ? job->transfer : NULL;
}
