/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The options for a request's body; only one may be set. */
typedef struct
{
  char **data;     /* parts: text, or @ and the name of a file */
  char **data_raw; /* parts: text */
  char *data_file; /* a file's name */
  char *upload;    /* a file's name; it may have any size */
} CtlBody;

GInputStream *ctl_body_open (const CtlBody *given, goffset *length, GError **error);
gboolean ctl_body_read (const CtlBody *given, GBytes **body, GError **error);
void ctl_body_clear (CtlBody *given);

G_END_DECLS
