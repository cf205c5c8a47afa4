/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves GetStatus and ListUsers: what is counted, listed, and remembered. */

#include "config.h"

#include "tests/lib/test-bus.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define KEY "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static GVariant *
get_status (TestBus *f)
{
  return test_call_value (f, "GetStatus", g_variant_new_parsed ("(@a{sv} {},)"));
}

static void
pin (TestBus *f, const char *host, const char *options)
{
  test_call_done (f, "PinKeys",
                  g_variant_new ("(s@as@a{sv})", host, g_variant_new_parsed ("[%s]", KEY),
                                 g_variant_new_parsed (options)));
}

static void
assert_count (GVariant *status, const char *scope, const char *state, guint32 expected)
{
  g_autoptr (GVariant) pins = g_variant_lookup_value (status, "pins", G_VARIANT_TYPE ("a{sa{su}}"));
  g_autoptr (GVariant) states = NULL;
  guint32 count;

  g_assert_nonnull (pins);
  states = g_variant_lookup_value (pins, scope, G_VARIANT_TYPE ("a{su}"));
  g_assert_true (g_variant_lookup (states, state, "u", &count));
  g_assert_cmpuint (count, ==, expected);
}

static gsize
count_texts (GVariant *status, const char *name)
{
  g_autoptr (GVariant) list = g_variant_lookup_value (status, name, NULL);

  return g_variant_n_children (list);
}

static void
test_empty (TestBus *f, gconstpointer user_data)
{
  g_autoptr (GVariant) status = get_status (f);
  gint64 started = 0, reloaded = -1;
  guint32 anchors = 1, unstored = 1;
  guint64 requests = 1, refusals = 1;

  test_bus_assert_text (status, "version", PACKAGE_VERSION);
  g_assert_true (g_variant_lookup (status, "started", "x", &started));
  g_assert_cmpint (ABS (started - g_get_real_time () / G_USEC_PER_SEC), <, 60);
  g_assert_true (g_variant_lookup (status, "last-reload", "x", &reloaded));
  g_assert_cmpint (reloaded, ==, 0);
  g_assert_true (g_variant_lookup (status, "requests-today", "t", &requests));
  g_assert_true (g_variant_lookup (status, "refusals-today", "t", &refusals));
  g_assert_cmpuint (requests + refusals, ==, 0);
  g_assert_true (g_variant_lookup (status, "trust-anchors", "u", &anchors));
  g_assert_cmpuint (anchors, ==, 0);
  g_assert_true (g_variant_lookup (status, "unstored", "u", &unstored));
  g_assert_cmpuint (unstored, ==, 0);
  assert_count (status, "user", "active", 0);
  assert_count (status, "system", "blocked", 0);
  g_assert_cmpuint (count_texts (status, "problems"), ==, 0);
  g_assert_cmpuint (count_texts (status, "warnings"), ==, 0);
  g_assert_cmpuint (count_texts (status, "blocked"), ==, 0);
  test_call_fails (f, "GetStatus", g_variant_new_parsed ("({'other': <1>},)"), "InvalidArgument");
}

static void
test_pins (TestBus *f, gconstpointer user_data)
{
  gint64 soon = g_get_real_time () / G_USEC_PER_SEC + 3600;
  g_autofree char *expiring = g_strdup_printf ("{'expires': <int64 %" G_GINT64_FORMAT ">}", soon);
  g_autoptr (GVariant) status = NULL, blocked = NULL, block = NULL;
  guint32 unstored = 0;

  pin (f, "a.example", "@a{sv} {}");
  pin (f, "b.example", expiring);
  pin (f, "c.example", "{'scope': <'system'>}");
  test_call_done (f, "BlockHost", g_variant_new_parsed ("('d.example', 'stolen', @a{sv} {})"));
  status = get_status (f);
  assert_count (status, "user", "active", 2);
  assert_count (status, "user", "blocked", 1);
  assert_count (status, "system", "active", 1);
  g_assert_cmpuint (count_texts (status, "warnings"), ==, 1 + 4); /* nothing is kept on disk here */
  g_assert_true (g_variant_lookup (status, "unstored", "u", &unstored));
  g_assert_cmpuint (unstored, ==, 4);
  blocked = g_variant_lookup_value (status, "blocked", G_VARIANT_TYPE ("aa{sv}"));
  g_assert_cmpuint (g_variant_n_children (blocked), ==, 1);
  block = g_variant_get_child_value (blocked, 0);
  test_bus_assert_text (block, "host", "d.example");
  test_bus_assert_text (block, "reason", "stolen");
  g_assert_true (g_variant_lookup (block, "created-by", "s", NULL));
}

