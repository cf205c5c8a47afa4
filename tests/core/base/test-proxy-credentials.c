/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that the credentials of proxies are taken only from a private file, that each line that is
 * wrong is told, and that none of what is secret is. */

#include "config.h"

#include "daemon/core/base/cpd-config.h"
#include "daemon/core/base/cpd-fault.h"
#include "tests/lib/test-core.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOOD "[office]\nProxy=http://a.example:1\nUser=certpin\nPassword=hush: hush\n"

typedef struct
{
  TestFolder *folder;
  char *config_file, *file;
  GPtrArray *warnings, *problems; /* of char * */
} Fixture;

static void
set_up (Fixture *f, gconstpointer user_data)
{
  g_autofree char *text = NULL;

  f->folder = test_folder_new ();
  f->warnings = g_ptr_array_new_with_free_func (g_free);
  f->problems = g_ptr_array_new_with_free_func (g_free);
  f->file = g_build_filename (f->folder, "proxy.secret", NULL);
  text = g_strdup_printf ("[Network]\nProxyCredentials=%s\n"
                          "Proxy=http://a.example:1;https://b.example:2;direct\n",
                          f->file);
  f->config_file = test_folder_write (f->folder, "certpind.conf", text);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_ptr_array_unref (f->warnings);
  g_ptr_array_unref (f->problems);
  g_free (f->config_file);
  g_free (f->file);
  test_folder_remove (f->folder);
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
  g_autofree char *path = NULL;

  unlink (f->file); /* a new one: what is longer would not be cut */
  path = test_folder_write (f->folder, "proxy.secret", text);
  g_assert_no_errno (chmod (path, 0600));
  return load_file (f->config_file, f->warnings, f->problems);
}

static const char *
get_authorization (CpdConfig *config, const char *url)
{
  return cpd_proxies_find (config->proxies, url)->authorization;
}

static void
test_takes_them (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdConfig) config = load (f, GOOD);

  g_assert_cmpuint (f->problems->len, ==, 0);
  g_assert_cmpstr (get_authorization (config, "http://a.example:1"), ==,
                   "Basic Y2VydHBpbjpodXNoOiBodXNo");
  g_assert_null (get_authorization (config, "https://b.example:2"));
}

static void
test_takes_several (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdConfig) config
      = load (f, GOOD "[other]\nProxy=https://B.example:2/\nUser=\xc3\xbc\nPassword=\n");

  g_assert_cmpuint (f->problems->len, ==, 0);
  g_assert_cmpstr (get_authorization (config, "https://b.example:2"), ==, "Basic w7w6");
}

/* `line`: 0: it is about the whole file */
static void
assert_refused (Fixture *f, const char *text, unsigned int line)
{
  g_autoptr (CpdConfig) config = NULL;
  g_autofree char *place
      = line > 0 ? g_strdup_printf ("proxy.secret:%u: ", line) : g_strdup ("proxy.secret: ");

  g_ptr_array_set_size (f->problems, 0);
  config = load (f, text);
  g_assert_cmpuint (f->problems->len, >, 0);
  g_test_message ("%s", (char *)f->problems->pdata[0]);
  g_assert_nonnull (strstr (f->problems->pdata[0], place));
  for (unsigned int i = 0; i < f->problems->len; i++)
    g_assert_null (strstr (f->problems->pdata[i], "hush"));
}

