/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that the configuration has its built-in values, takes what a file says, warns of what it
 * does not know and tells everything that makes no sense. */

#include "config.h"

#include "daemon/core/base/cpd-config.h"
#include "daemon/core/base/cpd-fault.h"
#include "tests/lib/test-core.h"

#include <string.h>

typedef struct
{
  GPtrArray *warnings, *problems; /* of char * */
} Fixture;

static void
set_up (Fixture *f, gconstpointer user_data)
{
  f->warnings = g_ptr_array_new_with_free_func (g_free);
  f->problems = g_ptr_array_new_with_free_func (g_free);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_ptr_array_unref (f->warnings);
  g_ptr_array_unref (f->problems);
}

/* As sentences. */
static CpdConfig *
load_file (const char *path, GPtrArray *warnings, GPtrArray *problems)
{
  g_autoptr (GPtrArray) faults = cpd_faults_new ();
  CpdConfig *config = cpd_config_load (path, warnings, faults);

  for (unsigned int i = 0; i < faults->len; i++)
    g_ptr_array_add (problems, cpd_fault_to_text (faults->pdata[i]));
  return config;
}

static CpdConfig *
load (Fixture *f, const char *text)
{
  g_autoptr (TestFolder) folder = test_folder_new ();
  g_autofree char *path = test_folder_write (folder, "certpind.conf", text);

  g_ptr_array_set_size (f->warnings, 0);
  g_ptr_array_set_size (f->problems, 0);
  return load_file (path, f->warnings, f->problems);
}

/* `line`, `named`: what the sentence must tell */
static void
assert_tells (const char *sentence, const char *line, const char *named)
{
  g_test_message ("%s", sentence);
  g_assert_nonnull (strstr (sentence, "certpind.conf"));
  g_assert_nonnull (strstr (sentence, line));
  g_assert_nonnull (strstr (sentence, named));
}

static void
assert_refused (Fixture *f, const char *text, const char *named)
{
  g_autoptr (CpdConfig) config = load (f, text);

  g_assert_cmpuint (f->problems->len, ==, 1);
  assert_tells (f->problems->pdata[0], ":2: ", named);
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
  g_assert_cmpuint (config->inline_body_bytes, ==, 4 * 1024 * 1024);
  g_assert_cmpuint (config->body_bytes_per_uid, ==, 64 * 1024 * 1024);
  g_assert_cmpuint (config->running_per_uid, ==, 64);
  g_assert_cmpuint (config->waiting_per_uid, ==, 256);
  g_assert_cmpuint (config->running, ==, 1024);
  g_assert_cmpuint (config->connections_per_channel, ==, 6);
  g_assert_cmpuint (config->channel_idle_s, ==, 60);
  g_assert_nonnull (config->trust_file);
}

static void
test_missing_file (Fixture *f, gconstpointer user_data)
{
  g_autoptr (TestFolder) folder = test_folder_new ();
  g_autofree char *path = g_build_filename (folder, "none.conf", NULL);
  g_autoptr (CpdConfig) config = load_file (path, f->warnings, f->problems);

  g_assert_cmpuint (config->running, ==, 1024);
  g_assert_cmpuint (f->warnings->len, ==, 0);
  g_assert_cmpuint (f->problems->len, ==, 0);
}

static void
test_takes_values (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdConfig) config = load (f, "[Limits]\nRunning=7\nWaitingPerUser=0\n"
                                          "[Tls]\nTrustFile=/somewhere/trust.pem\n"
                                          "LocalTrustDirs=/a;/b\n");

  g_assert_cmpuint (config->running, ==, 7);
  g_assert_cmpuint (config->waiting_per_uid, ==, 0);
  g_assert_cmpuint (config->headers, ==, 100);
  g_assert_cmpstr (config->trust_file, ==, "/somewhere/trust.pem");
  g_assert_cmpstr (config->local_trust_dirs[0], ==, "/a");
  g_assert_cmpstr (config->local_trust_dirs[1], ==, "/b");
  g_assert_null (config->local_trust_dirs[2]);
  g_assert_cmpuint (f->warnings->len, ==, 0);
  g_assert_cmpuint (f->problems->len, ==, 0);
}

