/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A limit on what one user holds at a time, such as bytes of bodies in memory. Threads that move
 * bodies take of it, too. */

#include "config.h"

#include "daemon/core/base/cpd-budget.h"

struct _CpdBudget
{
  guint64 limit;
  CpdBudget *whole; /* of which this is a part; NULL: none */
  GMutex lock;      /* over what follows */
  guint64 taken;
};

CpdBudget *
cpd_budget_new (guint64 limit)
{
  CpdBudget *budget = g_atomic_rc_box_new0 (CpdBudget);

  budget->limit = limit;
  g_mutex_init (&budget->lock);
  return budget;
}

/* What is taken of it is taken of the whole, too.
 * Returns: (transfer full) */
CpdBudget *
cpd_budget_new_within (CpdBudget *whole, guint64 limit)
{
  CpdBudget *budget = cpd_budget_new (limit);

  budget->whole = cpd_budget_ref (whole);
  return budget;
}

CpdBudget *
cpd_budget_ref (CpdBudget *budget)
{
  return g_atomic_rc_box_acquire (budget);
}

static void
budget_clear (gpointer data)
{
  CpdBudget *budget = data;

  cpd_budget_unref (budget->whole);
  g_mutex_clear (&budget->lock);
}

void
cpd_budget_unref (CpdBudget *budget)
{
  if (budget != NULL)
    g_atomic_rc_box_release_full (budget, budget_clear);
}

/* All of the amount or nothing. */
gboolean
cpd_budget_take (CpdBudget *budget, guint64 amount)
{
  gboolean fits;

  g_mutex_lock (&budget->lock);
  fits = budget->taken <= budget->limit && amount <= budget->limit - budget->taken
         && (budget->whole == NULL || cpd_budget_take (budget->whole, amount));
  if (fits)
    budget->taken += amount;
  g_mutex_unlock (&budget->lock);
  return fits;
}

/* Adds what already exists; it counts even if it exceeds the limit. */
void
cpd_budget_charge (CpdBudget *budget, guint64 amount)
{
  g_mutex_lock (&budget->lock);
  budget->taken += amount;
  g_mutex_unlock (&budget->lock);
  if (budget->whole != NULL)
    cpd_budget_charge (budget->whole, amount);
}

void
cpd_budget_give_back (CpdBudget *budget, guint64 amount)
{
  guint64 given;

  g_mutex_lock (&budget->lock);
  given = MIN (amount, budget->taken);
  budget->taken -= given;
  g_mutex_unlock (&budget->lock);
  if (budget->whole != NULL)
    cpd_budget_give_back (budget->whole, given);
}

/* Of a resource that all users share, one user may have half of what the others leave, so that some
 * is always left, and at most `most`.
 * Returns: how much one user may have */
guint64
cpd_budget_share (guint64 total, guint64 others, guint64 most)
{
  return MIN (most, (total - MIN (others, total)) / 2);
}
