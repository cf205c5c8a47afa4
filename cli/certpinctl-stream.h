/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Where output goes. */
typedef struct
{
  int fd;
  const char *name; /* for messages */
  gboolean terminal;
  gboolean colour;
  int columns;           /* of a terminal; 0: lines may have any length */
  gboolean ends_quietly; /* the program ends without a message if nobody reads it any more */
  gboolean may_end;      /* the reader may leave early, which is no failure */
  gboolean by_line;      /* each complete line is written at once */
  GString *pending;      /* not written yet */
  int failure;           /* errno of the first failed write; 0: none failed */
} CtlStream;

gboolean ctl_terminal_takes_escapes (void);
void ctl_stream_init (CtlStream *stream, int fd, const char *name);
void ctl_stream_clear (CtlStream *stream);
void ctl_stream_write (CtlStream *stream, const char *bytes, gsize length);
gboolean ctl_stream_flush (CtlStream *stream, GError **error);

gboolean ctl_fd_write (int fd, const char *bytes, gsize length);

G_END_DECLS
