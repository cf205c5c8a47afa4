/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

void cpd_presented_read (const guint8 *data, gsize size, gboolean is_1_3, GPtrArray *presented);

G_END_DECLS
