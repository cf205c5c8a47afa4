/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* VerifyChain as a value: its arguments, and the judgement, with the same functions as for a
 * connection. A chain can make it slow, so it runs on a thread, with values of its own. */

#include "config.h"

#include "daemon/bus/cpd-chain-order.h"

#include "daemon/bus/cpd-chain-answer.h"
#include "daemon/bus/cpd-options.h"
#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/trust/cpd-der.h"
#include "daemon/core/trust/cpd-not-certificate.h"

#define CERTIFICATES_MAX 64
#define CHAIN_MAX_BYTES  (1024 * 1024)

/* By CpdPurpose. */
static const char *const purposes[] = { "server", "any", NULL };

void
cpd_chain_order_free (CpdChainOrder *order)
{
  if (order == NULL)
    return;
  cpd_host_unref (order->host);
  g_clear_pointer (&order->chain, g_ptr_array_unref);
  cpd_anchors_unref (order->anchors);
  cpd_pin_unref (order->supposed);
  cpd_policy_unref (order->policy);
  g_free (order);
}

/* Where nothing that is given has the shape of a certificate, there is no chain to judge: it is a
 * key or text, say. Nothing at all is what a server may present. */
static gboolean
check_shapes (GPtrArray *chain, GError **error)
{
  for (unsigned int i = 0; i < chain->len; i++)
    {
      CpdCertificateShape shape;
      gsize length;
      const guint8 *data = g_bytes_get_data (chain->pdata[i], &length);

      if (cpd_der_parse_certificate (data, length, &shape))
        return TRUE;
    }
  if (chain->len > 0)
    {
      g_autofree char *given = cpd_not_certificate_describe (chain->pdata[0]);

      return cpd_refuse (error, CERTPIN_ERROR_WRONG_FORMAT, "%s", given);
    }
  return TRUE;
}

/* `text`: empty: only the certification path is judged */
static gboolean
take_host (CpdChainOrder *order, const char *text, GError **error)
{
  if (*text == '\0')
    return TRUE;
  order->host = cpd_options_take_host (text, error);
  return order->host != NULL;
}

static gboolean
take_chain (CpdChainOrder *order, GVariant *chain, GError **error)
{
  if (g_variant_n_children (chain) > CERTIFICATES_MAX
      || g_variant_get_size (chain) > CHAIN_MAX_BYTES)
    return cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED,
                       "the chain has %" G_GSIZE_FORMAT " certificates and %" G_GSIZE_FORMAT
                       " bytes; at most 64 and 1 MiB are allowed",
                       g_variant_n_children (chain), g_variant_get_size (chain));
  order->chain = cpd_options_to_bytes (chain);
  return check_shapes (order->chain, error);
}

static gboolean
take_keys (CpdChainOrder *order, GVariant *array, const char *match, GError **error)
{
  g_autofree const char **texts = array != NULL ? g_variant_get_strv (array, NULL) : NULL;
  int chosen = CPD_MATCH_LEAF;

  if (!cpd_options_take_choice ("match", match, cpd_match_words, &chosen, error))
    return FALSE;
  if (texts == NULL)
    return match == NULL
           || cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                          "option ‘match’ is given without the option ‘keys’");
  if (order->host == NULL)
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "option ‘keys’ is given without a host");
  order->supposed = cpd_pin_new (order->host, CPD_LAYER_USER);
  order->supposed->match = (CpdMatch)chosen;
  for (size_t i = 0; texts[i] != NULL; i++)
    {
      g_autoptr (CertpinKey) key = certpin_key_new_from_text (texts[i], error);

      if (key == NULL)
        return FALSE;
      cpd_pin_add_key (order->supposed, key);
    }
  return TRUE;
}

static gboolean
take_options (CpdChainOrder *order, GVariant *options, GError **error)
{
  const char *purpose = NULL, *match = NULL;
  int chosen = CPD_PURPOSE_SERVER;
  g_autoptr (GVariant) anchors = NULL, keys = NULL;
  const CpdOption table[] = {
    { "time", "x", &order->time, 0, G_MAXINT64 },
    { "purpose", "s", &purpose, 1, 16 },
    { "trust-anchors", "aay", &anchors, 1, CERTIFICATES_MAX },
    { "keys", "as", &keys, 1, CERTIFICATES_MAX },
    { "match", "s", &match, 1, 16 },
  };

  if (!cpd_options_parse (options, table, G_N_ELEMENTS (table), error)
      || !cpd_options_take_choice ("purpose", purpose, purposes, &chosen, error)
      || !cpd_options_to_anchors (anchors, &order->anchors, error)
      || !take_keys (order, keys, match, error))
    return FALSE;
  order->purpose = (CpdPurpose)chosen;
  return TRUE;
}

/* `host`: a host with or without port, or "" for the path alone. `chain`: aay. `now`: Unix seconds,
 * the default of the option.
 * Errors: CERTPIN_ERROR_INVALID_HOST, CERTPIN_ERROR_INVALID_ARGUMENT, CERTPIN_ERROR_INVALID_KEY,
 * CERTPIN_ERROR_LIMIT_EXCEEDED, CERTPIN_ERROR_WRONG_FORMAT.
 * Returns: (transfer full) */
CpdChainOrder *
cpd_chain_order_new (const char *host, GVariant *chain, GVariant *options, gint64 now,
                     GError **error)
{
  g_autoptr (CpdChainOrder) order = g_new0 (CpdChainOrder, 1);

  order->time = now;
  if (!take_host (order, host, error) || !take_chain (order, chain, error)
      || !take_options (order, options, error))
    return NULL;
  return g_steal_pointer (&order);
}

/* Without a host there are no pins: only the path is judged. */
static void
insert_path_alone (GVariantDict *dict, const CpdValidation *validation)
{
  gboolean trusted = validation->problem == CPD_PROBLEM_NONE;

  g_variant_dict_insert (dict, "verdict", "s",
                         trusted ? "Pass" : certpin_error_get_name (CERTPIN_ERROR_UNTRUSTED));
  g_variant_dict_insert (dict, "reason", "s",
                         trusted ? "the chain is trusted" : validation->detail);
}

/* The policy of the given keys, or the one in force. Returns: (transfer full) */
static CpdPolicy *
choose_policy (CpdChainOrder *order)
{
  CpdPolicy *policy;

  if (order->supposed == NULL)
    return cpd_policy_ref (order->policy);
  policy = cpd_policy_new (order->host, 0);
  cpd_policy_take_pin (policy, cpd_pin_ref (order->supposed));
  return policy;
}

/* May take long. `order`: with its policy and anchors, which no other thread uses meanwhile.
 * Returns: (transfer full): a{sv} */
GVariant *
cpd_chain_order_judge (CpdChainOrder *order)
{
  g_autoptr (CpdPeer) peer = cpd_peer_new_offline (order->host, order->chain, order->purpose);
  g_autoptr (CpdValidation) validation = cpd_peer_validate (peer, order->anchors, order->time);
  g_autoptr (CpdPolicy) policy = NULL;
  g_autoptr (CpdVerdict) verdict = NULL;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  cpd_chain_answer_add_trust (&dict, peer, validation);
  if (order->host == NULL)
    {
      insert_path_alone (&dict, validation);
      return g_variant_ref_sink (g_variant_dict_end (&dict));
    }
  policy = choose_policy (order);
  verdict = cpd_verdict_of_peer (policy, peer, order->anchors, order->time);
  cpd_chain_answer_add_verdict (&dict, verdict);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}
