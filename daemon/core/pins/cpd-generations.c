/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All changes share one sequence of numbers, whichever uid they concern. */

#include "config.h"

#include "daemon/core/pins/cpd-generations.h"

struct _CpdGenerations
{
  guint64 newest;  /* of all */
  guint64 shared;  /* the newest that concerned everybody */
  GHashTable *own; /* uid → the newest change for this uid alone, as a guint64 * */
};

CpdGenerations *
cpd_generations_new (guint64 first)
{
  CpdGenerations *generations = g_new0 (CpdGenerations, 1);

  generations->newest = generations->shared = first;
  generations->own = g_hash_table_new_full (g_direct_hash, g_direct_equal, NULL, g_free);
  return generations;
}

void
cpd_generations_free (CpdGenerations *generations)
{
  g_hash_table_unref (generations->own);
  g_free (generations);
}

guint64
cpd_generations_get_newest (const CpdGenerations *generations)
{
  return generations->newest;
}

/* Returns: the number of the newest change that concerns this uid */
guint64
cpd_generations_get (const CpdGenerations *generations, guint32 uid)
{
  const guint64 *own = g_hash_table_lookup (generations->own, GUINT_TO_POINTER (uid));

  return MAX (generations->shared, own != NULL ? *own : 0);
}

/* `uid`: the uid that a change concerns; CPD_ALL_UIDS: all. Returns: its number */
guint64
cpd_generations_next (CpdGenerations *generations, guint32 uid)
{
  guint64 number = ++generations->newest;

  if (uid == CPD_ALL_UIDS)
    generations->shared = number;
  else
    g_hash_table_insert (generations->own, GUINT_TO_POINTER (uid),
                         g_memdup2 (&number, sizeof number));
  return number;
}
