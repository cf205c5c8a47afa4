/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The heart: decides from the policy, what the server proved, and the time whether a request may be
 * sent. It has no other input, and no side effect. Every layer must pass. Of several reasons, the
 * first in this order is given, and of several layers the first: nothing pinned; blocked or
 * expired; untrusted; mismatch. */

#include "config.h"

#include "daemon/core/verdict/cpd-verdict.h"

#include "daemon/core/base/cpd-text.h"
#include "daemon/core/verdict/cpd-cause.h"

static const char *const layer_names[CPD_N_LAYERS] = { "a pin file",
                                                       "the system's pin",
                                                       "the app's pin",
                                                       "your pin",
                                                       "the connection's transient pin",
                                                       "the request's own keys" };

static CpdVerdict *
verdict_new (CpdPolicy *policy, CpdPeer *peer)
{
  CpdVerdict *verdict = g_atomic_rc_box_new0 (CpdVerdict);

  verdict->policy = cpd_policy_ref (policy);
  verdict->target = cpd_host_ref (policy->target);
  verdict->peer = peer != NULL ? cpd_peer_ref (peer) : NULL;
  return verdict;
}

CpdVerdict *
cpd_verdict_ref (CpdVerdict *verdict)
{
  return g_atomic_rc_box_acquire (verdict);
}

static void
verdict_clear (gpointer data)
{
  CpdVerdict *verdict = data;

  cpd_host_unref (verdict->target);
  cpd_pin_unref (verdict->pin);
  cpd_policy_unref (verdict->policy);
  cpd_peer_unref (verdict->peer);
  g_free (verdict->reason);
  g_free (verdict->message);
  g_free (verdict->likely_cause);
  g_free (verdict->advice);
  certpin_key_unref (verdict->matched_key);
  g_clear_pointer (&verdict->path_keys, g_ptr_array_unref);
  g_strfreev (verdict->warnings);
  cpd_verdict_unref (verdict->report);
  cpd_verdict_unref (verdict->hidden);
}

void
cpd_verdict_unref (CpdVerdict *verdict)
{
  if (verdict != NULL)
    g_atomic_rc_box_release_full (verdict, verdict_clear);
}

/* What is said of one refusal. */
typedef struct
{
  CertpinError error;
  CpdPin *pin; /* NULL: none */
  const char *reason;
  const char *cause;
  const char *advice;
} Refusal;

/* `message`: (transfer full) */
static CpdVerdict *
refuse (CpdVerdict *verdict, const Refusal *refusal, char *message)
{
  verdict->passed = FALSE;
  verdict->error = refusal->error;
  verdict->pin = refusal->pin != NULL ? cpd_pin_ref (refusal->pin) : NULL;
  verdict->layer = verdict->policy->is_of_app ? CPD_LAYER_APP : CPD_LAYER_USER;
  if (refusal->pin != NULL)
    verdict->layer = refusal->pin->layer;
  verdict->reason = g_strdup (refusal->reason);
  verdict->message = message;
  verdict->likely_cause = g_strdup (refusal->cause);
  verdict->advice = g_strdup (refusal->advice);
  return verdict;
}

static CpdVerdict *
refuse_unpinned (CpdVerdict *verdict)
{
  const Refusal refusal
      = { CERTPIN_ERROR_NOT_PINNED, NULL, "not-pinned", "nothing is pinned for the host",
          "pin the server's certificate or key first" };

  return refuse (verdict, &refusal,
                 g_strdup_printf ("host ‘%s’ is not pinned; pin its certificate first",
                                  cpd_host_get_name (verdict->target)));
}

/* Whoever blocks a host need not say why. A pin file, no method changes. */
static CpdVerdict *
refuse_blocked (CpdVerdict *verdict, CpdPin *pin)
{
  gboolean is_file = pin->layer == CPD_LAYER_FILES;
  const Refusal refusal = { CERTPIN_ERROR_BLOCKED, pin, "blocked",
                            is_file ? "a pin file blocks the host, or cannot be used"
                                    : "an attempt to pin the host failed, or somebody blocked it",
                            is_file ? "ask the administrator to change the pin file"
                                    : "pin a good certificate, or unpin the host" };
  gboolean has_reason = pin->reason != NULL && *pin->reason != '\0';

  return refuse (verdict, &refusal,
                 g_strdup_printf ("host ‘%s’ is blocked by %s%s%s; %s",
                                  cpd_host_get_name (verdict->target), layer_names[pin->layer],
                                  has_reason ? ": " : "", has_reason ? pin->reason : "",
                                  is_file ? "only the administrator can change that"
                                          : "pin it again or unpin it"));
}

