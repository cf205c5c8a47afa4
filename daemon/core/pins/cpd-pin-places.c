/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where the pins of a file are in it, also of a file that is wrong. */

#include "config.h"

#include "daemon/core/pins/cpd-pin-places.h"

static void
place_clear (gpointer data)
{
  CpdPinPlace *place = data;

  cpd_host_unref (place->host);
}

/* Returns: (transfer full): of CpdPinPlace: none yet */
GArray *
cpd_pin_places_new (void)
{
  GArray *places = g_array_new (FALSE, FALSE, sizeof (CpdPinPlace));

  g_array_set_clear_func (places, place_clear);
  return places;
}

/* `host`: (nullable): NULL: it cannot be read. `line`: of the host */
void
cpd_pin_places_add (GArray *places, CpdHost *host, unsigned int line)
{
  CpdPinPlace place = { .host = host != NULL ? cpd_host_ref (host) : NULL, .line = line };

  g_array_append_val (places, place);
}

const CpdPinPlace *
cpd_pin_places_get (GArray *places, unsigned int index)
{
  return &g_array_index (places, CpdPinPlace, index);
}
