/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Why a request was refused, or would have been if its pin did not only report. */

#include "config.h"

#include "certpin-failure.h"

#include "certpin-record-private.h"

struct _CertpinFailure
{
  CertpinRecord parent;
};

enum
{
  PROP_ERROR = CERTPIN_RECORD_FIRST,
  PROP_MESSAGE,
  PROP_REASON,
  PROP_OFFERED_KEYS,
  PROP_PINNED_KEYS,
  PROP_SUBJECT,
  PROP_ISSUER,
  PROP_OCSP,
  PROP_LIKELY_CAUSE,
  PROP_ADVICE,
  PROP_HOST,
  PROP_SCOPE,
  PROP_MODE,
  PROP_TIME,
  PROP_REQUESTED_BY,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (CertpinFailure, certpin_failure, CERTPIN_TYPE_RECORD)

static void
make_properties_1 (void)
{
  /**
   * CertpinFailure:error:
   *
   * The name of the error of the request, as certpin_error_get_name() gives it.
   *
   * Since: 0.1
   */
  props[PROP_ERROR] = g_param_spec_string ("error", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinFailure:message:
   *
   * The message of that error, one sentence.
   *
   * Since: 0.1
   */
  props[PROP_MESSAGE] = g_param_spec_string ("message", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinFailure:reason:
   *
   * One of the words that `org.certpin.Certpin1.Pins.LastFailure` lists, such as `key-rotated`.
   *
   * Since: 0.1
   */
  props[PROP_REASON] = g_param_spec_string ("reason", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinFailure:offered-keys:
   *
   * The keys of the certificates that the server presented, its own first.
   *
   * Since: 0.1
   */
  props[PROP_OFFERED_KEYS]
      = g_param_spec_boxed ("offered-keys", NULL, NULL, G_TYPE_STRV, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinFailure:pinned-keys:
   *
   * The keys that would have passed.
   *
   * Since: 0.1
   */
  props[PROP_PINNED_KEYS]
      = g_param_spec_boxed ("pinned-keys", NULL, NULL, G_TYPE_STRV, CERTPIN_RECORD_FLAGS);
}

static void
make_properties_2 (void)
{
  /**
   * CertpinFailure:subject:
   *
   * The subject of the server's certificate; %NULL if there was none.
   *
   * Since: 0.1
   */
  props[PROP_SUBJECT] = g_param_spec_string ("subject", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinFailure:issuer:
   *
   * The issuer of the server's certificate; %NULL if there was none.
   *
   * Since: 0.1
   */
  props[PROP_ISSUER] = g_param_spec_string ("issuer", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinFailure:ocsp:
   *
   * What the stapled OCSP response said, as #CertpinEvidence:ocsp; %NULL if no server was asked.
   *
   * Since: 0.1
   */
  props[PROP_OCSP] = g_param_spec_string ("ocsp", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinFailure:likely-cause:
   *
   * What most likely happened, in one sentence.
   *
   * Since: 0.1
   */
  props[PROP_LIKELY_CAUSE]
      = g_param_spec_string ("likely-cause", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinFailure:advice:
   *
   * What to do about it, in one sentence.
   *
   * Since: 0.1
   */
  props[PROP_ADVICE] = g_param_spec_string ("advice", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);
}

static void
make_properties_3 (void)
{
  /**
   * CertpinFailure:host:
   *
   * The host of the request.
   *
   * Since: 0.1
   */
  props[PROP_HOST] = g_param_spec_string ("host", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinFailure:scope:
   *
   * The scope of the pin that refused.
   *
   * Since: 0.1
   */
  props[PROP_SCOPE] = g_param_spec_enum ("scope", NULL, NULL, CERTPIN_TYPE_SCOPE,
                                         CERTPIN_SCOPE_UNKNOWN, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinFailure:mode:
   *
   * `report` if the request was sent all the same, and `enforce` if it was refused; only
   * #CertpinClient::pin-failed tells.
   *
   * Since: 0.1
   */
  props[PROP_MODE] = g_param_spec_enum ("mode", NULL, NULL, CERTPIN_TYPE_MODE, CERTPIN_MODE_UNKNOWN,
                                        CERTPIN_RECORD_FLAGS);

  /**
   * CertpinFailure:time:
   *
   * When it happened.
   *
   * Since: 0.1
   */
  props[PROP_TIME]
      = g_param_spec_boxed ("time", NULL, NULL, G_TYPE_DATE_TIME, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinFailure:requested-by:
   *
   * The program that made the request, and its uid; %NULL: not known.
   *
   * Since: 0.1
   */
  props[PROP_REQUESTED_BY]
      = g_param_spec_string ("requested-by", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);
}

static void
certpin_failure_class_init (CertpinFailureClass *klass)
{
  make_properties_1 ();
  make_properties_2 ();
  make_properties_3 ();
  certpin_record_class_install (G_OBJECT_CLASS (klass), props, N_PROPS);
}

static void
certpin_failure_init (CertpinFailure *self)
{
}

/**
 * certpin_failure_new:
 * @description: an `a{sv}`: the `failure` of `org.certpin.Certpin1.Pins.LastFailure`; consumed if
 *   floating
 *
 * Reads what the service says. What it does not say is %NULL, empty, 0 or %FALSE, and so is an
 * entry of another type than expected; words that this version of the library does not know are the
 * member `UNKNOWN` of their enumeration.
 *
 * Returns: (transfer full): a new #CertpinFailure
 *
 * Since: 0.1
 */
CertpinFailure *
certpin_failure_new (GVariant *description)
{
  g_return_val_if_fail (
      description != NULL && g_variant_is_of_type (description, G_VARIANT_TYPE_VARDICT), NULL);

  return g_object_new (CERTPIN_TYPE_FAILURE, "description", description, NULL);
}

/**
 * certpin_failure_get_error:
 * @failure: a #CertpinFailure
 *
 * Gets #CertpinFailure:error.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_failure_get_error (CertpinFailure *failure)
{
  g_return_val_if_fail (CERTPIN_IS_FAILURE (failure), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (failure), PROP_ERROR));
}

/**
 * certpin_failure_get_message:
 * @failure: a #CertpinFailure
 *
 * Gets #CertpinFailure:message.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_failure_get_message (CertpinFailure *failure)
{
  g_return_val_if_fail (CERTPIN_IS_FAILURE (failure), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (failure), PROP_MESSAGE));
}

/**
 * certpin_failure_get_reason:
 * @failure: a #CertpinFailure
 *
 * Gets #CertpinFailure:reason.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_failure_get_reason (CertpinFailure *failure)
{
  g_return_val_if_fail (CERTPIN_IS_FAILURE (failure), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (failure), PROP_REASON));
}

/**
 * certpin_failure_get_offered_keys:
 * @failure: a #CertpinFailure
 *
 * Gets #CertpinFailure:offered-keys.
 *
 * Returns: (transfer none): the texts, up to %NULL; empty if there are none
 *
 * Since: 0.1
 */
const char *const *
certpin_failure_get_offered_keys (CertpinFailure *failure)
{
  g_return_val_if_fail (CERTPIN_IS_FAILURE (failure), NULL);

  return g_value_get_boxed (certpin_record_get_value (CERTPIN_RECORD (failure), PROP_OFFERED_KEYS));
}

/**
 * certpin_failure_get_pinned_keys:
 * @failure: a #CertpinFailure
 *
 * Gets #CertpinFailure:pinned-keys.
 *
 * Returns: (transfer none): the texts, up to %NULL; empty if there are none
 *
 * Since: 0.1
 */
const char *const *
certpin_failure_get_pinned_keys (CertpinFailure *failure)
{
  g_return_val_if_fail (CERTPIN_IS_FAILURE (failure), NULL);

  return g_value_get_boxed (certpin_record_get_value (CERTPIN_RECORD (failure), PROP_PINNED_KEYS));
}

/**
 * certpin_failure_get_subject:
 * @failure: a #CertpinFailure
 *
 * Gets #CertpinFailure:subject.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_failure_get_subject (CertpinFailure *failure)
{
  g_return_val_if_fail (CERTPIN_IS_FAILURE (failure), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (failure), PROP_SUBJECT));
}

/**
 * certpin_failure_get_issuer:
 * @failure: a #CertpinFailure
 *
 * Gets #CertpinFailure:issuer.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_failure_get_issuer (CertpinFailure *failure)
{
  g_return_val_if_fail (CERTPIN_IS_FAILURE (failure), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (failure), PROP_ISSUER));
}

/**
 * certpin_failure_get_ocsp:
 * @failure: a #CertpinFailure
 *
 * Gets #CertpinFailure:ocsp.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_failure_get_ocsp (CertpinFailure *failure)
{
  g_return_val_if_fail (CERTPIN_IS_FAILURE (failure), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (failure), PROP_OCSP));
}

/**
 * certpin_failure_get_likely_cause:
 * @failure: a #CertpinFailure
 *
 * Gets #CertpinFailure:likely-cause.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_failure_get_likely_cause (CertpinFailure *failure)
{
  g_return_val_if_fail (CERTPIN_IS_FAILURE (failure), NULL);

  return g_value_get_string (
      certpin_record_get_value (CERTPIN_RECORD (failure), PROP_LIKELY_CAUSE));
}

/**
 * certpin_failure_get_advice:
 * @failure: a #CertpinFailure
 *
 * Gets #CertpinFailure:advice.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_failure_get_advice (CertpinFailure *failure)
{
  g_return_val_if_fail (CERTPIN_IS_FAILURE (failure), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (failure), PROP_ADVICE));
}

/**
 * certpin_failure_get_host:
 * @failure: a #CertpinFailure
 *
 * Gets #CertpinFailure:host.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_failure_get_host (CertpinFailure *failure)
{
  g_return_val_if_fail (CERTPIN_IS_FAILURE (failure), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (failure), PROP_HOST));
}

/**
 * certpin_failure_get_scope:
 * @failure: a #CertpinFailure
 *
 * Gets #CertpinFailure:scope.
 *
 * Returns: the member of the enumeration
 *
 * Since: 0.1
 */
CertpinScope
certpin_failure_get_scope (CertpinFailure *failure)
{
  g_return_val_if_fail (CERTPIN_IS_FAILURE (failure), CERTPIN_SCOPE_UNKNOWN);

  return (CertpinScope)g_value_get_enum (
      certpin_record_get_value (CERTPIN_RECORD (failure), PROP_SCOPE));
}

/**
 * certpin_failure_get_mode:
 * @failure: a #CertpinFailure
 *
 * Gets #CertpinFailure:mode.
 *
 * Returns: the member of the enumeration
 *
 * Since: 0.1
 */
CertpinMode
certpin_failure_get_mode (CertpinFailure *failure)
{
  g_return_val_if_fail (CERTPIN_IS_FAILURE (failure), CERTPIN_MODE_UNKNOWN);

  return (CertpinMode)g_value_get_enum (
      certpin_record_get_value (CERTPIN_RECORD (failure), PROP_MODE));
}

/**
 * certpin_failure_get_time:
 * @failure: a #CertpinFailure
 *
 * Gets #CertpinFailure:time.
 *
 * Returns: (transfer none) (nullable): the time, in UTC, or %NULL if there is none
 *
 * Since: 0.1
 */
GDateTime *
certpin_failure_get_time (CertpinFailure *failure)
{
  g_return_val_if_fail (CERTPIN_IS_FAILURE (failure), NULL);

  return g_value_get_boxed (certpin_record_get_value (CERTPIN_RECORD (failure), PROP_TIME));
}

/**
 * certpin_failure_get_requested_by:
 * @failure: a #CertpinFailure
 *
 * Gets #CertpinFailure:requested-by.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_failure_get_requested_by (CertpinFailure *failure)
{
  g_return_val_if_fail (CERTPIN_IS_FAILURE (failure), NULL);

  return g_value_get_string (
      certpin_record_get_value (CERTPIN_RECORD (failure), PROP_REQUESTED_BY));
}

/**
 * certpin_failure_get_code:
 * @failure: a #CertpinFailure
 *
 * Gets the code of #CertpinFailure:error.
 *
 * Returns: the code; `CERTPIN_ERROR_FAILED` if this version of the library does not know the name
 *
 * Since: 0.1
 */
CertpinError
certpin_failure_get_code (CertpinFailure *failure)
{
  const char *name;
  unsigned int code = 1;

  g_return_val_if_fail (CERTPIN_IS_FAILURE (failure), CERTPIN_ERROR_FAILED);

  name = certpin_failure_get_error (failure);
  /* Behind the last code, all numbers are called like the first. */
  while (!g_str_equal (certpin_error_get_name ((CertpinError)code),
                       certpin_error_get_name (CERTPIN_ERROR_FAILED)))
    {
      if (g_strcmp0 (certpin_error_get_name ((CertpinError)code), name) == 0)
        return (CertpinError)code;
      code++;
    }
  return CERTPIN_ERROR_FAILED;
}
