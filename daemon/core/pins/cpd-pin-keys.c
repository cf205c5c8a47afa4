/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The keys of a pin. A GPtrArray has room for sixteen, and most pins have one key. */

#include "config.h"

#include "daemon/core/pins/cpd-pin-keys.h"

#include <string.h>

static gsize
size_of (unsigned int len)
{
  return sizeof (CpdPinKeys) + len * sizeof (CertpinKey *);
}

CpdPinKeys *
cpd_pin_keys_new (void)
{
  return g_malloc0 (size_of (0));
}

CpdPinKeys *
cpd_pin_keys_copy (const CpdPinKeys *keys)
{
  CpdPinKeys *copy = g_memdup2 (keys, size_of (keys->len));

  for (unsigned int i = 0; i < copy->len; i++)
    certpin_key_ref (copy->pdata[i]);
  return copy;
}

void
cpd_pin_keys_free (CpdPinKeys *keys)
{
  for (unsigned int i = 0; i < keys->len; i++)
    certpin_key_unref (keys->pdata[i]);
  g_free (keys);
}

/* `keys`: (transfer full). Returns: (transfer full): with the key in that place */
CpdPinKeys *
cpd_pin_keys_insert (CpdPinKeys *keys, unsigned int place, CertpinKey *key)
{
  CpdPinKeys *more = g_realloc (keys, size_of (keys->len + 1));
  CertpinKey **at = more->pdata + place;

  memmove (at + 1, at, (more->len - place) * sizeof *at);
  *at = certpin_key_ref (key);
  more->len++;
  return more;
}

/* `keys`: (transfer full). Returns: (transfer full): without the key in that place */
CpdPinKeys *
cpd_pin_keys_remove (CpdPinKeys *keys, unsigned int place)
{
  CertpinKey **at = keys->pdata + place;

  certpin_key_unref (*at);
  keys->len--;
  memmove (at, at + 1, (keys->len - place) * sizeof *at);
  return g_realloc (keys, size_of (keys->len));
}

/* Returns: (transfer full): of CertpinKey */
GPtrArray *
cpd_pin_keys_list (const CpdPinKeys *keys)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify)certpin_key_unref);

  for (unsigned int i = 0; i < keys->len; i++)
    g_ptr_array_add (list, certpin_key_ref (keys->pdata[i]));
  return list;
}
