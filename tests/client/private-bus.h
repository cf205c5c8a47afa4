/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

void private_bus_init (int *argc, char ***argv);
void private_bus_finish (void);
void private_bus_start (void);
void private_bus_stop (void);
void private_bus_clear (void);
const char *private_bus_get_address (void);
GDBusConnection *private_bus_connect (void);

G_END_DECLS
