/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

void cpd_closer_close (int fd);
GArray *cpd_closer_new_array (void);

G_END_DECLS
