/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asks core for a verdict on the current policy, anchors and time. Every check of a connection, in
 * the handshake and before each request, goes through here, so that none can use old values. */

#include "config.h"

#include "daemon/transport/cpd-judge.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/verdict/cpd-witness.h"

#define NOTE_AGAIN_S 60

static gint64
now_s (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

/* Whether requests to a host are allowed at all: before any connection. Returns: (transfer full) */
CpdVerdict *
cpd_judge_host (CpdStore *store, CpdOwner owner, CpdHost *target)
{
  g_autoptr (CpdPolicy) policy = cpd_store_get_policy (store, owner, target);

  return cpd_verdict_of_policy (policy, now_s ());
}

/* A pin that only reports, or is paused, a block, and a pin whose time is over do not say that the
 * administrator wants requests to go there: with any key, another server could be there. */
static gboolean
enforces (const CpdPin *pin)
{
  return pin != NULL && pin->state == CPD_STATE_ACTIVE && !cpd_pin_only_reports (pin, now_s ())
         && !cpd_pin_is_expired (pin, now_s ());
}

/* Whether the administrator has pinned a host, too. */
static gboolean
is_pinned_by_administrator (CpdStore *store, CpdOwner owner, CpdHost *target)
{
  g_autoptr (CpdPolicy) policy = cpd_store_get_policy (store, owner, target);

  return enforces (policy->pins[CPD_LAYER_FILES]) || enforces (policy->pins[CPD_LAYER_SYSTEM]);
}

/* Whether a request to a host may go to an address. What a user's request may do, every other may
 * do, so that the pins are looked up for none that passes.
 * `address`: (nullable): NULL: only a proxy knows it.
 * Errors: CERTPIN_ERROR_ADDRESS_DENIED. */
gboolean
cpd_judge_address (CpdStore *store, CpdOwner owner, CpdHost *target, const CpdAddressRules *rules,
                   GInetAddress *address, GError **error)
{
  g_autofree char *refusal
      = address != NULL ? cpd_address_rules_refuse (rules, address, /* for_user= */ TRUE) : NULL;

  if (refusal != NULL && is_pinned_by_administrator (store, owner, target))
    {
      g_free (refusal);
      refusal = cpd_address_rules_refuse (rules, address, /* for_user= */ FALSE);
    }
  if (refusal != NULL)
    g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_ADDRESS_DENIED, refusal);
  return refusal == NULL;
}

static CpdVerdict *
judge_by (CpdPolicy *policy, CpdPeer *peer, CpdAnchors *system, CpdAnchors **missing)
{
  gint64 now = now_s ();
  CpdAnchors *found = cpd_verdict_find_missing (policy, peer, system, now);

  *missing = found != NULL ? cpd_anchors_ref (found) : NULL;
  return found == NULL ? cpd_verdict_of_peer (policy, peer, system, now) : NULL;
}

/* Whether a request may be sent to a server. `require_keys`: (nullable): of CertpinKey, the
 * request's own.
 * Returns: (transfer full) */
CpdVerdict *
cpd_judge_peer (CpdStore *store, CpdOwner owner, CpdPeer *peer, GPtrArray *require_keys,
                CpdAnchors **missing)
{
  g_autoptr (CpdPolicy) policy = cpd_store_get_policy (store, owner, cpd_peer_get_host (peer));
  g_autoptr (CpdPolicy) with_keys = cpd_policy_with_keys (policy, require_keys);

  return judge_by (with_keys, peer, cpd_store_get_anchors (store), missing);
}

/* Puts on record that the server has passed. On a kept connection, that is done again when pins
 * have changed, and once a minute, so that it costs a request nothing.
 * `verdict`: on it, of now, which gets the urgent warnings of the pins. */
