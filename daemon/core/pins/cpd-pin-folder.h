/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-pin-file.h"
#include "daemon/core/pins/cpd-pin-table.h"
#include "daemon/core/pins/cpd-state-dir.h"

G_BEGIN_DECLS

void cpd_pin_folder_load (CpdStateDir *dir, const char *name, const CpdPinFileContext *context,
                          CpdPinTable *table, GPtrArray *problems);

GPtrArray *cpd_pin_folder_list (int folder_fd, const char *path, GError **error);
GBytes *cpd_pin_folder_read_file (int folder_fd, const char *name, GError **error);

G_END_DECLS
