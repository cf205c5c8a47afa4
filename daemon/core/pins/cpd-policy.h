/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-pin.h"

G_BEGIN_DECLS

/* The pins of every layer for one host and one owner: a snapshot. A reference-counted value that is
 * only read. */
typedef struct
{
  CpdHost *target;
  CpdPin *pins[CPD_N_LAYERS]; /* the pin of each layer that applies; NULL: none */
  guint64 generation;         /* of the owner, when the snapshot was taken */
  gboolean is_of_app;         /* so a pin of the user binds it, but does not permit anything */
} CpdPolicy;

CpdPolicy *cpd_policy_new (CpdHost *target, guint64 generation);
CpdPolicy *cpd_policy_ref (CpdPolicy *policy);
void cpd_policy_unref (CpdPolicy *policy);

void cpd_policy_take_pin (CpdPolicy *policy, CpdPin *pin);
CpdPolicy *cpd_policy_with_pin (CpdPolicy *policy, CpdPin *pin);
CpdPolicy *cpd_policy_with_keys (CpdPolicy *policy, GPtrArray *keys);
CpdPolicy *cpd_policy_detach (CpdPolicy *policy);
CpdPolicy *cpd_policy_without_hidden (CpdPolicy *policy);
gboolean cpd_policy_is_empty (const CpdPolicy *policy);
gboolean cpd_policy_hides (const CpdPolicy *policy, CpdLayer layer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdPolicy, cpd_policy_unref)

G_END_DECLS
