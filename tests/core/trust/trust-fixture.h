/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/trust/cpd-trust.h"
#include "tests/lib/test-core.h"

G_BEGIN_DECLS

/* A root, an intermediate and a server of h.example. */
typedef struct
{
  TestIdentity *root;
  TestIdentity *middle;
  TestIdentity *leaf;
  CpdAnchors *anchors; /* the root */
} TrustFixture;

void trust_fixture_set_up (TrustFixture *f, gconstpointer user_data);
void trust_fixture_tear_down (TrustFixture *f, gconstpointer user_data);

#define TRUST_TEST_ADD(name, function)                                                             \
  g_test_add ("/core/trust/" name, TrustFixture, NULL, trust_fixture_set_up, function,             \
              trust_fixture_tear_down)

CpdValidation *trust_validate (CpdAnchors *anchors, GPtrArray *chain);
void trust_assert_problem (CpdAnchors *anchors, GPtrArray *chain, CpdProblem expected);
void trust_assert_path (const CpdPath *path, TestIdentity *first, ...) G_GNUC_NULL_TERMINATED;

G_END_DECLS
