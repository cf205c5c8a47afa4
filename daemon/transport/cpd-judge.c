/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asks core for a verdict: on the policy, the anchors and the time of now. Every check of a
 * connection, in its handshake and before each request, is made through here, so that none can be
 * made on what was true earlier. */

#include "config.h"

#include "daemon/transport/cpd-judge.h"

struct _CpdJudge
{
  GObject parent;

  CpdStore *store;
};

G_DEFINE_FINAL_TYPE (CpdJudge, cpd_judge, G_TYPE_OBJECT)

static void
cpd_judge_finalize (GObject *object)
{
  CpdJudge *judge = CPD_JUDGE (object);

  g_clear_object (&judge->store);
  G_OBJECT_CLASS (cpd_judge_parent_class)->finalize (object);
}

static void
cpd_judge_class_init (CpdJudgeClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cpd_judge_finalize;
}

static void
cpd_judge_init (CpdJudge *judge)
{
}

CpdJudge *
cpd_judge_new (CpdStore *store)
{
  CpdJudge *judge = g_object_new (CPD_TYPE_JUDGE, NULL);

  judge->store = g_object_ref (store);
  return judge;
}

/* Returns: (transfer none) */
CpdStore *
cpd_judge_get_store (CpdJudge *judge)
{
  return judge->store;
}

static gint64
now_s (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

/* Whether a host may be asked at all: before any connection. Returns: (transfer full) */
CpdVerdict *
cpd_judge_host (CpdJudge *judge, guint32 uid, CpdHost *target)
{
  g_autoptr (CpdPolicy) policy = cpd_store_get_policy (judge->store, uid, target);

  return cpd_verdict_of_policy (policy, now_s ());
}

/* Whether a server may be sent something. `require_keys`: (nullable): of CertpinKey, a request's
 * own.
 * Returns: (transfer full) */
CpdVerdict *
cpd_judge_peer (CpdJudge *judge, guint32 uid, CpdPeer *peer, GPtrArray *require_keys)
{
  g_autoptr (CpdPolicy) policy = cpd_store_get_policy (judge->store, uid, cpd_peer_get_host (peer));
  g_autoptr (CpdPolicy) with_keys = cpd_policy_with_keys (policy, require_keys);

  return cpd_verdict_of_peer (with_keys, peer, cpd_store_get_anchors (judge->store), now_s ());
}
