/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-address-rules.h"
#include "daemon/core/pins/cpd-store.h"
#include "daemon/core/verdict/cpd-inspection.h"
#include "daemon/transport/cpd-connection.h"

G_BEGIN_DECLS

/* What is said now of a connection. One of these is not NULL. */
typedef struct
{
  CpdVerdict *verdict; /* on its server */
  char *distrust;      /* why its proxy is refused */
  CpdPeer *unknown;    /* who has to be validated before anything can be said */
  CpdAnchors *missing; /* and by which anchors */
} CpdJudgement;

CpdVerdict *cpd_judge_host (CpdStore *store, CpdOwner owner, CpdHost *target);
gboolean cpd_judge_address (CpdStore *store, CpdOwner owner, CpdHost *target,
                            const CpdAddressRules *rules, GInetAddress *address, GError **error);
CpdVerdict *cpd_judge_peer (CpdStore *store, CpdOwner owner, CpdPeer *peer, GPtrArray *require_keys,
                            CpdAnchors **missing);
void
cpd_judge_note (CpdStore *store, CpdOwner owner, CpdConnection *connection, CpdVerdict *verdict);
CpdVerdict *cpd_judge_presented (CpdStore *store, const CpdInspectOrder *order, CpdPeer *peer,
                                 CpdValidation **validation, CpdAnchors **missing);
gboolean cpd_judge_proxy (CpdStore *store, CpdPeer *proxy, CpdAnchors **missing, char **distrust);
CpdJudgement cpd_judge_connection (CpdStore *store, CpdOwner owner, const CpdConnection *connection,
                                   GPtrArray *require_keys);
gboolean cpd_judgement_refuses (const CpdJudgement *judgement);
void cpd_judgement_clear (CpdJudgement *judgement);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CpdJudgement, cpd_judgement_clear)

G_END_DECLS
