/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What VerifyChain and FetchChain say of a chain, in the same words. */

#include "config.h"

#include "daemon/bus/cpd-chain-answer.h"

#include "daemon/bus/cpd-describe.h"

/* Returns: (floating): as */
static GVariant *
new_keys (GPtrArray *certificates)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (unsigned int i = 0; certificates != NULL && i < certificates->len; i++)
    g_variant_builder_add_value (&builder, g_variant_new_take_string (certpin_key_to_text (
                                               cpd_certificate_get_key (certificates->pdata[i]))));
  return g_variant_builder_end (&builder);
}

/* Whether the chain passes ordinary validation, and with which keys. */
void
cpd_chain_answer_add_trust (GVariantDict *dict, CpdPeer *peer, const CpdValidation *validation)
{
  const CpdPath *path = validation->paths->len > 0 ? validation->paths->pdata[0] : NULL;

  g_variant_dict_insert (dict, "trusted", "b", validation->problem == CPD_PROBLEM_NONE);
  g_variant_dict_insert_value (dict, "offered-keys", new_keys (cpd_peer_get_chain (peer)));
  g_variant_dict_insert_value (dict, "path-keys",
                               new_keys (path != NULL ? path->certificates : NULL));
}

/* Returns: (transfer full): a sentence. The mismatch of a pin that is report-only or
 * paused passes, but is told. */
static char *
explain (const CpdVerdict *verdict)
{
  const CpdVerdict *report = verdict->report;

  if (!verdict->passed)
    return g_strdup (verdict->message);
  if (report == NULL)
    return g_strdup ("the chain is trusted and holds a pinned key");
  return g_strdup_printf ("the chain is trusted, but passes only because a pin is %s: %s",
                          report->pin->mode == CPD_MODE_REPORT ? "report-only" : "paused",
                          report->message);
}

/* What the pins say of the chain. The keys of the path that they judged replace the others. */
void
cpd_chain_answer_add_verdict (GVariantDict *dict, const CpdVerdict *verdict)
{
  g_autofree char *reason = explain (verdict);

  g_variant_dict_insert (dict, "verdict", "s",
                         verdict->passed ? "Pass" : certpin_error_get_name (verdict->error));
  g_variant_dict_insert (dict, "reason", "s", reason);
  if (verdict->matched_key != NULL)
    {
      g_autofree char *key = certpin_key_to_text (verdict->matched_key);

      g_variant_dict_insert (dict, "matched-key", "s", key);
      g_variant_dict_insert (dict, "matched-position", "u", verdict->matched_position);
    }
  if (verdict->path_keys != NULL)
    g_variant_dict_insert_value (dict, "path-keys", cpd_describe_keys (verdict->path_keys));
}
