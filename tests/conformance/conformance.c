/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs certpin's own validation over chains that others made, and prints what came out as a table.
 * Each case that comes out otherwise than its authors say must be in the list of known deviations,
 * with its reason; and each in that list must still deviate.
 *
 * usage: conformance VECTORS DEVIATIONS [--list] */

#include "config.h"

#include "daemon/core/verdict/cpd-peer.h"
#include "tests/lib/chain-case.h"

#include <string.h>

/* What the product does not claim (docs/THREATS.md): revocation lists, certificate policies, and
 * limits and uses that a caller sets. */
static const char *const unclaimed[]
    = { "has-crl",        "policy", "has-policy-constraints",      "max-chain-depth",
        "strict-eku",     "soft",   "anchor-constraints-enforced", "trusted-leaf",
        "sha1-forbidden", NULL };

/* Where other verifiers take less of a trust anchor to be binding, or give up on the work, ours may
 * refuse. */
static const char *const may_refuse[] = { "anchor-constraints-ignored", "denial-of-service", NULL };

typedef struct
{
  const char *name;
  unsigned int cases, right, wrong_accept, wrong_reject, skipped, either;
  unsigned int gnutls_wrong_accept, gnutls_wrong_reject;
} Row;

typedef struct
{
  GHashTable *deviations; /* id → reason */
  GHashTable *seen;       /* ids that deviated */
  GHashTable *skipped;    /* why → how many cases */
  Row *row;               /* of the set that is being read */
  unsigned int unexpected;
  gboolean list;
} Run;

static const char *
get_string (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;
}

/* Returns: (nullable): why the case is not about what the product claims */
static const char *
find_skip (JsonObject *object)
{
  JsonArray *features = json_object_get_array_member (object, "features");
  JsonArray *eku = json_object_get_array_member (object, "eku");
  JsonNode *peer = json_object_get_member (object, "peer");

  for (unsigned int i = 0; i < json_array_get_length (features); i++)
    {
      const char *feature = json_array_get_string_element (features, i);

      if (g_strv_contains (unclaimed, feature) || g_str_has_prefix (feature, "pedantic"))
        return feature;
    }
  if (json_array_get_length (eku) > 0
      && !g_str_equal (json_array_get_string_element (eku, 0), "serverAuth")
      && !g_str_equal (json_array_get_string_element (eku, 0), "anyExtendedKeyUsage"))
    return "purpose";
  if (JSON_NODE_HOLDS_OBJECT (peer)
      && g_str_equal (get_string (json_node_get_object (peer), "kind"), "RFC822"))
    return "mail";
  return NULL;
}

static gboolean
has_feature (JsonObject *object, const char *const *wanted)
{
  JsonArray *features = json_object_get_array_member (object, "features");

  for (unsigned int i = 0; i < json_array_get_length (features); i++)
    if (g_strv_contains (wanted, json_array_get_string_element (features, i)))
      return TRUE;
  return FALSE;
}

static void
note_deviation (Run *run, const char *id, gboolean accepted, const char *detail)
{
  const char *reason = g_hash_table_lookup (run->deviations, id);

  if (accepted)
    run->row->wrong_accept++;
  else
    run->row->wrong_reject++;
  g_hash_table_add (run->seen, g_strdup (id));
  if (reason == NULL)
    run->unexpected++;
  if (reason == NULL || run->list)
    g_print ("%s %s: %s%s%s\n", reason != NULL ? "known:" : "NEW:", id,
             accepted ? "accepted" : "refused: ", accepted ? "" : detail,
             reason != NULL ? reason : "");
}

static void
note_skip (Run *run, const char *why)
{
  unsigned int count = GPOINTER_TO_UINT (g_hash_table_lookup (run->skipped, why));

  run->row->skipped++;
  g_hash_table_insert (run->skipped, g_strdup (why), GUINT_TO_POINTER (count + 1));
}

static void
count_gnutls (Row *row, JsonObject *object, const char *expected)
{
  JsonNode *node = json_object_get_member (object, "gnutls_3_7_9");
  const char *verdict = NULL;

  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    verdict = get_string (json_node_get_object (node), "verdict");
  else if (node != NULL && JSON_NODE_HOLDS_VALUE (node))
    verdict = json_node_get_string (node);
  row->gnutls_wrong_accept
      += g_strcmp0 (verdict, "ACCEPT") == 0 && g_str_equal (expected, "REJECT");
  row->gnutls_wrong_reject
      += g_strcmp0 (verdict, "REJECT") == 0 && g_str_equal (expected, "ACCEPT");
}

