/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: tells a program how far a transfer has come. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The program's function, and where it is called. */
typedef struct
{
  GFileProgressCallback function; /* (nullable) */
  gpointer data;
  GDestroyNotify destroy; /* (nullable): of the data */
  GMainContext *context;  /* (nullable): NULL: in the thread that reports */
  gboolean waits;         /* the context is that of a CertpinWait */
  gint64 next_us;         /* monotonic: nothing is reported before */
} CertpinProgress;

void certpin_progress_report (CertpinProgress *progress, goffset done, goffset total);
void certpin_progress_report_end (CertpinProgress *progress, goffset done, goffset total);

G_END_DECLS