static CpdVerdict *
refuse_expired_pin (CpdVerdict *verdict, CpdPin *pin)
{
  const Refusal refusal = { CERTPIN_ERROR_PIN_EXPIRED, pin, "pin-expired",
                            "the pin reached its expiry date", "pin the host again" };
  g_autofree char *day = cpd_text_date (pin->expires);

  return refuse (verdict, &refusal,
                 g_strdup_printf ("%s for host ‘%s’ expired on %s; pin the host again",
                                  layer_names[pin->layer], cpd_host_get_name (verdict->target),
                                  day));
}

/* Refuses what can be refused without a server. Returns: whether it did */
static gboolean
refuse_by_policy (CpdVerdict *verdict, gint64 now)
{
  CpdPolicy *policy = verdict->policy;

  if (cpd_policy_is_empty (policy))
    return refuse_unpinned (verdict) != NULL;
  for (int layer = 0; layer < CPD_N_LAYERS; layer++)
    {
      CpdPin *pin = policy->pins[layer];

      if (pin != NULL && (pin->state == CPD_STATE_BLOCKED || pin->keys->len == 0))
        return refuse_blocked (verdict, pin) != NULL;
      if (pin != NULL && cpd_pin_is_expired (pin, now))
        return refuse_expired_pin (verdict, pin) != NULL;
    }
  return FALSE;
}

/* `message`: (transfer full) */
static CpdVerdict *
refuse_for (CpdVerdict *verdict, CertpinError error, CpdPin *pin, const CpdCause *cause,
            char *message)
{
  const Refusal refusal = { error, pin, cause->reason, cause->likely, cause->advice };

  return refuse (verdict, &refusal, message);
}

static CpdVerdict *
refuse_untrusted (CpdVerdict *verdict, CpdPin *pin, const CpdValidation *validation)
{
  g_auto (CpdCause) cause
      = cpd_cause_of_untrusted (verdict->policy, pin, verdict->peer, validation);

  return refuse_for (verdict, CERTPIN_ERROR_UNTRUSTED, pin, &cause,
                     g_strdup_printf ("host ‘%s’ is not trusted: %s",
                                      cpd_host_get_name (verdict->target), validation->detail));
}

/* Returns: (transfer full): the anchors of the valid paths, in quotes, each of them once */
static char *
list_anchors (const CpdValidation *validation)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GString *list = g_string_new (NULL);

  for (unsigned int i = 0; i < validation->paths->len; i++)
    {
      const CpdPath *path = validation->paths->pdata[i];
      CpdCertificate *anchor = path->certificates->pdata[path->certificates->len - 1];
      char *subject = cpd_certificate_dup_subject (anchor);

      if (!g_hash_table_contains (seen, subject))
        g_string_append_printf (list, "%s‘%s’", list->len > 0 ? ", " : "", subject);
      g_hash_table_add (seen, subject);
    }
  return g_string_free (list, FALSE);
}

/* Where any key on the path would do, it matters where the path ended. */
static char *
describe_mismatch (CpdVerdict *verdict, CpdPin *pin, const CpdValidation *validation)
{
  const char *host = cpd_host_get_name (verdict->target), *layer = layer_names[pin->layer];
  CpdCertificate *leaf = cpd_peer_get_chain (verdict->peer)->pdata[0];
  g_autofree char *offered = certpin_key_to_text (cpd_certificate_get_key (leaf));
  g_autofree char *anchors = NULL;

  if (pin->match == CPD_MATCH_LEAF)
    return g_strdup_printf ("host ‘%s’ holds the key %s, which is not allowed by %s", host, offered,
                            layer);
  anchors = list_anchors (validation);
  return g_strdup_printf ("host ‘%s’ holds the key %s, and neither it nor any other key on its "
                          "certification path to %s is allowed by %s",
                          host, offered, anchors, layer);
}

static CpdVerdict *
refuse_mismatch (CpdVerdict *verdict, CpdPin *pin, const CpdValidation *validation, gint64 now)
{
  g_autofree char *mismatch = describe_mismatch (verdict, pin, validation);
  g_auto (CpdCause) cause = cpd_cause_of_mismatch (pin, verdict->peer, validation, now);

  return refuse_for (verdict, CERTPIN_ERROR_PIN_MISMATCH, pin, &cause,
                     g_strdup_printf ("%s; %s", mismatch, cause.likely));
}

/* Finds a pinned key on one path. */
static gboolean
match_path (const CpdPin *pin, const CpdPath *path, unsigned int *position)
{
  unsigned int last = pin->match == CPD_MATCH_LEAF ? 1 : path->certificates->len;

  for (unsigned int i = 0; i < last; i++)
    if (cpd_pin_has_key (pin, cpd_certificate_get_key (path->certificates->pdata[i])))
      {
        *position = i;
        return TRUE;
      }
  return FALSE;
}

