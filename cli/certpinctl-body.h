/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The options for a request's body. */
typedef struct
{
  GPtrArray *parts;  /* (nullable): in the order of the command line */
  char **data_files; /* (nullable): names of files, of which there may be one */
  char **uploads;    /* (nullable): names of files, which may have any size */
} CtlBody;

gboolean ctl_body_add (CtlBody *given, const char *option, const char *value, GError **error);
gboolean ctl_body_read (const CtlBody *given, GBytes **body, GError **error);
const char *ctl_body_get_type (const CtlBody *given);
gboolean ctl_body_is_json (const CtlBody *given);
const char *ctl_body_get_upload (const CtlBody *given, unsigned int number);
GInputStream *ctl_body_open (const char *path, goffset *length, GError **error);
void ctl_body_clear (CtlBody *given);

G_END_DECLS
