/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds the valid paths from the certificates that a server presented. It searches by names and
 * signatures, within a bound of work, and tries every alternative before it refuses, because GnuTLS
 * tries only one. Each path that reaches an anchor is fully validated (RFC 5280, section 6). Keys
 * are taken only from these paths, never from certificates that were merely presented. */

#include "config.h"

#include "daemon/core/trust/cpd-trust.h"

#include "daemon/core/base/cpd-text.h"
#include "daemon/core/trust/cpd-gnutls.h"
#include "daemon/core/trust/cpd-name-constraints.h"
#include "daemon/core/trust/cpd-profile.h"

#include <string.h>

/* Bounds on the work that one chain can cause: a signature costs about 0.1 ms. */
#define SIGNATURES_MAX 100
#define DEPTH_MAX      12
#define PATHS_MAX      8

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192

typedef struct
{
  CpdAnchors *anchors;
  GPtrArray *chain; /* of CpdCertificate, as presented */
  const CpdTrustQuestion *question;
  GPtrArray *tip_to_leaf; /* of CpdCertificate, borrowed: the path so far, leaf first */
  unsigned int signatures_left;
  CpdCertificate *oversized; /* (nullable): borrowed: an issuer with a key too large to verify */
  gboolean too_long;         /* a path was abandoned, because it has too many certificates */
  CpdValidation *result;
} Search;

static void
path_free (gpointer data)
{
  CpdPath *path = data;

  g_ptr_array_unref (path->certificates);
  g_free (path);
}

static CpdValidation *
validation_new (CpdAnchors *anchors)
{
  CpdValidation *validation = g_atomic_rc_box_new0 (CpdValidation);

  validation->anchors = cpd_anchors_ref (anchors);
  validation->paths = g_ptr_array_new_with_free_func (path_free);
  return validation;
}

/* Keeps only the first problem: the search takes the most direct path first. */
G_GNUC_PRINTF (3, 4)
static gboolean
fail (CpdValidation *validation, CpdProblem problem, const char *format, ...)
{
  va_list arguments;

  if (validation->problem != CPD_PROBLEM_NONE)
    return FALSE;
  va_start (arguments, format);
  validation->problem = problem;
  validation->detail = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return FALSE;
}

static gboolean
check_leaf (Search *search, CpdCertificate *leaf)
{
  const CpdTrustQuestion *question = search->question;
  gnutls_x509_crt_t handle = cpd_certificate_get_handle (leaf);

  if (question->name != NULL && !cpd_certificate_names (leaf, question->name))
    {
      g_autofree char *subject = cpd_certificate_dup_subject (leaf);
      return fail (search->result, CPD_PROBLEM_NAME,
                   "the certificate of ‘%s’ does not name the host ‘%s’", subject, question->name);
    }
  if (gnutls_x509_crt_get_version (handle) < 3)
    return fail (search->result, CPD_PROBLEM_CONSTRAINTS,
                 "the server's certificate has X.509 version 1 or 2; servers need version 3");
  if (question->purpose == CPD_PURPOSE_SERVER && cpd_certificate_is_ca (leaf))
    return fail (search->result, CPD_PROBLEM_CONSTRAINTS,
                 "the server's certificate is that of a certificate authority");
  return TRUE;
}

static gboolean
check_dates (Search *search, CpdCertificate *certificate)
{
  gint64 now = search->question->now;
  gint64 from = cpd_certificate_get_not_before (certificate);
  gint64 until = cpd_certificate_get_not_after (certificate);
  g_autofree char *subject = NULL, *day = NULL;

  if (now >= from && now <= until && cpd_certificate_has_proper_dates (certificate))
    return TRUE;
  subject = cpd_certificate_dup_subject (certificate);
  if (!cpd_certificate_has_proper_dates (certificate))
    return fail (
        search->result, CPD_PROBLEM_CONSTRAINTS,
        "the certificate ‘%s’ has a date that does not exist or is not in UTC with seconds",
        subject);
  day = cpd_text_date (now > until ? until : from);
  if (now > until)
    return fail (search->result, CPD_PROBLEM_EXPIRED, "the certificate ‘%s’ expired on %s", subject,
                 day);
  return fail (search->result, CPD_PROBLEM_NOT_YET_VALID,
               "the certificate ‘%s’ is valid only from %s", subject, day);
}