static void
record_path (CpdVerdict *verdict, const CpdPath *path)
{
  g_clear_pointer (&verdict->path_keys, g_ptr_array_unref);
  verdict->path_keys = g_ptr_array_new_with_free_func ((GDestroyNotify)certpin_key_unref);
  for (unsigned int i = 0; i < path->certificates->len; i++)
    g_ptr_array_add (verdict->path_keys,
                     certpin_key_ref (cpd_certificate_get_key (path->certificates->pdata[i])));
}

static void
forget_match (CpdVerdict *verdict)
{
  g_clear_pointer (&verdict->matched_key, certpin_key_unref);
  g_clear_pointer (&verdict->pin, cpd_pin_unref);
}

/* Reports the match of the narrowest pin. */
static void
record_match (CpdVerdict *verdict, CpdPin *pin, const CpdPath *path, unsigned int position)
{
  forget_match (verdict);
  record_path (verdict, path);
  verdict->pin = cpd_pin_ref (pin);
  verdict->layer = pin->layer;
  verdict->matched_key
      = certpin_key_ref (cpd_certificate_get_key (path->certificates->pdata[position]));
  verdict->matched_position = position;
}

static gboolean
match_validation (CpdVerdict *verdict, CpdPin *pin, const CpdValidation *validation)
{
  unsigned int position;

  for (unsigned int i = 0; i < validation->paths->len; i++)
    if (match_path (pin, validation->paths->pdata[i], &position))
      {
        if (cpd_policy_hides (verdict->policy, pin->layer))
          return TRUE;
        if (pin->layer != CPD_LAYER_REQUEST || verdict->matched_key == NULL)
          record_match (verdict, pin, validation->paths->pdata[i], position);
        return TRUE;
      }
  return FALSE;
}

/* A request's own keys have no anchors: they may be on any path that the anchors of some pin
 * validated. */
static gboolean
match_layer (CpdVerdict *verdict, CpdValidation *const validations[], CpdLayer layer)
{
  CpdPin *pin = verdict->policy->pins[layer];

  if (layer != CPD_LAYER_REQUEST)
    return match_validation (verdict, pin, validations[layer]);
  for (int other = 0; other < CPD_LAYER_REQUEST; other++)
    if (validations[other] != NULL && !cpd_policy_hides (verdict->policy, (CpdLayer)other)
        && match_validation (verdict, pin, validations[other]))
      return TRUE;
  return FALSE;
}

/* Returns: (transfer none): a validation that passed, with the layer's own anchors if it has any */
static const CpdValidation *
get_validation (const CpdPolicy *policy, CpdValidation *const validations[], CpdLayer layer)
{
  for (int other = 0; layer == CPD_LAYER_REQUEST && other < CPD_LAYER_REQUEST; other++)
    if (validations[other] != NULL && !cpd_policy_hides (policy, (CpdLayer)other))
      return validations[other];
  return validations[layer];
}

/* Lets the mismatch of a pin that only reports pass, and reports only the first one. */
static void
report_mismatch (CpdVerdict *verdict, CpdPin *pin, const CpdValidation *validation, gint64 now)
{
  gboolean hides = cpd_policy_hides (verdict->policy, pin->layer);
  gpointer *place = hides ? &verdict->hidden : &verdict->report;

  if (*place == NULL)
    {
      CpdVerdict *report = verdict_new (verdict->policy, verdict->peer);

      report->ocsp = verdict->ocsp;
      report->reported = TRUE;
      *place = refuse_mismatch (report, pin, validation, now);
    }
  if (verdict->path_keys == NULL && !hides)
    record_path (verdict, validation->paths->pdata[0]);
}

/* Judges trust by all layers, then the keys by all layers. */
static CpdVerdict *
judge_layers (CpdVerdict *verdict, CpdValidation *const validations[], gint64 now)
{
  CpdPolicy *policy = verdict->policy;

  for (int layer = 0; layer < CPD_LAYER_REQUEST; layer++)
    if (validations[layer] != NULL && validations[layer]->problem != CPD_PROBLEM_NONE)
      return refuse_untrusted (verdict, policy->pins[layer], validations[layer]);

  for (int layer = 0; layer < CPD_N_LAYERS; layer++)
    {
      CpdPin *pin = policy->pins[layer];

      if (pin == NULL || match_layer (verdict, validations, (CpdLayer)layer))
        continue;
      if (!cpd_pin_only_reports (pin, now))
        {
          forget_match (verdict);
          g_clear_pointer (&verdict->hidden, cpd_verdict_unref); /* a report is no refusal */
          return refuse_mismatch (verdict, pin,
                                  get_validation (policy, validations, (CpdLayer)layer), now);
        }
      report_mismatch (verdict, pin, validations[layer], now);
    }
  verdict->passed = TRUE;
  return verdict;
}

