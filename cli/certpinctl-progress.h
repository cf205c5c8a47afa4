/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-stream.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* A line that shows how far something is. */
typedef struct
{
  CtlStream *stream; /* NULL: nothing is shown */
  int width;         /* of the line, in characters */
  gint64 begun_us;   /* monotonic */
  goffset begun_at;  /* bytes that were there before */
  gint64 next_us;    /* monotonic: the line stays as it is until then */
  gboolean shown;
} CtlProgress;

void ctl_progress_init (CtlProgress *progress, CtlStream *stream);
void ctl_progress_show (goffset done, goffset total, gpointer user_data);
char *ctl_progress_format (const CtlProgress *progress, goffset done, goffset total, int width);
void ctl_progress_say (CtlProgress *progress, const char *text);
void ctl_progress_end (CtlProgress *progress);

G_END_DECLS
