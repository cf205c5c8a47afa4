/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that what is on record of a connection is used as long as it holds, and not a second
 * longer. */

#include "config.h"

#include "daemon/core/verdict/cpd-peer.h"
#include "tests/lib/test-core.h"
#include "tests/lib/test-ocsp.h"

typedef struct
{
  CpdHost *host;
  TestIdentity *root;
  TestIdentity *middle;
  TestIdentity *leaf;
  CpdAnchors *anchors;
} Fixture;

static void
set_up (Fixture *f, gconstpointer user_data)
{
  f->host = test_host ("h.example:443");
  f->root = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE);
  f->middle = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = f->root);
  f->leaf = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle);
  f->anchors = test_anchors (f->root, NULL);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  cpd_host_unref (f->host);
  test_identity_unref (f->root);
  test_identity_unref (f->middle);
  test_identity_unref (f->leaf);
  cpd_anchors_unref (f->anchors);
}

/* `ders`: (transfer full) */
static CpdPeer *
make_peer (Fixture *f, GPtrArray *ders)
{
  CpdPeer *peer = cpd_peer_new (f->host, ders, /* stapled= */ NULL);

  g_ptr_array_unref (ders);
  return peer;
}

static void
assert_problem (CpdPeer *peer, CpdAnchors *anchors, gint64 now, CpdProblem expected)
{
  g_autoptr (CpdValidation) validation = cpd_peer_validate (peer, anchors, now);

  g_assert_cmpstr (cpd_problem_get_name (validation->problem), ==, cpd_problem_get_name (expected));
}

static void
test_record_is_used_again (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPeer) peer = make_peer (f, test_ders (f->leaf, f->middle, NULL));
  g_autoptr (CpdValidation) first = cpd_peer_validate (peer, f->anchors, TEST_PKI_NOW);
  g_autoptr (CpdValidation) second = cpd_peer_validate (peer, f->anchors, TEST_PKI_NOW + 1);

  g_assert_cmpint (first->problem, ==, CPD_PROBLEM_NONE);
  g_assert_true (first == second);
}

static void
test_record_ends_with_its_dates (Fixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) brief
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle, .not_after = TEST_PKI_NOW);
  g_autoptr (CpdPeer) peer = make_peer (f, test_ders (brief, f->middle, NULL));

  assert_problem (peer, f->anchors, TEST_PKI_NOW, CPD_PROBLEM_NONE);
  assert_problem (peer, f->anchors, TEST_PKI_NOW + 1, CPD_PROBLEM_EXPIRED);
}

static void
test_record_does_not_reach_back (Fixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) young
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle, .not_before = TEST_PKI_NOW);
  g_autoptr (CpdPeer) peer = make_peer (f, test_ders (young, f->middle, NULL));

  assert_problem (peer, f->anchors, TEST_PKI_NOW, CPD_PROBLEM_NONE);
  assert_problem (peer, f->anchors, TEST_PKI_NOW - 1, CPD_PROBLEM_NOT_YET_VALID);
}

static void
test_record_is_of_one_set_of_anchors (Fixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) other = TEST_IDENTITY (.subject = "Other", .is_ca = TRUE);
  g_autoptr (CpdAnchors) reloaded = test_anchors (other, NULL);
  g_autoptr (CpdPeer) peer = make_peer (f, test_ders (f->leaf, f->middle, NULL));

  assert_problem (peer, f->anchors, TEST_PKI_NOW, CPD_PROBLEM_NONE);
  assert_problem (peer, reloaded, TEST_PKI_NOW, CPD_PROBLEM_UNKNOWN_ISSUER);
  assert_problem (peer, f->anchors, TEST_PKI_NOW, CPD_PROBLEM_NONE);
}

/* A response that the certificate demands must be current at each judgement; what is on record is
 * that of its time. */
