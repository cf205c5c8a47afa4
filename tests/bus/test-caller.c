/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves who a caller is taken for, for how long, and what the plain authority lets it do. */

#include "config.h"

#include "tests/lib/test-bus.h"

#include <unistd.h>

static void
test_describe (void)
{
  g_autoptr (CpdCaller) caller = cpd_caller_new (":1.2", 1000);
  g_autofree char *without = cpd_caller_describe (caller);
  g_autofree char *with = NULL;

  g_assert_cmpstr (without, ==, "a program (uid 1000)");
  caller->program = g_strdup ("curl");
  with = cpd_caller_describe (caller);
  g_assert_cmpstr (with, ==, "curl (uid 1000)");
}

static gboolean
check (CpdAuthority *authority, guint32 uid, const char *action)
{
  g_autoptr (CpdCaller) caller = cpd_caller_new (":1.2", uid);
  const CpdAuthorityQuestion question = { .caller = caller, .action = action };
  GAsyncResult *pending = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gboolean allowed;

  cpd_authority_check_async (authority, &question, test_loop_on_result, &pending);
  result = test_loop_wait_for (&pending);
  allowed = cpd_authority_check_finish (authority, result, &error);
  if (!allowed)
    g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_AUTHORIZED);
  g_assert_cmpint (cpd_authority_allows_now (authority, &question), ==, allowed);
  return allowed;
}

static void
test_uid_authority (void)
{
  g_autoptr (CpdAuthority) authority = cpd_uid_authority_new ();

  g_assert_true (check (authority, 0, CERTPIN_ACTION_SYSTEM_PINS));
  g_assert_true (check (authority, 0, CERTPIN_ACTION_INSPECT_ALL));
  g_assert_true (check (authority, 1000, CERTPIN_ACTION_OWN_PINS));
  g_assert_true (check (authority, 1000, CERTPIN_ACTION_SECURE_REQUEST));
  g_assert_false (check (authority, 1000, CERTPIN_ACTION_SYSTEM_PINS));
  g_assert_false (check (authority, 1000, CERTPIN_ACTION_INSPECT_ALL));
  g_assert_false (check (authority, 1000, "org.certpin.something-else"));
}

/* One that identifies, and one that is identified. */
typedef struct
{
  GTestDBus *dbus;
  GDBusConnection *own, *other;
  CpdStore *store;
  CpdCallers *callers;
  GPtrArray *told; /* of CpdCaller: those that became known */
  unsigned int lost;
} Fixture;

static void
on_known (Fixture *f, CpdCaller *caller)
{
  g_ptr_array_add (f->told, cpd_caller_ref (caller));
}

static void
on_lost (Fixture *f, const char *sender)
{
  f->lost++;
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  f->dbus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (f->dbus);
  f->own = test_bus_connect_to (f->dbus);
  f->other = test_bus_connect_to (f->dbus);
  f->store = cpd_store_new (&(CpdStoreSettings){ NULL });
  f->callers = cpd_callers_new (f->own, f->store);
  f->told = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_caller_unref);
  g_signal_connect_swapped (f->callers, "known", G_CALLBACK (on_known), f);
  g_signal_connect_swapped (f->callers, "lost", G_CALLBACK (on_lost), f);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  test_loop_settle ();
  g_signal_handlers_disconnect_by_data (f->callers, f);
  g_ptr_array_unref (f->told);
  test_loop_release (f->callers);
  g_object_unref (f->store);
  if (f->other != NULL)
    test_bus_disconnect (f->other);
  test_bus_disconnect (f->own);
  g_test_dbus_down (f->dbus);
  g_object_unref (f->dbus);
}

/* Returns: (transfer full) */
static CpdCaller *
identify (Fixture *f)
{
  unsigned int before = f->told->len;

  cpd_callers_meet (f->callers, g_dbus_connection_get_unique_name (f->other));
  while (f->told->len == before)
    test_loop_step ();
  return cpd_caller_ref (f->told->pdata[before]);
}

