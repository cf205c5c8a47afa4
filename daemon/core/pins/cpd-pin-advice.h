/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-sighting.h"

G_BEGIN_DECLS

/* A certificate that ends within this time is told of. */
#define CPD_ADVICE_ENDING_S (21 * 24 * 60 * 60)

GStrv cpd_pin_advice (const CpdPin *pin, const CpdSighting *sighting, gint64 now);
GStrv cpd_pin_advice_urgent (const CpdPin *pin, const CpdSighting *sighting, gint64 now);
GStrv cpd_pin_advice_other (const CpdPin *pin, const CpdSighting *sighting, gint64 now);

G_END_DECLS
