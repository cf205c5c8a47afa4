/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How the service is, as far as it concerns the user. */

#include "config.h"

#include "certpin-service-status.h"

#include "certpin-pin.h"
#include "certpin-record-private.h"

struct _CertpinServiceStatus
{
  CertpinRecord parent;
};

enum
{
  PROP_VERSION = CERTPIN_RECORD_FIRST,
  PROP_STARTED,
  PROP_PROBLEMS,
  PROP_LAST_RELOAD,
  PROP_RELOAD_ERROR,
  PROP_REQUESTS_TODAY,
  PROP_REFUSALS_TODAY,
  PROP_WARNINGS,
  PROP_ADVICE,
  PROP_TRUST_ANCHORS,
  PROP_TRUST_FILE,
  PROP_STATE_FOLDER,
  PROP_STATE_PROBLEM,
  PROP_UNSTORED,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (CertpinServiceStatus, certpin_service_status, CERTPIN_TYPE_RECORD)

/* Returns: (transfer none): what the service calls the member of an enumeration; empty: there is
 * none. Those of this library have static words. */
static const char *
word_of (GType type, int value)
{
  g_autoptr (GTypeClass) class = g_type_class_ref (type);
  const GEnumValue *member = g_enum_get_value (G_ENUM_CLASS (class), value);

  return member != NULL ? member->value_nick : "";
}

static void
make_properties_1 (void)
{
  /**
   * CertpinServiceStatus:version:
   *
   * The version of the service.
   *
   * Since: 0.1
   */
  props[PROP_VERSION] = g_param_spec_string ("version", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinServiceStatus:started:
   *
   * When the service started.
   *
   * Since: 0.1
   */
  props[PROP_STARTED]
      = g_param_spec_boxed ("started", NULL, NULL, G_TYPE_DATE_TIME, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinServiceStatus:problems:
   *
   * A sentence for each file that could not be read, whose hosts are refused, or which kept the
   * last reload from being put in force.
   *
   * Since: 0.1
   */
  props[PROP_PROBLEMS]
      = g_param_spec_boxed ("problems", NULL, NULL, G_TYPE_STRV, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinServiceStatus:last-reload:
   *
   * When the pin files and the trust file were last read again; %NULL: not since the start.
   *
   * Since: 0.1
   */
  props[PROP_LAST_RELOAD]
      = g_param_spec_boxed ("last-reload", NULL, NULL, G_TYPE_DATE_TIME, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinServiceStatus:reload-error:
   *
   * Why that was not put in force; %NULL if it was.
   *
   * Since: 0.1
   */
  props[PROP_RELOAD_ERROR]
      = g_param_spec_string ("reload-error", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);
}

static void
make_properties_2 (void)
{
  /**
   * CertpinServiceStatus:requests-today:
   *
   * How many requests and connections of the user were authorised since 0 o'clock UTC, or since the
   * start if that is later.
   *
   * Since: 0.1
   */
  props[PROP_REQUESTS_TODAY]
      = g_param_spec_uint64 ("requests-today", NULL, NULL, 0, G_MAXUINT64, 0, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinServiceStatus:refusals-today:
   *
   * How many of these were refused because of the host or its server.
   *
   * Since: 0.1
   */
  props[PROP_REFUSALS_TODAY]
      = g_param_spec_uint64 ("refusals-today", NULL, NULL, 0, G_MAXUINT64, 0, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinServiceStatus:warnings:
   *
   * Sentences for people: what needs attention now, or will within 14 days.
   *
   * Since: 0.1
   */
  props[PROP_WARNINGS]
      = g_param_spec_boxed ("warnings", NULL, NULL, G_TYPE_STRV, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinServiceStatus:advice:
   *
   * Sentences for people: the warnings of pins that are not urgent.
   *
   * Since: 0.1
   */
  props[PROP_ADVICE] = g_param_spec_boxed ("advice", NULL, NULL, G_TYPE_STRV, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinServiceStatus:trust-anchors:
   *
   * How many authorities this machine trusts.
   *
   * Since: 0.1
   */
  props[PROP_TRUST_ANCHORS]
      = g_param_spec_uint ("trust-anchors", NULL, NULL, 0, G_MAXUINT, 0, CERTPIN_RECORD_FLAGS);
}

static void
make_properties_3 (void)
{
  /**
   * CertpinServiceStatus:trust-file:
   *
   * Where they are from.
   *
   * Since: 0.1
   */
  props[PROP_TRUST_FILE]
      = g_param_spec_string ("trust-file", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinServiceStatus:state-folder:
   *
   * Where pins are stored.
   *
   * Since: 0.1
   */
  props[PROP_STATE_FOLDER]
      = g_param_spec_string ("state-folder", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinServiceStatus:state-problem:
   *
   * Why no pins can be stored now; %NULL if they can.
   *
   * Since: 0.1
   */
  props[PROP_STATE_PROBLEM]
      = g_param_spec_string ("state-problem", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinServiceStatus:unstored:
   *
   * How many of the pins that are counted are only in memory.
   *
   * Since: 0.1
   */
  props[PROP_UNSTORED]
      = g_param_spec_uint ("unstored", NULL, NULL, 0, G_MAXUINT, 0, CERTPIN_RECORD_FLAGS);
}

static void
certpin_service_status_class_init (CertpinServiceStatusClass *klass)
{
  make_properties_1 ();
  make_properties_2 ();
  make_properties_3 ();
  certpin_record_class_install (G_OBJECT_CLASS (klass), props, N_PROPS);
}

static void
certpin_service_status_init (CertpinServiceStatus *self)
{
}

/**
 * certpin_service_status_new:
 * @description: an `a{sv}`: that of
 *   `org.certpin.Certpin1.Pins.GetStatus`; consumed if floating
 *
 * Reads what the service says. What it does not say is %NULL, empty or 0, and so is an entry of
 * another type than expected.
 *
 * Returns: (transfer full): a new #CertpinServiceStatus
 *
 * Since: 0.1
 */
CertpinServiceStatus *
certpin_service_status_new (GVariant *description)
{
  g_return_val_if_fail (
      description != NULL && g_variant_is_of_type (description, G_VARIANT_TYPE_VARDICT), NULL);

  return g_object_new (CERTPIN_TYPE_SERVICE_STATUS, "description", description, NULL);
}

/**
 * certpin_service_status_get_version:
 * @status: a #CertpinServiceStatus
 *
 * Gets #CertpinServiceStatus:version.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_service_status_get_version (CertpinServiceStatus *status)
{
  g_return_val_if_fail (CERTPIN_IS_SERVICE_STATUS (status), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (status), PROP_VERSION));
}

/**
 * certpin_service_status_get_started:
 * @status: a #CertpinServiceStatus
 *
 * Gets #CertpinServiceStatus:started.
 *
 * Returns: (transfer none) (nullable): the time, in UTC, or %NULL if there is none
 *
 * Since: 0.1
 */
GDateTime *
certpin_service_status_get_started (CertpinServiceStatus *status)
{
  g_return_val_if_fail (CERTPIN_IS_SERVICE_STATUS (status), NULL);

  return g_value_get_boxed (certpin_record_get_value (CERTPIN_RECORD (status), PROP_STARTED));
}

/**
 * certpin_service_status_get_problems:
 * @status: a #CertpinServiceStatus
 *
 * Gets #CertpinServiceStatus:problems.
 *
 * Returns: (transfer none): the texts, up to %NULL; empty if there are none
 *
 * Since: 0.1
 */
const char *const *
certpin_service_status_get_problems (CertpinServiceStatus *status)
{
  g_return_val_if_fail (CERTPIN_IS_SERVICE_STATUS (status), NULL);

  return g_value_get_boxed (certpin_record_get_value (CERTPIN_RECORD (status), PROP_PROBLEMS));
}

/**
 * certpin_service_status_get_last_reload:
 * @status: a #CertpinServiceStatus
 *
 * Gets #CertpinServiceStatus:last-reload.
 *
 * Returns: (transfer none) (nullable): the time, in UTC, or %NULL if there is none
 *
 * Since: 0.1
 */
GDateTime *
certpin_service_status_get_last_reload (CertpinServiceStatus *status)
{
  g_return_val_if_fail (CERTPIN_IS_SERVICE_STATUS (status), NULL);

  return g_value_get_boxed (certpin_record_get_value (CERTPIN_RECORD (status), PROP_LAST_RELOAD));
}

/**
 * certpin_service_status_get_reload_error:
 * @status: a #CertpinServiceStatus
 *
 * Gets #CertpinServiceStatus:reload-error.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_service_status_get_reload_error (CertpinServiceStatus *status)
{
  g_return_val_if_fail (CERTPIN_IS_SERVICE_STATUS (status), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (status), PROP_RELOAD_ERROR));
}

/**
 * certpin_service_status_get_requests_today:
 * @status: a #CertpinServiceStatus
 *
 * Gets #CertpinServiceStatus:requests-today.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
guint64
certpin_service_status_get_requests_today (CertpinServiceStatus *status)
{
  g_return_val_if_fail (CERTPIN_IS_SERVICE_STATUS (status), 0);

  return g_value_get_uint64 (
      certpin_record_get_value (CERTPIN_RECORD (status), PROP_REQUESTS_TODAY));
}

/**
 * certpin_service_status_get_refusals_today:
 * @status: a #CertpinServiceStatus
 *
 * Gets #CertpinServiceStatus:refusals-today.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
guint64
certpin_service_status_get_refusals_today (CertpinServiceStatus *status)
{
  g_return_val_if_fail (CERTPIN_IS_SERVICE_STATUS (status), 0);

  return g_value_get_uint64 (
      certpin_record_get_value (CERTPIN_RECORD (status), PROP_REFUSALS_TODAY));
}

/**
 * certpin_service_status_get_warnings:
 * @status: a #CertpinServiceStatus
 *
 * Gets #CertpinServiceStatus:warnings.
 *
 * Returns: (transfer none): the texts, up to %NULL; empty if there are none
 *
 * Since: 0.1
 */
const char *const *
certpin_service_status_get_warnings (CertpinServiceStatus *status)
{
  g_return_val_if_fail (CERTPIN_IS_SERVICE_STATUS (status), NULL);

  return g_value_get_boxed (certpin_record_get_value (CERTPIN_RECORD (status), PROP_WARNINGS));
}

/**
 * certpin_service_status_get_advice:
 * @status: a #CertpinServiceStatus
 *
 * Gets #CertpinServiceStatus:advice.
 *
 * Returns: (transfer none): the texts, up to %NULL; empty if there are none
 *
 * Since: 0.1
 */
const char *const *
certpin_service_status_get_advice (CertpinServiceStatus *status)
{
  g_return_val_if_fail (CERTPIN_IS_SERVICE_STATUS (status), NULL);

  return g_value_get_boxed (certpin_record_get_value (CERTPIN_RECORD (status), PROP_ADVICE));
}

/**
 * certpin_service_status_get_trust_anchors:
 * @status: a #CertpinServiceStatus
 *
 * Gets #CertpinServiceStatus:trust-anchors.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
unsigned int
certpin_service_status_get_trust_anchors (CertpinServiceStatus *status)
{
  g_return_val_if_fail (CERTPIN_IS_SERVICE_STATUS (status), 0);

  return g_value_get_uint (certpin_record_get_value (CERTPIN_RECORD (status), PROP_TRUST_ANCHORS));
}

/**
 * certpin_service_status_get_trust_file:
 * @status: a #CertpinServiceStatus
 *
 * Gets #CertpinServiceStatus:trust-file.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_service_status_get_trust_file (CertpinServiceStatus *status)
{
  g_return_val_if_fail (CERTPIN_IS_SERVICE_STATUS (status), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (status), PROP_TRUST_FILE));
}

/**
 * certpin_service_status_get_state_folder:
 * @status: a #CertpinServiceStatus
 *
 * Gets #CertpinServiceStatus:state-folder.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_service_status_get_state_folder (CertpinServiceStatus *status)
{
  g_return_val_if_fail (CERTPIN_IS_SERVICE_STATUS (status), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (status), PROP_STATE_FOLDER));
}

/**
 * certpin_service_status_get_state_problem:
 * @status: a #CertpinServiceStatus
 *
 * Gets #CertpinServiceStatus:state-problem.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_service_status_get_state_problem (CertpinServiceStatus *status)
{
  g_return_val_if_fail (CERTPIN_IS_SERVICE_STATUS (status), NULL);

  return g_value_get_string (
      certpin_record_get_value (CERTPIN_RECORD (status), PROP_STATE_PROBLEM));
}

/**
 * certpin_service_status_get_unstored:
 * @status: a #CertpinServiceStatus
 *
 * Gets #CertpinServiceStatus:unstored.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
unsigned int
certpin_service_status_get_unstored (CertpinServiceStatus *status)
{
  g_return_val_if_fail (CERTPIN_IS_SERVICE_STATUS (status), 0);

  return g_value_get_uint (certpin_record_get_value (CERTPIN_RECORD (status), PROP_UNSTORED));
}

/**
 * certpin_service_status_count_pins:
 * @status: a #CertpinServiceStatus
 * @scope: whose pins: `CERTPIN_SCOPE_USER` or `CERTPIN_SCOPE_SYSTEM`
 * @state: the state of the pins
 *
 * Counts the pins of the user, or of the system with those of files, in one state.
 *
 * Returns: how many pins there are; 0 if the service does not say
 *
 * Since: 0.1
 */
unsigned int
certpin_service_status_count_pins (CertpinServiceStatus *status, CertpinScope scope,
                                   CertpinState state)
{
  g_autoptr (GVariant) scopes = NULL, states = NULL;
  guint32 count = 0;

  g_return_val_if_fail (CERTPIN_IS_SERVICE_STATUS (status), 0);

  scopes = g_variant_lookup_value (certpin_record_get_description (CERTPIN_RECORD (status)), "pins",
                                   G_VARIANT_TYPE ("a{sa{su}}"));
  if (scopes != NULL)
    states = g_variant_lookup_value (scopes, word_of (CERTPIN_TYPE_SCOPE, (int)scope), NULL);
  if (states != NULL)
    g_variant_lookup (states, word_of (CERTPIN_TYPE_STATE, (int)state), "u", &count);
  return count;
}

/**
 * certpin_service_status_dup_blocked:
 * @status: a #CertpinServiceStatus
 *
 * Reads the blocks of the user and of the system.
 *
 * Returns: (transfer container) (element-type CertpinPin): the first 50 blocks; their
 *   #CertpinPin:created-by says who blocked the host
 *
 * Since: 0.1
 */
GPtrArray *
certpin_service_status_dup_blocked (CertpinServiceStatus *status)
{
  g_return_val_if_fail (CERTPIN_IS_SERVICE_STATUS (status), NULL);

  return certpin_record_dup_list (CERTPIN_RECORD (status), "blocked", CERTPIN_TYPE_PIN);
}
