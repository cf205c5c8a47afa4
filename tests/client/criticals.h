/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

void criticals_init (void);
void assert_criticals (unsigned int count);

G_END_DECLS
