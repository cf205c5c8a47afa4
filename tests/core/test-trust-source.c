/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what is trusted of a bundle, of p11-kit and of what the administrator added. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/cpd-trust-source.h"
#include "tests/lib/test-core.h"

#include <glib/gstdio.h>
#include <string.h>

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

/* What p11-kit trusts on this machine is what Debian has it read: the same bundle. */
static void
test_pkcs11 (void)
{
  static const char bundle[] = "/etc/ssl/certs/ca-certificates.crt";
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdAnchors) by_file = load (bundle, NULL, &error);
  g_autoptr (CpdAnchors) by_p11_kit = NULL;
  GPtrArray *ders;

  if (by_file == NULL || !g_file_test (TRUST_MODULE, G_FILE_TEST_EXISTS))
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
  ADD ("pkcs11-that-is-not-there", test_pkcs11_that_is_not_there);
  ADD ("file-to-watch", test_file_to_watch);
  return g_test_run ();
}
