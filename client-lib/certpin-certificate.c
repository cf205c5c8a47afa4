/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the service reads in one certificate. It is for people: nothing vouches for it. */

#include "config.h"

#include "certpin-certificate.h"

#include "certpin-record-private.h"

struct _CertpinCertificate
{
  CertpinRecord parent;
};

enum
{
  PROP_SUBJECT = CERTPIN_RECORD_FIRST,
  PROP_ISSUER,
  PROP_KEY,
  PROP_NOT_BEFORE,
  PROP_NOT_AFTER,
  PROP_TIME,
  PROP_FAULT,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (CertpinCertificate, certpin_certificate, CERTPIN_TYPE_RECORD)

static void
make_properties_1 (void)
{
  /**
   * CertpinCertificate:subject:
   *
   * The subject; %NULL if the certificate cannot be parsed.
   *
   * Since: 0.1
   */
  props[PROP_SUBJECT] = g_param_spec_string ("subject", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinCertificate:issuer:
   *
   * The issuer; %NULL if the certificate cannot be parsed.
   *
   * Since: 0.1
   */
  props[PROP_ISSUER] = g_param_spec_string ("issuer", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinCertificate:key:
   *
   * The key, as `sha256/BASE64`; %NULL if the certificate cannot be parsed, or the service does not
   * say.
   *
   * Since: 0.1
   */
  props[PROP_KEY] = g_param_spec_string ("key", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinCertificate:not-before:
   *
   * From when it is valid; %NULL if the service does not say.
   *
   * Since: 0.1
   */
  props[PROP_NOT_BEFORE]
      = g_param_spec_boxed ("not-before", NULL, NULL, G_TYPE_DATE_TIME, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinCertificate:not-after:
   *
   * Until when it is valid; %NULL if the certificate cannot be parsed.
   *
   * Since: 0.1
   */
  props[PROP_NOT_AFTER]
      = g_param_spec_boxed ("not-after", NULL, NULL, G_TYPE_DATE_TIME, CERTPIN_RECORD_FLAGS);
}

static void
make_properties_2 (void)
{
  /**
   * CertpinCertificate:time:
   *
   * When a server had it; %NULL for a certificate of a #CertpinChain.
   *
   * Since: 0.1
   */
  props[PROP_TIME]
      = g_param_spec_boxed ("time", NULL, NULL, G_TYPE_DATE_TIME, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinCertificate:fault:
   *
   * Why the certificate cannot be parsed, in one sentence; %NULL if it can.
   *
   * Since: 0.1
   */
  props[PROP_FAULT] = g_param_spec_string ("fault", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);
}

static void
certpin_certificate_class_init (CertpinCertificateClass *klass)
{
  make_properties_1 ();
  make_properties_2 ();
  certpin_record_class_install (G_OBJECT_CLASS (klass), props, N_PROPS);
}

static void
certpin_certificate_init (CertpinCertificate *self)
{
}

/**
 * certpin_certificate_new:
 * @description: an `a{sv}`: an element of the entry `certificates` of FetchChain, or the entry
 *   `served` of a pin; consumed if floating
 *
 * Reads what the service says. What it does not say is %NULL, empty, 0 or %FALSE, and so is an
 * entry of another type than expected.
 *
 * Returns: (transfer full): a new #CertpinCertificate
 *
 * Since: 0.1
 */
CertpinCertificate *
certpin_certificate_new (GVariant *description)
{
  g_return_val_if_fail (
      description != NULL && g_variant_is_of_type (description, G_VARIANT_TYPE_VARDICT), NULL);

  return g_object_new (CERTPIN_TYPE_CERTIFICATE, "description", description, NULL);
}

/**
 * certpin_certificate_get_subject:
 * @certificate: a #CertpinCertificate
 *
 * Gets #CertpinCertificate:subject.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_certificate_get_subject (CertpinCertificate *certificate)
{
  g_return_val_if_fail (CERTPIN_IS_CERTIFICATE (certificate), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (certificate), PROP_SUBJECT));
}

/**
 * certpin_certificate_get_issuer:
 * @certificate: a #CertpinCertificate
 *
 * Gets #CertpinCertificate:issuer.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_certificate_get_issuer (CertpinCertificate *certificate)
{
  g_return_val_if_fail (CERTPIN_IS_CERTIFICATE (certificate), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (certificate), PROP_ISSUER));
}

/**
 * certpin_certificate_get_key:
 * @certificate: a #CertpinCertificate
 *
 * Gets #CertpinCertificate:key.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_certificate_get_key (CertpinCertificate *certificate)
{
  g_return_val_if_fail (CERTPIN_IS_CERTIFICATE (certificate), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (certificate), PROP_KEY));
}

/**
 * certpin_certificate_get_not_before:
 * @certificate: a #CertpinCertificate
 *
 * Gets #CertpinCertificate:not-before.
 *
 * Returns: (transfer none) (nullable): the time, in UTC, or %NULL if there is none
 *
 * Since: 0.1
 */
GDateTime *
certpin_certificate_get_not_before (CertpinCertificate *certificate)
{
  g_return_val_if_fail (CERTPIN_IS_CERTIFICATE (certificate), NULL);

  return g_value_get_boxed (
      certpin_record_get_value (CERTPIN_RECORD (certificate), PROP_NOT_BEFORE));
}

/**
 * certpin_certificate_get_not_after:
 * @certificate: a #CertpinCertificate
 *
 * Gets #CertpinCertificate:not-after.
 *
 * Returns: (transfer none) (nullable): the time, in UTC, or %NULL if there is none
 *
 * Since: 0.1
 */
GDateTime *
certpin_certificate_get_not_after (CertpinCertificate *certificate)
{
  g_return_val_if_fail (CERTPIN_IS_CERTIFICATE (certificate), NULL);

  return g_value_get_boxed (
      certpin_record_get_value (CERTPIN_RECORD (certificate), PROP_NOT_AFTER));
}

/**
 * certpin_certificate_get_time:
 * @certificate: a #CertpinCertificate
 *
 * Gets #CertpinCertificate:time.
 *
 * Returns: (transfer none) (nullable): the time, in UTC, or %NULL if there is none
 *
 * Since: 0.1
 */
GDateTime *
certpin_certificate_get_time (CertpinCertificate *certificate)
{
  g_return_val_if_fail (CERTPIN_IS_CERTIFICATE (certificate), NULL);

  return g_value_get_boxed (certpin_record_get_value (CERTPIN_RECORD (certificate), PROP_TIME));
}

/**
 * certpin_certificate_get_fault:
 * @certificate: a #CertpinCertificate
 *
 * Gets #CertpinCertificate:fault.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_certificate_get_fault (CertpinCertificate *certificate)
{
  g_return_val_if_fail (CERTPIN_IS_CERTIFICATE (certificate), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (certificate), PROP_FAULT));
}
