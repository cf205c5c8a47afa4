/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-store.h"

G_BEGIN_DECLS

/* Ends the pauses of pins when their time is over. */
typedef struct _CpdPauses CpdPauses;

CpdPauses *cpd_pauses_new (CpdStore *store);
void cpd_pauses_start (CpdPauses *pauses);
void cpd_pauses_free (CpdPauses *pauses);

G_END_DECLS
