/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

void try_records (gpointer stranger, void (*mark) (const char *function));

G_END_DECLS
