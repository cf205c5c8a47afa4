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
  CpdCallers *callers;
} Fixture;

static GDBusConnection *
connect_to (GTestDBus *dbus)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *connection = g_dbus_connection_new_for_address_sync (
      g_test_dbus_get_bus_address (dbus),
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, &error);

  g_assert_no_error (error);
  return connection;
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  f->dbus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (f->dbus);
  f->own = connect_to (f->dbus);
  f->other = connect_to (f->dbus);
  f->callers = cpd_callers_new (f->own);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  test_loop_settle ();
  test_loop_release (f->callers);
  if (f->other != NULL)
    test_bus_disconnect (f->other);
  test_bus_disconnect (f->own);
  g_test_dbus_down (f->dbus);
  g_object_unref (f->dbus);
}

static CpdCaller *
finish (Fixture *f, GAsyncResult **pending, GError **error)
{
  g_autoptr (GAsyncResult) result = test_loop_wait_for (pending);

  return cpd_callers_identify_finish (f->callers, result, error);
}

static CpdCaller *
identify (Fixture *f, const char *sender, GError **error)
{
  GAsyncResult *pending = NULL;

  cpd_callers_identify_async (f->callers, sender, test_loop_on_result, &pending);
  return finish (f, &pending, error);
}

static void
test_identify (Fixture *f, gconstpointer user_data)
{
  const char *sender = g_dbus_connection_get_unique_name (f->other);
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdCaller) caller = identify (f, sender, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (caller->uid, ==, getuid ());
  g_assert_cmpstr (caller->sender, ==, sender);
  g_assert_nonnull (caller->program);
  g_assert_cmpstr (caller->confinement, ==, NULL);
  g_assert_false (g_cancellable_is_cancelled (caller->gone));
}

static void
test_known (Fixture *f, gconstpointer user_data)
{
  const char *sender = g_dbus_connection_get_unique_name (f->other);
  g_autoptr (CpdCaller) first = NULL, second = NULL, known = NULL;
  g_autoptr (GPtrArray) list = NULL;

  g_assert_null (cpd_callers_lookup (f->callers, sender));
  first = identify (f, sender, NULL);
  second = identify (f, sender, NULL);
  known = cpd_callers_lookup (f->callers, sender);
  list = cpd_callers_list (f->callers);
  g_assert_true (first == second);
  g_assert_true (first == known);
  g_assert_cmpuint (list->len, ==, 1);
}

static void
test_several_at_once (Fixture *f, gconstpointer user_data)
{
  const char *sender = g_dbus_connection_get_unique_name (f->other);
  GAsyncResult *pending[3] = { NULL };
  CpdCaller *callers[3];

  for (size_t i = 0; i < G_N_ELEMENTS (pending); i++)
    cpd_callers_identify_async (f->callers, sender, test_loop_on_result, &pending[i]);
  for (size_t i = 0; i < G_N_ELEMENTS (pending); i++)
    callers[i] = finish (f, &pending[i], NULL);
  g_assert_nonnull (callers[0]);
  g_assert_true (callers[0] == callers[1] && callers[1] == callers[2]);
  for (size_t i = 0; i < G_N_ELEMENTS (callers); i++)
    cpd_caller_unref (callers[i]);
}

static void
test_gone (Fixture *f, gconstpointer user_data)
{
  g_autofree char *sender = g_strdup (g_dbus_connection_get_unique_name (f->other));
  g_autoptr (CpdCaller) caller = identify (f, sender, NULL);
  g_autoptr (GPtrArray) list = NULL;

  test_bus_disconnect (g_steal_pointer (&f->other));
  while (!g_cancellable_is_cancelled (caller->gone))
    test_loop_step ();
  list = cpd_callers_list (f->callers);
  g_assert_cmpuint (list->len, ==, 0);
  g_assert_null (cpd_callers_lookup (f->callers, sender));
}

static void
test_nobody (Fixture *f, gconstpointer user_data)
{
  static const char *const senders[] = { ":1.99999", "no.such.Name" };

  for (size_t i = 0; i < G_N_ELEMENTS (senders); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (identify (f, senders[i], &error));
      g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_AUTHORIZED);
    }
}

static void
test_forgets_answers (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdCaller) caller = identify (f, g_dbus_connection_get_unique_name (f->other), NULL);

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
  ADD ("several-calls-at-once", test_several_at_once);
  ADD ("gone-when-its-connection-ends", test_gone);
  ADD ("nobody", test_nobody);
  ADD ("forgets-answers", test_forgets_answers);
  return g_test_run ();
}
