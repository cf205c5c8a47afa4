/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/trust/cpd-certificate.h"

G_BEGIN_DECLS

#define CPD_NAME_CONSTRAINTS_OID "2.5.29.30"

const char *cpd_name_constraints_find_fault (GPtrArray *path);

G_END_DECLS
