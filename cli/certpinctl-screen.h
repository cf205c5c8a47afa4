/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-stream.h"

G_BEGIN_DECLS

/* A body on its way to a terminal. */
typedef struct
{
  CtlStream *stream;
  GString *rest; /* the beginning of a character or of a line end */
  gboolean begun;
  gboolean in_line; /* the last line has no end yet */
} CtlScreen;

void ctl_screen_init (CtlScreen *screen, CtlStream *stream);
void ctl_screen_clear (CtlScreen *screen);
gboolean ctl_screen_write (CtlScreen *screen, const char *bytes, gsize length, GError **error);
void ctl_screen_end (CtlScreen *screen);

G_END_DECLS
