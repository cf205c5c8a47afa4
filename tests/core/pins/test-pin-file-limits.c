/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what becomes of pin files with more errors, or more of anything, than there may be. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/pins/cpd-pin-file.h"

#include <string.h>

static GPtrArray *
parse (const char *text, const CpdPinFileContext *context, GPtrArray **hosts, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  return cpd_pin_file_parse (bytes, context, hosts, error);
}

/* Behind more errors than are listed, a host that cannot be read still leaves the hosts unknown:
 * whoever reads the file blocks everything. */
static void
test_unknown_host_behind_many_errors (void)
{
  const CpdPinFileContext context = { .layer = CPD_LAYER_FILES, .source = "/a.pin" };
  g_autoptr (GString) text = g_string_new ("[Pin File]\nVersion=1\n");
  g_autoptr (GPtrArray) hosts = NULL;
  g_autoptr (GError) error = NULL;

  for (unsigned int i = 0; i < 200; i++)
    g_string_append_printf (text, "[%u]\nHost=h%u.example\nKey=x\n", i, i);
  g_assert_null (parse (text->str, &context, &hosts, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
  g_assert_nonnull (hosts);
  g_assert_cmpuint (hosts->len, ==, 200);
  g_clear_pointer (&hosts, g_ptr_array_unref);
  g_clear_error (&error);
  g_string_append (text, "[last]\nHost=bank..example\n");
  g_assert_null (parse (text->str, &context, &hosts, &error));
  g_assert_null (hosts);
}

/* Much text of a stranger, of which nothing is right: the work grows with its length only. */
static void
test_gives_up_at_run_time (void)
{
  const CpdPinFileContext context = { .layer = CPD_LAYER_USER, .at_run_time = TRUE };
  g_autoptr (GString) text = g_string_new ("[Pin File]\nVersion=1\n");
  g_autoptr (GPtrArray) hosts = NULL;
  g_autoptr (GError) error = NULL;
  gint64 began = g_get_monotonic_time ();

  for (unsigned int i = 0; i < 1000000; i++)
    g_string_append (text, "[\n");
  g_assert_null (parse (text->str, &context, &hosts, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
  g_test_message ("%" G_GINT64_FORMAT " µs", g_get_monotonic_time () - began);
  g_clear_error (&error);
  g_string_truncate (text, 0);
  g_string_append (text, "[Pin File]\nVersion=1\n[a]\nHost=h.example\nKeys=");
  for (unsigned int i = 0; i < 65; i++)
    g_string_append (text, "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=;");
  g_assert_null (parse (text->str, &context, &hosts, &error));
  g_assert_nonnull (strstr (error->message, "there are 65; 1 to 64 are allowed"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/pin-file-limits/unknown-host-behind-many-errors",
                   test_unknown_host_behind_many_errors);
  g_test_add_func ("/core/pin-file-limits/gives-up-at-run-time", test_gives_up_at_run_time);
  return g_test_run ();
}
