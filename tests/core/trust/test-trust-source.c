/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what is trusted of a bundle, of p11-kit and of what the administrator added. */

#define _GNU_SOURCE /* unshare () */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/trust/cpd-trust-source.h"
#include "tests/lib/test-core.h"

#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>

#define BUNDLE "/etc/ssl/certs/ca-certificates.crt"

static CpdAnchors *
load (const char *location, const char *local_dir, GError **error)
{
  const char *const local_dirs[] = { "/nonexistent", local_dir, NULL };
  g_autoptr (CpdTrustSource) source = cpd_trust_source_new (location, local_dirs);

  return cpd_trust_source_load (source, error);
}

static void
assert_local (CpdAnchors *anchors, TestIdentity *identity, gboolean expected)
{
  g_autoptr (CpdCertificate) certificate = test_certificate (identity);

  g_assert_true (cpd_anchors_contain (anchors, certificate));
  g_assert_cmpint (cpd_anchors_is_local (anchors, certificate), ==, expected);
}

static void
test_bundle (void)
{
  g_autoptr (TestFolder) folder = test_folder_new ();
  g_autoptr (TestIdentity) a = TEST_IDENTITY (.subject = "A", .is_ca = TRUE);
  g_autoptr (TestIdentity) b = TEST_IDENTITY (.subject = "B", .is_ca = TRUE);
  g_autofree char *pem_a = test_identity_to_pem (a), *pem_b = test_identity_to_pem (b);
  g_autofree char *text
      = g_strconcat ("# A\n", pem_a,
                     "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
                     "-----BEGIN CERTIFICATE-----\nno end\n",
                     pem_b, NULL);
  g_autofree char *path = test_folder_write (folder, "bundle.pem", text);
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdAnchors) anchors = load (path, folder, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (cpd_anchors_get_count (anchors), ==, 2);
}

/* A block that does not end must not swallow the next one, nor be read as one with it. */
static void
test_torn_block (void)
{
  g_autoptr (TestFolder) folder = test_folder_new ();
  g_autoptr (TestIdentity) torn = TEST_IDENTITY (.subject = "Torn", .is_ca = TRUE);
  g_autoptr (TestIdentity) whole = TEST_IDENTITY (.subject = "Whole", .is_ca = TRUE);
  g_autoptr (CpdCertificate) expected = test_certificate (whole);
  g_autofree char *pem = test_identity_to_pem (torn), *next = test_identity_to_pem (whole);
  g_autofree char *half = g_strndup (pem, strlen (pem) / 2);
  g_autofree char *text = g_strconcat (half, "\n", next, NULL);
  g_autofree char *path = test_folder_write (folder, "torn.pem", text);
  g_autoptr (CpdAnchors) anchors = load (path, NULL, NULL);

  g_assert_cmpuint (cpd_anchors_get_count (anchors), ==, 1);
  g_assert_true (cpd_anchors_contain (anchors, expected));
}

static void
test_added_by_the_administrator (void)
{
  g_autoptr (TestFolder) folder = test_folder_new ();
  g_autofree char *local = g_build_filename (folder, "local", NULL);
  g_autofree char *deep = g_build_filename (local, "company", NULL);
  g_autoptr (TestIdentity) ours = TEST_IDENTITY (.subject = "System", .is_ca = TRUE);
  g_autoptr (TestIdentity) pem = TEST_IDENTITY (.subject = "In PEM", .is_ca = TRUE);
  g_autoptr (TestIdentity) der = TEST_IDENTITY (.subject = "In DER", .is_ca = TRUE);
  TestIdentity *const bundle[] = { ours, pem, der, NULL }, *const only_pem[] = { pem, NULL };
  g_autofree char *bundle_path = g_build_filename (folder, "bundle.pem", NULL);
  g_autofree char *pem_path = g_build_filename (local, "a.crt", NULL);
  g_autofree char *der_path = g_build_filename (deep, "b.crt", NULL);
  GBytes *bytes = test_identity_get_certificate (der);
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdAnchors) anchors = NULL;

  g_assert_cmpint (g_mkdir_with_parents (deep, 0700), ==, 0);
  test_pki_write_certificates (bundle_path, bundle);
  test_pki_write_certificates (pem_path, only_pem);
  g_file_set_contents (der_path, g_bytes_get_data (bytes, NULL), (gssize)g_bytes_get_size (bytes),
                       &error);
  g_assert_no_error (error);
  anchors = load (bundle_path, local, &error);
  g_assert_no_error (error);
  assert_local (anchors, ours, FALSE);
  assert_local (anchors, pem, TRUE);
  assert_local (anchors, der, TRUE);
}