static void
test_takes_proxies (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdConfig) config
      = load (f, "[Network]\nProxy=http://a.example:1, https://b.example:2;direct\n"
                 "NoProxy=.h.example; 10.0.0.0/8,localhost\n");

  g_assert_cmpuint (f->warnings->len, ==, 0);
  g_assert_cmpuint (f->problems->len, ==, 0);
  g_assert_nonnull (cpd_proxies_choose (config->proxies, NULL, "h.example", 443));
  g_assert_null (cpd_proxies_choose (config->proxies, NULL, "a.h.example", 443));
  g_assert_null (cpd_proxies_choose (config->proxies, NULL, "10.1.2.3", 443));
  g_assert_null (cpd_proxies_choose (config->proxies, NULL, "localhost", 443));
  g_assert_nonnull (cpd_proxies_find (config->proxies, "https://b.example:2"));
}

static void
test_refuses_bad_proxies (Fixture *f, gconstpointer user_data)
{
  assert_refused (f, "[Network]\nProxy=proxy.example\n", "element 1");
  assert_refused (f, "[Network]\nProxy=direct;socks5://p:1\n", "element 2");
  assert_refused (f, "[Network]\nProxy=direct;direct\n", "twice");
  assert_refused (f, "[Network]\nNoProxy=a.example;a*b\n", "a*b");
  assert_refused (f, "[Network]\nProxyCredentials=/nowhere/at/all\n", "/nowhere/at/all");
  assert_refused (f, "[Network]\nProxy=http://u:secret@p.example:1\n", "ProxyCredentials");
  g_assert_null (strstr (f->problems->pdata[0], "secret"));
}

static void
test_warns_of_unknown_keys (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdConfig) config = load (f, "[Limits]\nRuning=7\n[Other]\nKey=1\n[Tls]\nFile=a\n");

  g_assert_cmpuint (f->problems->len, ==, 0);
  g_assert_cmpuint (f->warnings->len, ==, 3);
  assert_tells (f->warnings->pdata[0], ":2: ", "[Limits] Runing");
  assert_tells (f->warnings->pdata[1], ":4: ", "[Other] Key");
  assert_tells (f->warnings->pdata[2], ":6: ", "[Tls] File");
}

static void
test_refuses_bad_values (Fixture *f, gconstpointer user_data)
{
  assert_refused (f, "[Limits]\nRunning=many\n", "many");
  assert_refused (f, "[Limits]\nRunning=-1\n", "Running");
  assert_refused (f, "[Limits]\nRunning=\n", "Running");
  assert_refused (f, "[Limits]\nRunning=7 and more\n", "Running");
  assert_refused (f, "[Limits]\nRunning=99999999999999999999999\n", "Running");
}

static gboolean
denies (const CpdConfig *config, const char *text, gboolean for_user)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);
  g_autofree char *refusal = cpd_address_rules_refuse (config->address_rules, address, for_user);

  return refusal != NULL;
}

static void
test_takes_ranges (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdConfig) config = load (f, "[Network]\nDeny=203.0.113.0/24; 2001:db8::/32 ;\n"
                                          "DenyForUsers=loopback private\nAllow=10.1.0.0/16\n");

  g_assert_cmpuint (f->warnings->len, ==, 0);
  g_assert_cmpuint (f->problems->len, ==, 0);
  g_assert_true (denies (config, "203.0.113.1", FALSE));
  g_assert_true (denies (config, "2001:db8::1", FALSE));
  g_assert_true (denies (config, "127.0.0.1", TRUE));
  g_assert_true (denies (config, "10.0.0.1", TRUE));
  g_assert_false (denies (config, "10.0.0.1", FALSE));
  g_assert_false (denies (config, "10.1.0.1", TRUE));
}

static void
test_denies_nothing_by_default (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdConfig) config = load (f, "[Network]\nDeny=\nDenyForUsers=\n");

  g_assert_cmpuint (f->problems->len, ==, 0);
  g_assert_false (denies (config, "127.0.0.1", TRUE));
  g_assert_true (denies (config, "169.254.169.254", FALSE));
}

/* What is misspelled would be let through. */
static void
test_refuses_bad_ranges (Fixture *f, gconstpointer user_data)
{
  assert_refused (f, "[Network]\nDeny=loopback 10.0.0.1/8\n", "Deny=: [Network] ‘10.0.0.1/8’");
  assert_refused (f, "[Network]\nDenyForUsers=localhost\n", "‘localhost’");
  assert_refused (f, "[Network]\nAllow=h.example\n", "‘h.example’");
  assert_refused (f, "[Network]\nDenyForUser=loopback\n",
                  "DenyForUser=: the group [Network] has no such key");
}