static void
test_record_ends_with_its_response (Fixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle,
                       .extension
                       = TEST_EXTENSION ("1.3.6.1.5.5.7.1.24", "\x30\x03\x02\x01\x05", FALSE));
  g_autoptr (GBytes) stapled
      = TEST_OCSP (.about = leaf, .issuer = f->middle, .next_update = TEST_PKI_NOW + 1);
  g_autoptr (GPtrArray) ders = test_ders (leaf, f->middle, NULL);
  g_autoptr (CpdPeer) peer = cpd_peer_new (f->host, ders, stapled);
  g_autoptr (CpdPeer) without = cpd_peer_new (f->host, ders, /* stapled= */ NULL);
  g_autoptr (CpdPeer) offline = cpd_peer_new_offline (f->host, ders, CPD_PURPOSE_SERVER);

  assert_problem (peer, f->anchors, TEST_PKI_NOW + 1, CPD_PROBLEM_NONE);
  assert_problem (peer, f->anchors, TEST_PKI_NOW + 2, CPD_PROBLEM_OCSP);
  assert_problem (without, f->anchors, TEST_PKI_NOW, CPD_PROBLEM_OCSP);
  assert_problem (offline, f->anchors, TEST_PKI_NOW, CPD_PROBLEM_NONE);
}

/* A path that still holds is found when another of the same connection has run out. */
static void
test_remaining_path_holds (Fixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) brief
      = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = f->root, .key_of = f->middle,
                       .not_after = TEST_PKI_NOW);
  g_autoptr (CpdPeer) peer = make_peer (f, test_ders (f->leaf, brief, f->middle, NULL));
  g_autoptr (CpdValidation) now = cpd_peer_validate (peer, f->anchors, TEST_PKI_NOW);
  g_autoptr (CpdValidation) later = cpd_peer_validate (peer, f->anchors, TEST_PKI_NOW + 1);

  g_assert_cmpuint (now->paths->len, ==, 2);
  g_assert_cmpuint (later->paths->len, ==, 1);
}

/* A path that was not valid yet joins in when its day has come, and some seconds. */
static void
test_refusal_is_not_kept (Fixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) young
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle, .not_before = TEST_PKI_NOW + 1);
  g_autoptr (CpdPeer) peer = make_peer (f, test_ders (young, f->middle, NULL));

  assert_problem (peer, f->anchors, TEST_PKI_NOW, CPD_PROBLEM_NOT_YET_VALID);
  assert_problem (peer, f->anchors, TEST_PKI_NOW + 11, CPD_PROBLEM_NONE);
}

/* Validation ends, and what it found is still an answer when it is looked at. */
static void
test_refusal_lasts_for_seconds (Fixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) old
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = f->middle, .not_after = TEST_PKI_NOW - 1);
  g_autoptr (CpdPeer) peer = make_peer (f, test_ders (old, f->middle, NULL));

  assert_problem (peer, f->anchors, TEST_PKI_NOW, CPD_PROBLEM_EXPIRED);
  g_assert_nonnull (cpd_peer_find_validation (peer, f->anchors, TEST_PKI_NOW));
  g_assert_nonnull (cpd_peer_find_validation (peer, f->anchors, TEST_PKI_NOW + 10));
  g_assert_null (cpd_peer_find_validation (peer, f->anchors, TEST_PKI_NOW + 11));
  g_assert_null (cpd_peer_find_validation (peer, f->anchors, TEST_PKI_NOW - 1));
  assert_problem (peer, f->anchors, TEST_PKI_NOW - 1, CPD_PROBLEM_NONE);
}

static void
test_asking_records_nothing (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPeer) peer = make_peer (f, test_ders (f->leaf, f->middle, NULL));
  g_autoptr (CpdValidation) validation = cpd_peer_ask (peer, f->anchors, TEST_PKI_NOW);

  g_assert_cmpint (validation->problem, ==, CPD_PROBLEM_NONE);
  g_assert_null (cpd_peer_find_validation (peer, f->anchors, TEST_PKI_NOW));
  cpd_peer_record (peer, validation);
  g_assert_true (cpd_peer_find_validation (peer, f->anchors, TEST_PKI_NOW) == validation);
}

