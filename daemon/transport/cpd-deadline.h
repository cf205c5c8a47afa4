/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

GSource *
cpd_deadline_start (gint64 from_us, guint32 timeout_ms, GSourceFunc passed, gpointer user_data);
void cpd_deadline_stop (GSource **deadline);

G_END_DECLS
