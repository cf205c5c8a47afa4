/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/cpd-store.h"
#include "daemon/core/cpd-verdict.h"

G_BEGIN_DECLS

/* What goes over as “av”, which is empty where there is no verdict. */
GVariant *split_pack_verdict (const CpdVerdict *verdict);
CpdVerdict *split_unpack_verdict (GVariant *packed, CpdStore *store, guint32 uid, GPtrArray *keys);

GVariant *split_pack_keys (GPtrArray *keys);
GPtrArray *split_unpack_keys (GVariant *packed);
GVariant *split_pack_bytes (GBytes *bytes);

G_END_DECLS
