/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values of the core, made in one line, and temporary folders. What cannot be made fails the
 * test. */

#include "config.h"

#include "test-core.h"

#include <glib/gstdio.h>

#include <string.h>

CpdHost *
test_host (const char *text)
{
  g_autoptr (GError) error = NULL;
  CpdHost *host = cpd_host_new (text, &error);

  g_assert_no_error (error);
  return host;
}

/* A key of 32 times the same byte. */
CertpinKey *
test_key (guint8 fill)
{
  guint8 digest[CERTPIN_KEY_BYTES];

  memset (digest, fill, sizeof digest);
  return certpin_key_new_from_digest (digest);
}

CpdCertificate *
test_certificate (TestIdentity *identity)
{
  g_autoptr (GError) error = NULL;
  CpdCertificate *certificate
      = cpd_certificate_new (test_identity_get_certificate (identity), &error);

  g_assert_no_error (error);
  return certificate;
}

static GPtrArray *
collect_ders (TestIdentity *first, va_list rest)
{
  GPtrArray *ders = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);

  for (TestIdentity *identity = first; identity != NULL; identity = va_arg (rest, TestIdentity *))
    g_ptr_array_add (ders, g_bytes_ref (test_identity_get_certificate (identity)));
  return ders;
}

/* Returns: (transfer full): of GBytes */
GPtrArray *
test_ders (TestIdentity *first, ...)
{
  GPtrArray *ders;
  va_list rest;

  va_start (rest, first);
  ders = collect_ders (first, rest);
  va_end (rest);
  return ders;
}

/* Returns: (transfer full): of CpdCertificate */
GPtrArray *
test_chain (TestIdentity *first, ...)
{
  GPtrArray *chain = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_certificate_unref);
  va_list rest;

  va_start (rest, first);
  for (TestIdentity *identity = first; identity != NULL; identity = va_arg (rest, TestIdentity *))
    g_ptr_array_add (chain, test_certificate (identity));
  va_end (rest);
  return chain;
}

CpdAnchors *
test_anchors (TestIdentity *first, ...)
{
  g_autoptr (GPtrArray) ders = NULL;
  g_autoptr (GError) error = NULL;
  CpdAnchors *anchors;
  va_list rest;

  va_start (rest, first);
  ders = collect_ders (first, rest);
  va_end (rest);
  anchors = cpd_anchors_new (ders, &error);
  g_assert_no_error (error);
  return anchors;
}

/* A pin with one key, test_key (fill). */
CpdPin *
test_pin (const char *host, CpdLayer layer, guint8 fill)
{
  g_autoptr (CpdHost) parsed = test_host (host);
  g_autoptr (CertpinKey) key = test_key (fill);
  CpdPin *pin = cpd_pin_new (parsed, layer);

  cpd_pin_add_key (pin, key);
  return pin;
}

char *
test_folder_new (void)
{
  g_autoptr (GError) error = NULL;
  char *path = g_dir_make_tmp ("certpin-test-XXXXXX", &error);

  g_assert_no_error (error);
  return path;
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;

  if (!g_file_test (path, G_FILE_TEST_IS_SYMLINK))
    dir = g_dir_open (path, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);
      remove_tree (child);
    }
  g_remove (path);
}

/* `path`: (transfer full) (nullable) */
void
test_folder_remove (char *path)
{
  if (path != NULL)
    remove_tree (path);
  g_free (path);
}

/* Makes the folder, too. Returns: (transfer full): the file's path */
char *
test_folder_write (const char *folder, const char *name, const char *contents)
{
  g_autoptr (GError) error = NULL;
  char *path = g_build_filename (folder, name, NULL);

  g_assert_no_errno (g_mkdir_with_parents (folder, 0700));
  g_file_set_contents_full (path, contents, -1, G_FILE_SET_CONTENTS_NONE, 0600, &error);
  g_assert_no_error (error);
  return path;
}
