/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-marshal.h"
#include "daemon/core/pins/cpd-store.h"
#include "daemon/core/verdict/cpd-response.h"
#include "daemon/core/verdict/cpd-verdict.h"

G_BEGIN_DECLS

GVariant *cpd_describe_keys (GPtrArray *keys);
GVariant *cpd_describe_pin (const CpdPin *pin, const CpdSighting *sighting, gint64 now);
GVariant *cpd_describe_stored_pin (CpdStore *store, CpdOwner owner, const CpdPin *pin, gint64 now);
GVariant *cpd_describe_failure (const CpdVerdict *verdict, gint64 now);
void cpd_describe_headers (GStrv headers, CpdMarshal *to);
void cpd_describe_connection (const CpdResponse *response, CpdMarshal *info);
void cpd_describe_evidence (const CpdVerdict *verdict, CpdMarshal *info);
void cpd_describe_report (const CpdVerdict *report, gint64 now, CpdMarshal *info);

const char *cpd_describe_scope (CpdLayer layer);

G_END_DECLS
