/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-host.h"

G_BEGIN_DECLS

/* The last refusals of each uid, as they were described. */
typedef struct _CpdFailures CpdFailures;

CpdFailures *cpd_failures_new (void);
void cpd_failures_free (CpdFailures *failures);

void
cpd_failures_record (CpdFailures *failures, guint32 uid, CpdHost *target, GVariant *description);
GVariant *cpd_failures_lookup (CpdFailures *failures, guint32 uid, CpdHost *host);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdFailures, cpd_failures_free)

G_END_DECLS