#define THREADS 8

/* One peer and one set of anchors, both not parsed yet, for all threads. */
typedef struct
{
  CpdPeer *peer;
  CpdAnchors *anchors;
} Shared;

static gpointer
ask_often (gpointer data)
{
  Shared *shared = data;

  for (unsigned int i = 0; i < 50; i++)
    {
      g_autoptr (CpdValidation) validation
          = cpd_peer_ask (shared->peer, shared->anchors, TEST_PKI_NOW);

      g_assert_cmpuint (validation->paths->len, ==, 1);
    }
  return NULL;
}

static void
test_threads_ask (Fixture *f, gconstpointer user_data)
{
  for (unsigned int round = 0; round < 10; round++)
    {
      g_autoptr (CpdAnchors) anchors = test_anchors (f->root, NULL);
      g_autoptr (CpdPeer) peer = make_peer (f, test_ders (f->leaf, f->middle, NULL));
      Shared shared = { peer, anchors };
      GThread *threads[THREADS];

      for (int i = 0; i < THREADS; i++)
        threads[i] = g_thread_new ("asking", ask_often, &shared);
      for (int i = 0; i < THREADS; i++)
        g_thread_join (threads[i]);
    }
}

static void
test_clock_before_release (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPeer) peer = make_peer (f, test_ders (f->leaf, f->middle, NULL));

  assert_problem (peer, f->anchors, CPD_RELEASE_UNIX_S - 1, CPD_PROBLEM_CLOCK);
}

static void
test_record_ends_with_a_clock_set_back (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPeer) peer = make_peer (f, test_ders (f->leaf, f->middle, NULL));

  assert_problem (peer, f->anchors, CPD_RELEASE_UNIX_S, CPD_PROBLEM_NONE);
  assert_problem (peer, f->anchors, CPD_RELEASE_UNIX_S - 1, CPD_PROBLEM_CLOCK);
}

static void
test_malformed_leaf (Fixture *f, gconstpointer user_data)
{
  GPtrArray *ders = test_ders (f->leaf, f->middle, NULL);
  g_autoptr (CpdPeer) peer = NULL;

  g_bytes_unref (ders->pdata[0]);
  ders->pdata[0] = g_bytes_new_static ("junk", 4);
  peer = make_peer (f, ders);
  g_assert_cmpuint (cpd_peer_get_chain (peer)->len, ==, 0);
  assert_problem (peer, f->anchors, TEST_PKI_NOW, CPD_PROBLEM_MALFORMED);
}

static void
test_malformed_rest (Fixture *f, gconstpointer user_data)
{
  GPtrArray *ders = test_ders (f->leaf, f->middle, NULL);
  g_autoptr (CpdPeer) peer = NULL;

  g_ptr_array_insert (ders, 1, g_bytes_new_static ("junk", 4));
  peer = make_peer (f, ders);
  g_assert_cmpuint (cpd_peer_get_chain (peer)->len, ==, 2);
  assert_problem (peer, f->anchors, TEST_PKI_NOW, CPD_PROBLEM_NONE);
}

/* Without a connection, the host, the purpose and the clock are the question's. */
static void
test_offline (Fixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) leaf
      = TEST_IDENTITY (.dns = { "other.example" }, .issuer = f->middle, .eku = TEST_PKI_EKU_CLIENT);
  g_autoptr (GPtrArray) ders = test_ders (leaf, f->middle, NULL);
  g_autoptr (CpdPeer) any = cpd_peer_new_offline (NULL, ders, CPD_PURPOSE_ANY);
  g_autoptr (CpdPeer) server = cpd_peer_new_offline (NULL, ders, CPD_PURPOSE_SERVER);
  g_autoptr (CpdPeer) named = cpd_peer_new_offline (f->host, ders, CPD_PURPOSE_ANY);

  g_assert_null (cpd_peer_get_host (any));
  g_assert_true (cpd_peer_get_host (named) == f->host);
  assert_problem (any, f->anchors, TEST_PKI_NOW, CPD_PROBLEM_NONE);
  assert_problem (any, f->anchors, CPD_RELEASE_UNIX_S - 1, CPD_PROBLEM_NONE);
  assert_problem (server, f->anchors, TEST_PKI_NOW, CPD_PROBLEM_PURPOSE);
  assert_problem (named, f->anchors, TEST_PKI_NOW, CPD_PROBLEM_NAME);
}

