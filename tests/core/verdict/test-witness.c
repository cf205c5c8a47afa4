/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves which keys of which pins count as seen when a server passes: those that stand where they
 * count, in every layer; and that what was seen changes no verdict. */

#include "config.h"

#include "daemon/core/verdict/cpd-witness.h"
#include "tests/core/pins/store-fixture.h"

#define NOW TEST_PKI_NOW

typedef struct
{
  StoreFixture store;
  CpdHost *target;
  TestIdentity *root;
  TestIdentity *middle;
  TestIdentity *leaf;
} Fixture;

static void
set_up (Fixture *f, gconstpointer user_data)
{
  g_autofree char *pem = NULL;

  f->target = test_host ("h.example:443");
  f->root = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE);
  f->middle = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = f->root);
  f->leaf = TEST_IDENTITY (.subject = "Leaf", .dns = { "h.example" }, .issuer = f->middle,
                           .not_after = NOW + 90 * TEST_PKI_DAY);
  store_fixture_set_up (&f->store, NULL);
  pem = test_identity_to_pem (f->root);
  f->store.trust_file = test_folder_write (f->store.folder, "trust.pem", pem);
  store_fixture_reopen (&f->store);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  store_fixture_tear_down (&f->store, NULL);
  cpd_host_unref (f->target);
  test_identity_unref (f->root);
  test_identity_unref (f->middle);
  test_identity_unref (f->leaf);
}

static CertpinKey *
key_of (TestIdentity *identity)
{
  g_autoptr (CpdCertificate) certificate = test_certificate (identity);

  return certpin_key_ref (cpd_certificate_get_key (certificate));
}

/* `first`, `second`: whose keys; NULL: another's. */
static void
pin (Fixture *f, CpdLayer layer, const CpdPin *like, TestIdentity *first, TestIdentity *second)
{
  g_autoptr (CpdHost) host = test_host ("h.example");
  g_autoptr (CpdPin) made = cpd_pin_new (host, layer);
  g_autoptr (CertpinKey) one = first != NULL ? key_of (first) : test_key (7);
  g_autoptr (CertpinKey) other = second != NULL ? key_of (second) : test_key (8);
  g_autoptr (GError) error = NULL;

  cpd_pin_add_key (made, one);
  cpd_pin_add_key (made, other);
  made->match = like->match;
  made->mode = like->mode;
  store_set_pin (&f->store, STORE_UID, made, &error);
  g_assert_no_error (error);
}

/* Returns: (transfer full): of a server that presents the leaf and the middle */
static CpdVerdict *
judge (Fixture *f)
{
  g_autoptr (GPtrArray) ders = test_ders (f->leaf, f->middle, NULL);
  g_autoptr (CpdPeer) peer = cpd_peer_new (f->target, ders, NULL);
  g_autoptr (CpdPolicy) policy = cpd_store_get_policy (f->store.store, STORE_UID, f->target);

  return cpd_verdict_of_peer (policy, peer, cpd_store_get_anchors (f->store.store), NOW);
}

/* Returns: (transfer none): what is known of the layer's pin after a server has passed */
static CpdSighting *
record (Fixture *f, CpdLayer layer)
{
  g_autoptr (CpdVerdict) verdict = judge (f);
  g_autoptr (CpdPin) found = store_get (&f->store, STORE_UID, layer, "h.example");

  g_assert_true (verdict->passed);
  g_strfreev (cpd_witness_record (f->store.store, STORE_UID, verdict, NOW));
  return cpd_logbook_lookup (cpd_store_get_logbook (f->store.store), STORE_UID, found);
}

static gboolean
knows (const CpdSighting *sighting, TestIdentity *identity)
{
  g_autoptr (CertpinKey) key = key_of (identity);

  return cpd_sighting_find_key (sighting, key) != NULL;
}

static const CpdPin of_leaf = { .match = CPD_MATCH_LEAF }, of_path = { .match = CPD_MATCH_PATH },
                    reports = { .mode = CPD_MODE_REPORT };

/* That the middle's key is on the path does not count. */
static void
test_leaf (Fixture *f, gconstpointer user_data)
{
  const CpdSighting *sighting;

  pin (f, CPD_LAYER_USER, &of_leaf, f->leaf, f->middle);
  sighting = record (f, CPD_LAYER_USER);
  g_assert_cmpuint (sighting->keys->len, ==, 1);
  g_assert_true (knows (sighting, f->leaf));
  g_assert_cmpstr (sighting->subject, ==, "CN=Leaf");
  g_assert_cmpstr (sighting->issuer, ==, "CN=Middle");
  g_assert_cmpint (sighting->not_after, ==, NOW + 90 * TEST_PKI_DAY);
  g_assert_cmpint (sighting->seen, ==, NOW);
}

