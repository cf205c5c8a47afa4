/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that the last refusal of each host is kept, for each user alone, and no more than so
 * many. */

#include "config.h"

#include "daemon/bus/cpd-failures.h"
#include "tests/lib/test-core.h"

static void
record (CpdFailures *failures, guint32 uid, const char *target, const char *text)
{
  g_autoptr (CpdHost) host = test_host (target);

  cpd_failures_record (failures, uid, host, g_variant_new_string (text));
}

/* `text`: NULL: none is kept */
static void
assert_last (CpdFailures *failures, guint32 uid, const char *host, const char *text)
{
  g_autoptr (CpdHost) parsed = test_host (host);
  GVariant *found = cpd_failures_lookup (failures, uid, parsed);

  g_assert_cmpstr (found != NULL ? g_variant_get_string (found, NULL) : NULL, ==, text);
}

static void
test_empty (void)
{
  g_autoptr (CpdFailures) failures = cpd_failures_new ();

  assert_last (failures, 1, "h.example", NULL);
}

static void
test_replaces (void)
{
  g_autoptr (CpdFailures) failures = cpd_failures_new ();

  record (failures, 1, "h.example:443", "first");
  record (failures, 1, "h.example:443", "second");
  assert_last (failures, 1, "h.example:443", "second");
}

static void
test_ports (void)
{
  g_autoptr (CpdFailures) failures = cpd_failures_new ();

  record (failures, 1, "h.example:443", "a");
  record (failures, 1, "h.example:8443", "b");
  assert_last (failures, 1, "h.example:443", "a");
  assert_last (failures, 1, "h.example:8443", "b");
  assert_last (failures, 1, "h.example:1", NULL);
  assert_last (failures, 1, "h.example", "b");
  record (failures, 1, "h.example:443", "c");
  assert_last (failures, 1, "h.example", "c");
}

static void
test_users (void)
{
  g_autoptr (CpdFailures) failures = cpd_failures_new ();

  record (failures, 1, "h.example:443", "one's");
  assert_last (failures, 2, "h.example", NULL);
  record (failures, 2, "h.example:443", "two's");
  assert_last (failures, 1, "h.example", "one's");
}

static void
test_oldest_goes (void)
{
  g_autoptr (CpdFailures) failures = cpd_failures_new ();

  record (failures, 2, "h0.example:443", "another's");
  for (unsigned int i = 0; i <= 64; i++)
    {
      g_autofree char *host = g_strdup_printf ("h%u.example:443", i);
      record (failures, 1, host, host);
    }
  assert_last (failures, 1, "h0.example", NULL);
  assert_last (failures, 1, "h1.example", "h1.example:443");
  assert_last (failures, 1, "h64.example", "h64.example:443");
  assert_last (failures, 2, "h0.example", "another's");
}

/* Being refused again makes it a new one. */
static void
test_repeated_is_newest (void)
{
  g_autoptr (CpdFailures) failures = cpd_failures_new ();

  record (failures, 1, "old.example:443", "old");
  for (unsigned int i = 0; i < 63; i++)
    {
      g_autofree char *host = g_strdup_printf ("h%u.example:443", i);
      record (failures, 1, host, host);
    }
  record (failures, 1, "old.example:443", "again");
  record (failures, 1, "more.example:443", "more");
  assert_last (failures, 1, "old.example", "again");
  assert_last (failures, 1, "h0.example", NULL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus/failures/empty", test_empty);
  g_test_add_func ("/bus/failures/last-one-counts", test_replaces);
  g_test_add_func ("/bus/failures/ports", test_ports);
  g_test_add_func ("/bus/failures/users-are-apart", test_users);
  g_test_add_func ("/bus/failures/oldest-goes", test_oldest_goes);
  g_test_add_func ("/bus/failures/repeated-is-newest", test_repeated_is_newest);
  return g_test_run ();
}
