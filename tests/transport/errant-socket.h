/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

void errant_socket_make (int ends[2]);
void errant_socket_add_error (int ends[2]);

G_END_DECLS
