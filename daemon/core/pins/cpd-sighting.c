/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What was seen of the servers of one pin, as a value: which of its keys, first and last, and the
 * certificate that was served last. It never has a key that the pin does not have. */

#include "config.h"

#include "daemon/core/pins/cpd-sighting.h"

static void
clear_key (gpointer data)
{
  certpin_key_unref (((CpdSightingKey *)data)->key);
}

/* Of nothing yet; its maker fills it in, then it is only read. */
CpdSighting *
cpd_sighting_new (CpdHost *host)
{
  CpdSighting *sighting = g_atomic_rc_box_new0 (CpdSighting);

  sighting->host = cpd_host_ref (host);
  sighting->keys = g_array_new (FALSE, FALSE, sizeof (CpdSightingKey));
  g_array_set_clear_func (sighting->keys, clear_key);
  return sighting;
}

CpdSighting *
cpd_sighting_ref (CpdSighting *sighting)
{
  return g_atomic_rc_box_acquire (sighting);
}

static void
sighting_clear (gpointer data)
{
  CpdSighting *sighting = data;

  cpd_host_unref (sighting->host);
  g_array_unref (sighting->keys);
  g_free (sighting->subject);
  g_free (sighting->issuer);
}

void
cpd_sighting_unref (CpdSighting *sighting)
{
  if (sighting != NULL)
    g_atomic_rc_box_release_full (sighting, sighting_clear);
}

/* Returns: (transfer none) (nullable): NULL: it was never seen */
const CpdSightingKey *
cpd_sighting_find_key (const CpdSighting *sighting, CertpinKey *key)
{
  for (unsigned int i = 0; i < sighting->keys->len; i++)
    {
      const CpdSightingKey *seen = &g_array_index (sighting->keys, CpdSightingKey, i);

      if (certpin_key_equal (seen->key, key))
        return seen;
    }
  return NULL;
}

/* `old`: (nullable) */
static void
take_key (CpdSighting *sighting, const CpdSighting *old, CertpinKey *key, gint64 now)
{
  const CpdSightingKey *before = old != NULL ? cpd_sighting_find_key (old, key) : NULL;
  const CpdSightingKey seen = { certpin_key_ref (key), before != NULL ? before->first : now,
                                now != 0 ? now : before->last };

  g_array_append_val (sighting->keys, seen);
}

static gboolean
contains (GPtrArray *keys, CertpinKey *key)
{
  for (unsigned int i = 0; i < keys->len; i++)
    if (certpin_key_equal (keys->pdata[i], key))
      return TRUE;
  return FALSE;
}

/* `old`: (nullable): what was seen before. Returns: (transfer full): what was seen by now */
CpdSighting *
cpd_sighting_observe (const CpdSighting *old, const CpdPin *pin, const CpdObservation *observation)
{
  CpdSighting *sighting = cpd_sighting_new (pin->host);

  for (unsigned int i = 0; i < pin->keys->len; i++)
    {
      CertpinKey *key = pin->keys->pdata[i];

      if (contains (observation->keys, key))
        take_key (sighting, old, key, observation->now);
      else if (old != NULL && cpd_sighting_find_key (old, key) != NULL)
        take_key (sighting, old, key, /* now= */ 0);
    }
  sighting->seen = observation->now;
  sighting->subject = g_strdup (observation->subject);
  sighting->issuer = g_strdup (observation->issuer);
  sighting->not_after = observation->not_after;
  sighting->warned = old != NULL ? old->warned : 0;
  return sighting;
}

/* The pin may have changed. `pin`: (nullable): NULL: it is gone.
 * Returns: (transfer full) (nullable): what is left: NULL if all keys that were seen are gone. A
 * pin that only reports may have a server that was seen with none. */
CpdSighting *
cpd_sighting_retain (const CpdSighting *sighting, const CpdPin *pin)
{
  g_autoptr (CpdSighting) left = cpd_sighting_new (sighting->host);
  gboolean none_seen = sighting->keys->len == 0 && pin != NULL && pin->state == CPD_STATE_ACTIVE;

  for (unsigned int i = 0; pin != NULL && i < pin->keys->len; i++)
    if (cpd_sighting_find_key (sighting, pin->keys->pdata[i]) != NULL)
      take_key (left, sighting, pin->keys->pdata[i], /* now= */ 0);
  if (left->keys->len == 0 && !none_seen)
    return NULL;
  left->seen = sighting->seen;
  left->subject = g_strdup (sighting->subject);
  left->issuer = g_strdup (sighting->issuer);
  left->not_after = sighting->not_after;
  left->warned = sighting->warned;
  return g_steal_pointer (&left);
}
