/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a server presents now, and whether it would pass with other keys. */

#include "config.h"

#include "certpinctl-chain.h"

#include "certpinctl-reply.h"
#include "certpinctl-wait.h"

/* Somebody waits at a terminal. */
#define TIMEOUT_MS 10000

/* `host`: one host, with or without port. `supposed`: (nullable): options for a pin to suppose, as
 * ctl_chain_judging_options() makes them; consumed if floating. `chain`: (out) (transfer full)
 * (optional): of GBytes.
 * Returns: (transfer full) (nullable): the info of FetchChain */
GVariant *
ctl_chain_fetch (Ctl *ctl, const char *host, GVariant *supposed, GPtrArray **chain, GError **error)
{
  g_autoptr (GVariant) given = supposed != NULL ? g_variant_ref_sink (supposed) : NULL;
  g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (given);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (CertpinChain) presented = NULL;
  GVariant *info = NULL;

  g_variant_dict_insert (&options, "timeout-ms", "u", TIMEOUT_MS);
  certpin_client_fetch_chain_async (ctl->client, host, g_variant_dict_end (&options),
                                    ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  presented = certpin_client_fetch_chain_finish (ctl->client, result, error);
  if (presented != NULL)
    info = ctl_reply_take_record (g_object_ref (presented), CTL_REPLY_CHAIN, error);
  if (info != NULL && chain != NULL)
    *chain = g_ptr_array_ref (certpin_chain_get_der (presented));
  return info;
}

/* `pin_options`: of a pin with these keys. Returns: `a{sv}`, floating */
GVariant *
ctl_chain_judging_options (char **keys, GVariant *pin_options)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) anchors
      = g_variant_lookup_value (pin_options, "trust-anchors", G_VARIANT_TYPE ("aay"));
  const char *match = NULL;

  g_variant_dict_insert (&dict, "keys", "^as", keys);
  if (g_variant_lookup (pin_options, "match", "&s", &match))
    g_variant_dict_insert (&dict, "match", "s", match);
  if (anchors != NULL)
    g_variant_dict_insert_value (&dict, "trust-anchors", anchors);
  return g_variant_dict_end (&dict);
}
