/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves the core on cases that nobody here wrote: encodings, published keys, hosts, and chains
 * with pins. The README of the vectors says what each set holds.
 *
 * usage: test-vectors VECTORS [PAGE]
 * PAGE counts the hosts: docs/HOSTS.md. */

#include "config.h"

#include "daemon/core/verdict/cpd-peer.h"
#include "tests/lib/chain-case.h"

#include <string.h>

static const char *vectors;
static const char *hosts_page;

/* What became of one set. */
typedef struct
{
  const char *set;
  unsigned int right;
  unsigned int wrong;
  unsigned int ours; /* right by a rule of this project's that differs from the set's */
} Count;

static void
count (Count *counter, const char *id, gboolean right, const char *why)
{
  if (right)
    counter->right++;
  else
    {
      counter->wrong++;
      g_test_message ("wrong: %s %s: %s", counter->set, id, why);
    }
}

static void
finish (const Count *counter)
{
  g_test_message ("%s: %u right, %u wrong, %u by our own rule", counter->set, counter->right,
                  counter->wrong, counter->ours);
  if (counter->wrong > 0)
    g_test_fail ();
}

static JsonNode *
load_json (const char *name)
{
  g_autofree char *path = g_build_filename (vectors, name, NULL);
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) error = NULL;

  json_parser_load_from_file (parser, path, &error);
  g_assert_no_error (error);
  return json_node_copy (json_parser_get_root (parser));
}

static GBytes *
load_bytes (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (vectors, folder, name, NULL);
  g_autoptr (GError) error = NULL;
  char *data;
  gsize length;

  g_file_get_contents (path, &data, &length, &error);
  g_assert_no_error (error);
  return g_bytes_new_take (data, length);
}

/* Returns: (nullable): a string member; NULL where it is missing or null */
static const char *
get_text (JsonObject *object, const char *name)
{
  return json_object_get_string_member_with_default (object, name, NULL);
}

static gboolean
has_key (CpdCertificate *certificate, const char *text)
{
  g_autoptr (CertpinKey) expected = certpin_key_new_from_text (text, NULL);

  return expected != NULL && certpin_key_equal (cpd_certificate_get_key (certificate), expected);
}

static void
test_der (void)
{
  g_autoptr (JsonNode) root = load_json ("der/index.json");
  JsonArray *cases = json_node_get_array (root);
  Count counter = { .set = "der" };

  for (unsigned int i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *vector = json_array_get_object_element (cases, i);
      const char *id = get_text (vector, "file");
      const char *expect = get_text (vector, "expect");
      const char *spki = get_text (vector, "spki_sha256");
      g_autoptr (GBytes) bytes = load_bytes ("der/files", id);
      g_autoptr (CpdCertificate) certificate = cpd_certificate_new (bytes, NULL);

      if (certificate == NULL)
        count (&counter, id, !g_str_equal (expect, "accept"), "refused");
      else if (g_str_equal (expect, "reject"))
        count (&counter, id, FALSE, "accepted");
      else
        count (&counter, id, spki == NULL || has_key (certificate, spki), "another key");
    }
  finish (&counter);
}

static void
test_published_pins (void)
{
  g_autoptr (JsonNode) root = load_json ("spki/published_pins.json");
  JsonArray *cases = json_node_get_array (root);
  Count counter = { .set = "spki" };

  for (unsigned int i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *vector = json_array_get_object_element (cases, i);
      const char *id = get_text (vector, "file");
      g_autoptr (GBytes) bytes = load_bytes ("spki", id);
      g_autoptr (CpdCertificate) certificate = cpd_certificate_new (bytes, NULL);

      count (&counter, id,
             certificate != NULL && has_key (certificate, get_text (vector, "published_pin")),
             certificate != NULL ? "another key" : "refused");
    }
  finish (&counter);
}

typedef enum
{
  NO_MATCH,
  MATCH,
  PATTERN_REFUSED,
  HOST_REFUSED,
} Outcome;

static const char *const outcome_names[]
    = { "no match", "match", "pattern refused", "host refused" };

/* Where our rules differ from those of the set. */
static const struct
{
  const char *id;
  Outcome outcome;
} our_rules[] = {
  { "h022", MATCH },           /* a NUL: text over D-Bus, and in C, ends there */
  { "h037", MATCH },           /* a port is part of a host here … */
  { "h041", NO_MATCH },        /* … and narrows a pattern */
  { "h058", PATTERN_REFUSED }, /* a wildcard before an address */
  { "h079", PATTERN_REFUSED }, /* a wildcard on an unknown suffix */
  { "h080", PATTERN_REFUSED },
  { "h089", MATCH }, /* only wildcards on a public suffix are refused */
  { "h090", MATCH },
};

static char *
make_pattern (const char *semantics, const char *pattern)
{
  if (g_str_equal (semantics, "include-subdomains"))
    return g_strconcat ("**.", pattern, NULL);
  return g_strdup (pattern);
}

static Outcome
try_host (JsonObject *vector)
{
  g_autofree char *text
      = make_pattern (get_text (vector, "semantics"), get_text (vector, "pattern"));
  g_autoptr (CpdHost) pattern = cpd_host_new (text, NULL);
  g_autoptr (CpdHost) target = cpd_host_new (get_text (vector, "host"), NULL);

  if (pattern == NULL)
    return PATTERN_REFUSED;
  if (target == NULL || cpd_host_get_kind (target) != CPD_HOST_EXACT)
    return HOST_REFUSED;
  return cpd_host_matches (pattern, target) ? MATCH : NO_MATCH;
}

