/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The options for a request's body. */
typedef struct
{
  GPtrArray *parts; /* (nullable): in the order of the command line */
  char *data_file;  /* a file's name */
  char *upload;     /* a file's name; it may have any size */
} CtlBody;

gboolean ctl_body_add (CtlBody *given, const char *option, const char *value, GError **error);
gboolean ctl_body_read (const CtlBody *given, GBytes **body, GError **error);
const char *ctl_body_get_type (const CtlBody *given);
gboolean ctl_body_is_json (const CtlBody *given);
GInputStream *ctl_body_open (const CtlBody *given, goffset *length, GError **error);
void ctl_body_clear (CtlBody *given);

G_END_DECLS