/* All anchors that validate the server lead to one issuer of its certificate, and to one answer. */
static const char *
describe_ocsp (const CpdPolicy *policy, CpdValidation *const validations[], gint64 now)
{
  const CpdOcsp *ocsp = NULL;

  for (int layer = 0; layer < CPD_LAYER_REQUEST; layer++)
    if (validations[layer] != NULL && !cpd_policy_hides (policy, (CpdLayer)layer)
        && (ocsp == NULL || ocsp->status == CPD_OCSP_UNCHECKED))
      ocsp = &validations[layer]->ocsp;
  return ocsp != NULL ? cpd_ocsp_get_name (ocsp, now) : NULL;
}

/* Returns: until when a pin is paused, of several the one for longest; 0: none is */
static gint64
find_pause (const CpdPolicy *policy, gint64 now)
{
  gint64 until = 0;

  for (int layer = 0; layer < CPD_N_LAYERS; layer++)
    if (policy->pins[layer] != NULL && !cpd_policy_hides (policy, (CpdLayer)layer)
        && cpd_pin_is_paused (policy->pins[layer], now))
      until = MAX (until, policy->pins[layer]->pause->until);
  return until;
}

/* An app is not told what its user has pinned, nor how. `verdict`: (transfer full).
 * Returns: (transfer full): what the app may see of it */
static CpdVerdict *
hide (CpdVerdict *verdict)
{
  static const Refusal refusal
      = { CERTPIN_ERROR_BLOCKED, NULL, "user-settings", "the user's settings refuse the host",
          "tell the user, whose programs see why" };
  CpdVerdict *shown;

  if (verdict->passed || !cpd_policy_hides (verdict->policy, verdict->layer))
    return verdict;
  shown = verdict_new (verdict->policy, /* peer= */ NULL); /* nor whether one was asked */
  shown->hidden = verdict;
  return refuse (shown, &refusal,
                 g_strdup_printf ("host ‘%s’ is refused by the user's settings",
                                  cpd_host_get_name (verdict->target)));
}

/* Judges what can be judged before a connection. `now`: Unix seconds.
 * Returns: (transfer full): passed, or NotPinned, Blocked or PinExpired */
CpdVerdict *
cpd_verdict_of_policy (CpdPolicy *policy, gint64 now)
{
  CpdVerdict *verdict = verdict_new (policy, NULL);

  verdict->passed = !refuse_by_policy (verdict, now);
  verdict->paused_until = find_pause (policy, now);
  return hide (verdict);
}

static CpdAnchors *
get_anchors (const CpdPin *pin, CpdAnchors *system)
{
  return pin->anchors != NULL ? pin->anchors : system;
}

/* Returns: (transfer none) (nullable): anchors by which the server has to be validated before it
 * can be judged; NULL: all validations are there */
CpdAnchors *
cpd_verdict_find_missing (CpdPolicy *policy, CpdPeer *peer, CpdAnchors *system, gint64 now)
{
  for (int layer = 0; layer < CPD_LAYER_REQUEST; layer++)
    if (policy->pins[layer] != NULL)
      {
        CpdAnchors *anchors = get_anchors (policy->pins[layer], system);

        if (cpd_peer_find_validation (peer, anchors, now) == NULL)
          return anchors;
      }
  return NULL;
}

/* Judges a server by what it presented. Takes long if a validation is missing. `system`: the
 * anchors for pins without their own; `now`: Unix seconds.
 * Returns: (transfer full): passed, with the match; or why not, with the evidence */
CpdVerdict *
cpd_verdict_of_peer (CpdPolicy *policy, CpdPeer *peer, CpdAnchors *system, gint64 now)
{
  CpdVerdict *verdict = verdict_new (policy, peer);
  CpdValidation *validations[CPD_N_LAYERS] = { NULL };

  if (refuse_by_policy (verdict, now))
    return hide (verdict);

  for (int layer = 0; layer < CPD_LAYER_REQUEST; layer++)
    if (policy->pins[layer] != NULL)
      validations[layer] = cpd_peer_validate (peer, get_anchors (policy->pins[layer], system), now);
  verdict->ocsp = describe_ocsp (policy, validations, now);
  verdict->paused_until = find_pause (policy, now);
  judge_layers (verdict, validations, now);
  for (int layer = 0; layer < CPD_N_LAYERS; layer++)
    cpd_validation_unref (validations[layer]);
  return hide (verdict);
}

/* Returns: (transfer full): the refusal as an error */
GError *
cpd_verdict_to_error (const CpdVerdict *verdict)
{
  return g_error_new_literal (CERTPIN_ERROR, (int)verdict->error, verdict->message);
}
