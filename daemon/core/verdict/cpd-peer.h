/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-host.h"
#include "daemon/core/trust/cpd-trust.h"

G_BEGIN_DECLS

/* What a server presented in one handshake, and the results of its validation so far. Belongs to
 * one connection. */
typedef struct _CpdPeer CpdPeer;

CpdPeer *cpd_peer_new (CpdHost *host, GPtrArray *ders, GBytes *stapled);
CpdPeer *cpd_peer_new_offline (CpdHost *host, GPtrArray *ders, CpdPurpose purpose);
CpdPeer *cpd_peer_ref (CpdPeer *peer);
void cpd_peer_unref (CpdPeer *peer);

CpdHost *cpd_peer_get_host (CpdPeer *peer);
GPtrArray *cpd_peer_get_ders (CpdPeer *peer);
GPtrArray *cpd_peer_get_chain (CpdPeer *peer);

CpdValidation *cpd_peer_find_validation (CpdPeer *peer, CpdAnchors *anchors, gint64 now);
CpdValidation *cpd_peer_ask (CpdPeer *peer, CpdAnchors *anchors, gint64 now);
void cpd_peer_record (CpdPeer *peer, CpdValidation *validation);
CpdValidation *cpd_peer_validate (CpdPeer *peer, CpdAnchors *anchors, gint64 now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdPeer, cpd_peer_unref)

G_END_DECLS
