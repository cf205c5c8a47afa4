/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define CPD_TYPE_BUS_NAME (cpd_bus_name_get_type ())

/* The service's name on the bus. Emits
 *   acquired (): this connection owns it;
 *   lost (const char *reason): this connection does not own it, and will not. Without a reason,
 *   another instance took it over, or it was released. */
G_DECLARE_FINAL_TYPE (CpdBusName, cpd_bus_name, CPD, BUS_NAME, GObject)

CpdBusName *cpd_bus_name_new (GDBusConnection *connection, GDBusConnection *quiet);
void cpd_bus_name_request (CpdBusName *name, gboolean replace);
void cpd_bus_name_let_replace (CpdBusName *name);
gboolean cpd_bus_name_release (CpdBusName *name);

G_END_DECLS