/* The root is on the validated path, though the server does not present it. */
static void
test_path (Fixture *f, gconstpointer user_data)
{
  const CpdSighting *sighting;

  pin (f, CPD_LAYER_USER, &of_path, f->middle, f->root);
  sighting = record (f, CPD_LAYER_USER);
  g_assert_cmpuint (sighting->keys->len, ==, 2);
  g_assert_true (knows (sighting, f->middle));
  g_assert_true (knows (sighting, f->root));
}

static void
test_every_layer (Fixture *f, gconstpointer user_data)
{
  pin (f, CPD_LAYER_SYSTEM, &of_path, NULL, f->root);
  pin (f, CPD_LAYER_USER, &of_leaf, f->leaf, NULL);
  g_assert_true (knows (record (f, CPD_LAYER_SYSTEM), f->root));
  g_assert_true (knows (record (f, CPD_LAYER_USER), f->leaf));
}

/* No key of it was seen, but the server was. */
static void
test_report_only (Fixture *f, gconstpointer user_data)
{
  const CpdSighting *sighting;

  pin (f, CPD_LAYER_USER, &reports, NULL, NULL);
  sighting = record (f, CPD_LAYER_USER);
  g_assert_cmpuint (sighting->keys->len, ==, 0);
  g_assert_cmpstr (sighting->subject, ==, "CN=Leaf");
}

/* The urgent warnings of all layers, each sentence once. */
static void
test_urgent (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdVerdict) verdict = NULL;
  g_auto (GStrv) warnings = NULL;

  test_identity_unref (f->leaf);
  f->leaf = TEST_IDENTITY (.subject = "Leaf", .dns = { "h.example" }, .issuer = f->middle,
                           .not_after = NOW + TEST_PKI_DAY);
  pin (f, CPD_LAYER_SYSTEM, &of_path, f->root, NULL);
  pin (f, CPD_LAYER_USER, &of_leaf, f->leaf, NULL);
  verdict = judge (f);
  warnings = cpd_witness_record (f->store.store, STORE_UID, verdict, NOW);
  g_assert_nonnull (warnings);
  g_assert_cmpuint (g_strv_length (warnings), ==, 1);
}

/* Whatever the file of sightings says, or if it is garbage, servers pass and are refused as
 * before. */
static void
test_no_verdict_depends_on_it (Fixture *f, gconstpointer user_data)
{
  static const char *const texts[] = {
    "",
    "\xff garbage",
    "certpin sightings 1\nend\n",
    "certpin sightings 1\n('h.example', ('CN=x', 'CN=y', 1), 9999999999, 0, @a{s(xx)} {})\nend\n",
  };
  g_autofree char *user = g_build_filename (f->store.user, "sightings", NULL);
  g_autofree char *system = g_build_filename (f->store.system, "sightings", NULL);

  pin (f, CPD_LAYER_SYSTEM, &of_path, f->root, NULL);
  for (size_t i = 0; i < 2 * G_N_ELEMENTS (texts); i++)
    {
      gboolean right = i % 2 == 0;
      g_autoptr (CpdVerdict) verdict = NULL;

      pin (f, CPD_LAYER_USER, &of_leaf, right ? f->leaf : f->middle, NULL);
      g_file_set_contents (user, texts[i / 2], -1, NULL);
      g_file_set_contents (system, texts[i / 2], -1, NULL);
      store_fixture_reopen (&f->store);
      g_assert_cmpuint (f->store.problems->len, ==, 0);
      verdict = judge (f);
      g_assert_cmpint (verdict->passed, ==, right);
      if (!right)
        g_assert_cmpint (verdict->error, ==, CERTPIN_ERROR_PIN_MISMATCH);
    }
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/witness/leaf", test_leaf);
  ADD ("/core/witness/path", test_path);
  ADD ("/core/witness/every-layer", test_every_layer);
  ADD ("/core/witness/report-only", test_report_only);
  ADD ("/core/witness/urgent", test_urgent);
  ADD ("/core/witness/no-verdict-depends-on-it", test_no_verdict_depends_on_it);
  return g_test_run ();
}
