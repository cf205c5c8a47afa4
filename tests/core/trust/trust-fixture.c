/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One small PKI, and how the tests of trust put their question and look at the answer. */

#include "config.h"

#include "tests/core/trust/trust-fixture.h"

void
trust_fixture_set_up (TrustFixture *f, gconstpointer user_data)
{
  f->root = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE);
  f->middle = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = f->root);
  f->leaf = TEST_IDENTITY (.subject = "leaf", .dns = { "h.example" }, .issuer = f->middle);
  f->anchors = test_anchors (f->root, NULL);
}

void
trust_fixture_tear_down (TrustFixture *f, gconstpointer user_data)
{
  test_identity_unref (f->root);
  test_identity_unref (f->middle);
  test_identity_unref (f->leaf);
  cpd_anchors_unref (f->anchors);
}

/* `chain`: (transfer full) */
CpdValidation *
trust_validate (CpdAnchors *anchors, GPtrArray *chain)
{
  const CpdTrustQuestion question
      = { .name = "h.example", .purpose = CPD_PURPOSE_SERVER, .now = TEST_PKI_NOW };
  CpdValidation *validation = cpd_trust_validate (anchors, chain, &question);

  g_ptr_array_unref (chain);
  return validation;
}

/* `chain`: (transfer full) */
void
trust_assert_problem (CpdAnchors *anchors, GPtrArray *chain, CpdProblem expected)
{
  g_autoptr (CpdValidation) validation = trust_validate (anchors, chain);

  if (validation->detail != NULL)
    g_test_message ("%s", validation->detail);
  g_assert_cmpstr (cpd_problem_get_name (validation->problem), ==, cpd_problem_get_name (expected));
  g_assert_cmpint (validation->paths->len > 0, ==, expected == CPD_PROBLEM_NONE);
  g_assert_cmpint (validation->detail == NULL, ==, expected == CPD_PROBLEM_NONE);
}

void
trust_assert_path (const CpdPath *path, TestIdentity *first, ...)
{
  unsigned int length = 0;
  va_list rest;

  va_start (rest, first);
  for (TestIdentity *identity = first; identity != NULL; identity = va_arg (rest, TestIdentity *))
    {
      g_assert_cmpuint (length, <, path->certificates->len);
      g_assert_true (g_bytes_equal (cpd_certificate_get_der (path->certificates->pdata[length++]),
                                    test_identity_get_certificate (identity)));
    }
  va_end (rest);
  g_assert_cmpuint (path->certificates->len, ==, length);
}
