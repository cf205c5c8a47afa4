/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-address-rules.h"
#include "daemon/core/pins/cpd-store.h"
#include "daemon/core/verdict/cpd-verdict.h"

G_BEGIN_DECLS

CpdVerdict *cpd_judge_host (CpdStore *store, guint32 uid, CpdHost *target);
gboolean cpd_judge_address (CpdStore *store, guint32 uid, CpdHost *target,
                            const CpdAddressRules *rules, GInetAddress *address, GError **error);
CpdVerdict *cpd_judge_peer (CpdStore *store, guint32 uid, CpdPeer *peer, GPtrArray *require_keys,
                            CpdAnchors **missing);
CpdVerdict *cpd_judge_presented (CpdStore *store, guint32 uid, CpdPeer *peer,
                                 CpdValidation **validation, CpdAnchors **missing);

G_END_DECLS
