/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-parts.h"

G_BEGIN_DECLS

/* The objects on the bus that stand for pins. None is kept: each answer is made from the store. */

/* How many of a layer's pins are named, and in how much text: more would block the main loop. */
#define CPD_PIN_OBJECTS_MAX       5000
#define CPD_PIN_OBJECTS_MAX_BYTES (256 * 1024)

char *cpd_pin_objects_make_path (const CpdPin *pin);
CpdPin *cpd_pin_objects_find (const CpdBusParts *parts, const CpdCaller *caller, const char *path);
const char **cpd_pin_objects_list_scopes (const CpdCaller *caller);
gboolean cpd_pin_objects_is_scope (const char *path, CpdLayer *layer);
void cpd_pin_objects_list (const CpdBusParts *parts, const CpdCaller *caller, CpdLayer layer,
                           GString *xml);
GVariant *cpd_pin_objects_describe (GVariant *description);
GVariant *cpd_pin_objects_new_invalidated (void);

G_END_DECLS
