/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One layer's pins in memory, and which of them wins for a host: the most specific alone, there is
 * no union. A table whose source could not be read is blocked as a whole: then every host is. */

#include "config.h"

#include "cpd-pin-table.h"

struct _CpdPinTable
{
  CpdLayer layer;
  GHashTable *pins; /* the pattern's text, owned by the pin → CpdPin */
  char *block;      /* why everything is blocked; NULL: it is not */
};

CpdPinTable *
cpd_pin_table_new (CpdLayer layer)
{
  CpdPinTable *table = g_new0 (CpdPinTable, 1);

  table->layer = layer;
  table->pins
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)cpd_pin_unref);
  return table;
}

void
cpd_pin_table_free (CpdPinTable *table)
{
  if (table == NULL)
    return;
  g_hash_table_unref (table->pins);
  g_free (table->block);
  g_free (table);
}

/* Replaces the pin of the same pattern. */
void
cpd_pin_table_set (CpdPinTable *table, CpdPin *pin)
{
  g_hash_table_replace (table->pins, (gpointer)cpd_host_get_text (pin->host), cpd_pin_ref (pin));
}

gboolean
cpd_pin_table_remove (CpdPinTable *table, CpdHost *host)
{
  return g_hash_table_remove (table->pins, cpd_host_get_text (host));
}

/* Stamps the pins that were just read and have no generation yet. */
void
cpd_pin_table_stamp (CpdPinTable *table, guint64 generation)
{
  GHashTableIter iter;
  gpointer pin;

  g_hash_table_iter_init (&iter, table->pins);
  while (g_hash_table_iter_next (&iter, NULL, &pin))
    if (((CpdPin *)pin)->generation == 0)
      ((CpdPin *)pin)->generation = generation;
}

/* The first reason is kept. */
void
cpd_pin_table_block_all (CpdPinTable *table, const char *reason)
{
  if (table->block == NULL)
    table->block = g_strdup (reason);
}

/* Returns: (transfer full) (nullable): the pin of exactly this pattern */
CpdPin *
cpd_pin_table_get (CpdPinTable *table, CpdHost *host)
{
  CpdPin *pin = g_hash_table_lookup (table->pins, cpd_host_get_text (host));

  return pin != NULL ? cpd_pin_ref (pin) : NULL;
}

/* Returns: (transfer full) (nullable): the pin that wins for a host */
CpdPin *
cpd_pin_table_find (CpdPinTable *table, CpdHost *target)
{
  CpdHostPatterns patterns;
  const char *text;

  if (table->block != NULL)
    return cpd_pin_new_blocked (target, table->layer, table->block);

  cpd_host_patterns_init (&patterns, target);
  while ((text = cpd_host_patterns_next (&patterns)) != NULL)
    {
      CpdPin *pin = g_hash_table_lookup (table->pins, text);

      if (pin != NULL)
        return cpd_pin_ref (pin);
    }
  return NULL;
}

/* Returns: (transfer full): of CpdPin: all whose pattern matches a host, the one that wins first */
GPtrArray *
cpd_pin_table_list_matching (CpdPinTable *table, CpdHost *target)
{
  GPtrArray *pins = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_pin_unref);
  CpdHostPatterns patterns;

  if (table->block != NULL)
    g_ptr_array_add (pins, cpd_pin_new_blocked (target, table->layer, table->block));
  cpd_host_patterns_init (&patterns, target);
  for (const char *text; (text = cpd_host_patterns_next (&patterns)) != NULL;)
    {
      CpdPin *pin = g_hash_table_lookup (table->pins, text);

      if (pin != NULL)
        g_ptr_array_add (pins, cpd_pin_ref (pin));
    }
  return pins;
}

unsigned int
cpd_pin_table_get_count (CpdPinTable *table)
{
  return g_hash_table_size (table->pins);
}

static int
compare_hosts (gconstpointer a, gconstpointer b)
{
  const CpdPin *pin_a = *(CpdPin *const *)a, *pin_b = *(CpdPin *const *)b;

  return g_strcmp0 (cpd_host_get_text (pin_a->host), cpd_host_get_text (pin_b->host));
}

/* Returns: (transfer full): of CpdPin, ordered by pattern */
GPtrArray *
cpd_pin_table_list (CpdPinTable *table)
{
  GPtrArray *pins = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_pin_unref);
  GHashTableIter iter;
  gpointer pin;

  g_hash_table_iter_init (&iter, table->pins);
  while (g_hash_table_iter_next (&iter, NULL, &pin))
    g_ptr_array_add (pins, cpd_pin_ref (pin));
  g_ptr_array_sort (pins, compare_hosts);
  return pins;
}

/* Returns: (transfer none) (nullable): why the whole table is blocked */
const char *
cpd_pin_table_get_block (CpdPinTable *table)
{
  return table->block;
}
