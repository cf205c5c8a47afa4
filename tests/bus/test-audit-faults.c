/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that each fault of a file has its own entry in the journal, with its place in fields. */

#include "config.h"

#include "daemon/bus/cpd-audit.h"
#include "daemon/core/base/cpd-fault.h"
#include "dbus/certpin-names.h"

#include <string.h>

/* Of char *: since the test began; each is a text of all its fields. */
static GPtrArray *entries;

static GLogWriterOutput
note_entry (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  GString *entry = g_string_new (NULL);

  for (gsize i = 0; i < n_fields; i++)
    g_string_append_printf (entry, "%s=%s\n", fields[i].key, (const char *)fields[i].value);
  g_ptr_array_add (entries, g_string_free (entry, FALSE));
  return G_LOG_WRITER_HANDLED;
}

static void
assert_has (const char *entry, const char *field)
{
  g_autofree char *line = g_strconcat (field, "\n", NULL);

  g_test_message ("%s", entry);
  g_assert_nonnull (strstr (entry, line));
}

static void
test_faults_of_files (void)
{
  g_autoptr (GPtrArray) faults = cpd_faults_new ();

  g_ptr_array_set_size (entries, 0);
  cpd_faults_take (faults, 10, cpd_fault_new ("/a.pin", 3, "Keys", "it is wrong"));
  cpd_faults_tell (faults, "nothing else is right");
  cpd_audit_store_broken (faults);
  cpd_audit_reload_failed (/* caller= */ NULL, faults);
  g_assert_cmpuint (entries->len, ==, 4);
  assert_has (entries->pdata[0], "MESSAGE_ID=" CERTPIN_MESSAGE_STORE_BROKEN);
  assert_has (entries->pdata[0], "MESSAGE=/a.pin:3: Keys=: it is wrong; requests that depend on "
                                 "this are refused; fix the cause and restart certpind");
  assert_has (entries->pdata[0], "CERTPIN_FILE=/a.pin");
  assert_has (entries->pdata[0], "CERTPIN_LINE=3");
  assert_has (entries->pdata[0], "CERTPIN_KEY=Keys");
  assert_has (entries->pdata[0], "PRIORITY=4");
  g_assert_null (strstr (entries->pdata[1], "CERTPIN_FILE"));
  g_assert_null (strstr (entries->pdata[1], "CERTPIN_LINE"));
  assert_has (entries->pdata[2], "MESSAGE=/a.pin:3: Keys=: it is wrong; nothing was reloaded, so "
                                 "the old pins and trust anchors stay in force");
}

/* It would be a contradiction if it went on to say that requests are refused. */
static void
test_one_that_says_all (void)
{
  g_autoptr (GPtrArray) faults = cpd_faults_new ();

  g_ptr_array_set_size (entries, 0);
  cpd_faults_tell_all (faults, /* owner= */ 0, "/apps/x", g_strdup ("it is ignored; remove it"));
  cpd_audit_store_broken (faults);
  g_assert_cmpuint (entries->len, ==, 1);
  assert_has (entries->pdata[0], "MESSAGE=/apps/x: it is ignored; remove it");
  assert_has (entries->pdata[0], "CERTPIN_FILE=/apps/x");
}

int
main (int argc, char *argv[])
{
  int status;

  g_test_init (&argc, &argv, NULL);
  entries = g_ptr_array_new_with_free_func (g_free);
  g_log_set_writer_func (note_entry, NULL, NULL);
  g_test_add_func ("/bus/audit-faults/of-files", test_faults_of_files);
  g_test_add_func ("/bus/audit-faults/one-that-says-all", test_one_that_says_all);
  status = g_test_run ();
  g_ptr_array_unref (entries);
  return status;
}
