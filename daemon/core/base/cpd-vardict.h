/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

void cpd_vardict_begin (GVariantBuilder *vardict);
void cpd_vardict_add (GVariantBuilder *vardict, const char *name, GVariant *value);

G_END_DECLS