static gboolean
check_key (Search *search, CpdCertificate *certificate)
{
  unsigned int bits = cpd_certificate_get_rsa_bits (certificate);
  g_autofree char *subject = NULL;

  if (bits == 0 || (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX))
    return TRUE;
  subject = cpd_certificate_dup_subject (certificate);
  return fail (search->result, CPD_PROBLEM_WEAK,
               "the RSA key of ‘%s’ has %u bits, but only 2048 to 8192 are accepted", subject,
               bits);
}

static gboolean
check_purpose (Search *search, CpdCertificate *certificate)
{
  g_autofree char *subject = NULL;

  if (search->question->purpose == CPD_PURPOSE_ANY || cpd_profile_allows_servers (certificate))
    return TRUE;
  subject = cpd_certificate_dup_subject (certificate);
  return fail (search->result, CPD_PROBLEM_PURPOSE,
               "the certificate ‘%s’ may not be used for servers", subject);
}

static gboolean
check_length (Search *search, CpdCertificate *certificate)
{
  g_autofree char *subject = NULL;

  if (!cpd_profile_is_too_long (certificate))
    return TRUE;
  subject = cpd_certificate_dup_subject (certificate);
  return fail (
      search->result, CPD_PROBLEM_CONSTRAINTS,
      "the certificate ‘%s’ lists more purposes, policies or constraints than certpin checks",
      subject);
}

static gboolean
check_profile (Search *search, CpdCertificate *certificate, CpdRole role)
{
  const char *fault = cpd_profile_find_fault (certificate, role);
  g_autofree char *subject = NULL;

  if (fault == NULL)
    return TRUE;
  subject = cpd_certificate_dup_subject (certificate);
  return fail (search->result, CPD_PROBLEM_CONSTRAINTS, "the certificate ‘%s’ %s", subject, fault);
}

static gboolean
check_names (Search *search)
{
  const char *fault = cpd_name_constraints_find_fault (search->tip_to_leaf);

  return fault == NULL
         || fail (search->result, CPD_PROBLEM_CONSTRAINTS,
                  "the certification path is not valid: %s", fault);
}

static gboolean
explain_status (CpdValidation *result, unsigned int status)
{
  if (status & (GNUTLS_CERT_INSECURE_ALGORITHM))
    return fail (result, CPD_PROBLEM_WEAK,
                 "a certificate on the path is signed with SHA-1 or MD5, or its key is too weak");
  if (status & GNUTLS_CERT_PURPOSE_MISMATCH)
    return fail (result, CPD_PROBLEM_PURPOSE,
                 "a certificate on the path may not be used for servers");
  if (status & (GNUTLS_CERT_SIGNER_NOT_CA | GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE))
    return fail (result, CPD_PROBLEM_CONSTRAINTS,
                 "a certificate on the path violates a constraint of one above it");
  if (status & GNUTLS_CERT_UNKNOWN_CRIT_EXTENSIONS)
    return fail (result, CPD_PROBLEM_CONSTRAINTS,
                 "a certificate on the path has an unknown critical extension");
  return fail (result, CPD_PROBLEM_CONSTRAINTS,
               "the certification path is not valid (GnuTLS status 0x%x)", status);
}

/* Checks the signatures, constraints and strengths along the path. GnuTLS gets only the anchor at
 * its end, so that it cannot choose another path. Dates are checked separately, because GnuTLS uses
 * its own clock. */
static gboolean
check_with_gnutls (Search *search)
{
  const unsigned int flags = GNUTLS_PROFILE_TO_VFLAGS (GNUTLS_PROFILE_MEDIUM)
                             | GNUTLS_VERIFY_DISABLE_TIME_CHECKS
                             | GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS;
  gnutls_x509_crt_t handles[DEPTH_MAX + 1];
  unsigned int length = search->tip_to_leaf->len;
  unsigned int below = MAX (length - 1, 1); /* a leaf that is its own anchor is its own path */
  unsigned int status = 0;

  for (unsigned int i = 0; i < length; i++)
    handles[i] = cpd_certificate_get_handle (search->tip_to_leaf->pdata[i]);
  if (gnutls_x509_crt_list_verify (handles, (int)below, &handles[length - 1], 1, NULL, 0, flags,
                                   &status)
      < 0)
    return fail (search->result, CPD_PROBLEM_CONSTRAINTS,
                 "the certification path cannot be checked");
  return status == 0 || explain_status (search->result, status);
}

