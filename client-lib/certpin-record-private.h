/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: the properties of a kind of record are the one table that says which entries of a
 * dictionary there are and of which types. */

#pragma once

#include "certpin-record.h"

G_BEGIN_DECLS

#define CERTPIN_RECORD_FLAGS (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)

/* The number of the first property of a kind of record: 1 is the description. */
#define CERTPIN_RECORD_FIRST 2

void certpin_record_class_install (GObjectClass *klass, GParamSpec **props, unsigned int n_props);
const GValue *certpin_record_get_value (CertpinRecord *record, unsigned int property);
GPtrArray *certpin_record_dup_list (CertpinRecord *record, const char *entry, GType type);

G_END_DECLS
