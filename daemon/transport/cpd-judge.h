/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-store.h"
#include "daemon/core/verdict/cpd-verdict.h"

G_BEGIN_DECLS

CpdVerdict *cpd_judge_host (CpdStore *store, guint32 uid, CpdHost *target);
CpdVerdict *cpd_judge_peer (CpdStore *store, guint32 uid, CpdPeer *peer, GPtrArray *require_keys,
                            CpdAnchors **missing);

G_END_DECLS
