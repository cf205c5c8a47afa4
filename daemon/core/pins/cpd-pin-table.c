/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One layer's pins in memory, and which of them applies to a host: only the most specific one; keys
 * are not combined. If its source could not be read, the whole table is blocked, and so every host.
 * It has each pin twice: hashed, for the lookups of requests, and sorted, for lists. A sorted array
 * takes an eighth of the memory of a tree, and to move its pointers aside is no work. */

#include "config.h"

#include "daemon/core/pins/cpd-pin-table.h"

#include "daemon/core/base/cpd-refuse.h"

#include <string.h>

struct _CpdPinTable
{
  CpdLayer layer;
  GHashTable *pins;   /* the pattern's text, owned by the pin → CpdPin */
  GPtrArray *ordered; /* the same pins, which the hash table owns, by their texts; NULL: it is
                         being filled */
  guint64 generation; /* of pins without their own: of those that were read together */
  GHashTable *paused; /* of the same texts: those of pins with a pause, which are few */
  char *block;        /* why everything is blocked; NULL: it is not blocked */
};

static const char *
get_text (const CpdPinTable *table, unsigned int index)
{
  return cpd_host_get_text (((const CpdPin *)table->ordered->pdata[index])->host);
}

/* Returns: where the first pin is whose text is not less than this one; the number of pins if there
 * is none. Pins that come in order, as from a folder, are found at once. */
static unsigned int
find_place (const CpdPinTable *table, const char *text)
{
  unsigned int first = 0, end = table->ordered->len;

  if (end > 0 && strcmp (get_text (table, end - 1), text) < 0)
    return end;
  while (first < end)
    {
      unsigned int middle = first + (end - first) / 2;

      if (strcmp (get_text (table, middle), text) < 0)
        first = middle + 1;
      else
        end = middle;
    }
  return first;
}

static gboolean
is_at (const CpdPinTable *table, unsigned int place, const char *text)
{
  return place < table->ordered->len && g_str_equal (get_text (table, place), text);
}

CpdPinTable *
cpd_pin_table_new (CpdLayer layer)
{
  CpdPinTable *table = g_new0 (CpdPinTable, 1);

  table->layer = layer;
  table->pins
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)cpd_pin_unref);
  table->ordered = g_ptr_array_new ();
  table->paused = g_hash_table_new (g_str_hash, g_str_equal);
  return table;
}

void
cpd_pin_table_free (CpdPinTable *table)
{
  if (table == NULL)
    return;
  g_clear_pointer (&table->ordered, g_ptr_array_unref);
  g_hash_table_unref (table->paused); /* first: its keys are the pins' */
  g_hash_table_unref (table->pins);
  g_free (table->block);
  g_free (table);
}

CpdLayer
cpd_pin_table_get_layer (CpdPinTable *table)
{
  return table->layer;
}

static void
put_in_order (CpdPinTable *table, CpdPin *pin, const char *text)
{
  unsigned int place = find_place (table, text);

  if (is_at (table, place, text))
    table->ordered->pdata[place] = pin;
  else
    g_ptr_array_insert (table->ordered, (int)place, pin);
}

/* Until the end, the table is only filled: 100 000 pins in any order are sorted once, then. */
void
cpd_pin_table_begin_filling (CpdPinTable *table)
{
  g_clear_pointer (&table->ordered, g_ptr_array_unref);
}

static int
compare_pins (gconstpointer a, gconstpointer b)
{
  const CpdPin *one = *(const CpdPin *const *)a, *other = *(const CpdPin *const *)b;

  return strcmp (cpd_host_get_text (one->host), cpd_host_get_text (other->host));
}

void
cpd_pin_table_end_filling (CpdPinTable *table)
{
  GHashTableIter iter;
  gpointer pin;

  table->ordered = g_ptr_array_new_full (g_hash_table_size (table->pins), NULL);
  g_hash_table_iter_init (&iter, table->pins);
  while (g_hash_table_iter_next (&iter, NULL, &pin))
    g_ptr_array_add (table->ordered, pin);
  g_ptr_array_sort (table->ordered, compare_pins);
}

