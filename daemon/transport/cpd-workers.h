/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-owner.h"

G_BEGIN_DECLS

/* Threads for work that takes as long as a server makes it take. */
typedef struct _CpdWorkers CpdWorkers;

/* One piece of it, which waits for its turn or is under way. */
typedef struct _CpdJob CpdJob;

/* What a job does with its data. */
typedef struct
{
  void (*work) (gpointer data); /* on a thread */
  void (*done) (gpointer data); /* then on the main loop, unless it was stopped */
  GDestroyNotify free;          /* on the main loop: no thread has it any more */
} CpdJobFuncs;

/* On the main loop, of whatever a thread did. `took_us`: of processor time */
typedef void (*CpdWorkedFunc) (CpdOwner owner, gint64 took_us, gpointer user_data);

CpdWorkers *cpd_workers_new (CpdWorkedFunc worked, gpointer user_data);
void cpd_workers_leave (CpdWorkers *workers);
CpdWorkers *cpd_workers_ref (CpdWorkers *workers);
void cpd_workers_unref (CpdWorkers *workers);
void cpd_workers_finish (CpdWorkers *workers);

CpdJob *
cpd_workers_start (CpdWorkers *workers, CpdOwner owner, const CpdJobFuncs *funcs, gpointer data);
void cpd_job_stop (CpdJob *job);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdWorkers, cpd_workers_unref)

G_END_DECLS
