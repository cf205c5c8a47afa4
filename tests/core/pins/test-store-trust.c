/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a store trusts what its trust file holds, nothing where that cannot be read, and
 * after a reload that fails what it trusted before. */

#include "config.h"

#include "tests/core/pins/store-fixture.h"

#include <glib/gstdio.h>

static void
write_trust (StoreFixture *f, TestIdentity *authority)
{
  TestIdentity *const chain[] = { authority, NULL };

  test_pki_write_certificates (f->trust_file, chain);
}

static void
set_up (StoreFixture *f, gconstpointer user_data)
{
  store_fixture_set_up (f, user_data);
  f->trust_file = g_build_filename (f->folder, "trust.pem", NULL);
}

static gboolean
trusts (StoreFixture *f, TestIdentity *authority)
{
  g_autoptr (CpdCertificate) certificate = test_certificate (authority);

  return cpd_anchors_contain (cpd_store_get_anchors (f->store), certificate);
}

static void
test_file (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) one = TEST_IDENTITY (.subject = "One", .is_ca = TRUE);
  g_autoptr (TestIdentity) other = TEST_IDENTITY (.subject = "Other", .is_ca = TRUE);

  write_trust (f, one);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 0);
  g_assert_cmpstr (cpd_trust_source_get_file (cpd_store_get_trust (f->store)), ==, f->trust_file);
  g_assert_true (trusts (f, one));
  g_assert_false (trusts (f, other));
}

static void
test_missing_file_trusts_nothing (StoreFixture *f, gconstpointer user_data)
{
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 1);
  g_assert_cmpuint (cpd_anchors_get_count (cpd_store_get_anchors (f->store)), ==, 0);
}

static void
test_reload_is_another_set (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) one = TEST_IDENTITY (.subject = "One", .is_ca = TRUE);
  g_autoptr (TestIdentity) other = TEST_IDENTITY (.subject = "Other", .is_ca = TRUE);
  g_autoptr (CpdAnchors) before = NULL;
  g_autoptr (GError) error = NULL;

  write_trust (f, one);
  store_fixture_reopen (f);
  before = cpd_anchors_ref (cpd_store_get_anchors (f->store));
  write_trust (f, other);
  g_assert_true (store_reload (f, &error));
  g_assert_true (cpd_store_get_anchors (f->store) != before);
  g_assert_false (trusts (f, one));
  g_assert_true (trusts (f, other));
}

static void
test_failed_reload_keeps_the_set (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) one = TEST_IDENTITY (.subject = "One", .is_ca = TRUE);
  g_autoptr (CpdAnchors) before = NULL;
  g_autoptr (GError) error = NULL;

  write_trust (f, one);
  store_fixture_reopen (f);
  before = cpd_anchors_ref (cpd_store_get_anchors (f->store));
  store_write (f->admin, "a.pin", "h.example", 1);
  g_assert_no_errno (g_unlink (f->trust_file));
  g_assert_false (store_reload (f, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
  g_assert_true (cpd_store_get_anchors (f->store) == before);
  store_assert_silent (f, CPD_LAYER_FILES, "h.example");
}

#define ADD(path, function)                                                                        \
  g_test_add (path, StoreFixture, NULL, set_up, function, store_fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/store-trust/file", test_file);
  ADD ("/core/store-trust/missing-file-trusts-nothing", test_missing_file_trusts_nothing);
  ADD ("/core/store-trust/reload-is-another-set", test_reload_is_another_set);
  ADD ("/core/store-trust/failed-reload-keeps-the-set", test_failed_reload_keeps_the_set);
  return g_test_run ();
}
