/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-authority.h"
#include "daemon/bus/cpd-callers.h"

G_BEGIN_DECLS

#define CPD_TYPE_POLKIT (cpd_polkit_get_type ())

/* The CpdAuthority that asks polkit. */
G_DECLARE_FINAL_TYPE (CpdPolkit, cpd_polkit, CPD, POLKIT, GObject)

CpdPolkit *cpd_polkit_new (GDBusConnection *connection, CpdCallers *callers);

G_END_DECLS
