/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Guesses the cause of a refusal. The refusal is certain; its cause is a guess from what the server
 * presented, so that people know whom to ask. */

#include "config.h"

#include "daemon/core/verdict/cpd-cause.h"

/* How a mismatch ends: after one of a pin that only reports, and only then, the request is sent. */
typedef enum
{
  OUTCOME_REFUSED,
  OUTCOME_REPORTED,
  OUTCOME_PAUSED,
} Outcome;

/* `remedy`: a string literal */
#define ADVICE(outcome, remedy)                                                                    \
  ((outcome) == OUTCOME_REPORTED ? "the request was sent, because the pin is report-only; " remedy \
   : (outcome) == OUTCOME_PAUSED ? "the request was sent, because the pin is paused; " remedy      \
                                 : "nothing was sent; " remedy)

static Outcome
get_outcome (const CpdPin *pin, gint64 now)
{
  if (pin->mode == CPD_MODE_REPORT)
    return OUTCOME_REPORTED;
  return cpd_pin_is_paused (pin, now) ? OUTCOME_PAUSED : OUTCOME_REFUSED;
}

static CpdCertificate *
get_leaf (CpdPeer *peer)
{
  GPtrArray *chain = cpd_peer_get_chain (peer);

  return chain->len > 0 ? chain->pdata[0] : NULL;
}

/* Of a pin that is hidden from an app, only its user is told: that must not depend on what the app
 * has pinned, which could lead the user to trust another server. */
static gboolean
is_pinned (CpdPolicy *policy, const CpdPin *refusing, CpdCertificate *leaf)
{
  if (cpd_policy_hides (policy, refusing->layer))
    return cpd_pin_has_key (refusing, cpd_certificate_get_key (leaf));
  for (int layer = 0; layer < CPD_N_LAYERS; layer++)
    if (policy->pins[layer] != NULL && !cpd_policy_hides (policy, (CpdLayer)layer)
        && cpd_pin_has_key (policy->pins[layer], cpd_certificate_get_key (leaf)))
      return TRUE;
  return FALSE;
}

static const char *
explain_problem (CpdProblem problem)
{
  switch (problem)
    {
    case CPD_PROBLEM_UNKNOWN_ISSUER:
      return "the server, or something on the way to it, uses a certificate from an authority that "
             "is not trusted";
    case CPD_PROBLEM_SELF_SIGNED:
      return "the server uses a self-signed certificate";
    case CPD_PROBLEM_NAME:
      return "the server's certificate was issued for other hosts";
    case CPD_PROBLEM_EXPIRED:
      return "the server's certificate was not renewed in time";
    case CPD_PROBLEM_NOT_YET_VALID:
    case CPD_PROBLEM_CLOCK:
      return "the clock of this machine is probably wrong";
    case CPD_PROBLEM_REVOKED:
      return "the key of the server's certificate was stolen or replaced, or the certificate was "
             "issued wrongly";
    case CPD_PROBLEM_OCSP:
      return "the server is not set up to staple OCSP responses, or has no current one";
    case CPD_PROBLEM_LENGTH:
      return "the server's certification path has more authorities than certpin accepts";
    case CPD_PROBLEM_PURPOSE:
    case CPD_PROBLEM_WEAK:
    case CPD_PROBLEM_CONSTRAINTS:
    case CPD_PROBLEM_MALFORMED:
    case CPD_PROBLEM_NONE:
      return "the server's certificate, or one above it, was issued wrongly";
    }
  return NULL;
}

static const char *
advise_on_problem (CpdProblem problem)
{
  if (problem == CPD_PROBLEM_CLOCK || problem == CPD_PROBLEM_NOT_YET_VALID)
    return "nothing was sent; set this machine's clock";
  return "nothing was sent; the server's operator has to fix this";
}

/* Another name and another key, not vouched for by an authority that is trusted for this host. */
static gboolean
is_another_server (CpdPeer *peer, CpdCertificate *leaf, CpdProblem problem)
{
  return (problem == CPD_PROBLEM_NAME || problem == CPD_PROBLEM_UNKNOWN_ISSUER
          || problem == CPD_PROBLEM_SELF_SIGNED)
         && cpd_peer_get_host (peer) != NULL
         && !cpd_certificate_names (leaf, cpd_host_get_name (cpd_peer_get_host (peer)));
}

