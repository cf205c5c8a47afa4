/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-sighting.h"

G_BEGIN_DECLS

/* In the folder of the pins whose sightings it has. */
#define CPD_SIGHTING_FILE_NAME "sightings"

GBytes *cpd_sighting_file_print (GPtrArray *sightings, gsize most);
GPtrArray *cpd_sighting_file_parse (GBytes *text, GError **error);

G_END_DECLS
