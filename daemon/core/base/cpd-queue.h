/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-budget.h"
#include "daemon/core/base/cpd-config.h"
#include "daemon/core/base/cpd-owner.h"

G_BEGIN_DECLS

/* Whose turn it is: how many requests of each uid run and wait. */
typedef struct _CpdQueue CpdQueue;

/* One place in it. */
typedef struct _CpdPlace CpdPlace;

typedef void (*CpdPlaceFunc) (gpointer user_data);

CpdQueue *cpd_queue_new (const CpdConfig *config);
CpdQueue *
cpd_queue_new_without_bodies (guint64 running_per_uid, guint64 waiting_per_uid, guint64 running);
void cpd_queue_leave_one_to_each (CpdQueue *queue);
void cpd_queue_free (CpdQueue *queue);

CpdPlace *cpd_place_new (CpdQueue *queue, CpdOwner owner, CpdPlaceFunc start, gpointer user_data);
gboolean cpd_place_enter (CpdPlace *place, GError **error);
void cpd_place_rest (CpdPlace *place);
void cpd_place_leave (CpdPlace *place);
guint64 cpd_place_count_running (const CpdPlace *place);
CpdBudget *cpd_place_get_bodies (CpdPlace *place);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdQueue, cpd_queue_free)

G_END_DECLS
