/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-pin-table.h"
#include "daemon/core/pins/cpd-sighting.h"

G_BEGIN_DECLS

/* Of how many pins of a layer sightings are remembered. */
#define CPD_SIGHTINGS_MAX 10000

/* What was seen of the pins of one layer (and, for user pins, of one uid). */
typedef struct _CpdSightings CpdSightings;

CpdSightings *cpd_sightings_new (unsigned int most);
void cpd_sightings_free (CpdSightings *sightings);

void cpd_sightings_set (CpdSightings *sightings, CpdSighting *sighting);
CpdSighting *cpd_sightings_lookup (CpdSightings *sightings, CpdHost *host);
gboolean cpd_sightings_retain (CpdSightings *sightings, CpdHost *host, const CpdPin *pin);
gboolean cpd_sightings_retain_all (CpdSightings *sightings, CpdPinTable *table);
GPtrArray *cpd_sightings_list (CpdSightings *sightings);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdSightings, cpd_sightings_free)

G_END_DECLS