static gboolean
is_right (JsonObject *vector, Outcome outcome)
{
  JsonNode *match = json_object_get_member (vector, "match");
  const char *why = get_text (vector, "why");
  gboolean may_refuse = strstr (why, "refuse or no match") || strstr (why, "(or refuse)")
                        || strstr (why, "as good");

  if (may_refuse && (outcome == PATTERN_REFUSED || outcome == HOST_REFUSED))
    return TRUE;
  if (json_node_get_value_type (match) == G_TYPE_BOOLEAN)
    return outcome == (json_node_get_boolean (match) ? MATCH : NO_MATCH);
  if (g_str_equal (json_node_get_string (match), "error-pattern"))
    return outcome == PATTERN_REFUSED;
  return outcome == HOST_REFUSED;
}

static void
count_host (JsonObject *vector, Count *counter)
{
  const char *id = get_text (vector, "id");
  Outcome outcome = try_host (vector);
  gboolean right = is_right (vector, outcome);

  for (size_t i = 0; i < G_N_ELEMENTS (our_rules); i++)
    if (g_str_equal (id, our_rules[i].id))
      {
        if (right)
          count (counter, id, FALSE, "no longer differs from the set");
        right = outcome == our_rules[i].outcome;
        counter->ours++;
      }
  count (counter, id, right, outcome_names[outcome]);
}

static char *
page_row (const Count *counter)
{
  return g_strdup_printf ("\n| %s | %u | %u | %u |\n", counter->set,
                          counter->right + counter->wrong, counter->right - counter->ours,
                          counter->ours);
}

/* What the page counts is this set. */
static void
compare_with_page (const Count *rules, size_t n_rules)
{
  g_autofree char *page = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (hosts_page, &page, NULL, &error);
  g_assert_no_error (error);
  for (size_t i = 0; i < n_rules; i++)
    {
      g_autofree char *row = page_row (&rules[i]);
      if (strstr (page, row) == NULL)
        g_test_fail_printf ("%s lacks the row%s", hosts_page, row);
    }
}

static void
test_hosts (void)
{
  g_autoptr (JsonNode) root = load_json ("hosts.json");
  JsonArray *cases = json_object_get_array_member (json_node_get_object (root), "cases");
  Count rules[] = { { .set = "exact" },
                    { .set = "star" },
                    { .set = "double-star" },
                    { .set = "include-subdomains" },
                    { .set = "all" } };
  Count *all = &rules[G_N_ELEMENTS (rules) - 1];

  for (unsigned int i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *vector = json_array_get_object_element (cases, i);
      Count *rule = rules;

      while (rule != all && !g_str_equal (rule->set, get_text (vector, "semantics")))
        rule++;
      g_assert_true (rule != all);
      count_host (vector, rule);
    }
  for (Count *rule = rules; rule != all; rule++)
    {
      finish (rule);
      all->right += rule->right;
      all->wrong += rule->wrong;
      all->ours += rule->ours;
    }
  if (hosts_page != NULL)
    compare_with_page (rules, G_N_ELEMENTS (rules));
}

static CpdValidation *
validate (const ChainCase *chain_case)
{
  g_autoptr (CpdHost) host = cpd_host_new_target (chain_case->name, 0, NULL);
  g_autoptr (CpdPeer) peer = cpd_peer_new_offline (host, chain_case->chain, chain_case->purpose);
  g_autoptr (CpdAnchors) anchors = cpd_anchors_new (chain_case->trusted, NULL);

  return cpd_peer_validate (peer, anchors, chain_case->now);
}

static gboolean
path_has_key (const CpdPath *path, const char *text)
{
  for (unsigned int i = 0; i < path->certificates->len; i++)
    if (has_key (path->certificates->pdata[i], text))
      return TRUE;
  return FALSE;
}

static const char *
try_pins (JsonObject *vector, const CpdValidation *validation)
{
  JsonArray *pins = json_object_get_array_member (vector, "pins");

  if (validation->problem != CPD_PROBLEM_NONE)
    return "REJECT_CHAIN";
  if (json_array_get_length (pins) == 0)
    return "ACCEPT";
  for (unsigned int i = 0; i < json_array_get_length (pins); i++)
    for (unsigned int j = 0; j < validation->paths->len; j++)
      if (path_has_key (validation->paths->pdata[j], json_array_get_string_element (pins, i)))
        return "ACCEPT";
  return "REJECT_PIN";
}

static void
try_chain (const ChainCase *chain_case, gpointer user_data)
{
  Count *counter = user_data;
  JsonObject *vector = chain_case->json;
  g_autoptr (CpdValidation) validation = validate (chain_case);
  const char *expected = get_text (vector, "pin_expected");
  const char *outcome = try_pins (vector, validation);

  if (g_str_equal (expected, "EITHER"))
    count (counter, chain_case->id, g_strcmp0 (outcome, get_text (vector, "must_not")) != 0,
           outcome);
  else
    count (counter, chain_case->id, g_str_equal (outcome, expected), outcome);
}

static void
test_chains (void)
{
  g_autoptr (GError) error = NULL;
  Count counter = { .set = "chains" };

  chain_set_foreach (vectors, "chains/pin.jsonl", try_chain, &counter, &error);
  g_assert_no_error (error);
  finish (&counter);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  if (argc < 2)
    g_error ("give the folder of vectors");
  vectors = argv[1];
  hosts_page = argc > 2 ? argv[2] : NULL;
  g_test_add_func ("/core/vectors/der", test_der);
  g_test_add_func ("/core/vectors/spki", test_published_pins);
  g_test_add_func ("/core/vectors/hosts", test_hosts);
  g_test_add_func ("/core/vectors/chains", test_chains);
  return g_test_run ();
}
