/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Limits how much of a resource one user may hold at a time. Reference-counted. */
typedef struct _CpdBudget CpdBudget;

CpdBudget *cpd_budget_new (guint64 limit);
CpdBudget *cpd_budget_new_within (CpdBudget *whole, guint64 limit);
CpdBudget *cpd_budget_ref (CpdBudget *budget);
void cpd_budget_unref (CpdBudget *budget);

gboolean cpd_budget_take (CpdBudget *budget, guint64 amount);
void cpd_budget_charge (CpdBudget *budget, guint64 amount);
void cpd_budget_give_back (CpdBudget *budget, guint64 amount);

guint64 cpd_budget_share (guint64 total, guint64 others, guint64 most);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdBudget, cpd_budget_unref)

G_END_DECLS
