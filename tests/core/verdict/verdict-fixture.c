/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Servers, pins and a time, and what a verdict on them has to be. */

#include "config.h"

#include "tests/core/verdict/verdict-fixture.h"

#include "tests/lib/test-ocsp.h"

#include <string.h>

VerdictWorld verdict_world;

void
verdict_world_make (void)
{
  verdict_world.root = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE);
  verdict_world.middle
      = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = verdict_world.root);
  verdict_world.leaf = TEST_IDENTITY (.dns = { "h.example" }, .issuer = verdict_world.middle);
  verdict_world.junk = TEST_IDENTITY (.subject = "Junk", .is_ca = TRUE);
  verdict_world.expired
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = verdict_world.middle,
                       .key_of = verdict_world.leaf, .not_after = TEST_PKI_NOW - 1);
  verdict_world.future
      = TEST_IDENTITY (.dns = { "h.example" }, .issuer = verdict_world.middle,
                       .key_of = verdict_world.leaf, .not_before = TEST_PKI_NOW + 1);
  verdict_world.misnamed
      = TEST_IDENTITY (.dns = { "other.example" }, .issuer = verdict_world.middle,
                       .key_of = verdict_world.leaf);
  verdict_world.own = TEST_IDENTITY (.dns = { "h.example" }, .key_of = verdict_world.leaf);
  verdict_world.system = test_anchors (verdict_world.root, NULL);
  verdict_world.unused = test_anchors (verdict_world.junk, NULL);
  verdict_world.near = test_anchors (verdict_world.middle, NULL);
  verdict_world.target = test_host ("h.example:443");
}

void
verdict_world_unmake (void)
{
  TestIdentity *all[]
      = { verdict_world.root,    verdict_world.middle, verdict_world.leaf,     verdict_world.junk,
          verdict_world.expired, verdict_world.future, verdict_world.misnamed, verdict_world.own };

  for (size_t i = 0; i < G_N_ELEMENTS (all); i++)
    test_identity_unref (all[i]);
  cpd_anchors_unref (verdict_world.system);
  cpd_anchors_unref (verdict_world.unused);
  cpd_anchors_unref (verdict_world.near);
  cpd_host_unref (verdict_world.target);
}

static GPtrArray *
make_chain (Server server)
{
  switch (server)
    {
    case GOOD:
    case STAPLES:
      return test_ders (verdict_world.leaf, verdict_world.middle, NULL);
    case WITH_JUNK:
      return test_ders (verdict_world.leaf, verdict_world.junk, verdict_world.middle, NULL);
    case EXPIRED:
      return test_ders (verdict_world.expired, verdict_world.middle, NULL);
    case FUTURE:
      return test_ders (verdict_world.future, verdict_world.middle, NULL);
    case WRONG_NAME:
      return test_ders (verdict_world.misnamed, verdict_world.middle, NULL);
    case SELF_SIGNED:
      return test_ders (verdict_world.own, NULL);
    case NOTHING:
      return test_ders (NULL, NULL);
    }
  g_assert_not_reached ();
}

CpdPeer *
verdict_make_peer (Server server)
{
  g_autoptr (GPtrArray) ders = make_chain (server);
  g_autoptr (GBytes) stapled = NULL;

  if (server == STAPLES)
    stapled = TEST_OCSP (.about = verdict_world.leaf, .issuer = verdict_world.middle);
  return cpd_peer_new (verdict_world.target, ders, stapled);
}

CertpinKey *
verdict_key_of (TestIdentity *identity)
{
  g_autoptr (CpdCertificate) certificate = test_certificate (identity);

  return certpin_key_ref (cpd_certificate_get_key (certificate));
}

static void
add_keys (CpdPin *pin, unsigned int keys)
{
  TestIdentity *const holders[]
      = { verdict_world.leaf, verdict_world.middle, verdict_world.root, NULL, verdict_world.junk };

  for (unsigned int i = 0; i < G_N_ELEMENTS (holders); i++)
    if (keys & (1u << i))
      {
        g_autoptr (CertpinKey) key
            = holders[i] != NULL ? verdict_key_of (holders[i]) : test_key (7);
        cpd_pin_add_key (pin, key);
      }
}

