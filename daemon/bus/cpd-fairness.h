/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-budget.h"
#include "daemon/core/base/cpd-config.h"

G_BEGIN_DECLS

/* Whose turn it is: how many requests of each uid run and wait. */
typedef struct _CpdFairness CpdFairness;

/* One place in it. */
typedef struct _CpdTurn CpdTurn;

typedef void (*CpdTurnFunc) (gpointer user_data);

CpdFairness *cpd_fairness_new (const CpdConfig *config);
CpdFairness *
cpd_fairness_new_without_bodies (guint64 running_per_uid, guint64 waiting_per_uid, guint64 running);
void cpd_fairness_leave_one_to_each (CpdFairness *fairness);
void cpd_fairness_free (CpdFairness *fairness);

CpdTurn *cpd_turn_new (CpdFairness *fairness, guint32 uid, CpdTurnFunc start, gpointer user_data);
gboolean cpd_turn_enter (CpdTurn *turn, GError **error);
void cpd_turn_rest (CpdTurn *turn);
void cpd_turn_leave (CpdTurn *turn);
guint64 cpd_turn_count_running (const CpdTurn *turn);
CpdBudget *cpd_turn_get_bodies (CpdTurn *turn);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdFairness, cpd_fairness_free)

G_END_DECLS
