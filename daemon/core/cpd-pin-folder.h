/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/cpd-pin-file.h"
#include "daemon/core/cpd-pin-table.h"

G_BEGIN_DECLS

gboolean cpd_pin_folder_is_absent (const char *folder);
void cpd_pin_folder_load (const char *folder, const CpdPinFileContext *context, CpdPinTable *table,
                          GPtrArray *problems);
gboolean cpd_pin_folder_write (const char *folder, const char *name, GBytes *text, GError **error);
gboolean cpd_pin_folder_remove (const char *folder, const char *name, GError **error);

GBytes *cpd_pin_folder_read_file (int folder_fd, const char *name, GError **error);

G_END_DECLS
