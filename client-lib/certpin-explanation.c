/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which pins apply to a host, and why. */

#include "config.h"

#include "certpin-explanation.h"

#include "certpin-pin.h"
#include "certpin-record-private.h"

struct _CertpinExplanation
{
  CertpinRecord parent;
};

enum
{
  PROP_HOST = CERTPIN_RECORD_FIRST,
  PROP_POLICY,
  PROP_PAUSED_UNTIL,
  PROP_PROXY,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (CertpinExplanation, certpin_explanation, CERTPIN_TYPE_RECORD)

static void
make_properties (void)
{
  /**
   * CertpinExplanation:host:
   *
   * The host, canonical, with its port.
   *
   * Since: 0.1
   */
  props[PROP_HOST] = g_param_spec_string ("host", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinExplanation:policy:
   *
   * What the pins mean for a request, in one sentence.
   *
   * Since: 0.1
   */
  props[PROP_POLICY] = g_param_spec_string ("policy", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinExplanation:paused-until:
   *
   * If a pin that applies is paused: until when. Of several pauses, the one that lasts longest;
   * %NULL: none is paused.
   *
   * Since: 0.1
   */
  props[PROP_PAUSED_UNTIL]
      = g_param_spec_boxed ("paused-until", NULL, NULL, G_TYPE_DATE_TIME, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinExplanation:proxy:
   *
   * The URL of the proxy that a request to the host takes, or `direct`.
   *
   * Since: 0.1
   */
  props[PROP_PROXY] = g_param_spec_string ("proxy", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);
}

static void
certpin_explanation_class_init (CertpinExplanationClass *klass)
{
  make_properties ();
  certpin_record_class_install (G_OBJECT_CLASS (klass), props, N_PROPS);
}

static void
certpin_explanation_init (CertpinExplanation *self)
{
}

/**
 * certpin_explanation_new:
 * @description: an `a{sv}`: that of
 *   `org.certpin.Certpin1.Pins.ExplainHost`; consumed if floating
 *
 * Reads what the service says. What it does not say is %NULL, empty or 0, and so is an entry of
 * another type than expected.
 *
 * Returns: (transfer full): a new #CertpinExplanation
 *
 * Since: 0.1
 */
CertpinExplanation *
certpin_explanation_new (GVariant *description)
{
  g_return_val_if_fail (
      description != NULL && g_variant_is_of_type (description, G_VARIANT_TYPE_VARDICT), NULL);

  return g_object_new (CERTPIN_TYPE_EXPLANATION, "description", description, NULL);
}

/**
 * certpin_explanation_get_host:
 * @explanation: a #CertpinExplanation
 *
 * Gets #CertpinExplanation:host.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_explanation_get_host (CertpinExplanation *explanation)
{
  g_return_val_if_fail (CERTPIN_IS_EXPLANATION (explanation), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (explanation), PROP_HOST));
}

/**
 * certpin_explanation_get_policy:
 * @explanation: a #CertpinExplanation
 *
 * Gets #CertpinExplanation:policy.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_explanation_get_policy (CertpinExplanation *explanation)
{
  g_return_val_if_fail (CERTPIN_IS_EXPLANATION (explanation), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (explanation), PROP_POLICY));
}

/**
 * certpin_explanation_get_paused_until:
 * @explanation: a #CertpinExplanation
 *
 * Gets #CertpinExplanation:paused-until.
 *
 * Returns: (transfer none) (nullable): the time, in UTC, or %NULL if there is none
 *
 * Since: 0.1
 */
GDateTime *
certpin_explanation_get_paused_until (CertpinExplanation *explanation)
{
  g_return_val_if_fail (CERTPIN_IS_EXPLANATION (explanation), NULL);

  return g_value_get_boxed (
      certpin_record_get_value (CERTPIN_RECORD (explanation), PROP_PAUSED_UNTIL));
}

/**
 * certpin_explanation_get_proxy:
 * @explanation: a #CertpinExplanation
 *
 * Gets #CertpinExplanation:proxy.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_explanation_get_proxy (CertpinExplanation *explanation)
{
  g_return_val_if_fail (CERTPIN_IS_EXPLANATION (explanation), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (explanation), PROP_PROXY));
}

/**
 * certpin_explanation_dup_pins:
 * @explanation: a #CertpinExplanation
 *
 * Reads all pins whose pattern matches the host.
 *
 * Returns: (transfer container) (element-type CertpinPin): the pins: those of the files, then the
 *   system's, then the user's; in each scope the one that applies first. #CertpinPin:applies says
 *   whether it counts, and #CertpinPin:why says why
 *
 * Since: 0.1
 */
GPtrArray *
certpin_explanation_dup_pins (CertpinExplanation *explanation)
{
  g_return_val_if_fail (CERTPIN_IS_EXPLANATION (explanation), NULL);

  return certpin_record_dup_list (CERTPIN_RECORD (explanation), "pins", CERTPIN_TYPE_PIN);
}
