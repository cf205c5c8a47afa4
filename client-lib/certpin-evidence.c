/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a reply says of the check that the server passed. */

#include "config.h"

#include "certpin-evidence.h"

#include "certpin-record-private.h"

struct _CertpinEvidence
{
  CertpinRecord parent;
};

enum
{
  PROP_URL = CERTPIN_RECORD_FIRST,
  PROP_HTTP_VERSION,
  PROP_TLS_VERSION,
  PROP_TLS_CIPHER,
  PROP_ALPN,
  PROP_MATCHED_KEY,
  PROP_MATCHED_POSITION,
  PROP_PATH_KEYS,
  PROP_CONNECTION_REUSED,
  PROP_GENERATION,
  PROP_REDIRECTS,
  PROP_BODY_BYTES,
  PROP_OCSP,
  PROP_WARNINGS,
  PROP_REPORT,
  PROP_PAUSED_UNTIL,
  PROP_PROXY,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (CertpinEvidence, certpin_evidence, CERTPIN_TYPE_RECORD)

static void
make_properties_1 (void)
{
  /**
   * CertpinEvidence:url:
   *
   * The URL of the response, after all redirects; %NULL for a connection.
   *
   * Since: 0.1
   */
  props[PROP_URL] = g_param_spec_string ("url", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinEvidence:http-version:
   *
   * The version of HTTP, `1.1`; %NULL for a connection.
   *
   * Since: 0.1
   */
  props[PROP_HTTP_VERSION]
      = g_param_spec_string ("http-version", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinEvidence:tls-version:
   *
   * The version of TLS, `1.2` or `1.3`.
   *
   * Since: 0.1
   */
  props[PROP_TLS_VERSION]
      = g_param_spec_string ("tls-version", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinEvidence:tls-cipher:
   *
   * The cipher suite.
   *
   * Since: 0.1
   */
  props[PROP_TLS_CIPHER]
      = g_param_spec_string ("tls-cipher", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinEvidence:alpn:
   *
   * The application protocol that the server of a connection chose; empty if none; %NULL for a
   * request.
   *
   * Since: 0.1
   */
  props[PROP_ALPN] = g_param_spec_string ("alpn", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);
}

static void
make_properties_2 (void)
{
  /**
   * CertpinEvidence:matched-key:
   *
   * The pinned key that the server proved; %NULL if none matched and the pin only reports.
   *
   * Since: 0.1
   */
  props[PROP_MATCHED_KEY]
      = g_param_spec_string ("matched-key", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinEvidence:matched-position:
   *
   * The place of that key on the path; 0 is the server's own certificate, or that no key matched.
   *
   * Since: 0.1
   */
  props[PROP_MATCHED_POSITION]
      = g_param_spec_uint ("matched-position", NULL, NULL, 0, G_MAXUINT, 0, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinEvidence:path-keys:
   *
   * The keys of the validated path, the server's own first and the trust anchor last.
   *
   * Since: 0.1
   */
  props[PROP_PATH_KEYS]
      = g_param_spec_boxed ("path-keys", NULL, NULL, G_TYPE_STRV, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinEvidence:connection-reused:
   *
   * Whether the request went over a connection that was open before.
   *
   * Since: 0.1
   */
  props[PROP_CONNECTION_REUSED]
      = g_param_spec_boolean ("connection-reused", NULL, NULL, FALSE, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinEvidence:generation:
   *
   * The #CertpinPin:generation of the pins that were checked.
   *
   * Since: 0.1
   */
  props[PROP_GENERATION]
      = g_param_spec_uint64 ("generation", NULL, NULL, 0, G_MAXUINT64, 0, CERTPIN_RECORD_FLAGS);
}

static void
make_properties_3 (void)
{
  /**
   * CertpinEvidence:redirects:
   *
   * How many redirects were followed.
   *
   * Since: 0.1
   */
  props[PROP_REDIRECTS]
      = g_param_spec_uint ("redirects", NULL, NULL, 0, G_MAXUINT, 0, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinEvidence:body-bytes:
   *
   * The size of the body; 0 if it comes by a stream.
   *
   * Since: 0.1
   */
  props[PROP_BODY_BYTES]
      = g_param_spec_uint64 ("body-bytes", NULL, NULL, 0, G_MAXUINT64, 0, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinEvidence:ocsp:
   *
   * What the OCSP response said that the server stapled: `none`, `good`, `revoked`, `unknown`,
   * `stale`, `invalid` or `unchecked`.
   *
   * Since: 0.1
   */
  props[PROP_OCSP] = g_param_spec_string ("ocsp", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinEvidence:warnings:
   *
   * Urgent warnings about the pins, for somebody who can act.
   *
   * Since: 0.1
   */
  props[PROP_WARNINGS]
      = g_param_spec_boxed ("warnings", NULL, NULL, G_TYPE_STRV, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinEvidence:report:
   *
   * What a pin that only reports did not like; %NULL: everything matched.
   *
   * Since: 0.1
   */
  props[PROP_REPORT]
      = g_param_spec_object ("report", NULL, NULL, CERTPIN_TYPE_FAILURE, CERTPIN_RECORD_FLAGS);
}

static void
make_properties_4 (void)
{
  /**
   * CertpinEvidence:paused-until:
   *
   * Until when a pin of the host is paused; %NULL: none is.
   *
   * Since: 0.1
   */
  props[PROP_PAUSED_UNTIL]
      = g_param_spec_boxed ("paused-until", NULL, NULL, G_TYPE_DATE_TIME, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinEvidence:proxy:
   *
   * The URL of the proxy that was used; %NULL: none.
   *
   * Since: 0.1
   */
  props[PROP_PROXY] = g_param_spec_string ("proxy", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);
}

static void
certpin_evidence_class_init (CertpinEvidenceClass *klass)
{
  make_properties_1 ();
  make_properties_2 ();
  make_properties_3 ();
  make_properties_4 ();
  certpin_record_class_install (G_OBJECT_CLASS (klass), props, N_PROPS);
}

static void
certpin_evidence_init (CertpinEvidence *self)
{
}

/**
 * certpin_evidence_new:
 * @info: an `a{sv}`: the `info` of `org.certpin.Certpin1.Requests.SecureRequest` or
 *   `org.certpin.Certpin1.Requests.OpenConnection`; consumed if floating
 *
 * Reads what the service says. What it does not say is %NULL, empty, 0 or %FALSE, and so is an
 * entry of another type than expected.
 *
 * Returns: (transfer full): a new #CertpinEvidence
 *
 * Since: 0.1
 */
CertpinEvidence *
certpin_evidence_new (GVariant *info)
{
  g_return_val_if_fail (info != NULL && g_variant_is_of_type (info, G_VARIANT_TYPE_VARDICT), NULL);

  return g_object_new (CERTPIN_TYPE_EVIDENCE, "description", info, NULL);
}

/**
 * certpin_evidence_get_url:
 * @evidence: a #CertpinEvidence
 *
 * Gets #CertpinEvidence:url.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_evidence_get_url (CertpinEvidence *evidence)
{
  g_return_val_if_fail (CERTPIN_IS_EVIDENCE (evidence), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (evidence), PROP_URL));
}

/**
 * certpin_evidence_get_http_version:
 * @evidence: a #CertpinEvidence
 *
 * Gets #CertpinEvidence:http-version.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_evidence_get_http_version (CertpinEvidence *evidence)
{
  g_return_val_if_fail (CERTPIN_IS_EVIDENCE (evidence), NULL);

  return g_value_get_string (
      certpin_record_get_value (CERTPIN_RECORD (evidence), PROP_HTTP_VERSION));
}

/**
 * certpin_evidence_get_tls_version:
 * @evidence: a #CertpinEvidence
 *
 * Gets #CertpinEvidence:tls-version.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_evidence_get_tls_version (CertpinEvidence *evidence)
{
  g_return_val_if_fail (CERTPIN_IS_EVIDENCE (evidence), NULL);

  return g_value_get_string (
      certpin_record_get_value (CERTPIN_RECORD (evidence), PROP_TLS_VERSION));
}

/**
 * certpin_evidence_get_tls_cipher:
 * @evidence: a #CertpinEvidence
 *
 * Gets #CertpinEvidence:tls-cipher.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_evidence_get_tls_cipher (CertpinEvidence *evidence)
{
  g_return_val_if_fail (CERTPIN_IS_EVIDENCE (evidence), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (evidence), PROP_TLS_CIPHER));
}

/**
 * certpin_evidence_get_alpn:
 * @evidence: a #CertpinEvidence
 *
 * Gets #CertpinEvidence:alpn.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_evidence_get_alpn (CertpinEvidence *evidence)
{
  g_return_val_if_fail (CERTPIN_IS_EVIDENCE (evidence), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (evidence), PROP_ALPN));
}

/**
 * certpin_evidence_get_matched_key:
 * @evidence: a #CertpinEvidence
 *
 * Gets #CertpinEvidence:matched-key.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_evidence_get_matched_key (CertpinEvidence *evidence)
{
  g_return_val_if_fail (CERTPIN_IS_EVIDENCE (evidence), NULL);

  return g_value_get_string (
      certpin_record_get_value (CERTPIN_RECORD (evidence), PROP_MATCHED_KEY));
}

/**
 * certpin_evidence_get_matched_position:
 * @evidence: a #CertpinEvidence
 *
 * Gets #CertpinEvidence:matched-position.
 *
 * Returns: the number; 0 if there is none
 *
 * Since: 0.1
 */
unsigned int
certpin_evidence_get_matched_position (CertpinEvidence *evidence)
{
  g_return_val_if_fail (CERTPIN_IS_EVIDENCE (evidence), 0);

  return g_value_get_uint (
      certpin_record_get_value (CERTPIN_RECORD (evidence), PROP_MATCHED_POSITION));
}

/**
 * certpin_evidence_get_path_keys:
 * @evidence: a #CertpinEvidence
 *
 * Gets #CertpinEvidence:path-keys.
 *
 * Returns: (transfer none): the texts, up to %NULL; empty if there are none
 *
 * Since: 0.1
 */
const char *const *
certpin_evidence_get_path_keys (CertpinEvidence *evidence)
{
  g_return_val_if_fail (CERTPIN_IS_EVIDENCE (evidence), NULL);

  return g_value_get_boxed (certpin_record_get_value (CERTPIN_RECORD (evidence), PROP_PATH_KEYS));
}

/**
 * certpin_evidence_get_connection_reused:
 * @evidence: a #CertpinEvidence
 *
 * Gets #CertpinEvidence:connection-reused.
 *
 * Returns: whether it is so
 *
 * Since: 0.1
 */
gboolean
certpin_evidence_get_connection_reused (CertpinEvidence *evidence)
{
  g_return_val_if_fail (CERTPIN_IS_EVIDENCE (evidence), FALSE);

  return g_value_get_boolean (
      certpin_record_get_value (CERTPIN_RECORD (evidence), PROP_CONNECTION_REUSED));
}

/**
 * certpin_evidence_get_generation:
 * @evidence: a #CertpinEvidence
 *
 * Gets #CertpinEvidence:generation.
 *
 * Returns: the number; 0 if there is none
 *
 * Since: 0.1
 */
guint64
certpin_evidence_get_generation (CertpinEvidence *evidence)
{
  g_return_val_if_fail (CERTPIN_IS_EVIDENCE (evidence), 0);

  return g_value_get_uint64 (certpin_record_get_value (CERTPIN_RECORD (evidence), PROP_GENERATION));
}

/**
 * certpin_evidence_get_redirects:
 * @evidence: a #CertpinEvidence
 *
 * Gets #CertpinEvidence:redirects.
 *
 * Returns: the number; 0 if there is none
 *
 * Since: 0.1
 */
unsigned int
certpin_evidence_get_redirects (CertpinEvidence *evidence)
{
  g_return_val_if_fail (CERTPIN_IS_EVIDENCE (evidence), 0);

  return g_value_get_uint (certpin_record_get_value (CERTPIN_RECORD (evidence), PROP_REDIRECTS));
}

/**
 * certpin_evidence_get_body_bytes:
 * @evidence: a #CertpinEvidence
 *
 * Gets #CertpinEvidence:body-bytes.
 *
 * Returns: the number; 0 if there is none
 *
 * Since: 0.1
 */
guint64
certpin_evidence_get_body_bytes (CertpinEvidence *evidence)
{
  g_return_val_if_fail (CERTPIN_IS_EVIDENCE (evidence), 0);

  return g_value_get_uint64 (certpin_record_get_value (CERTPIN_RECORD (evidence), PROP_BODY_BYTES));
}

/**
 * certpin_evidence_get_ocsp:
 * @evidence: a #CertpinEvidence
 *
 * Gets #CertpinEvidence:ocsp.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_evidence_get_ocsp (CertpinEvidence *evidence)
{
  g_return_val_if_fail (CERTPIN_IS_EVIDENCE (evidence), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (evidence), PROP_OCSP));
}

/**
 * certpin_evidence_get_warnings:
 * @evidence: a #CertpinEvidence
 *
 * Gets #CertpinEvidence:warnings.
 *
 * Returns: (transfer none): the texts, up to %NULL; empty if there are none
 *
 * Since: 0.1
 */
const char *const *
certpin_evidence_get_warnings (CertpinEvidence *evidence)
{
  g_return_val_if_fail (CERTPIN_IS_EVIDENCE (evidence), NULL);

  return g_value_get_boxed (certpin_record_get_value (CERTPIN_RECORD (evidence), PROP_WARNINGS));
}

/**
 * certpin_evidence_get_report:
 * @evidence: a #CertpinEvidence
 *
 * Gets #CertpinEvidence:report.
 *
 * Returns: (transfer none) (nullable): the value, or %NULL if there is none
 *
 * Since: 0.1
 */
CertpinFailure *
certpin_evidence_get_report (CertpinEvidence *evidence)
{
  g_return_val_if_fail (CERTPIN_IS_EVIDENCE (evidence), NULL);

  return g_value_get_object (certpin_record_get_value (CERTPIN_RECORD (evidence), PROP_REPORT));
}

/**
 * certpin_evidence_get_paused_until:
 * @evidence: a #CertpinEvidence
 *
 * Gets #CertpinEvidence:paused-until.
 *
 * Returns: (transfer none) (nullable): the time, in UTC, or %NULL if there is none
 *
 * Since: 0.1
 */
GDateTime *
certpin_evidence_get_paused_until (CertpinEvidence *evidence)
{
  g_return_val_if_fail (CERTPIN_IS_EVIDENCE (evidence), NULL);

  return g_value_get_boxed (
      certpin_record_get_value (CERTPIN_RECORD (evidence), PROP_PAUSED_UNTIL));
}

/**
 * certpin_evidence_get_proxy:
 * @evidence: a #CertpinEvidence
 *
 * Gets #CertpinEvidence:proxy.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_evidence_get_proxy (CertpinEvidence *evidence)
{
  g_return_val_if_fail (CERTPIN_IS_EVIDENCE (evidence), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (evidence), PROP_PROXY));
}

/**
 * certpin_evidence_get_timing_us:
 * @evidence: a #CertpinEvidence
 * @step: `queue`, `resolve`, `connect`, `tls`, `first-byte` or `total`
 *
 * Gets how long a step of a request took.
 *
 * Returns: microseconds; 0 if the step was not needed, or is not known
 *
 * Since: 0.1
 */
guint64
certpin_evidence_get_timing_us (CertpinEvidence *evidence, const char *step)
{
  g_autoptr (GVariant) timings = NULL;
  guint64 us = 0;

  g_return_val_if_fail (CERTPIN_IS_EVIDENCE (evidence), 0);
  g_return_val_if_fail (step != NULL, 0);

  timings = g_variant_lookup_value (certpin_record_get_description (CERTPIN_RECORD (evidence)),
                                    "timings", G_VARIANT_TYPE ("a{st}"));
  if (timings != NULL)
    g_variant_lookup (timings, step, "t", &us);
  return us;
}
