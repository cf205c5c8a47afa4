/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-owner.h"
#include "daemon/core/pins/cpd-host.h"

G_BEGIN_DECLS

/* The last refusals of each owner, as they were described. */
typedef struct _CpdFailures CpdFailures;

CpdFailures *cpd_failures_new (void);
void cpd_failures_free (CpdFailures *failures);

void
cpd_failures_record (CpdFailures *failures, CpdOwner owner, CpdHost *target, GVariant *description);
GVariant *cpd_failures_lookup (CpdFailures *failures, CpdOwner owner, CpdHost *host);
void cpd_failures_forget (CpdFailures *failures, CpdOwner app);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdFailures, cpd_failures_free)

G_END_DECLS