/* What the stapled response says is the same on every path: one key alone signed the server's
 * certificate. */
static void
read_stapled (Search *search)
{
  CpdCertificate *leaf = search->tip_to_leaf->pdata[0];
  CpdCertificate *issuer = search->tip_to_leaf->pdata[MIN (1, search->tip_to_leaf->len - 1)];

  if (search->result->ocsp.status == CPD_OCSP_UNCHECKED)
    search->result->ocsp = cpd_ocsp_judge (search->question->stapled, leaf, issuer);
}

/* Whether the handshake had to have a good response (RFC 7633). */
static gboolean
needs_stapled (Search *search)
{
  return search->question->handshaken && cpd_profile_demands_ocsp (search->tip_to_leaf->pdata[0]);
}

/* Of the path that has passed everything else. */
static gboolean
check_stapled (Search *search)
{
  CpdValidation *result = search->result;
  g_autofree char *subject = NULL;
  gint64 now = search->question->now;

  read_stapled (search);
  if (result->ocsp.status != CPD_OCSP_REVOKED
      && (!needs_stapled (search) || cpd_ocsp_is_good (&result->ocsp, now)))
    return TRUE;
  subject = cpd_certificate_dup_subject (search->tip_to_leaf->pdata[0]);
  /* What other paths lack does not matter. */
  result->problem = CPD_PROBLEM_NONE;
  g_clear_pointer (&result->detail, g_free);
  if (result->ocsp.status == CPD_OCSP_REVOKED)
    return fail (result, CPD_PROBLEM_REVOKED, "the certificate ‘%s’ was revoked by its issuer",
                 subject);
  if (search->question->stapled == NULL)
    return fail (result, CPD_PROBLEM_OCSP,
                 "the certificate ‘%s’ demands an OCSP response in the handshake, but the server "
                 "sent none",
                 subject);
  return fail (result, CPD_PROBLEM_OCSP,
               "the certificate ‘%s’ demands a good OCSP response, but the server's is %s", subject,
               cpd_ocsp_get_name (&result->ocsp, now));
}

static void
keep_path (Search *search)
{
  const CpdOcsp *ocsp = &search->result->ocsp;
  CpdPath *path = g_new0 (CpdPath, 1);

  path->certificates = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_certificate_unref);
  path->valid_from = needs_stapled (search) ? ocsp->valid_from : G_MININT64;
  path->valid_until = needs_stapled (search) ? ocsp->valid_until : G_MAXINT64;
  for (unsigned int i = 0; i < search->tip_to_leaf->len; i++)
    {
      CpdCertificate *certificate = search->tip_to_leaf->pdata[i];

      g_ptr_array_add (path->certificates, cpd_certificate_ref (certificate));
      path->valid_from = MAX (path->valid_from, cpd_certificate_get_not_before (certificate));
      path->valid_until = MIN (path->valid_until, cpd_certificate_get_not_after (certificate));
    }
  g_ptr_array_add (search->result->paths, path);
}

static CpdRole
role_of (Search *search, unsigned int position)
{
  if (position == 0)
    return CPD_ROLE_LEAF;
  return position + 1 == search->tip_to_leaf->len ? CPD_ROLE_ANCHOR : CPD_ROLE_INTERMEDIATE;
}

/* Judges the path that has just reached an anchor. GnuTLS verifies its signatures again, and the
 * names along it are compared: this also counts as work. */
static void
judge_path (Search *search)
{
  unsigned int cost = 2 * (search->tip_to_leaf->len - 1);

  if (search->signatures_left < cost)
    {
      search->signatures_left = 0;
      return;
    }
  search->signatures_left -= cost;
  for (unsigned int i = 0; i < search->tip_to_leaf->len; i++)
    {
      CpdCertificate *certificate = search->tip_to_leaf->pdata[i];
      CpdRole role = role_of (search, i);

      if ((role == CPD_ROLE_LEAF && !check_leaf (search, certificate))
          || !check_dates (search, certificate) || !check_key (search, certificate)
          || !check_length (search, certificate)
          || (role != CPD_ROLE_ANCHOR && !check_purpose (search, certificate))
          || !check_profile (search, certificate, role))
        return;
    }
  if (check_with_gnutls (search) && check_names (search) && check_stapled (search))
    keep_path (search);
}

