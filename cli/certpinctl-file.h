/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _CtlFile CtlFile;

CtlFile *ctl_file_new (const char *name, GError **error);
gboolean ctl_file_is_direct (const CtlFile *file);
gboolean ctl_file_begin (CtlFile *file, GError **error);
gboolean ctl_file_append (CtlFile *file, const char *bytes, gsize length, GError **error);
gboolean ctl_file_commit (CtlFile *file, GError **error);
void ctl_file_free (CtlFile *file);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlFile, ctl_file_free)

G_END_DECLS
