/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a fault names its place as far as it has one, and that a list of them stays short and
 * counts what it leaves out. */

#include "config.h"

#include "daemon/core/base/cpd-fault.h"

#include <string.h>

static void
test_text (void)
{
  static const struct
  {
    const char *file;
    unsigned int line;
    const char *key;
    const char *text;
  } cases[] = {
    { "/a.pin", 3, "Keys", "/a.pin:3: Keys=: it is wrong" },
    { "/a.pin", 3, NULL, "/a.pin:3: it is wrong" },
    { "/a.pin", 0, NULL, "/a.pin: it is wrong" },
    { NULL, 3, "Keys", "line 3: Keys=: it is wrong" },
    { NULL, 0, NULL, "it is wrong" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (CpdFault) fault
          = cpd_fault_new (cases[i].file, cases[i].line, cases[i].key, "it is wrong");
      g_autofree char *text = cpd_fault_to_text (fault);

      g_assert_cmpstr (text, ==, cases[i].text);
    }
}

static void
test_long_sentence (void)
{
  g_autofree char *sentence = g_strnfill (1000000, 'x');
  g_autoptr (CpdFault) fault = cpd_fault_new ("/a.pin", 1, NULL, sentence);

  g_assert_cmpuint (strlen (fault->sentence), <, 2000);
}

static void
test_list_is_bounded (void)
{
  g_autoptr (GPtrArray) few = cpd_faults_new (), all = cpd_faults_new ();
  g_autofree char *last = NULL;

  for (int i = 0; i < 150; i++)
    cpd_faults_take (few, 100, cpd_fault_new ("/a.pin", 1, NULL, "it is wrong"));
  g_assert_cmpuint (few->len, ==, 101);
  g_assert_cmpuint (cpd_faults_count (few), ==, 150);
  for (int i = 0; i < 20; i++)
    cpd_faults_add_all (all, few);
  g_assert_cmpuint (all->len, ==, CPD_FAULTS_MAX + 1);
  g_assert_cmpuint (cpd_faults_count (all), ==, 20 * 150);
  last = cpd_fault_to_text (all->pdata[CPD_FAULTS_MAX]);
  g_assert_nonnull (strstr (last, "more problems are not listed"));
}

static void
test_summary (void)
{
  g_autoptr (GPtrArray) faults = cpd_faults_new ();
  g_autofree char *one = NULL, *some = NULL, *none = NULL;

  cpd_faults_tell (faults, "the first one");
  one = cpd_faults_summarise (faults, 0);
  g_assert_cmpstr (one, ==, "the first one");
  for (int i = 0; i < 9; i++)
    cpd_faults_tell (faults, "another one");
  some = cpd_faults_summarise (faults, strlen ("the first one; another one"));
  g_assert_cmpstr (some, ==, "the first one; another one; and 8 more");
  none = cpd_faults_summarise (faults, 0);
  g_assert_cmpstr (none, ==, "the first one; and 9 more");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/fault/text", test_text);
  g_test_add_func ("/core/fault/long-sentence", test_long_sentence);
  g_test_add_func ("/core/fault/list-is-bounded", test_list_is_bounded);
  g_test_add_func ("/core/fault/summary", test_summary);
  return g_test_run ();
}
