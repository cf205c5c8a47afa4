/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Puts on record that a server has passed: for each pin that applied, which of its keys the server
 * proved, and its certificate. It only reads the verdict. */

#include "config.h"

#include "daemon/core/verdict/cpd-witness.h"

#include "daemon/core/pins/cpd-pin-advice.h"

static void
add_key (GPtrArray *keys, const CpdPin *pin, CertpinKey *key)
{
  if (cpd_pin_has_key (pin, key)
      && !g_ptr_array_find_with_equal_func (keys, key, (GEqualFunc)certpin_key_equal, NULL))
    g_ptr_array_add (keys, key);
}

/* Returns: (transfer full): of CertpinKey, owned by the validation: the keys of the pin that stand
 * where they count, on any valid path */
static GPtrArray *
list_proved (const CpdPin *pin, const CpdValidation *validation)
{
  GPtrArray *keys = g_ptr_array_new ();

  for (unsigned int i = 0; i < validation->paths->len; i++)
    {
      const CpdPath *path = validation->paths->pdata[i];
      unsigned int last = pin->match == CPD_MATCH_LEAF ? 1 : path->certificates->len;

      for (unsigned int j = 0; j < last; j++)
        add_key (keys, pin, cpd_certificate_get_key (path->certificates->pdata[j]));
    }
  return keys;
}

static void
add_urgent (GPtrArray *warnings, CpdPin *pin, const CpdSighting *sighting, gint64 now)
{
  g_auto (GStrv) urgent = cpd_pin_advice_urgent (pin, sighting, now);

  for (size_t i = 0; urgent != NULL && urgent[i] != NULL; i++)
    if (!g_ptr_array_find_with_equal_func (warnings, urgent[i], g_str_equal, NULL))
      g_ptr_array_add (warnings, g_strdup (urgent[i]));
}

/* `verdict`: that passed. Returns: as cpd_witness_record () */
static GStrv
record (CpdStore *store, CpdOwner owner, const CpdVerdict *verdict, gint64 now)
{
  CpdCertificate *leaf = cpd_peer_get_chain (verdict->peer)->pdata[0];
  g_autofree char *subject = cpd_certificate_dup_subject (leaf);
  g_autofree char *issuer = cpd_certificate_dup_issuer (leaf);
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);

  for (int layer = 0; layer <= CPD_LAYER_USER; layer++)
    {
      CpdPin *pin = verdict->policy->pins[layer];
      CpdAnchors *anchors
          = pin != NULL && pin->anchors != NULL ? pin->anchors : cpd_store_get_anchors (store);
      const CpdValidation *validation
          = pin != NULL ? cpd_peer_find_validation (verdict->peer, anchors, now) : NULL;
      g_autoptr (GPtrArray) keys = validation != NULL ? list_proved (pin, validation) : NULL;
      const CpdObservation observation
          = { keys, subject, issuer, cpd_certificate_get_not_after (leaf), now };
      const CpdSighting *sighting;

      if (keys == NULL)
        continue;
      sighting = cpd_logbook_note (cpd_store_get_logbook (store), owner, pin, &observation);
      if (!cpd_policy_hides (verdict->policy, (CpdLayer)layer))
        add_urgent (warnings, pin, sighting, now);
    }
  if (warnings->len == 0)
    return NULL;
  g_ptr_array_add (warnings, NULL);
  return (GStrv)g_ptr_array_steal (warnings, NULL);
}

/* `verdict`: of just now; what did not pass proves nothing. `now`: Unix seconds.
 * Returns: (transfer full) (nullable): the urgent warnings of the pins; NULL: none */
GStrv
cpd_witness_record (CpdStore *store, CpdOwner owner, const CpdVerdict *verdict, gint64 now)
{
  return verdict->passed ? record (store, owner, verdict, now) : NULL;
}
