/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define CPD_TYPE_GATE (cpd_gate_get_type ())

/* Limits the connections that one uid, or one app of it, sets up at a time. Emits
 *   opened (): there is room again. */
G_DECLARE_FINAL_TYPE (CpdGate, cpd_gate, CPD, GATE, GObject)

CpdGate *cpd_gate_new (void);
CpdGate *cpd_gate_new_of_app (CpdGate *of_user);

gboolean cpd_gate_enter (CpdGate *gate);
gboolean
cpd_gate_enter_or_wait (CpdGate *gate, gulong *waiting, GCallback again, gpointer user_data);
void cpd_gate_leave (CpdGate *gate);

G_END_DECLS
