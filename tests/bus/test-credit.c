/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves how much may be undelivered of whom, and that nothing counts as delivered that may
 * not be. */

#include "config.h"

#include "daemon/bus/cpd-credit.h"

#define KIB 1024
#define MIB (1024 * KIB)

static const guint32 alice = 1000, bob = 1001;

static void
test_a_caller_has_a_credit (void)
{
  g_autoptr (CpdCredit) credit = cpd_credit_new ();
  CpdDebtor *debtor = cpd_debtor_new (credit, alice);

  g_assert_true (cpd_debtor_has_room (debtor, 16 * MIB)); /* with nothing before it */
  g_assert_false (cpd_debtor_has_room (debtor, 17 * MIB));
  cpd_debtor_charge (debtor, 1000 * KIB);
  g_assert_true (cpd_debtor_has_room (debtor, 24 * KIB));
  g_assert_false (cpd_debtor_has_room (debtor, 25 * KIB));
  cpd_debtor_free (debtor);
}

/* All connections of a uid together. */
static void
test_a_uid_has_a_share (void)
{
  g_autoptr (CpdCredit) credit = cpd_credit_new ();
  CpdDebtor *debtors[18];

  for (size_t i = 0; i < G_N_ELEMENTS (debtors); i++)
    debtors[i] = cpd_debtor_new (credit, alice);
  for (size_t i = 0; i < 16; i++)
    cpd_debtor_charge (debtors[i], MIB);
  g_assert_true (cpd_debtor_has_room (debtors[16], 512 * KIB));
  cpd_debtor_charge (debtors[16], 512 * KIB);
  g_assert_false (cpd_debtor_has_room (debtors[17], 17 * KIB));
  g_assert_true (cpd_debtor_has_room (debtors[17], 16 * KIB)); /* the floor */
  for (size_t i = 0; i < G_N_ELEMENTS (debtors); i++)
    cpd_debtor_free (debtors[i]);
}

/* Those of an app, and others of its user. */
static void
test_apps_leave_half (void)
{
  g_autoptr (CpdCredit) credit = cpd_credit_new ();
  const CpdOwner app = cpd_owner_new_app (alice, 1), other = cpd_owner_new_app (alice, 2);
  CpdDebtor *debtors[] = { cpd_debtor_new (credit, app), cpd_debtor_new (credit, other),
                           cpd_debtor_new (credit, alice), cpd_debtor_new (credit, bob) };

  g_assert_true (cpd_debtor_has_room (debtors[0], 16 * MIB)); /* with nothing before it */
  cpd_debtor_charge (debtors[0], 8 * MIB);
  g_assert_true (cpd_debtor_has_room (debtors[1], 256 * KIB));
  g_assert_false (cpd_debtor_has_room (debtors[1], 257 * KIB));
  g_assert_true (cpd_debtor_has_room (debtors[2], 8 * MIB));
  cpd_debtor_charge (debtors[0], 8 * MIB); /* one reply of the largest size */
  g_assert_true (cpd_debtor_has_room (debtors[2], 8 * MIB));
  g_assert_false (cpd_debtor_has_room (debtors[2], 9 * MIB));
  g_assert_true (cpd_debtor_has_room (debtors[3], 16 * MIB));
  cpd_debtor_free (debtors[0]);
  cpd_debtor_charge (debtors[2], 16 * MIB);
  g_assert_false (cpd_debtor_has_room (debtors[1], MIB)); /* half is not kept for apps */
  cpd_debtor_free (debtors[2]);
  g_assert_true (cpd_debtor_has_room (debtors[1], 16 * MIB));
  cpd_debtor_free (debtors[1]);
  cpd_debtor_free (debtors[3]);
}

/* However many users read nothing, there is something left for the next one. */
static void
test_nobody_takes_it_all (void)
{
  g_autoptr (CpdCredit) credit = cpd_credit_new ();
  CpdDebtor *deaf[8], *next = cpd_debtor_new (credit, bob);
  guint64 total = 0;

  for (unsigned int i = 0; i < G_N_ELEMENTS (deaf); i++)
    {
      guint64 bytes = 16 * MIB;

      deaf[i] = cpd_debtor_new (credit, 2000 + i);
      while (!cpd_debtor_has_room (deaf[i], bytes))
        bytes /= 2;
      cpd_debtor_charge (deaf[i], bytes);
      total += bytes;
    }
  g_assert_cmpuint (total, <, 64 * MIB);
  g_assert_true (cpd_debtor_has_room (next, 64 * KIB));
  for (size_t i = 0; i < G_N_ELEMENTS (deaf); i++)
    cpd_debtor_free (deaf[i]);
  cpd_debtor_free (next);
}

/* While three users read nothing, the next one still gets the largest body. */
static void
test_a_body_has_room (void)
{
  g_autoptr (CpdCredit) credit = cpd_credit_new ();
  CpdDebtor *deaf[3], *next = cpd_debtor_new (credit, bob);

  for (unsigned int i = 0; i < G_N_ELEMENTS (deaf); i++)
    {
      deaf[i] = cpd_debtor_new (credit, 2000 + i);
      cpd_debtor_charge (deaf[i], 16 * MIB);
    }
  g_assert_true (cpd_debtor_has_room (next, 4 * MIB + 512 * KIB));
  g_assert_false (cpd_debtor_has_room (next, 16 * MIB));
  for (size_t i = 0; i < G_N_ELEMENTS (deaf); i++)
    cpd_debtor_free (deaf[i]);
  cpd_debtor_free (next);
}

static void
test_what_is_proved (void)
{
  g_autoptr (CpdCredit) credit = cpd_credit_new ();
  CpdDebtor *debtor = cpd_debtor_new (credit, alice);

  cpd_debtor_charge (debtor, 1000);
  cpd_debtor_begin_question (debtor, /* unsent= */ 0);
  cpd_debtor_charge (debtor, 10); /* may or may not be in the answer */
  g_assert_false (cpd_debtor_prove (debtor, 5000));
  g_assert_cmpuint (cpd_debtor_get_bytes (debtor), ==, 1010);
  g_assert_true (cpd_debtor_prove (debtor, 400));
  g_assert_cmpuint (cpd_debtor_get_bytes (debtor), ==, 410);
  cpd_debtor_begin_question (debtor, /* unsent= */ 300);
  g_assert_true (cpd_debtor_prove (debtor, 0));
  g_assert_cmpuint (cpd_debtor_get_bytes (debtor), ==, 300);
  cpd_debtor_free (debtor);
}

static void
test_who_leaves_owes_nothing (void)
{
  g_autoptr (CpdCredit) credit = cpd_credit_new ();
  CpdDebtor *first = cpd_debtor_new (credit, alice), *second = cpd_debtor_new (credit, alice);

  cpd_debtor_charge (first, 16 * MIB);
  g_assert_false (cpd_debtor_has_room (second, MIB));
  cpd_debtor_free (first);
  g_assert_true (cpd_debtor_has_room (second, 16 * MIB));
  cpd_debtor_free (second);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus/credit/of-a-caller", test_a_caller_has_a_credit);
  g_test_add_func ("/bus/credit/of-a-uid", test_a_uid_has_a_share);
  g_test_add_func ("/bus/credit/of-apps", test_apps_leave_half);
  g_test_add_func ("/bus/credit/nobody-takes-it-all", test_nobody_takes_it_all);
  g_test_add_func ("/bus/credit/of-a-body", test_a_body_has_room);
  g_test_add_func ("/bus/credit/proofs", test_what_is_proved);
  g_test_add_func ("/bus/credit/given-back", test_who_leaves_owes_nothing);
  return g_test_run ();
}
