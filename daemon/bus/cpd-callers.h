/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-caller.h"

G_BEGIN_DECLS

#define CPD_TYPE_CALLERS (cpd_callers_get_type ())

/* All connections that have called the service. Signals: "known" and "gone", each with a
 * CpdCaller *, and "lost", with the unique name of a connection that has ended before it was
 * known. */
G_DECLARE_FINAL_TYPE (CpdCallers, cpd_callers, CPD, CALLERS, GObject)

CpdCallers *cpd_callers_new (GDBusConnection *quiet, CpdStore *store);

void cpd_callers_meet (CpdCallers *callers, const char *sender);
GPtrArray *cpd_callers_list (CpdCallers *callers);
void cpd_callers_forget_answers (CpdCallers *callers);

G_END_DECLS
