/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-queue.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* The folder of all run-time pins. Reference-counted; several threads may use it at once. */
typedef struct _CpdStateDir CpdStateDir;

CpdStateDir *cpd_state_dir_new (const char *path);
CpdStateDir *cpd_state_dir_ref (CpdStateDir *dir);
void cpd_state_dir_unref (CpdStateDir *dir);

gboolean cpd_state_dir_lock (CpdStateDir *dir, unsigned int most_ms, GCancellable *cancellable,
                             GError **error);
gboolean cpd_state_dir_is_locked (CpdStateDir *dir);

const char *cpd_state_dir_get_path (CpdStateDir *dir);
CpdQueue *cpd_state_dir_get_turns (CpdStateDir *dir);
gboolean cpd_state_dir_check_room (CpdStateDir *dir, GError **error);
char *cpd_state_dir_build_path (CpdStateDir *dir, const char *name);
int cpd_state_dir_lookup (CpdStateDir *dir, const char *name, GError **error);
int cpd_state_dir_make (CpdStateDir *dir, const char *name, GError **error);
void cpd_state_dir_remove (CpdStateDir *dir, const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdStateDir, cpd_state_dir_unref)

G_END_DECLS
