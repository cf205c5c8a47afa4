/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-pin-table.h"

G_BEGIN_DECLS

CpdPinTable *cpd_drop_ins_load (const char *const *folders, GPtrArray *problems);

G_END_DECLS
