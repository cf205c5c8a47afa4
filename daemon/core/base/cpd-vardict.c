/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Builds an a{sv} whose names are known to differ. GVariantDict and format strings do the same, but
 * hash, parse and look types up anew. */

#include "config.h"

#include "daemon/core/base/cpd-vardict.h"

void
cpd_vardict_begin (GVariantBuilder *vardict)
{
  g_variant_builder_init (vardict, G_VARIANT_TYPE_VARDICT);
}

/* `name`: one that it does not have. `value`: consumed if floating. */
void
cpd_vardict_add (GVariantBuilder *vardict, const char *name, GVariant *value)
{
  g_variant_builder_add_value (vardict, g_variant_new_dict_entry (g_variant_new_string (name),
                                                                  g_variant_new_variant (value)));
}
