/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* How much of one connection is read in one turn of the main loop. */
#define CPD_TURN_BYTES (32 * 1024)

void cpd_turns_apply (GSocketConnection *connection);

G_END_DECLS