static gboolean
is_on_path (Search *search, CpdCertificate *certificate)
{
  for (unsigned int i = 0; i < search->tip_to_leaf->len; i++)
    if (cpd_certificate_equal (search->tip_to_leaf->pdata[i], certificate))
      return TRUE;
  return FALSE;
}

/* Whether the tip, behind the server's certificate, is a self-signed one, and this another with its
 * name and key: every path through both has a shorter one through this one alone. */
static gboolean
is_twin (Search *search, CpdCertificate *tip, CpdCertificate *issuer)
{
  CpdSlice subject = cpd_certificate_get_raw_subject (tip);
  CpdSlice other = cpd_certificate_get_raw_subject (issuer);

  return search->tip_to_leaf->len > 1 && subject.length == other.length
         && memcmp (subject.data, other.data, subject.length) == 0
         && certpin_key_equal (cpd_certificate_get_key (tip), cpd_certificate_get_key (issuer));
}

/* Whether the issuer's name matches, and the path does not form a circle. */
static gboolean
is_candidate (Search *search, CpdCertificate *tip, CpdCertificate *issuer)
{
  CpdSlice wanted = cpd_certificate_get_raw_issuer (tip);
  CpdSlice subject = cpd_certificate_get_raw_subject (issuer);

  return wanted.length == subject.length && memcmp (wanted.data, subject.data, wanted.length) == 0
         && !is_on_path (search, issuer) && !is_twin (search, tip, issuer);
}

static gboolean
links_to (Search *search, CpdCertificate *tip, CpdCertificate *issuer)
{
  if (!is_candidate (search, tip, issuer) || search->signatures_left == 0)
    return FALSE;
  /* Such a key would take too long, so its signatures are never verified. */
  if (cpd_certificate_get_rsa_bits (issuer) > RSA_BITS_MAX)
    {
      search->oversized = issuer;
      return FALSE;
    }
  search->signatures_left--;
  return cpd_certificate_is_signed_by (tip, issuer) && check_key (search, issuer);
}

/* Whether there is a candidate for the next certificate of the path. */
static gboolean
has_candidate (Search *search, CpdCertificate *tip, GPtrArray *anchors)
{
  for (unsigned int i = 0; i < anchors->len; i++)
    if (is_candidate (search, tip, anchors->pdata[i]))
      return TRUE;
  for (unsigned int i = 1; i < search->chain->len; i++)
    if (is_candidate (search, tip, search->chain->pdata[i]))
      return TRUE;
  return FALSE;
}

/* Takes the path one certificate further. */
static void
step (Search *search, CpdCertificate *certificate, void (*next) (Search *search))
{
  g_ptr_array_add (search->tip_to_leaf, certificate);
  next (search);
  g_ptr_array_set_size (search->tip_to_leaf, (int)search->tip_to_leaf->len - 1);
}

/* Continues from the last certificate of the path: first to anchors, then to presented
 * certificates, and last beyond those anchors: an anchor that another authority issued must not
 * hide the path to that authority, whose key may be the pinned one. */
static void
extend (Search *search)
{
  CpdCertificate *tip = search->tip_to_leaf->pdata[search->tip_to_leaf->len - 1];
  g_autoptr (GPtrArray) anchors = NULL;

  if (search->result->paths->len >= PATHS_MAX)
    return;
  anchors = cpd_anchors_find (search->anchors, cpd_certificate_get_raw_issuer (tip));
  if (search->tip_to_leaf->len >= DEPTH_MAX)
    {
      search->too_long |= has_candidate (search, tip, anchors);
      return;
    }
  for (unsigned int i = 0; i < anchors->len;)
    if (links_to (search, tip, anchors->pdata[i]))
      step (search, anchors->pdata[i++], judge_path);
    else
      g_ptr_array_remove_index (anchors, i);
  for (unsigned int i = 1; i < search->chain->len; i++)
    if (!cpd_anchors_contain (search->anchors, search->chain->pdata[i])
        && links_to (search, tip, search->chain->pdata[i]))
      step (search, search->chain->pdata[i], extend);
  for (unsigned int i = 0; i < anchors->len; i++)
    step (search, anchors->pdata[i], extend);
}