/* More than are counted in a turn of the main loop. */
static void
test_many (TestBus *f, gconstpointer user_data)
{
  g_autoptr (GVariant) status = NULL;
  g_autoptr (GString) file = g_string_new ("[Pin File]\nVersion=1\n");
  g_autofree char *path = NULL;

  for (unsigned int i = 0; i < 1234; i++)
    g_string_append_printf (file, "[%u]\nHost=h%u.example\nExpires=1\nKeys=" KEY "\n", i, i);
  path = test_folder_write (f->pins_dir, "a.pin", file->str);
  test_call_done (f, "Reload", NULL);
  pin (f, "a.example", "@a{sv} {}");
  status = get_status (f);
  assert_count (status, "system", "expired", 1234);
  assert_count (status, "user", "active", 1);
  g_assert_cmpuint (count_texts (status, "warnings"), ==, 51);
}

static void
test_reload (TestBus *f, gconstpointer user_data)
{
  g_autofree char *path = NULL;
  g_autoptr (GVariant) good = NULL, bad = NULL, good_again = NULL;
  gint64 reloaded = 0;

  test_call_done (f, "Reload", NULL);
  good = get_status (f);
  g_assert_true (g_variant_lookup (good, "last-reload", "x", &reloaded));
  g_assert_cmpint (reloaded, >, 0);
  path = test_folder_write (f->pins_dir, "a.pin", "nonsense");
  test_call_fails (f, "Reload", NULL, "StoreFailed");
  bad = get_status (f);
  g_assert_cmpuint (count_texts (bad, "problems"), ==, 1);
  g_assert_true (g_variant_lookup (bad, "reload-error", "s", NULL));
  g_assert_no_errno (g_unlink (path));
  test_call_done (f, "Reload", NULL);
  good_again = get_status (f);
  g_assert_cmpuint (count_texts (good_again, "problems"), ==, 0);
  g_assert_false (g_variant_lookup (good_again, "reload-error", "s", NULL));
}

static void
test_requests (TestBus *f, gconstpointer user_data)
{
  g_autoptr (CpdHost) target = cpd_host_new ("h.example:443", NULL);
  g_autoptr (CpdPolicy) policy = cpd_policy_new (target, 1);
  g_autoptr (CpdVerdict) verdict = cpd_verdict_of_policy (policy, 1);
  g_autoptr (GVariant) status = NULL;
  guint64 requests = 0, refusals = 0;

  fake_fetcher_set_verdict (f->fetcher, verdict);
  for (int i = 0; i < 3; i++)
    test_call_fails (
        f, "SecureRequest",
        g_variant_new_parsed ("('GET', 'https://h.example/', @a(ss) [], @ay [], @a{sv} {})"),
        "NotPinned");
  test_call_fails (
      f, "SecureRequest",
      g_variant_new_parsed ("('GET', 'http://h.example/', @a(ss) [], @ay [], @a{sv} {})"),
      "NotSecure");
  status = get_status (f);
  g_assert_true (g_variant_lookup (status, "requests-today", "t", &requests));
  g_assert_true (g_variant_lookup (status, "refusals-today", "t", &refusals));
  g_assert_cmpuint (requests, ==, 3);
  g_assert_cmpuint (refusals, ==, 3);
}

static void
test_list_users (TestBus *f, gconstpointer user_data)
{
  g_autoptr (GVariant) none
      = test_call_value (f, "ListUsers", g_variant_new_parsed ("(@a{sv} {},)"));
  g_autoptr (GVariant) one = NULL;
  guint32 uid;

  g_assert_cmpuint (g_variant_n_children (none), ==, 0);
  pin (f, "a.example", "@a{sv} {}");
  one = test_call_value (f, "ListUsers", g_variant_new_parsed ("(@a{sv} {},)"));
  g_assert_cmpuint (g_variant_n_children (one), ==, 1);
  g_variant_get_child (one, 0, "u", &uid);
  g_assert_cmpuint (uid, ==, getuid ());
  test_call_done (f, "Unpin", g_variant_new_parsed ("('a.example', @a{sv} {})"));
  g_clear_pointer (&none, g_variant_unref);
  none = test_call_value (f, "ListUsers", g_variant_new_parsed ("(@a{sv} {},)"));
  g_assert_cmpuint (g_variant_n_children (none), ==, 0);
}

#define ADD(path, function) TEST_BUS_ADD ("/bus/status/" path, NULL, function)

int
main (int argc, char *argv[])
{
  test_bus_init (&argc, &argv);
  ADD ("empty", test_empty);
  ADD ("pins", test_pins);
  ADD ("many", test_many);
  ADD ("reload", test_reload);
  ADD ("requests", test_requests);
  ADD ("list-users", test_list_users);
  return g_test_run ();
}
