/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

void cpd_vardict_begin (GVariantBuilder *vardict);
void cpd_vardict_add (GVariantBuilder *vardict, const char *name, GVariant *value);
void cpd_vardict_add_all (GVariantBuilder *vardict, GVariant *others);

GVariant *cpd_vardict_new_pair (const char *first, const char *second);

G_END_DECLS
