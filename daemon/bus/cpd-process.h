/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

G_BEGIN_DECLS

char *cpd_process_read_text (int folder, const char *name, size_t most);
char *cpd_process_find_program (GVariant *credentials);
char *cpd_process_find_confinement (GVariant *credentials, GUnixFDList *fds);

G_END_DECLS
