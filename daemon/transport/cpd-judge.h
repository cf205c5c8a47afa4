/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-store.h"
#include "daemon/core/verdict/cpd-verdict.h"

G_BEGIN_DECLS

#define CPD_TYPE_JUDGE (cpd_judge_get_type ())

/* The verdict of now. */
G_DECLARE_FINAL_TYPE (CpdJudge, cpd_judge, CPD, JUDGE, GObject)

CpdJudge *cpd_judge_new (CpdStore *store);
CpdStore *cpd_judge_get_store (CpdJudge *judge);

CpdVerdict *cpd_judge_host (CpdJudge *judge, guint32 uid, CpdHost *target);
CpdVerdict *cpd_judge_peer (CpdJudge *judge, guint32 uid, CpdPeer *peer, GPtrArray *require_keys);

G_END_DECLS
