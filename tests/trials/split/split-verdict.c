/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A verdict with its evidence from the worker to the owner, which knows the policy itself. The
 * trial has the owner read the chain again to describe it: a real one would send the words. */

#include "config.h"

#include "split-verdict.h"

GVariant *
split_pack_bytes (GBytes *bytes)
{
  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

/* `keys`: (nullable): of CertpinKey */
GVariant *
split_pack_keys (GPtrArray *keys)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("as"));
  for (unsigned int i = 0; keys != NULL && i < keys->len; i++)
    {
      g_autofree char *key = certpin_key_to_text (keys->pdata[i]);
      g_variant_builder_add (&builder, "s", key);
    }
  return g_variant_builder_end (&builder);
}

/* Returns: (transfer full) (nullable): of CertpinKey; NULL: none */
GPtrArray *
split_unpack_keys (GVariant *packed)
{
  GPtrArray *keys;

  if (g_variant_n_children (packed) == 0)
    return NULL;
  keys = g_ptr_array_new_with_free_func ((GDestroyNotify)certpin_key_unref);
  for (gsize i = 0; i < g_variant_n_children (packed); i++)
    {
      const char *text;
      CertpinKey *key;

      g_variant_get_child (packed, i, "&s", &text);
      key = certpin_key_new_from_text (text, NULL);
      if (key != NULL)
        g_ptr_array_add (keys, key);
    }
  return keys;
}

static GVariant *
pack_chain (CpdPeer *peer)
{
  GPtrArray *chain = peer != NULL ? cpd_peer_get_chain (peer) : NULL;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aay"));
  for (unsigned int i = 0; chain != NULL && i < chain->len; i++)
    g_variant_builder_add_value (&builder,
                                 split_pack_bytes (cpd_certificate_get_der (chain->pdata[i])));
  return g_variant_builder_end (&builder);
}

/* The order of what crosses. */
#define VERDICT_FORMAT "(sqbiumsmsmsmsus@as@aayb@av)"
#define VERDICT_TAKES  "(&sqbiumsmsmsmsu&s@as@aayb@av)"

/* `verdict`: (nullable) */
GVariant *
split_pack_verdict (const CpdVerdict *verdict)
{
  GVariantBuilder builder;
  g_autofree char *matched = NULL;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("av"));
  if (verdict == NULL)
    return g_variant_builder_end (&builder);
  if (verdict->matched_key != NULL)
    matched = certpin_key_to_text (verdict->matched_key);
  g_variant_builder_add (
      &builder, "v",
      g_variant_new (
          VERDICT_FORMAT, cpd_host_get_name (verdict->target), cpd_host_get_port (verdict->target),
          verdict->passed, (int)verdict->error, (unsigned int)verdict->layer, verdict->reason,
          verdict->message, verdict->likely_cause, verdict->advice, verdict->matched_position,
          matched != NULL ? matched : "", split_pack_keys (verdict->path_keys),
          pack_chain (verdict->peer), verdict->pin != NULL, split_pack_verdict (verdict->report)));
  return g_variant_builder_end (&builder);
}

static CpdPeer *
unpack_peer (GVariant *chain, CpdHost *target)
{
  g_autoptr (GPtrArray) ders = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);

  for (gsize i = 0; i < g_variant_n_children (chain); i++)
    {
      g_autoptr (GVariant) der = g_variant_get_child_value (chain, i);
      g_ptr_array_add (ders, g_variant_get_data_as_bytes (der));
    }
  return ders->len > 0 ? cpd_peer_new (target, ders) : NULL;
}

/* `keys`: (nullable): the request's own. Returns: (transfer full) (nullable): NULL: there is none
 */
CpdVerdict *
split_unpack_verdict (GVariant *packed, CpdStore *store, guint32 uid, GPtrArray *keys)
{
  g_autoptr (GVariant) inner = NULL, path_keys = NULL, chain = NULL, report = NULL;
  g_autoptr (CpdPolicy) policy = NULL;
  const char *name, *matched;
  CpdVerdict *verdict;
  gboolean has_pin;
  guint16 port;

  if (g_variant_n_children (packed) == 0)
    return NULL;
  verdict = g_atomic_rc_box_new0 (CpdVerdict);
  g_variant_get_child (packed, 0, "v", &inner);
  g_variant_get (inner, VERDICT_TAKES, &name, &port, &verdict->passed, (int *)&verdict->error,
                 (unsigned int *)&verdict->layer, &verdict->reason, &verdict->message,
                 &verdict->likely_cause, &verdict->advice, &verdict->matched_position, &matched,
                 &path_keys, &chain, &has_pin, &report);
  verdict->target = cpd_host_new_target (name, port, NULL);
  policy = cpd_store_get_policy (store, uid, verdict->target);
  verdict->policy = cpd_policy_with_keys (policy, keys);
  if (has_pin && verdict->policy->pins[verdict->layer] != NULL)
    verdict->pin = cpd_pin_ref (verdict->policy->pins[verdict->layer]);
  verdict->peer = unpack_peer (chain, verdict->target);
  verdict->path_keys = split_unpack_keys (path_keys);
  if (*matched != '\0')
    verdict->matched_key = certpin_key_new_from_text (matched, NULL);
  verdict->report = split_unpack_verdict (report, store, uid, keys);
  return verdict;
}
