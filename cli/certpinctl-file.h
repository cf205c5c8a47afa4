/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _CtlFile CtlFile;

CtlFile *ctl_file_new (const char *name, GError **error);
gboolean ctl_file_write (CtlFile *file, const char *head, GBytes *body, GError **error);
void ctl_file_free (CtlFile *file);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlFile, ctl_file_free)

G_END_DECLS
