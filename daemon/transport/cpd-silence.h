/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

void cpd_silence_limit (int socket, unsigned int limit_ms);
void cpd_silence_probe (int socket);

G_END_DECLS