static void
test_tells_bad_lines (Fixture *f, gconstpointer user_data)
{
  assert_refused (f, "[a]\nProxy=http://a.example:1\nUser=hush\n", 1);
  assert_refused (f, "[a]\nUser=hush\nPassword=hush\n", 1);
  assert_refused (f, "[a]\nProxy=http://a.example:1\nPassword=hush\n", 1);
  assert_refused (f, "[a]\nProxy=http://c.example:1\nUser=hush\nPassword=hush\n", 2);
  assert_refused (f, "[a]\nProxy=http://hush:hush@a.example:1\nUser=hush\nPassword=hush\n", 2);
  assert_refused (f, "[a]\nProxy=direct\nUser=hush\nPassword=hush\n", 2);
  assert_refused (f, "[a]\nProxy=http://a.example:1\nUser=hu:hush\nPassword=hush\n", 3);
  assert_refused (f, "[a]\nProxy=http://a.example:1\nUser=u\nPassword=hush\\n\n", 4);
  assert_refused (f, "[a]\nProxy=http://a.example:1\nUser=u\nPassword=hush\\q\n", 4);
  assert_refused (f, GOOD "Passwort=hush\n", 5);
  assert_refused (f, GOOD "hush\n", 5);
  assert_refused (f, GOOD "Password=hush\n", 5);
  assert_refused (f, GOOD "[other]\nProxy=http://a.example:1\nUser=u\nPassword=hush\n", 6);
  assert_refused (f, "hush\xff\n", 0);
  assert_refused (f, "Password=hush\n", 1);
  assert_refused (f, "[hush\n", 1);
}

static void
assert_config_refused (Fixture *f)
{
  g_autoptr (CpdConfig) config = NULL;

  g_ptr_array_set_size (f->problems, 0);
  config = load_file (f->config_file, f->warnings, f->problems);
  g_assert_cmpuint (f->problems->len, ==, 1);
  g_test_message ("%s", (char *)f->problems->pdata[0]);
  g_assert_nonnull (strstr (f->problems->pdata[0], "certpind.conf:2: "));
  g_assert_null (get_authorization (config, "http://a.example:1"));
}

static void
test_refuses_unsafe_files (Fixture *f, gconstpointer user_data)
{
  static const mode_t modes[] = { 0644, 0604, 0602, 0620, 0660 };
  g_autofree char *other = g_build_filename (f->folder, "other", NULL);
  g_autoptr (CpdConfig) config = NULL;

  assert_config_refused (f);
  config = load (f, GOOD);
  for (size_t i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_assert_no_errno (chmod (f->file, modes[i]));
      assert_config_refused (f);
    }
  g_assert_no_errno (chmod (f->file, 0600));
  g_assert_no_errno (rename (f->file, other));
  g_assert_no_errno (symlink (other, f->file));
  assert_config_refused (f);
  g_assert_no_errno (unlink (f->file));
  g_assert_no_errno (mkfifo (f->file, 0600));
  assert_config_refused (f);
  g_assert_no_errno (unlink (f->file));
  g_assert_no_errno (mkdir (f->file, 0700));
  assert_config_refused (f);
}

static void
test_refuses_strange_owners (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdConfig) config = NULL;

  if (geteuid () != 0)
    {
      g_test_incomplete ("only root can give files away");
      return;
    }
  config = load (f, GOOD);
  g_assert_no_errno (chown (f->file, 1, 0));
  assert_config_refused (f);
  g_assert_no_errno (chown (f->file, 0, 1));
  g_assert_no_errno (chmod (f->file, 0640));
  assert_config_refused (f);
}

static void
test_takes_the_group (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdConfig) config = load (f, GOOD);
  g_autoptr (CpdConfig) again = NULL;

  g_assert_no_errno (chown (f->file, (uid_t)-1, getegid ()));
  g_assert_no_errno (chmod (f->file, 0640));
  again = load_file (f->config_file, f->warnings, f->problems);
  g_assert_cmpuint (f->problems->len, ==, 0);
  g_assert_nonnull (get_authorization (again, "http://a.example:1"));
}

static void
test_refuses_large_files (Fixture *f, gconstpointer user_data)
{
  g_autofree char *text = g_strnfill (64 * 1024 + 1, '#');
  g_autoptr (CpdConfig) config = load (f, text);

  g_assert_cmpuint (f->problems->len, ==, 1);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/core/proxy-credentials/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("takes-them", test_takes_them);
  ADD ("takes-several", test_takes_several);
  ADD ("tells-bad-lines", test_tells_bad_lines);
  ADD ("refuses-unsafe-files", test_refuses_unsafe_files);
  ADD ("refuses-strange-owners", test_refuses_strange_owners);
  ADD ("takes-the-group", test_takes_the_group);
  ADD ("refuses-large-files", test_refuses_large_files);
  return g_test_run ();
}