/* What lies in those folders is named, but trusted only through the bundle. */
static void
test_added_is_not_trusted (void)
{
  g_autoptr (TestFolder) folder = test_folder_new ();
  g_autofree char *local = g_build_filename (folder, "local", NULL);
  g_autoptr (TestIdentity) ours = TEST_IDENTITY (.subject = "System", .is_ca = TRUE);
  g_autoptr (TestIdentity) added = TEST_IDENTITY (.subject = "Added", .is_ca = TRUE);
  g_autoptr (CpdCertificate) certificate = test_certificate (added);
  TestIdentity *const bundle[] = { ours, NULL }, *const lone[] = { added, NULL };
  g_autofree char *bundle_path = g_build_filename (folder, "bundle.pem", NULL);
  g_autofree char *path = g_build_filename (local, "a.crt", NULL);
  g_autoptr (CpdAnchors) anchors = NULL;

  g_assert_cmpint (g_mkdir (local, 0700), ==, 0);
  test_pki_write_certificates (bundle_path, bundle);
  test_pki_write_certificates (path, lone);
  anchors = load (bundle_path, local, NULL);
  g_assert_cmpuint (cpd_anchors_get_count (anchors), ==, 1);
  g_assert_false (cpd_anchors_contain (anchors, certificate));
}

static void
test_nothing_to_trust (void)
{
  g_autoptr (TestFolder) folder = test_folder_new ();
  static const char *const texts[]
      = { "", "words\n", "-----BEGIN CERTIFICATE-----\nnonsense!\n-----END CERTIFICATE-----\n",
          "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n" };
  g_autoptr (GError) missing = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *path = test_folder_write (folder, "none.pem", texts[i]);
      g_autoptr (GError) error = NULL;

      g_assert_null (load (path, folder, &error));
      g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_WRONG_FORMAT);
      g_assert_nonnull (strstr (error->message, path));
    }
  g_assert_null (load ("/nonexistent/trust.pem", folder, &missing));
  g_assert_error (missing, G_FILE_ERROR, G_FILE_ERROR_NOENT);
}

static void
test_pkcs11_that_is_not_there (void)
{
  static const char *const urls[]
      = { "pkcs11:model=certpin-has-no-such-model", "pkcs11:this is no URL%" };

  for (size_t i = 0; i < G_N_ELEMENTS (urls); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (load (urls[i], NULL, &error));
      g_assert_nonnull (error);
      g_assert_nonnull (strstr (error->message, urls[i]));
    }
}

static gboolean
has_p11_kit (void)
{
  return g_file_test (TRUST_MODULE, G_FILE_TEST_EXISTS) && g_file_test (BUNDLE, G_FILE_TEST_EXISTS);
}

/* What p11-kit trusts on this machine is what Debian has it read: the same bundle. */
static void
test_pkcs11 (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdAnchors) by_file = load (BUNDLE, NULL, NULL);
  g_autoptr (CpdAnchors) by_p11_kit = NULL;
  GPtrArray *ders;

  if (!has_p11_kit ())
    {
      g_test_skip ("p11-kit's trust module or the system's bundle is not installed");
      return;
    }
  by_p11_kit = load ("pkcs11:model=p11-kit-trust", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (cpd_anchors_get_count (by_p11_kit), ==, cpd_anchors_get_count (by_file));
  ders = cpd_anchors_get_ders (by_p11_kit);
  for (unsigned int i = 0; i < ders->len; i++)
    {
      g_autoptr (CpdCertificate) certificate = cpd_certificate_new (ders->pdata[i], &error);

      g_assert_no_error (error);
      g_assert_true (cpd_anchors_contain (by_file, certificate));
    }
}

