/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-queue.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* The places of the service's own calls that have no reply yet. */
typedef struct _CpdUnanswered CpdUnanswered;

CpdUnanswered *cpd_unanswered_new (GDBusConnection *connection);
void cpd_unanswered_free (CpdUnanswered *unanswered);

void cpd_unanswered_hold (CpdUnanswered *unanswered, CpdPlace *place);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdUnanswered, cpd_unanswered_free)

G_END_DECLS
