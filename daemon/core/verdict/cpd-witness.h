/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-store.h"
#include "daemon/core/verdict/cpd-verdict.h"

G_BEGIN_DECLS

GStrv cpd_witness_record (CpdStore *store, CpdOwner owner, const CpdVerdict *verdict, gint64 now);

G_END_DECLS