static void
explain_no_path (Search *search, CpdCertificate *leaf)
{
  g_autofree char *issuer = cpd_certificate_dup_issuer (leaf);

  if (search->oversized != NULL)
    check_key (search, search->oversized);
  else if (cpd_certificate_is_self_signed (leaf))
    fail (search->result, CPD_PROBLEM_SELF_SIGNED, "the server's certificate is self-signed");
  else if (search->signatures_left == 0)
    fail (search->result, CPD_PROBLEM_UNKNOWN_ISSUER,
          "no trusted authority was found for the server's certificate, issued by ‘%s’, before the "
          "limit of signature checks was reached",
          issuer);
  else if (search->too_long)
    fail (search->result, CPD_PROBLEM_LENGTH,
          "the certification path has more than %d certificates, which is the limit", DEPTH_MAX);
  else
    fail (search->result, CPD_PROBLEM_UNKNOWN_ISSUER,
          "no trusted authority was found for the server's certificate, issued by ‘%s’", issuer);
}

/* A server's certificate is its own anchor only if it is self-signed: one with another issuer needs
 * a path to that issuer, even if it is in the list of anchors. */
static gboolean
is_its_own_anchor (CpdAnchors *anchors, CpdCertificate *leaf)
{
  return cpd_anchors_contain (anchors, leaf) && cpd_certificate_is_self_signed (leaf);
}

/* Judges a chain of CpdCertificate, as presented, the server's own first. No clock, no disk, no
 * network.
 * Returns: (transfer full): every valid path that was found within the bound of work */
CpdValidation *
cpd_trust_validate (CpdAnchors *anchors, GPtrArray *chain, const CpdTrustQuestion *question)
{
  g_autoptr (CpdValidation) result = validation_new (anchors);
  g_autoptr (GPtrArray) path = g_ptr_array_new ();
  Search search = { .anchors = anchors,
                    .chain = chain,
                    .question = question,
                    .tip_to_leaf = path,
                    .signatures_left = SIGNATURES_MAX,
                    .result = result };

  if (question->stapled != NULL)
    result->ocsp.status = CPD_OCSP_UNCHECKED;
  result->now = question->now;
  if (chain->len == 0)
    {
      fail (result, CPD_PROBLEM_MALFORMED,
            "the server presented no readable certificate of its own");
      return g_steal_pointer (&result);
    }
  if (chain->len > CPD_TRUST_PRESENTED_MAX)
    {
      fail (result, CPD_PROBLEM_MALFORMED,
            "the server presented %u certificates; at most %u are allowed", chain->len,
            CPD_TRUST_PRESENTED_MAX);
      return g_steal_pointer (&result);
    }

  if (question->now < question->earliest)
    {
      fail (result, CPD_PROBLEM_CLOCK,
            "this machine's clock shows a time before the release of this certpin; set the clock");
      return g_steal_pointer (&result);
    }

  g_ptr_array_add (path, chain->pdata[0]);
  if (is_its_own_anchor (anchors, chain->pdata[0]))
    judge_path (&search);
  extend (&search);
  if (result->paths->len == 0)
    {
      explain_no_path (&search, chain->pdata[0]);
      return g_steal_pointer (&result);
    }
  /* The problems of other paths do not matter. */
  result->problem = CPD_PROBLEM_NONE;
  g_clear_pointer (&result->detail, g_free);
  return g_steal_pointer (&result);
}

CpdValidation *
cpd_validation_ref (CpdValidation *validation)
{
  return g_atomic_rc_box_acquire (validation);
}

static void
validation_clear (gpointer data)
{
  CpdValidation *validation = data;

  cpd_anchors_unref (validation->anchors);
  g_ptr_array_unref (validation->paths);
  g_free (validation->detail);
}

void
cpd_validation_unref (CpdValidation *validation)
{
  if (validation != NULL)
    g_atomic_rc_box_release_full (validation, validation_clear);
}

/* Returns: (transfer none): a word for programs, as in the `reason` of LastFailure */
const char *
cpd_problem_get_name (CpdProblem problem)
{
  static const char *const names[]
      = { "none",        "malformed",     "unknown-issuer", "self-signed",  "name",
          "expired",     "not-yet-valid", "clock",          "purpose",      "weak",
          "constraints", "too-long",      "revoked",        "ocsp-required" };

  return names[problem];
}
