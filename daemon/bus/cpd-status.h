/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-store.h"

G_BEGIN_DECLS

/* What the service remembers of its own work. */
typedef struct _CpdStatus CpdStatus;

CpdStatus *cpd_status_new (CpdStore *store);
void cpd_status_free (CpdStatus *status);

void cpd_status_count_request (CpdStatus *status, CpdOwner owner);
void cpd_status_count_refusal (CpdStatus *status, CpdOwner owner);
void cpd_status_describe (CpdStatus *status, CpdOwner owner, GVariantDict *to);
void cpd_status_forget (CpdStatus *status, CpdOwner app);

G_END_DECLS
