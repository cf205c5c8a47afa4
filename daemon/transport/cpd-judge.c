/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asks core for a verdict: on the policy, the anchors and the time of now. Every check of a
 * connection, in its handshake and before each request, is made through here, so that none can be
 * made on what was true earlier, and none that keeps the main loop: a server of which something has
 * to be validated first gets no verdict. */

#include "config.h"

#include "daemon/transport/cpd-judge.h"

static gint64
now_s (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

/* Whether a host may be asked at all: before any connection. Returns: (transfer full) */
CpdVerdict *
cpd_judge_host (CpdStore *store, guint32 uid, CpdHost *target)
{
  g_autoptr (CpdPolicy) policy = cpd_store_get_policy (store, uid, target);

  return cpd_verdict_of_policy (policy, now_s ());
}

/* Whether a server may be sent something. `require_keys`: (nullable): of CertpinKey, a request's
 * own. `missing`: (out) (transfer full): where there is no verdict, the anchors by which the peer
 * has to be validated before it is judged again.
 * Returns: (transfer full) (nullable): NULL: that is not known yet */
CpdVerdict *
cpd_judge_peer (CpdStore *store, guint32 uid, CpdPeer *peer, GPtrArray *require_keys,
                CpdAnchors **missing)
{
  g_autoptr (CpdPolicy) policy = cpd_store_get_policy (store, uid, cpd_peer_get_host (peer));
  g_autoptr (CpdPolicy) with_keys = cpd_policy_with_keys (policy, require_keys);
  CpdAnchors *system = cpd_store_get_anchors (store);
  gint64 now = now_s ();
  CpdAnchors *found = cpd_verdict_find_missing (with_keys, peer, system, now);

  *missing = found != NULL ? cpd_anchors_ref (found) : NULL;
  return found == NULL ? cpd_verdict_of_peer (with_keys, peer, system, now) : NULL;
}