/* Replaces the pin of the same pattern. */
void
cpd_pin_table_set (CpdPinTable *table, CpdPin *pin)
{
  gpointer text = (gpointer)cpd_host_get_text (pin->host);

  if (table->ordered != NULL) /* first: it reads the old pin's text */
    put_in_order (table, pin, text);
  if (pin->pause != NULL)
    g_hash_table_add (table->paused, text);
  else
    g_hash_table_remove (table->paused, text);
  g_hash_table_replace (table->pins, text, cpd_pin_ref (pin));
}

gboolean
cpd_pin_table_remove (CpdPinTable *table, CpdHost *host)
{
  const char *text = cpd_host_get_text (host);
  unsigned int place = find_place (table, text);

  if (is_at (table, place, text))
    g_ptr_array_remove_index (table->ordered, place);
  g_hash_table_remove (table->paused, text);
  return g_hash_table_remove (table->pins, text);
}

/* Sets the generation of pins that were just read. There may be 100 000, so each gets it when it is
 * first handed out. */
void
cpd_pin_table_stamp (CpdPinTable *table, guint64 generation)
{
  table->generation = generation;
}

/* Returns: (transfer full) (nullable) */
static CpdPin *
hand_out (CpdPinTable *table, CpdPin *pin)
{
  if (pin == NULL)
    return NULL;
  if (pin->generation == 0)
    pin->generation = table->generation;
  return cpd_pin_ref (pin);
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
  return hand_out (table, g_hash_table_lookup (table->pins, cpd_host_get_text (host)));
}

/* Returns: (transfer full) (nullable): the pin that applies to a host */
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
        return hand_out (table, pin);
    }
  return NULL;
}

/* Returns: (transfer full): of CpdPin: all that match a host, the one that applies first */
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
        g_ptr_array_add (pins, hand_out (table, pin));
    }
  return pins;
}

unsigned int
cpd_pin_table_get_count (CpdPinTable *table)
{
  return g_hash_table_size (table->pins);
}

/* Whether the host may be pinned: it already is, or there are fewer pins than `most`; 0: no limit.
 * Errors: CERTPIN_ERROR_LIMIT_EXCEEDED. */
gboolean
cpd_pin_table_check_room (CpdPinTable *table, CpdHost *host, guint64 most, GError **error)
{
  if (most == 0 || cpd_pin_table_get_count (table) < most
      || g_hash_table_contains (table->pins, cpd_host_get_text (host)))
    return TRUE;
  return cpd_refuse (
      error, CERTPIN_ERROR_LIMIT_EXCEEDED,
      "%" G_GUINT64_FORMAT " hosts are pinned already, which is the limit; unpin one first", most);
}

/* `after`: a pattern's text, which need not be pinned; NULL: from the first pin on.
 * Returns: (transfer full): of CpdPin: the next ones in the order of their patterns, at most
 * `max` */
GPtrArray *
cpd_pin_table_list_after (CpdPinTable *table, const char *after, unsigned int max)
{
  GPtrArray *pins = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_pin_unref);
  unsigned int place = after != NULL ? find_place (table, after) : 0;

  if (after != NULL && is_at (table, place, after))
    place++;
  for (; place < table->ordered->len && pins->len < max; place++)
    g_ptr_array_add (pins, hand_out (table, table->ordered->pdata[place]));
  return pins;
}

/* Returns: (transfer full): of CpdPin, ordered by pattern */
GPtrArray *
cpd_pin_table_list (CpdPinTable *table)
{
  return cpd_pin_table_list_after (table, /* after= */ NULL, G_MAXUINT);
}

/* Returns: (transfer full): of CpdPin: those with a pause, also with one that is over */
GPtrArray *
cpd_pin_table_list_paused (CpdPinTable *table)
{
  GPtrArray *pins = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_pin_unref);
  GHashTableIter iter;
  gpointer text;

  g_hash_table_iter_init (&iter, table->paused);
  while (g_hash_table_iter_next (&iter, &text, NULL))
    g_ptr_array_add (pins, cpd_pin_ref (g_hash_table_lookup (table->pins, text)));
  return pins;
}

/* Returns: (transfer none) (nullable): why the whole table is blocked */
const char *
cpd_pin_table_get_block (CpdPinTable *table)
{
  return table->block;
}
