/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The sightings of one layer, in memory. There are never more than a number, whatever is pinned:
 * what was not seen for longest is forgotten. */

#include "config.h"

#include "daemon/core/pins/cpd-sightings.h"

struct _CpdSightings
{
  unsigned int most;
  GQueue order;      /* of CpdSighting: the one that was seen last at the end */
  GHashTable *links; /* text of its host → GList in there */
};

CpdSightings *
cpd_sightings_new (unsigned int most)
{
  CpdSightings *sightings = g_new0 (CpdSightings, 1);

  sightings->most = most;
  sightings->links = g_hash_table_new (g_str_hash, g_str_equal);
  return sightings;
}

void
cpd_sightings_free (CpdSightings *sightings)
{
  if (sightings == NULL)
    return;
  g_hash_table_unref (sightings->links);
  g_queue_clear_full (&sightings->order, (GDestroyNotify)cpd_sighting_unref);
  g_free (sightings);
}

static void
forget (CpdSightings *sightings, GList *link)
{
  CpdSighting *sighting = link->data;

  g_hash_table_remove (sightings->links, cpd_host_get_text (sighting->host));
  g_queue_delete_link (&sightings->order, link);
  cpd_sighting_unref (sighting);
}

/* Takes the place of what is known of that pin, as what was seen last.
 * `sighting`: (transfer full) */
void
cpd_sightings_set (CpdSightings *sightings, CpdSighting *sighting)
{
  const char *host = cpd_host_get_text (sighting->host);
  GList *old = g_hash_table_lookup (sightings->links, host);

  if (old != NULL)
    forget (sightings, old);
  else if (sightings->order.length >= sightings->most)
    forget (sightings, sightings->order.head);
  g_queue_push_tail (&sightings->order, sighting);
  g_hash_table_insert (sightings->links, (gpointer)host, sightings->order.tail);
}

/* Returns: (transfer none) (nullable): until the next change */
CpdSighting *
cpd_sightings_lookup (CpdSightings *sightings, CpdHost *host)
{
  GList *link = g_hash_table_lookup (sightings->links, cpd_host_get_text (host));

  return link != NULL ? link->data : NULL;
}

static gboolean
retain (CpdSightings *sightings, GList *link, const CpdPin *pin)
{
  CpdSighting *sighting = link->data;
  CpdSighting *left = cpd_sighting_retain (sighting, pin);
  gboolean all = left != NULL && left->keys->len == sighting->keys->len;

  if (left == NULL)
    forget (sightings, link);
  else
    {
      g_hash_table_replace (sightings->links, (gpointer)cpd_host_get_text (left->host), link);
      link->data = left;
      cpd_sighting_unref (sighting);
    }
  return !all;
}

/* The pin of a host has changed: forgets the keys that it does not have. `pin`: (nullable).
 * Returns: whether there was something to forget */
gboolean
cpd_sightings_retain (CpdSightings *sightings, CpdHost *host, const CpdPin *pin)
{
  GList *link = g_hash_table_lookup (sightings->links, cpd_host_get_text (host));

  return link != NULL && retain (sightings, link, pin);
}

/* Likewise, of all pins. */
gboolean
cpd_sightings_retain_all (CpdSightings *sightings, CpdPinTable *table)
{
  gboolean forgot = FALSE;
  GList *link = sightings->order.head, *next;

  for (; link != NULL; link = next)
    {
      g_autoptr (CpdPin) pin = cpd_pin_table_get (table, ((CpdSighting *)link->data)->host);

      next = link->next;
      forgot = retain (sightings, link, pin) || forgot;
    }
  return forgot;
}

/* Returns: (transfer full): of CpdSighting: all of them as they are now, the one that was seen last
 * at the end */
GPtrArray *
cpd_sightings_list (CpdSightings *sightings)
{
  GPtrArray *list
      = g_ptr_array_new_full (sightings->order.length, (GDestroyNotify)cpd_sighting_unref);

  for (GList *link = sightings->order.head; link != NULL; link = link->next)
    g_ptr_array_add (list, cpd_sighting_ref (link->data));
  return list;
}
