/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-host.h"

G_BEGIN_DECLS

/* Where a pin is in its file. */
typedef struct
{
  CpdHost *host;     /* NULL: it cannot be read */
  unsigned int line; /* of the host */
} CpdPinPlace;

GArray *cpd_pin_places_new (void);
void cpd_pin_places_add (GArray *places, CpdHost *host, unsigned int line);
const CpdPinPlace *cpd_pin_places_get (GArray *places, unsigned int index);

G_END_DECLS