static CpdPin *
make_pin (const Layer *wanted, CpdLayer layer)
{
  g_autoptr (CpdHost) host = test_host ("h.example");
  CpdPin *pin;

  if (wanted->blocked)
    pin = cpd_pin_new_blocked (host, layer, "given as PEM");
  else
    pin = cpd_pin_new (host, layer);
  add_keys (pin, wanted->keys);
  pin->match = wanted->match;
  pin->mode = wanted->mode;
  pin->expires = wanted->expires;
  if (wanted->until != 0)
    pin->pause = cpd_pause_new (wanted->since, wanted->until, "why", NULL, NULL);
  if (wanted->other_anchors)
    pin->anchors = cpd_anchors_ref (verdict_world.unused);
  if (wanted->near_anchors)
    pin->anchors = cpd_anchors_ref (verdict_world.near);
  if (wanted->own_anchors)
    pin->anchors = test_anchors (verdict_world.root, NULL);
  return pin;
}

CpdPolicy *
verdict_make_policy (const Layer layers[CPD_N_LAYERS])
{
  CpdPolicy *policy = cpd_policy_new (verdict_world.target, 1);

  for (int layer = 0; layer < CPD_N_LAYERS; layer++)
    if (layers[layer].keys != 0 || layers[layer].blocked)
      cpd_policy_take_pin (policy, make_pin (&layers[layer], (CpdLayer)layer));
  return policy;
}

/* As the service does it: what is missing is asked for first, one set of anchors after the other.
 * Returns: how many were missing */
unsigned int
verdict_validate_missing (CpdPolicy *policy, CpdPeer *peer)
{
  CpdAnchors *missing;
  unsigned int count = 0;

  while ((missing = cpd_verdict_find_missing (policy, peer, verdict_world.system, TEST_PKI_NOW))
         != NULL)
    {
      g_autoptr (CpdValidation) validation = cpd_peer_ask (peer, missing, TEST_PKI_NOW);

      cpd_peer_record (peer, validation);
      g_assert_cmpuint (++count, <=, CPD_LAYER_REQUEST);
    }
  return count;
}

CpdVerdict *
verdict_judge (const Case *given)
{
  g_autoptr (CpdPolicy) policy = verdict_make_policy (given->layers);
  g_autoptr (CpdPeer) peer = verdict_make_peer (given->server);

  verdict_validate_missing (policy, peer);
  return cpd_verdict_of_peer (policy, peer, verdict_world.system, TEST_PKI_NOW);
}

void
verdict_assert_refusal (const CpdVerdict *verdict, const Case *expected)
{
  g_autoptr (GError) error = cpd_verdict_to_error (verdict);

  g_test_message ("%s", verdict->message);
  g_assert_error (error, CERTPIN_ERROR, expected->error);
  g_assert_cmpint (verdict->layer, ==, expected->layer);
  g_assert_cmpstr (verdict->reason, ==, expected->reason);
  g_assert_nonnull (verdict->likely_cause);
  g_assert_nonnull (verdict->advice);
  g_assert_null (verdict->matched_key);
  g_assert_nonnull (strstr (verdict->message, "h.example"));
  g_assert_cmpint (verdict->pin == NULL, ==, expected->error == CERTPIN_ERROR_NOT_PINNED);
}

void
verdict_test_case (gconstpointer user_data)
{
  const Case *expected = user_data;
  g_autoptr (CpdVerdict) verdict = verdict_judge (expected);

  g_assert_cmpint (verdict->passed, ==, expected->error == -1);
  if (!verdict->passed)
    {
      verdict_assert_refusal (verdict, expected);
      return;
    }
  g_assert_null (verdict->message);
  g_assert_cmpint (verdict->report != NULL, ==, expected->reports);
  g_assert_nonnull (verdict->path_keys);
  g_assert_cmpint (verdict->matched_key == NULL, ==, expected->unmatched);
  if (expected->unmatched)
    return;
  g_assert_cmpint (verdict->layer, ==, expected->layer);
  g_assert_cmpuint (verdict->matched_position, ==, expected->position);
  g_assert_true (certpin_key_equal (verdict->matched_key,
                                    verdict->path_keys->pdata[verdict->matched_position]));
}
