/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a flood of refusals takes only a share of the journal, whoever causes it, and that
 * what was left out is counted. */

#include "config.h"

#include "daemon/bus/cpd-audit-limit.h"

typedef struct
{
  unsigned int users;
  guint32 uid;
  const char *event;
  guint64 left_out;
} Told;

static void
tell (guint32 uid, const char *event, guint64 left_out, gpointer user_data)
{
  Told *told = user_data;

  told->users++;
  told->uid = uid;
  told->event = event;
  told->left_out = left_out;
}

/* Returns: how many of so many attempts are written */
static unsigned int
take (CpdAuditLimit *limit, guint32 uid, const char *about, unsigned int attempts)
{
  unsigned int written = 0;

  for (unsigned int i = 0; i < attempts; i++)
    written += cpd_audit_limit_take (limit, uid, "refused", about);
  return written;
}

static void
test_of_one (void)
{
  CpdAuditLimit *limit = cpd_audit_limit_new ();
  Told told = { 0 };

  g_assert_cmpuint (take (limit, 1, "a", 1000), ==, CPD_AUDIT_LIMIT_OF_ONE);
  g_assert_cmpuint (take (limit, 1, "b", 1), ==, 1);
  g_assert_cmpuint (take (limit, 2, "a", 1), ==, 1);
  cpd_audit_limit_end_window (limit, tell, &told);
  g_assert_cmpuint (told.users, ==, 1);
  g_assert_cmpuint (told.uid, ==, 1);
  g_assert_cmpuint (told.left_out, ==, 1000 - CPD_AUDIT_LIMIT_OF_ONE);
  cpd_audit_limit_free (limit);
}

static void
test_of_user (void)
{
  CpdAuditLimit *limit = cpd_audit_limit_new ();
  Told told = { 0 };
  unsigned int written = 0;

  for (unsigned int i = 0; i < 1000; i++)
    {
      g_autofree char *about = g_strdup_printf ("host-%u", i);

      written += take (limit, 1, about, 1);
    }
  g_assert_cmpuint (written, ==, CPD_AUDIT_LIMIT_OF_USER);
  g_assert_cmpuint (take (limit, 2, "host-1", 1), ==, 1);
  cpd_audit_limit_end_window (limit, tell, &told);
  g_assert_cmpuint (told.left_out, ==, 1000 - CPD_AUDIT_LIMIT_OF_USER);
  cpd_audit_limit_free (limit);
}

/* A flood of one kind hides no other; nor do changes hide refusals. */
static void
test_of_kind (void)
{
  CpdAuditLimit *limit = cpd_audit_limit_new ();
  Told told = { 0 };
  unsigned int written = 0;

  g_assert_cmpuint (take (limit, 1, "a", 11), ==, CPD_AUDIT_LIMIT_OF_ONE);
  g_assert_true (cpd_audit_limit_take (limit, 1, "denied", "a"));
  cpd_audit_limit_end_window (limit, tell, &told);
  g_assert_cmpstr (told.event, ==, "refused");
  for (unsigned int i = 0; i < 2000; i++)
    written += cpd_audit_limit_take (limit, 1, "pinned", NULL);
  g_assert_cmpuint (written, ==, CPD_AUDIT_LIMIT_OF_CHANGES);
  g_assert_cmpuint (take (limit, 1, "a", 1), ==, 1);
  cpd_audit_limit_end_window (limit, tell, &told);
  g_assert_cmpstr (told.event, ==, "pinned");
  g_assert_cmpuint (told.left_out, ==, 2000 - CPD_AUDIT_LIMIT_OF_CHANGES);
  cpd_audit_limit_free (limit);
}

static void
test_begins_again (void)
{
  CpdAuditLimit *limit = cpd_audit_limit_new ();
  Told told = { 0 };

  take (limit, 1, "a", 11);
  cpd_audit_limit_end_window (limit, tell, &told);
  g_assert_cmpuint (take (limit, 1, "a", 11), ==, CPD_AUDIT_LIMIT_OF_ONE);
  cpd_audit_limit_end_window (limit, tell, &told);
  cpd_audit_limit_end_window (limit, tell, &told);
  g_assert_cmpuint (told.users, ==, 2);
  cpd_audit_limit_free (limit);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus/audit-limit/of-one", test_of_one);
  g_test_add_func ("/bus/audit-limit/of-user", test_of_user);
  g_test_add_func ("/bus/audit-limit/of-kind", test_of_kind);
  g_test_add_func ("/bus/audit-limit/begins-again", test_begins_again);
  return g_test_run ();
}
