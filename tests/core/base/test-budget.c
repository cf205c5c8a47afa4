/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that nobody holds more than the limit, whatever numbers are asked for. */

#include "config.h"

#include "daemon/core/base/cpd-budget.h"

static void
test_up_to_the_limit (void)
{
  g_autoptr (CpdBudget) budget = cpd_budget_new (10);

  g_assert_true (cpd_budget_take (budget, 4));
  g_assert_true (cpd_budget_take (budget, 6));
  g_assert_false (cpd_budget_take (budget, 1));
  g_assert_true (cpd_budget_take (budget, 0));
}

static void
test_all_or_nothing (void)
{
  g_autoptr (CpdBudget) budget = cpd_budget_new (10);

  g_assert_true (cpd_budget_take (budget, 4));
  g_assert_false (cpd_budget_take (budget, 7));
  g_assert_true (cpd_budget_take (budget, 6));
}

static void
test_does_not_overflow (void)
{
  g_autoptr (CpdBudget) budget = cpd_budget_new (10);

  g_assert_true (cpd_budget_take (budget, 4));
  g_assert_false (cpd_budget_take (budget, G_MAXUINT64));
  g_assert_false (cpd_budget_take (budget, G_MAXUINT64 - 3));
}

static void
test_what_is_given_back_can_be_taken (void)
{
  g_autoptr (CpdBudget) budget = cpd_budget_new (10);

  g_assert_true (cpd_budget_take (budget, 10));
  cpd_budget_give_back (budget, 3);
  g_assert_false (cpd_budget_take (budget, 4));
  g_assert_true (cpd_budget_take (budget, 3));
}

static void
test_giving_back_is_no_credit (void)
{
  g_autoptr (CpdBudget) budget = cpd_budget_new (10);

  g_assert_true (cpd_budget_take (budget, 1));
  cpd_budget_give_back (budget, 5);
  g_assert_false (cpd_budget_take (budget, 11));
  g_assert_true (cpd_budget_take (budget, 10));
}

/* It counts in both, and neither goes beyond its limit. */
static void
test_within_another (void)
{
  g_autoptr (CpdBudget) whole = cpd_budget_new (10);
  g_autoptr (CpdBudget) part = cpd_budget_new_within (whole, 6);

  g_assert_false (cpd_budget_take (part, 7));
  g_assert_true (cpd_budget_take (part, 5));
  g_assert_true (cpd_budget_take (whole, 5));
  g_assert_false (cpd_budget_take (part, 1));
  cpd_budget_charge (part, 3);
  cpd_budget_give_back (whole, 4);
  g_assert_false (cpd_budget_take (part, 1));
  cpd_budget_give_back (part, 100);
  g_assert_false (cpd_budget_take (whole, 10));
  g_assert_true (cpd_budget_take (whole, 9));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/budget/up-to-the-limit", test_up_to_the_limit);
  g_test_add_func ("/core/budget/all-or-nothing", test_all_or_nothing);
  g_test_add_func ("/core/budget/does-not-overflow", test_does_not_overflow);
  g_test_add_func ("/core/budget/given-back", test_what_is_given_back_can_be_taken);
  g_test_add_func ("/core/budget/no-credit", test_giving_back_is_no_credit);
  g_test_add_func ("/core/budget/within-another", test_within_another);
  return g_test_run ();
}