/* A certificate with OpenSSL's word of what it is trusted for, which p11-kit understands. */
static char *
to_trusted_pem (TestIdentity *identity, guint8 purpose)
{
  const guint8 trust[]
      = { 0x30, 0x0c, 0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, purpose };
  g_autoptr (GByteArray) der = g_byte_array_new ();
  g_autofree char *text = NULL;
  GBytes *bytes = test_identity_get_certificate (identity);

  g_byte_array_append (der, g_bytes_get_data (bytes, NULL), (unsigned int)g_bytes_get_size (bytes));
  g_byte_array_append (der, trust, sizeof trust);
  text = g_base64_encode (der->data, der->len);
  return g_strdup_printf ("-----BEGIN TRUSTED CERTIFICATE-----\n%s\n"
                          "-----END TRUSTED CERTIFICATE-----\n",
                          text);
}

/* In a mount namespace of its own, where p11-kit's file is another one. */
static void
test_pkcs11_purposes (void)
{
  g_autoptr (TestFolder) folder = test_folder_new ();
  g_autoptr (TestIdentity) servers = TEST_IDENTITY (.subject = "For servers", .is_ca = TRUE);
  g_autoptr (TestIdentity) mail = TEST_IDENTITY (.subject = "For mail", .is_ca = TRUE);
  g_autoptr (TestIdentity) plain = TEST_IDENTITY (.subject = "For all", .is_ca = TRUE);
  g_autoptr (CpdCertificate) refused = test_certificate (mail);
  g_autofree char *first = to_trusted_pem (servers, 1), *second = to_trusted_pem (mail, 4);
  g_autofree char *third = test_identity_to_pem (plain);
  g_autofree char *text = g_strconcat (first, second, third, NULL);
  g_autofree char *path = test_folder_write (folder, "trust.pem", text);
  g_autoptr (CpdAnchors) anchors = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), ==, 0);
  g_assert_cmpint (mount (path, BUNDLE, NULL, MS_BIND, NULL), ==, 0);
  anchors = load ("pkcs11:model=p11-kit-trust", NULL, &error);
  g_assert_no_error (error);
  assert_local (anchors, servers, FALSE);
  assert_local (anchors, plain, FALSE);
  g_assert_false (cpd_anchors_contain (anchors, refused));
}

static void
test_pkcs11_for_mail (void)
{
  if (!has_p11_kit () || unshare (CLONE_NEWNS) != 0)
    {
      g_test_skip ("needs root, and p11-kit's trust module with the system's bundle");
      return;
    }
  g_test_trap_subprocess ("/core/trust-source/subprocess/pkcs11-purposes", 0,
                          G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

static void
test_file_to_watch (void)
{
  g_autoptr (CpdTrustSource) file = cpd_trust_source_new ("/some/bundle.pem", NULL);
  g_autoptr (CpdTrustSource) url = cpd_trust_source_new ("pkcs11:model=p11-kit-trust", NULL);

  g_assert_cmpstr (cpd_trust_source_get_file (file), ==, "/some/bundle.pem");
  g_assert_null (cpd_trust_source_get_file (url));
}

#define ADD(name, function) g_test_add_func ("/core/trust-source/" name, function)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("bundle", test_bundle);
  ADD ("torn-block", test_torn_block);
  ADD ("added-by-the-administrator", test_added_by_the_administrator);
  ADD ("added-is-not-trusted", test_added_is_not_trusted);
  ADD ("nothing-to-trust", test_nothing_to_trust);
  ADD ("pkcs11", test_pkcs11);
  ADD ("pkcs11-for-mail", test_pkcs11_for_mail);
  ADD ("subprocess/pkcs11-purposes", test_pkcs11_purposes);
  ADD ("pkcs11-that-is-not-there", test_pkcs11_that_is_not_there);
  ADD ("file-to-watch", test_file_to_watch);
  return g_test_run ();
}
