/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All changes share one sequence of numbers, whomever they concern. */

#include "config.h"

#include "daemon/core/pins/cpd-generations.h"

struct _CpdGenerations
{
  guint64 newest;  /* of all */
  guint64 shared;  /* the newest that concerned everybody */
  GHashTable *own; /* CpdOwner → the newest change for this one, as a guint64 * */
};

CpdGenerations *
cpd_generations_new (guint64 first)
{
  CpdGenerations *generations = g_new0 (CpdGenerations, 1);

  generations->newest = generations->shared = first;
  generations->own = cpd_owner_table_new (g_free);
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

static guint64
get_own (const CpdGenerations *generations, CpdOwner owner)
{
  const guint64 *own = cpd_owner_table_get (generations->own, owner);

  return own != NULL ? *own : 0;
}

/* Returns: the number of the newest change that concerns this owner */
guint64
cpd_generations_get (const CpdGenerations *generations, CpdOwner owner)
{
  guint64 own
      = MAX (get_own (generations, owner), get_own (generations, cpd_owner_get_user (owner)));

  return MAX (generations->shared, own);
}

/* `owner`: whom a change concerns; CPD_ALL_UIDS: all. Returns: its number */
guint64
cpd_generations_next (CpdGenerations *generations, CpdOwner owner)
{
  guint64 number = ++generations->newest;

  if (owner == CPD_ALL_UIDS)
    generations->shared = number;
  else
    cpd_owner_table_set (generations->own, owner, g_memdup2 (&number, sizeof number));
  return number;
}

void
cpd_generations_forget (CpdGenerations *generations, CpdOwner owner)
{
  g_hash_table_remove (generations->own, &owner);
}
