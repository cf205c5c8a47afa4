/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-call.h"

G_BEGIN_DECLS

#define CPD_TYPE_BUS_REQUESTS (cpd_bus_requests_get_type ())

/* org.certpin.Certpin1.Requests: joins the interface and the fetcher. */
G_DECLARE_FINAL_TYPE (CpdBusRequests, cpd_bus_requests, CPD, BUS_REQUESTS, GObject)

CpdBusRequests *cpd_bus_requests_new (const CpdBusParts *parts);
GDBusInterfaceSkeleton *cpd_bus_requests_get_skeleton (CpdBusRequests *requests);

G_END_DECLS