/* `pin`: which refuses; `validation`: with a problem, by its anchors */
CpdCause
cpd_cause_of_untrusted (CpdPolicy *policy, const CpdPin *pin, CpdPeer *peer,
                        const CpdValidation *validation)
{
  CpdCertificate *leaf = get_leaf (peer);
  gboolean pinned = leaf != NULL && is_pinned (policy, pin, leaf);

  if (leaf != NULL && !pinned && is_another_server (peer, leaf, validation->problem))
    {
      g_autofree char *subject = cpd_certificate_dup_subject (leaf);

      return (CpdCause){
        "captive-portal",
        g_strdup_printf ("another server, ‘%s’, answered with its own key: perhaps the login page "
                         "of a network",
                         subject),
        "nothing was sent; if this network has a login page, log in with a web browser first"
      };
    }
  if (pinned && validation->problem == CPD_PROBLEM_UNKNOWN_ISSUER)
    return (CpdCause){
      "untrusted-path",
      g_strdup ("the server holds the pinned key, but its chain leads to no trusted authority: it "
                "is incomplete, or the authority is a private one"),
      "nothing was sent; make the server send its complete chain, or add trust anchors to the pin"
    };
  return (CpdCause){ cpd_problem_get_name (validation->problem),
                     g_strdup (explain_problem (validation->problem)),
                     advise_on_problem (validation->problem) };
}

/* Returns: (transfer none) (nullable): the anchor that vouches for the server, if the administrator
 * of this machine added it */
static CpdCertificate *
find_local_anchor (const CpdValidation *validation)
{
  for (unsigned int i = 0; i < validation->paths->len; i++)
    {
      const CpdPath *path = validation->paths->pdata[i];
      CpdCertificate *anchor = path->certificates->pdata[path->certificates->len - 1];

      if (cpd_anchors_is_local (validation->anchors, anchor))
        return anchor;
    }
  return NULL;
}

static CpdCause
blame_local_anchor (CpdCertificate *anchor, Outcome outcome)
{
  g_autofree char *subject = cpd_certificate_dup_subject (anchor);

  return (CpdCause){
    "local-authority",
    g_strdup_printf (
        "its certificate comes from ‘%s’, an authority that was added to this machine: "
        "the connection is probably being inspected",
        subject),
    ADVICE (outcome, "ask the administrator of this machine or network"),
  };
}

static const char *
advise_on_mismatch (const CpdPin *pin, Outcome outcome)
{
  if (outcome == OUTCOME_REFUSED && pin->layer == CPD_LAYER_REQUEST)
    return "nothing was sent; check the request's own keys, because the host's pins match";
  return ADVICE (outcome, "ask the server's operator for the new certificate, and pin that");
}

/* Returns: (transfer none) (nullable): the certificate whose fingerprint the pin has instead of a
 * key. Only certificates that the pin may match count. */
static CpdCertificate *
find_by_fingerprint (const CpdPin *pin, const CpdValidation *validation)
{
  for (unsigned int i = 0; i < validation->paths->len; i++)
    {
      const CpdPath *path = validation->paths->pdata[i];
      unsigned int last = pin->match == CPD_MATCH_LEAF ? 1 : path->certificates->len;

      for (unsigned int j = 0; j < last; j++)
        {
          CpdCertificate *certificate = path->certificates->pdata[j];
          g_autoptr (CertpinKey) fingerprint = cpd_certificate_dup_fingerprint (certificate);

          if (cpd_pin_has_key (pin, fingerprint))
            return certificate;
        }
    }
  return NULL;
}

static CpdCause
blame_fingerprint (CpdCertificate *certificate, Outcome outcome)
{
  g_autofree char *subject = cpd_certificate_dup_subject (certificate);

  return (CpdCause){
    "fingerprint",
    g_strdup_printf (
        "the key that was given is the SHA-256 fingerprint of the certificate ‘%s’, not "
        "of its public key",
        subject),
    ADVICE (outcome, "give the certificate, or the SHA-256 of its public key, instead"),
  };
}

/* `validation`: without a problem, by the anchors of `pin`. `now`: Unix seconds */
CpdCause
cpd_cause_of_mismatch (CpdPin *pin, CpdPeer *peer, const CpdValidation *validation, gint64 now)
{
  Outcome outcome = get_outcome (pin, now);
  const char *advice = advise_on_mismatch (pin, outcome);
  CpdCertificate *local = find_local_anchor (validation);
  g_autofree char *issuer = cpd_certificate_dup_issuer (get_leaf (peer));
  CpdCertificate *meant = find_by_fingerprint (pin, validation);

  if (meant != NULL)
    return blame_fingerprint (meant, outcome);
  if (g_strcmp0 (pin->issuer, issuer) == 0)
    return (CpdCause){
      "key-rotated",
      g_strdup_printf ("the same authority, ‘%s’, issued it: the server probably changed its key",
                       issuer),
      advice
    };
  if (local != NULL)
    return blame_local_anchor (local, outcome);
  if (pin->issuer == NULL)
    return (CpdCause){ "wrong-key",
                       g_strdup ("the server changed its key, or an impostor answers in its place"),
                       advice };
  return (CpdCause){ "wrong-key",
                     g_strdup_printf ("another authority, ‘%s’, issued it: the server moved, or "
                                      "an impostor answers in its place",
                                      issuer),
                     advice };
}

void
cpd_cause_clear (CpdCause *cause)
{
  g_clear_pointer (&cause->likely, g_free);
}
