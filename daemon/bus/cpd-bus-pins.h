/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-call.h"

G_BEGIN_DECLS

#define CPD_TYPE_BUS_PINS (cpd_bus_pins_get_type ())

/* org.certpin.Certpin1.Pins: joins the interface and the store. */
G_DECLARE_FINAL_TYPE (CpdBusPins, cpd_bus_pins, CPD, BUS_PINS, GObject)

CpdBusPins *cpd_bus_pins_new (const CpdBusParts *parts);
GDBusInterfaceSkeleton *cpd_bus_pins_get_skeleton (CpdBusPins *pins);

G_END_DECLS