static void
test_refuses_out_of_range (Fixture *f, gconstpointer user_data)
{
  assert_refused (f, "[Limits]\nRunning=0\n", "Running");
  assert_refused (f, "[Limits]\nInlineBodyBytes=4194305\n", "InlineBodyBytes");
}

static void
test_refuses_unknown_escapes (Fixture *f, gconstpointer user_data)
{
  assert_refused (f, "[Limits]\nRunning=7\\\n", "Running");
  assert_refused (f, "[Limits]\nRunning=\\q\n", "Running");
  assert_refused (f, "[Tls]\nTrustFile=/a\\q\n", "TrustFile");
}

/* Nobody could tell which of them was meant. */
static void
test_refuses_what_is_said_twice (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdConfig) config
      = load (f, "[Limits]\nRunning=7\nRunning=8\n[Tls]\n[Limits]\nHeaders=9\n");

  g_assert_cmpuint (f->problems->len, ==, 2);
  assert_tells (f->problems->pdata[0], ":3: ", "Running=8");
  assert_tells (f->problems->pdata[1], ":5: ", "[Limits]");
}

/* Who fixes a file wants to know everything that is wrong with it. */
static void
test_tells_every_bad_line (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdConfig) config
      = load (f, "[Limits]\nRunning=many\nno value\nHeaders=5\nUrlBytes=1\n"
                 "[Tls]\nTrustFile=\\q\n");

  g_assert_cmpuint (f->problems->len, ==, 4);
  assert_tells (f->problems->pdata[0], ":2: ", "Running=: [Limits] ‘many’");
  assert_tells (f->problems->pdata[1], ":3: ", "no value");
  assert_tells (f->problems->pdata[2], ":5: ", "UrlBytes=: [Limits] ‘1’");
  assert_tells (f->problems->pdata[3], ":7: ", "TrustFile");
  g_assert_cmpuint (config->running, ==, 1024);
  g_assert_cmpuint (config->headers, ==, 5);
}

static void
test_refuses_what_is_no_key_file (Fixture *f, gconstpointer user_data)
{
  static const char *const texts[] = { "Running=7\n", "[Limits\nRunning=7\n", "[Limits]\n\xff\n" };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (CpdConfig) config = load (f, texts[i]);

      g_assert_cmpuint (f->problems->len, ==, 1);
      assert_tells (f->problems->pdata[0], "", "");
    }
}

static void
test_unreadable_file_is_an_error (Fixture *f, gconstpointer user_data)
{
  g_autoptr (TestFolder) folder = test_folder_new ();
  g_autoptr (CpdConfig) config = load_file (folder, f->warnings, f->problems);

  g_assert_cmpuint (f->problems->len, ==, 1);
  g_assert_nonnull (strstr (f->problems->pdata[0], folder));
}

#define ADD(path, function)                                                                        \
  g_test_add ("/core/config/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/config/built-in-values", test_built_in);
  ADD ("missing-file-is-no-error", test_missing_file);
  ADD ("takes-values", test_takes_values);
  ADD ("takes-proxies", test_takes_proxies);
  ADD ("refuses-bad-proxies", test_refuses_bad_proxies);
  ADD ("warns-of-unknown-keys", test_warns_of_unknown_keys);
  ADD ("refuses-bad-values", test_refuses_bad_values);
  ADD ("takes-ranges", test_takes_ranges);
  ADD ("denies-nothing-by-default", test_denies_nothing_by_default);
  ADD ("refuses-bad-ranges", test_refuses_bad_ranges);
  ADD ("refuses-out-of-range", test_refuses_out_of_range);
  ADD ("refuses-unknown-escapes", test_refuses_unknown_escapes);
  ADD ("refuses-what-is-said-twice", test_refuses_what_is_said_twice);
  ADD ("tells-every-bad-line", test_tells_every_bad_line);
  ADD ("refuses-what-is-no-key-file", test_refuses_what_is_no_key_file);
  ADD ("unreadable-file-is-an-error", test_unreadable_file_is_an_error);
  return g_test_run ();
}
