/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that the configuration has its built-in values, takes what a file says, warns of what it
 * does not know and refuses what makes no sense. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/base/cpd-config.h"
#include "tests/lib/test-core.h"

#include <string.h>

static CpdConfig *
load (const char *text, GPtrArray *warnings, GError **error)
{
  g_autoptr (TestFolder) folder = test_folder_new ();
  g_autofree char *path = test_folder_write (folder, "certpind.conf", text);

  return cpd_config_load (path, warnings, error);
}

static void
assert_refused (const char *text, const char *named)
{
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdConfig) config = load (text, warnings, &error);

  if (config != NULL)
    g_test_message ("‘%s’ was accepted", text);
  g_assert_null (config);
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, named));
  g_assert_nonnull (strstr (error->message, "certpind.conf"));
}

static void
test_built_in (void)
{
  g_autoptr (CpdConfig) config = cpd_config_new ();

  g_assert_cmpuint (config->pins_per_uid, ==, 10000);
  g_assert_cmpuint (config->pin_bytes_per_uid, ==, 16 * 1024 * 1024);
  g_assert_cmpuint (config->url_bytes, ==, 16 * 1024);
  g_assert_cmpuint (config->headers, ==, 100);
  g_assert_cmpuint (config->header_bytes, ==, 64 * 1024);
  g_assert_cmpuint (config->inline_body_bytes, ==, 16 * 1024 * 1024);
  g_assert_cmpuint (config->body_bytes_per_uid, ==, 64 * 1024 * 1024);
  g_assert_cmpuint (config->running_per_uid, ==, 64);
  g_assert_cmpuint (config->waiting_per_uid, ==, 256);
  g_assert_cmpuint (config->running, ==, 1024);
  g_assert_cmpuint (config->connections_per_channel, ==, 6);
  g_assert_cmpuint (config->channel_idle_s, ==, 60);
  g_assert_nonnull (config->trust_file);
}

static void
test_missing_file (void)
{
  g_autoptr (TestFolder) folder = test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "none.conf", NULL);
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdConfig) config = cpd_config_load (path, warnings, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (config->running, ==, 1024);
  g_assert_cmpuint (warnings->len, ==, 0);
}

static void
test_takes_values (void)
{
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdConfig) config = load ("[Limits]\nRunning=7\nWaitingPerUser=0\n"
                                       "[Tls]\nTrustFile=/somewhere/trust.pem\n"
                                       "LocalTrustDirs=/a;/b\n",
                                       warnings, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (config->running, ==, 7);
  g_assert_cmpuint (config->waiting_per_uid, ==, 0);
  g_assert_cmpuint (config->headers, ==, 100);
  g_assert_cmpstr (config->trust_file, ==, "/somewhere/trust.pem");
  g_assert_cmpstr (config->local_trust_dirs[0], ==, "/a");
  g_assert_cmpstr (config->local_trust_dirs[1], ==, "/b");
  g_assert_null (config->local_trust_dirs[2]);
  g_assert_cmpuint (warnings->len, ==, 0);
}

static void
test_warns_of_unknown_keys (void)
{
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdConfig) config
      = load ("[Limits]\nRuning=7\n[Other]\nKey=1\n[Tls]\nFile=a\n", warnings, &error);

  g_assert_no_error (error);
  g_assert_nonnull (config);
  g_assert_cmpuint (warnings->len, ==, 3);
  g_assert_nonnull (strstr (warnings->pdata[0], "Runing"));
}

static void
test_refuses_bad_values (void)
{
  assert_refused ("[Limits]\nRunning=many\n", "many");
  assert_refused ("[Limits]\nRunning=-1\n", "Running");
  assert_refused ("[Limits]\nRunning=\n", "Running");
  assert_refused ("[Limits]\nRunning=7 and more\n", "Running");
  assert_refused ("[Limits]\nRunning=99999999999999999999999\n", "Running");
}

static void
test_refuses_out_of_range (void)
{
  assert_refused ("[Limits]\nRunning=0\n", "Running");
  assert_refused ("[Limits]\nInlineBodyBytes=25165825\n", "InlineBodyBytes");
}

static void
test_refuses_unknown_escapes (void)
{
  static const char *const texts[]
      = { "[Limits]\nRunning=7\\\n", "[Limits]\nRunning=\\q\n", "[Tls]\nTrustFile=/a\\q\n" };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);
      g_autoptr (GError) error = NULL;

      g_assert_null (load (texts[i], warnings, &error));
      g_assert_error (error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE);
      g_assert_nonnull (strstr (error->message, "certpind.conf"));
    }
}

static void
test_refuses_what_is_no_key_file (void)
{
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;

  g_assert_null (load ("Running=7\n", warnings, &error));
  g_assert_nonnull (error);
  g_assert_cmpuint (error->domain, ==, G_KEY_FILE_ERROR);
}

static void
test_unreadable_file_is_an_error (void)
{
  g_autoptr (TestFolder) folder = test_folder_new ();
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;

  g_assert_null (cpd_config_load (folder, warnings, &error));
  g_assert_nonnull (error);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/config/built-in-values", test_built_in);
  g_test_add_func ("/core/config/missing-file-is-no-error", test_missing_file);
  g_test_add_func ("/core/config/takes-values", test_takes_values);
  g_test_add_func ("/core/config/warns-of-unknown-keys", test_warns_of_unknown_keys);
  g_test_add_func ("/core/config/refuses-bad-values", test_refuses_bad_values);
  g_test_add_func ("/core/config/refuses-out-of-range", test_refuses_out_of_range);
  g_test_add_func ("/core/config/refuses-unknown-escapes", test_refuses_unknown_escapes);
  g_test_add_func ("/core/config/refuses-what-is-no-key-file", test_refuses_what_is_no_key_file);
  g_test_add_func ("/core/config/unreadable-file-is-an-error", test_unreadable_file_is_an_error);
  return g_test_run ();
}
