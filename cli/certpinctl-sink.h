/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-file.h"
#include "certpinctl-screen.h"

G_BEGIN_DECLS

/* Where the body of a response goes. The first of these that is set counts. */
typedef struct
{
  GByteArray *memory; /* (nullable) */
  CtlFile *file;      /* (nullable), borrowed */
  CtlScreen *screen;  /* (nullable) */
  CtlStream *stream;
  goffset written; /* bytes */
} CtlSink;

gboolean ctl_sink_write (CtlSink *sink, const char *bytes, gsize length, GError **error);
gboolean ctl_sink_end (CtlSink *sink, GError **error);
void ctl_sink_clear (CtlSink *sink);

G_END_DECLS