void
cpd_judge_note (CpdStore *store, CpdOwner owner, CpdConnection *connection, CpdVerdict *verdict)
{
  gint64 now = now_s ();

  if (connection->noted_generation != verdict->policy->generation || now < connection->noted_s
      || now - connection->noted_s >= NOTE_AGAIN_S)
    {
      g_strfreev (connection->warnings);
      connection->warnings = cpd_witness_record (store, owner, verdict, now);
      connection->noted_s = now;
      connection->noted_generation = verdict->policy->generation;
    }
  if (connection->warnings != NULL && verdict->warnings == NULL)
    verdict->warnings = g_strdupv (connection->warnings);
}

/* Whether a request would be sent, where nothing will be, and nothing is put on record. The host
 * need not be pinned. `validation`: (out) (transfer full): by the system's anchors; set with a
 * verdict.
 * Returns: (transfer full) */
CpdVerdict *
cpd_judge_presented (CpdStore *store, const CpdInspectOrder *order, CpdPeer *peer,
                     CpdValidation **validation, CpdAnchors **missing)
{
  CpdAnchors *system = cpd_store_get_anchors (store);
  CpdValidation *found = cpd_peer_find_validation (peer, system, now_s ());
  g_autoptr (CpdPolicy) policy = cpd_store_get_policy (store, order->owner, order->target);
  g_autoptr (CpdPolicy) shown
      = order->is_for_app ? cpd_policy_without_hidden (policy) : cpd_policy_ref (policy);
  g_autoptr (CpdPolicy) with_pin = cpd_policy_with_pin (shown, order->supposed);
  CpdVerdict *verdict = NULL;

  *missing = NULL;
  if (found == NULL)
    *missing = cpd_anchors_ref (system);
  else
    verdict = judge_by (with_pin, peer, system, missing);
  *validation = verdict != NULL ? cpd_validation_ref (found) : NULL;
  return verdict;
}

/* Whether an https proxy may carry anything: by the anchors and the time of now. Pins are about
 * hosts that are asked for something.
 * `missing`, `distrust`: (out) (transfer full): one of them if it may not: it has to be validated
 * by these anchors first; or why it is refused. */
gboolean
cpd_judge_proxy (CpdStore *store, CpdPeer *proxy, CpdAnchors **missing, char **distrust)
{
  CpdAnchors *anchors = cpd_store_get_anchors (store);
  const CpdValidation *validation = cpd_peer_find_validation (proxy, anchors, now_s ());

  if (validation == NULL)
    *missing = cpd_anchors_ref (anchors);
  else if (validation->problem != CPD_PROBLEM_NONE)
    *distrust = g_strdup (validation->detail);
  return validation != NULL && validation->problem == CPD_PROBLEM_NONE;
}

/* Whether anything may be sent over a connection: its https proxy, if it goes through one, and then
 * its server. `require_keys`: (nullable).
 * Returns: (transfer full) */
CpdJudgement
cpd_judge_connection (CpdStore *store, CpdOwner owner, const CpdConnection *connection,
                      GPtrArray *require_keys)
{
  CpdJudgement judgement = { NULL };

  if (connection->proxy != NULL
      && !cpd_judge_proxy (store, connection->proxy, &judgement.missing, &judgement.distrust))
    judgement.unknown = judgement.missing != NULL ? connection->proxy : NULL;
  else
    {
      judgement.verdict
          = cpd_judge_peer (store, owner, connection->peer, require_keys, &judgement.missing);
      judgement.unknown = judgement.verdict == NULL ? connection->peer : NULL;
    }
  if (judgement.unknown != NULL)
    cpd_peer_ref (judgement.unknown);
  return judgement;
}

/* Whether it is certain that nothing may be sent. */
gboolean
cpd_judgement_refuses (const CpdJudgement *judgement)
{
  return judgement->distrust != NULL || (judgement->verdict != NULL && !judgement->verdict->passed);
}

void
cpd_judgement_clear (CpdJudgement *judgement)
{
  g_clear_pointer (&judgement->verdict, cpd_verdict_unref);
  g_clear_pointer (&judgement->distrust, g_free);
  g_clear_pointer (&judgement->unknown, cpd_peer_unref);
  g_clear_pointer (&judgement->missing, cpd_anchors_unref);
}
