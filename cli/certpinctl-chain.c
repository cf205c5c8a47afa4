/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a server presents now, and whether it would pass with other keys. */

#include "config.h"

#include "certpinctl-chain.h"

#include "certpinctl-reply.h"
#include "certpinctl-wait.h"

/* Somebody waits at a terminal. */
#define TIMEOUT_MS 10000

/* `host`: one host, with or without port. `chain`: (out) (transfer full) (optional): of GBytes.
 * Returns: (transfer full) (nullable): the info of FetchChain */
GVariant *
ctl_chain_fetch (Ctl *ctl, const char *host, GPtrArray **chain, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) presented = NULL;
  GVariant *info = NULL;

  certpin_client_fetch_chain_async (ctl->client, host,
                                    g_variant_new_parsed ("{'timeout-ms': <%u>}", TIMEOUT_MS),
                                    ctl->cancellable, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  presented = certpin_client_fetch_chain_finish (ctl->client, result, &info, error);
  info = ctl_reply_take (info, CTL_REPLY_CHAIN, error);
  if (info != NULL && chain != NULL)
    *chain = g_steal_pointer (&presented);
  return info;
}

/* `options`: those of VerifyChain; consumed if floating.
 * Returns: (transfer full) (nullable): the verdict */
GVariant *
ctl_chain_judge (Ctl *ctl, const char *host, GPtrArray *chain, GVariant *options, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  certpin_client_verify_chain_async (ctl->client, host, chain, options, ctl->cancellable,
                                     ctl_on_result, ctl);
  result = ctl_wait (ctl);
  return ctl_reply_take (certpin_client_verify_chain_finish (ctl->client, result, error),
                         CTL_REPLY_VERDICT, error);
}

/* `pin_options`: of a pin with these keys. `scope`: the pin's; NULL: no other pins count.
 * Returns: `a{sv}`, floating */
GVariant *
ctl_chain_judging_options (char **keys, GVariant *pin_options, const char *scope)
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
  if (scope != NULL)
    g_variant_dict_insert (&dict, "scope", "s", scope);
  return g_variant_dict_end (&dict);
}
