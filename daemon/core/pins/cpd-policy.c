/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pins of all layers that apply to one host for one owner. Layers are ANDed: none can loosen
 * another. */

#include "config.h"

#include "daemon/core/pins/cpd-policy.h"

/* An empty policy: to be filled before it is shared. */
CpdPolicy *
cpd_policy_new (CpdHost *target, guint64 generation)
{
  CpdPolicy *policy = g_atomic_rc_box_new0 (CpdPolicy);

  policy->target = cpd_host_ref (target);
  policy->generation = generation;
  return policy;
}

CpdPolicy *
cpd_policy_ref (CpdPolicy *policy)
{
  return g_atomic_rc_box_acquire (policy);
}

static void
policy_clear (gpointer data)
{
  CpdPolicy *policy = data;

  cpd_host_unref (policy->target);
  for (int layer = 0; layer < CPD_N_LAYERS; layer++)
    cpd_pin_unref (policy->pins[layer]);
}

void
cpd_policy_unref (CpdPolicy *policy)
{
  if (policy != NULL)
    g_atomic_rc_box_release_full (policy, policy_clear);
}

/* `pin`: (transfer full) (nullable) */
void
cpd_policy_take_pin (CpdPolicy *policy, CpdPin *pin)
{
  if (pin == NULL)
    return;
  cpd_pin_unref (policy->pins[pin->layer]);
  policy->pins[pin->layer] = pin;
}

/* `pin`: (nullable): NULL: none.
 * Returns: (transfer full): the policy with the pin, in place of the one of its layer */
CpdPolicy *
cpd_policy_with_pin (CpdPolicy *policy, CpdPin *pin)
{
  CpdPolicy *result;

  if (pin == NULL)
    return cpd_policy_ref (policy);
  result = cpd_policy_new (policy->target, policy->generation);
  result->is_of_app = policy->is_of_app;
  for (int layer = 0; layer < CPD_N_LAYERS; layer++)
    if (policy->pins[layer] != NULL)
      cpd_policy_take_pin (result, cpd_pin_ref (policy->pins[layer]));
  cpd_policy_take_pin (result, cpd_pin_ref (pin));
  return result;
}

/* `keys`: (nullable): of CertpinKey: must pass in addition to all pins.
 * Returns: (transfer full): the policy with them as a layer of their own */
CpdPolicy *
cpd_policy_with_keys (CpdPolicy *policy, GPtrArray *keys)
{
  g_autoptr (CpdPin) pin = NULL;

  if (keys == NULL || keys->len == 0)
    return cpd_policy_ref (policy);
  pin = cpd_pin_new (policy->target, CPD_LAYER_REQUEST);
  pin->match = CPD_MATCH_PATH;
  for (unsigned int i = 0; i < keys->len; i++)
    cpd_pin_add_key (pin, keys->pdata[i]);
  return cpd_policy_with_pin (policy, pin);
}

/* Returns: (transfer full): an equal policy, for another thread */
CpdPolicy *
cpd_policy_detach (CpdPolicy *policy)
{
  CpdPolicy *detached = cpd_policy_new (policy->target, policy->generation);

  detached->is_of_app = policy->is_of_app;
  for (int layer = 0; layer < CPD_N_LAYERS; layer++)
    {
      CpdPin *pin = policy->pins[layer] != NULL ? cpd_pin_copy (policy->pins[layer]) : NULL;
      CpdAnchors *anchors = pin != NULL ? pin->anchors : NULL;

      if (anchors != NULL)
        pin->anchors = cpd_anchors_detach (anchors);
      cpd_anchors_unref (anchors);
      cpd_policy_take_pin (detached, pin);
    }
  return detached;
}

/* For a look, or a judgement, that costs nothing and can be repeated for any host and any key.
 * Returns: (transfer full): the policy without what whoever it is for must not learn */
CpdPolicy *
cpd_policy_without_hidden (CpdPolicy *policy)
{
  CpdPolicy *shown = cpd_policy_new (policy->target, policy->generation);

  shown->is_of_app = policy->is_of_app;
  for (int layer = 0; layer < CPD_N_LAYERS; layer++)
    if (policy->pins[layer] != NULL && !cpd_policy_hides (policy, (CpdLayer)layer))
      cpd_policy_take_pin (shown, cpd_pin_ref (policy->pins[layer]));
  return shown;
}

/* Whether nothing is pinned. A request's own keys are not a pin: they can only add a check. For an
 * app, neither is a pin of its user: it could find out which hosts that user has pinned. */
gboolean
cpd_policy_is_empty (const CpdPolicy *policy)
{
  return policy->pins[CPD_LAYER_FILES] == NULL && policy->pins[CPD_LAYER_SYSTEM] == NULL
         && policy->pins[CPD_LAYER_APP] == NULL && policy->pins[CPD_LAYER_TRANSIENT] == NULL
         && (policy->pins[CPD_LAYER_USER] == NULL || policy->is_of_app);
}

/* Whether whoever the policy is for must not learn what this layer says. */
gboolean
cpd_policy_hides (const CpdPolicy *policy, CpdLayer layer)
{
  return policy->is_of_app && layer == CPD_LAYER_USER;
}
