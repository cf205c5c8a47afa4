/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Puts a slice of the service's list into a list of pins, whose hosts are in the same byte order.
 * A slice says all about the hosts between two: what it lacks there is gone. */

#include "config.h"

#include "certpin-pin-merge.h"

#include <string.h>

/* The next thing that differs between a range of the list and the slice. */
typedef struct
{
  GListModel *model;
  GPtrArray *pins; /* of CertpinPin: the list */
  unsigned int at, end;
  GPtrArray *news; /* of CertpinPin: the slice */
  unsigned int next;
} Merge;

static const char *
host_of (gpointer pin)
{
  const char *host = certpin_pin_get_host (pin);

  return host != NULL ? host : "";
}

/* For one host, the system's pins come before those of the user, or of the app that calls. */
static int
compare (gpointer a, gpointer b)
{
  int hosts = strcmp (host_of (a), host_of (b));

  if (hosts != 0)
    return hosts;
  return (certpin_pin_get_scope (a) != CERTPIN_SCOPE_SYSTEM)
         - (certpin_pin_get_scope (b) != CERTPIN_SCOPE_SYSTEM);
}

/* Returns: the first pin whose host comes after this one */
static unsigned int
find_after (GPtrArray *pins, const char *host)
{
  unsigned int low = 0, high = pins->len;

  while (low < high)
    {
      unsigned int middle = low + (high - low) / 2;

      if (strcmp (host_of (pins->pdata[middle]), host) <= 0)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

/* Returns: (transfer full): what must be the same. A service that restarts counts its changes anew,
 * which changes no pin. */
static GVariant *
get_substance (gpointer pin)
{
  g_auto (GVariantDict) dict
      = G_VARIANT_DICT_INIT (certpin_record_get_description (CERTPIN_RECORD (pin)));

  g_variant_dict_remove (&dict, "generation");
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* Whether one dictionary has no entry that the other has not, in whatever order. */
static gboolean
is_part (GVariant *part, GVariant *whole)
{
  GVariantIter iter;
  const char *name;
  GVariant *value;

  g_variant_iter_init (&iter, part);
  while (g_variant_iter_next (&iter, "{&sv}", &name, &value))
    {
      g_autoptr (GVariant) taken = value;
      g_autoptr (GVariant) other = g_variant_lookup_value (whole, name, NULL);

      if (other == NULL || !g_variant_equal (taken, other))
        return FALSE;
    }
  return TRUE;
}

static gboolean
is_same (gpointer a, gpointer b)
{
  g_autoptr (GVariant) of_a = get_substance (a), of_b = get_substance (b);

  return g_variant_n_children (of_a) == g_variant_n_children (of_b) && is_part (of_a, of_b);
}

/* The list may be looked at, and be given up, in each signal. */
static void
merge_tell (Merge *merge, unsigned int removed, unsigned int added)
{
  g_list_model_items_changed (merge->model, merge->at, removed, added);
  merge->at += added;
}

static void
merge_remove (Merge *merge)
{
  unsigned int n = 0;

  while (merge->at + n < merge->end
         && (merge->next == merge->news->len
             || compare (merge->pins->pdata[merge->at + n], merge->news->pdata[merge->next]) < 0))
    n++;
  g_ptr_array_remove_range (merge->pins, merge->at, n);
  merge->end -= n;
  merge_tell (merge, n, 0);
}

static void
merge_insert (Merge *merge)
{
  unsigned int n = 0;

  while (merge->next < merge->news->len
         && (merge->at + n == merge->end
             || compare (merge->pins->pdata[merge->at + n], merge->news->pdata[merge->next]) > 0))
    {
      g_ptr_array_insert (merge->pins, (int)(merge->at + n),
                          g_object_ref (merge->news->pdata[merge->next]));
      merge->next++;
      merge->end++;
      n++;
    }
  merge_tell (merge, 0, n);
}

static void
merge_meet (Merge *merge)
{
  if (is_same (merge->pins->pdata[merge->at], merge->news->pdata[merge->next]))
    merge->at++;
  else
    {
      g_object_unref (merge->pins->pdata[merge->at]);
      merge->pins->pdata[merge->at] = g_object_ref (merge->news->pdata[merge->next]);
      merge_tell (merge, 1, 1);
    }
  merge->next++;
}

static void
merge_step (Merge *merge)
{
  int order;

  if (merge->at == merge->end)
    order = 1;
  else if (merge->next == merge->news->len)
    order = -1;
  else
    order = compare (merge->pins->pdata[merge->at], merge->news->pdata[merge->next]);

  if (order > 0)
    merge_insert (merge);
  else if (order < 0)
    merge_remove (merge);
  else
    merge_meet (merge);
}

/* `slice`: (element-type CertpinPin).
 * Returns: (transfer none) (nullable): its last host; NULL: it is empty, or not valid */
const char *
certpin_pin_merge_find_last_host (GPtrArray *slice)
{
  return slice->len > 0 ? certpin_pin_get_host (slice->pdata[slice->len - 1]) : NULL;
}

/* Returns: (transfer none): the last host of the list that comes before this one; empty: none */
const char *
certpin_pin_merge_find_before (GPtrArray *pins, const char *host)
{
  unsigned int at = find_after (pins, host);

  while (at > 0 && g_str_equal (host_of (pins->pdata[at - 1]), host))
    at--;
  return at > 0 ? host_of (pins->pdata[at - 1]) : "";
}

/* Makes the list's pins of the hosts behind `after`, up to and with `last`, those of the slice, and
 * emits items-changed of `model` for each run of pins that differs.
 * `pins`, `slice`: (element-type CertpinPin). `last`: (nullable): NULL: all that come behind */
void
certpin_pin_merge (GListModel *model, GPtrArray *pins, const char *after, const char *last,
                   GPtrArray *slice)
{
  Merge merge = { .model = model, .pins = pins, .news = slice };

  merge.at = find_after (pins, after);
  merge.end = last != NULL ? find_after (pins, last) : pins->len;
  while (merge.at < merge.end || merge.next < slice->len)
    merge_step (&merge);
}
