/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tells a program how far a transfer has come, ten times a second at most, in the program's own
 * main context. */

#include "config.h"

#include "certpin-progress.h"

#include "certpin-engine.h"

#define INTERVAL_US 100000

/* A report on its way. */
typedef struct
{
  CertpinProgress progress;
  goffset done;
  goffset total;
} Report;

/* A call that the program makes in its function must not return into the context of a wait, which
 * nothing runs later. */
static gboolean
report_give (gpointer data)
{
  Report *report = data;
  GMainContext *hidden = report->progress.waits ? report->progress.context : NULL;

  if (hidden != NULL)
    g_main_context_pop_thread_default (hidden);
  report->progress.function (report->done, report->total, report->progress.data);
  if (hidden != NULL)
    g_main_context_push_thread_default (hidden);
  return G_SOURCE_REMOVE;
}

static void
report_now (CertpinProgress *progress, goffset done, goffset total)
{
  Report *report;

  if (progress->function == NULL)
    return;
  if (progress->context == NULL)
    {
      progress->function (done, total, progress->data);
      return;
    }
  report = g_new0 (Report, 1);
  *report = (Report){ *progress, done, total };
  certpin_context_post (progress->context, report_give, report, g_free);
}

/* `done`: bytes. `total`: bytes; -1: not known */
void
certpin_progress_report (CertpinProgress *progress, goffset done, goffset total)
{
  gint64 now_us = g_get_monotonic_time ();

  if (now_us < progress->next_us)
    return;
  progress->next_us = now_us + INTERVAL_US;
  report_now (progress, done, total);
}

/* The transfer is over, and had so many bytes. */
void
certpin_progress_report_end (CertpinProgress *progress, goffset done, goffset total)
{
  report_now (progress, done, total);
}
