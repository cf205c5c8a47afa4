/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves how anchors are given, found and copied. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "tests/lib/test-core.h"

static gboolean
contains (CpdAnchors *anchors, TestIdentity *identity)
{
  g_autoptr (CpdCertificate) certificate = test_certificate (identity);

  return cpd_anchors_contain (anchors, certificate);
}

static unsigned int
count_namesakes (CpdAnchors *anchors, TestIdentity *identity)
{
  g_autoptr (CpdCertificate) certificate = test_certificate (identity);
  g_autoptr (GPtrArray) found
      = cpd_anchors_find (anchors, cpd_certificate_get_raw_subject (certificate));

  return found->len;
}

/* Where each one is given by somebody, not one may be wrong. */
static void
test_given_ones_must_be_right (void)
{
  g_autoptr (TestIdentity) good = TEST_IDENTITY (.subject = "Good", .is_ca = TRUE);
  g_autoptr (GPtrArray) ders = test_ders (good, NULL);
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (ders, g_bytes_new_static ("\x30\x00", 2));
  g_assert_null (cpd_anchors_new (ders, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_WRONG_FORMAT);
}

static gboolean
may_be_of_pin (TestIdentity *identity)
{
  g_autoptr (GPtrArray) ders = test_ders (identity, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdAnchors) anchors = cpd_anchors_new_of_pin (ders, &error);

  if (anchors == NULL)
    g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT);
  return anchors != NULL;
}

/* A path must be able to end there. */
static void
test_of_pin (void)
{
  g_autoptr (TestIdentity) root = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE);
  g_autoptr (TestIdentity) below
      = TEST_IDENTITY (.subject = "Below", .is_ca = TRUE, .issuer = root);
  g_autoptr (TestIdentity) server = TEST_IDENTITY (.subject = "Server", .issuer = root);
  g_autoptr (TestIdentity) own = TEST_IDENTITY (.subject = "Own");
  g_autoptr (TestIdentity) mute = TEST_IDENTITY (.subject = "Mute", .is_ca = TRUE, .issuer = root,
                                                 .key_usage = GNUTLS_KEY_CRL_SIGN);
  g_autoptr (TestIdentity) old
      = TEST_IDENTITY (.subject = "Old", .version_1 = TRUE, .issuer = root);

  g_assert_true (may_be_of_pin (root));
  g_assert_true (may_be_of_pin (below));
  g_assert_true (may_be_of_pin (own));
  g_assert_true (may_be_of_pin (old));
  g_assert_false (may_be_of_pin (server));
  g_assert_false (may_be_of_pin (mute));
}

static void
test_namesakes (void)
{
  g_autoptr (TestIdentity) one = TEST_IDENTITY (.subject = "Same", .is_ca = TRUE);
  g_autoptr (TestIdentity) two = TEST_IDENTITY (.subject = "Same", .is_ca = TRUE);
  g_autoptr (TestIdentity) other = TEST_IDENTITY (.subject = "Other", .is_ca = TRUE);
  g_autoptr (CpdAnchors) anchors = test_anchors (one, two, NULL);

  g_assert_cmpuint (count_namesakes (anchors, one), ==, 2);
  g_assert_cmpuint (count_namesakes (anchors, other), ==, 0);
}

static void
test_detached (void)
{
  g_autoptr (TestIdentity) one = TEST_IDENTITY (.subject = "One", .is_ca = TRUE);
  g_autoptr (TestIdentity) other = TEST_IDENTITY (.subject = "Other", .is_ca = TRUE);
  g_autoptr (CpdAnchors) anchors = test_anchors (one, NULL);
  g_autoptr (CpdAnchors) detached = cpd_anchors_detach (anchors);

  g_assert_true (detached != anchors);
  g_assert_cmpuint (cpd_anchors_get_count (detached), ==, 1);
  g_assert_true (contains (detached, one));
  g_assert_false (contains (detached, other));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/anchors/given-ones-must-be-right", test_given_ones_must_be_right);
  g_test_add_func ("/core/anchors/of-pin", test_of_pin);
  g_test_add_func ("/core/anchors/namesakes", test_namesakes);
  g_test_add_func ("/core/anchors/detached", test_detached);
  return g_test_run ();
}