static CpdValidation *
validate (const ChainCase *chain_case)
{
  g_autoptr (CpdPeer) peer
      = cpd_peer_new_offline (/* host= */ NULL, chain_case->chain, chain_case->purpose);
  g_autoptr (CpdAnchors) anchors = cpd_anchors_new (chain_case->trusted, NULL);
  const CpdTrustQuestion question
      = { .name = chain_case->name, .purpose = chain_case->purpose, .now = chain_case->now };

  return cpd_trust_validate (anchors, cpd_peer_get_chain (peer), &question);
}

static void
run_case (const ChainCase *chain_case, gpointer user_data)
{
  Run *run = user_data;
  Row *row = run->row;
  JsonObject *object = chain_case->json;
  const char *expected = get_string (object, "expected");
  g_autoptr (CpdValidation) validation = NULL;
  gboolean accepted;

  row->cases++;
  if (find_skip (object) != NULL)
    {
      note_skip (run, find_skip (object));
      return;
    }
  validation = validate (chain_case);
  accepted = validation->problem == CPD_PROBLEM_NONE;
  count_gnutls (row, object, expected);
  if (g_str_equal (expected, "EITHER") || (!accepted && has_feature (object, may_refuse)))
    row->either++;
  else if (accepted == g_str_equal (expected, "ACCEPT"))
    row->right++;
  else
    note_deviation (run, chain_case->id, accepted, validation->detail);
}

static void
read_deviations (Run *run, const char *path)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return;
  lines = g_strsplit (text, "\n", -1);
  for (size_t i = 0; lines[i] != NULL; i++)
    {
      char *space = strchr (lines[i], ' ');

      if (*lines[i] == '#' || space == NULL)
        continue;
      *space = '\0';
      g_hash_table_insert (run->deviations, g_strdup (lines[i]),
                           g_strdup_printf (" (%s)", g_strstrip (space + 1)));
    }
}

static void
print_table (const Row *rows, size_t n)
{
  g_print ("%-12s %6s %6s %8s %8s %8s %8s   %s\n", "", "cases", "right", "accepted", "refused",
           "either", "skipped", "GnuTLS 3.7.9 alone");
  g_print ("%-12s %6s %6s %8s %8s\n", "", "", "", "wrongly", "wrongly");
  for (size_t i = 0; i < n; i++)
    g_print ("%-12s %6u %6u %8u %8u %8u %8u   %u accepted, %u refused wrongly\n", rows[i].name,
             rows[i].cases, rows[i].right, rows[i].wrong_accept, rows[i].wrong_reject,
             rows[i].either, rows[i].skipped, rows[i].gnutls_wrong_accept,
             rows[i].gnutls_wrong_reject);
}

static void
print_skipped (Run *run)
{
  GHashTableIter iter;
  gpointer why, count;

  g_print ("skipped, since the product does not claim it:");
  g_hash_table_iter_init (&iter, run->skipped);
  while (g_hash_table_iter_next (&iter, &why, &count))
    g_print (" %s %u", (char *)why, GPOINTER_TO_UINT (count));
  g_print ("\n");
}

int
main (int argc, char **argv)
{
  Row rows[CHAIN_SETS] = { 0 };
  Run run = { .deviations = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free),
              .seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
              .skipped = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
              .list = argc > 3 };
  GHashTableIter iter;
  gpointer id;

  if (argc < 3)
    return 2;
  read_deviations (&run, argv[2]);
  for (size_t i = 0; i < CHAIN_SETS; i++)
    {
      g_autoptr (GError) error = NULL;

      rows[i].name = chain_sets[i].name;
      run.row = &rows[i];
      if (chain_set_foreach (argv[1], chain_sets[i].file, run_case, &run, &error))
        continue;
      g_printerr ("%s\n", error->message);
      run.unexpected++;
    }
  g_hash_table_iter_init (&iter, run.deviations);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    if (!g_hash_table_contains (run.seen, id))
      {
        g_print ("GONE: %s is listed as a deviation, but is none\n", (char *)id);
        run.unexpected++;
      }
  print_table (rows, CHAIN_SETS);
  print_skipped (&run);
  g_hash_table_unref (run.deviations);
  g_hash_table_unref (run.seen);
  g_hash_table_unref (run.skipped);
  return run.unexpected == 0 ? 0 : 1;
}
