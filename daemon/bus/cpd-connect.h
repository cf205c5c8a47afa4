/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-ends.h"

G_BEGIN_DECLS

CpdEnds *cpd_connect_new_ends (void);

G_END_DECLS