static void
test_identify (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdCaller) caller = identify (f);

  g_assert_cmpuint (caller->uid, ==, getuid ());
  g_assert_cmpstr (caller->sender, ==, g_dbus_connection_get_unique_name (f->other));
  g_assert_nonnull (caller->program);
  g_assert_cmpstr (caller->confinement, ==, NULL);
  g_assert_false (g_cancellable_is_cancelled (caller->gone));
}

static void
test_known (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdCaller) first = identify (f);
  g_autoptr (CpdCaller) second = identify (f);
  g_autoptr (GPtrArray) list = cpd_callers_list (f->callers);

  g_assert_true (first == second);
  g_assert_cmpuint (list->len, ==, 1);
}

static void
test_asked_once (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdCaller) caller = NULL;

  for (int i = 0; i < 3; i++)
    cpd_callers_meet (f->callers, g_dbus_connection_get_unique_name (f->other));
  caller = identify (f);
  test_bus_round_trip (f->own);
  test_loop_settle ();
  g_assert_cmpuint (f->told->len, ==, 1);
}

static void
test_gone (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdCaller) caller = identify (f);
  g_autoptr (GPtrArray) list = NULL;

  test_bus_disconnect (g_steal_pointer (&f->other));
  while (!g_cancellable_is_cancelled (caller->gone))
    test_loop_step ();
  list = cpd_callers_list (f->callers);
  g_assert_cmpuint (list->len, ==, 0);
}

/* Returns: how many match rules the connection has on the bus, which allows so many and no more */
static guint32
count_match_rules (GDBusConnection *connection)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
      "org.freedesktop.DBus.Debug.Stats", "GetConnectionStats",
      g_variant_new ("(s)", g_dbus_connection_get_unique_name (connection)), NULL,
      G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
  g_autoptr (GVariant) stats = NULL;
  guint32 rules = 0;

  g_assert_no_error (error);
  stats = g_variant_get_child_value (reply, 0);
  g_assert_true (g_variant_lookup (stats, "MatchRules", "u", &rules));
  return rules;
}

#define MANY 100

static void
test_many_gone (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GPtrArray) others = g_ptr_array_new ();

  for (int i = 0; i < MANY; i++)
    {
      g_ptr_array_add (others, test_bus_connect_to (f->dbus));
      cpd_callers_meet (f->callers, g_dbus_connection_get_unique_name (others->pdata[i]));
    }
  while (f->told->len < MANY)
    test_loop_step ();
  g_assert_cmpuint (count_match_rules (f->own), ==, 1);
  for (int i = 0; i < MANY; i++)
    test_bus_disconnect (others->pdata[i]);
  for (int i = 0; i < MANY; i++)
    while (!g_cancellable_is_cancelled (((CpdCaller *)f->told->pdata[i])->gone))
      test_loop_step ();
}

static void
test_nobody (Fixture *f, gconstpointer user_data)
{
  cpd_callers_meet (f->callers, ":1.99999");
  while (f->lost == 0)
    test_loop_step ();
  g_assert_cmpuint (f->told->len, ==, 0);
}

/* Whoever the bus says nothing of is refused. */
static void
test_without_credentials (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdCaller) caller = cpd_caller_new_from_credentials (":1.2", NULL, NULL, f->store);

  g_assert_nonnull (caller->confinement);
  g_assert_cmpuint (caller->uid, ==, CPD_CALLER_UID_UNKNOWN);
}

static void
test_forgets_answers (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdCaller) caller = identify (f);

  g_hash_table_add (caller->allowed, (gpointer)CERTPIN_ACTION_OWN_PINS);
  cpd_callers_forget_answers (f->callers);
  g_assert_cmpuint (g_hash_table_size (caller->allowed), ==, 0);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/bus/caller/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus/caller/described", test_describe);
  g_test_add_func ("/bus/caller/authority-by-uid", test_uid_authority);
  ADD ("identified-by-the-bus", test_identify);
  ADD ("known-from-then-on", test_known);
  ADD ("asked-about-once", test_asked_once);
  ADD ("gone-when-its-connection-ends", test_gone);
  ADD ("gone-however-many", test_many_gone);
  ADD ("nobody", test_nobody);
  ADD ("without-credentials", test_without_credentials);
  ADD ("forgets-answers", test_forgets_answers);
  return g_test_run ();
}