static CpdCertificate *
find_anchor (CpdAnchors *anchors, TestIdentity *identity)
{
  g_autoptr (CpdCertificate) certificate = test_certificate (identity);
  g_autoptr (GPtrArray) found
      = cpd_anchors_find (anchors, cpd_certificate_get_raw_subject (certificate));

  g_assert_cmpuint (found->len, ==, 1);
  return cpd_certificate_ref (found->pdata[0]);
}

static void
test_detached_anchors (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdAnchors) detached = cpd_anchors_detach (f->anchors);
  g_autoptr (CpdPeer) peer = make_peer (f, test_ders (f->leaf, f->middle, NULL));
  g_autoptr (CpdCertificate) here = find_anchor (f->anchors, f->root);
  g_autoptr (CpdCertificate) there = find_anchor (detached, f->root);

  g_assert_true (detached != f->anchors);
  g_assert_cmpuint (cpd_anchors_get_count (detached), ==, cpd_anchors_get_count (f->anchors));
  g_assert_true (cpd_certificate_equal (here, there));
  g_assert_true (cpd_certificate_get_handle (here) != cpd_certificate_get_handle (there));
  assert_problem (peer, detached, TEST_PKI_NOW, CPD_PROBLEM_NONE);
}

static void
test_record_does_not_grow (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPeer) peer = make_peer (f, test_ders (f->leaf, f->middle, NULL));
  g_autoptr (CpdValidation) first = cpd_peer_validate (peer, f->anchors, TEST_PKI_NOW);

  for (unsigned int i = 0; i < 20; i++)
    {
      g_autoptr (CpdAnchors) others = test_anchors (f->root, NULL);
      g_autoptr (CpdValidation) again = cpd_peer_validate (peer, f->anchors, TEST_PKI_NOW);

      g_assert_true ((again == first) == (i <= 3));
      assert_problem (peer, others, TEST_PKI_NOW, CPD_PROBLEM_NONE);
    }
}

#define ADD(name, function)                                                                        \
  g_test_add ("/core/peer/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("record/is-used-again", test_record_is_used_again);
  ADD ("record/does-not-grow", test_record_does_not_grow);
  ADD ("record/ends-with-its-dates", test_record_ends_with_its_dates);
  ADD ("record/ends-with-its-response", test_record_ends_with_its_response);
  ADD ("record/does-not-reach-back", test_record_does_not_reach_back);
  ADD ("record/is-of-one-set-of-anchors", test_record_is_of_one_set_of_anchors);
  ADD ("record/remaining-path-holds", test_remaining_path_holds);
  ADD ("record/refusal-is-not-kept", test_refusal_is_not_kept);
  ADD ("record/refusal-lasts-for-seconds", test_refusal_lasts_for_seconds);
  ADD ("asking/records-nothing", test_asking_records_nothing);
  ADD ("asking/from-threads", test_threads_ask);
  ADD ("record/ends-with-a-clock-set-back", test_record_ends_with_a_clock_set_back);
  ADD ("clock-before-release", test_clock_before_release);
  ADD ("offline", test_offline);
  ADD ("detached-anchors", test_detached_anchors);
  ADD ("malformed/leaf", test_malformed_leaf);
  ADD ("malformed/rest-is-left-out", test_malformed_rest);
  return g_test_run ();
}
