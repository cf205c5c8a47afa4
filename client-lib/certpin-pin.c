/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pin or a block, as the service describes it. The names of the properties are those of the
entries. */

#include "config.h"

#include "certpin-pin.h"

#include "certpin-record-private.h"

struct _CertpinPin
{
  CertpinRecord parent;
};

enum
{
  PROP_HOST = CERTPIN_RECORD_FIRST,
  PROP_SCOPE,
  PROP_APP,
  PROP_STATE,
  PROP_KEYS,
  PROP_MATCH,
  PROP_MODE,
  PROP_EXPIRES,
  PROP_REASON,
  PROP_SUBJECT,
  PROP_ISSUER,
  PROP_NOT_AFTER,
  PROP_WARNINGS,
  PROP_LAST_SEEN,
  PROP_SERVED,
  PROP_PAUSED_UNTIL,
  PROP_PAUSE_REASON,
  PROP_PAUSED_BY,
  PROP_TRUST_ANCHORS,
  PROP_NOTE,
  PROP_CREATED,
  PROP_CREATED_BY,
  PROP_SOURCE,
  PROP_STORED,
  PROP_GENERATION,
  PROP_APPLIES,
  PROP_WHY,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (CertpinPin, certpin_pin, CERTPIN_TYPE_RECORD)

static void
make_properties_1 (void)
{
  /**
   * CertpinPin:host:
   *
   * The host pattern, canonical.
   *
   * Since: 0.1
   */
  props[PROP_HOST] = g_param_spec_string ("host", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPin:scope:
   *
   * Whose pin it is.
   *
   * Since: 0.1
   */
  props[PROP_SCOPE] = g_param_spec_enum ("scope", NULL, NULL, CERTPIN_TYPE_SCOPE,
                                         CERTPIN_SCOPE_UNKNOWN, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPin:app:
   *
   * The app whose pin it is, such as `flatpak:org.example.App` or `snap:demo`; %NULL unless the
   * scope is %CERTPIN_SCOPE_APP.
   *
   * Since: 0.1
   */
  props[PROP_APP] = g_param_spec_string ("app", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPin:state:
   *
   * Whether it is in force. That time has passed, so that a pin has expired, is seen by the next
   * description.
   *
   * Since: 0.1
   */
  props[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, CERTPIN_TYPE_STATE,
                                         CERTPIN_STATE_UNKNOWN, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPin:keys:
   *
   * The keys that pass, as `sha256/BASE64`, the pinned certificate's own first; empty for a block.
   *
   * Since: 0.1
   */
  props[PROP_KEYS] = g_param_spec_boxed ("keys", NULL, NULL, G_TYPE_STRV, CERTPIN_RECORD_FLAGS);
}

static void
make_properties_2 (void)
{
  /**
   * CertpinPin:match:
   *
   * Which key of a server counts.
   *
   * Since: 0.1
   */
  props[PROP_MATCH] = g_param_spec_enum ("match", NULL, NULL, CERTPIN_TYPE_MATCH,
                                         CERTPIN_MATCH_UNKNOWN, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPin:mode:
   *
   * What happens if none of the keys matches.
   *
   * Since: 0.1
   */
  props[PROP_MODE] = g_param_spec_enum ("mode", NULL, NULL, CERTPIN_TYPE_MODE, CERTPIN_MODE_UNKNOWN,
                                        CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPin:expires:
   *
   * When requests to the host begin to be refused because the pin has expired; %NULL: never.
   *
   * Since: 0.1
   */
  props[PROP_EXPIRES]
      = g_param_spec_boxed ("expires", NULL, NULL, G_TYPE_DATE_TIME, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPin:reason:
   *
   * Why the host is blocked; %NULL if it is not.
   *
   * Since: 0.1
   */
  props[PROP_REASON] = g_param_spec_string ("reason", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPin:subject:
   *
   * The subject of the pinned certificate; %NULL if keys were pinned.
   *
   * Since: 0.1
   */
  props[PROP_SUBJECT] = g_param_spec_string ("subject", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);
}

static void
make_properties_3 (void)
{
  /**
   * CertpinPin:issuer:
   *
   * The issuer of the pinned certificate; %NULL if keys were pinned.
   *
   * Since: 0.1
   */
  props[PROP_ISSUER] = g_param_spec_string ("issuer", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPin:not-after:
   *
   * When the pinned certificate expires; %NULL if keys were pinned.
   *
   * Since: 0.1
   */
  props[PROP_NOT_AFTER]
      = g_param_spec_boxed ("not-after", NULL, NULL, G_TYPE_DATE_TIME, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPin:warnings:
   *
   * Sentences for people: what should be done about the pin.
   *
   * Since: 0.1
   */
  props[PROP_WARNINGS]
      = g_param_spec_boxed ("warnings", NULL, NULL, G_TYPE_STRV, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPin:last-seen:
   *
   * When a server last proved one of the keys; %NULL: never, or not known.
   *
   * Since: 0.1
   */
  props[PROP_LAST_SEEN]
      = g_param_spec_boxed ("last-seen", NULL, NULL, G_TYPE_DATE_TIME, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPin:served:
   *
   * The certificate that a server had when it last passed; %NULL: not known. Its
   * #CertpinCertificate:time is when that was.
   *
   * Since: 0.1
   */
  props[PROP_SERVED]
      = g_param_spec_object ("served", NULL, NULL, CERTPIN_TYPE_CERTIFICATE, CERTPIN_RECORD_FLAGS);
}

static void
make_properties_4 (void)
{
  /**
   * CertpinPin:paused-until:
   *
   * Until when the pin only reports; %NULL: it is not paused.
   *
   * Since: 0.1
   */
  props[PROP_PAUSED_UNTIL]
      = g_param_spec_boxed ("paused-until", NULL, NULL, G_TYPE_DATE_TIME, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPin:pause-reason:
   *
   * Why the pin is paused; %NULL: it is not.
   *
   * Since: 0.1
   */
  props[PROP_PAUSE_REASON]
      = g_param_spec_string ("pause-reason", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPin:paused-by:
   *
   * The program that paused the pin, and its uid; %NULL: it is not paused, or that is not known.
   *
   * Since: 0.1
   */
  props[PROP_PAUSED_BY] = g_param_spec_string ("paused-by", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPin:trust-anchors:
   *
   * How many trust anchors the pin has of its own; 0: the system's are used.
   *
   * Since: 0.1
   */
  props[PROP_TRUST_ANCHORS]
      = g_param_spec_uint ("trust-anchors", NULL, NULL, 0, G_MAXUINT, 0, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPin:note:
   *
   * The note that the pin was given; %NULL: none.
   *
   * Since: 0.1
   */
  props[PROP_NOTE] = g_param_spec_string ("note", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);
}

static void
make_properties_5 (void)
{
  /**
   * CertpinPin:created:
   *
   * When the pin was set or last changed; %NULL: not known.
   *
   * Since: 0.1
   */
  props[PROP_CREATED]
      = g_param_spec_boxed ("created", NULL, NULL, G_TYPE_DATE_TIME, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPin:created-by:
   *
   * The program that set or last changed the pin, and its uid; %NULL: not known.
   *
   * Since: 0.1
   */
  props[PROP_CREATED_BY]
      = g_param_spec_string ("created-by", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPin:source:
   *
   * The file that has the pin; %NULL: the pin is only in memory.
   *
   * Since: 0.1
   */
  props[PROP_SOURCE] = g_param_spec_string ("source", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPin:stored:
   *
   * Whether the pin is on disk. If not, it is lost when the service ends.
   *
   * Since: 0.1
   */
  props[PROP_STORED] = g_param_spec_boolean ("stored", NULL, NULL, FALSE, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPin:generation:
   *
   * The number of the change that brought the pin. A later change has a greater one.
   *
   * Since: 0.1
   */
  props[PROP_GENERATION]
      = g_param_spec_uint64 ("generation", NULL, NULL, 0, G_MAXUINT64, 0, CERTPIN_RECORD_FLAGS);
}

static void
make_properties_6 (void)
{
  /**
   * CertpinPin:applies:
   *
   * Whether the pin counts for the host that was asked about; only
   * certpin_explanation_dup_pins() tells.
   *
   * Since: 0.1
   */
  props[PROP_APPLIES] = g_param_spec_boolean ("applies", NULL, NULL, FALSE, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPin:why:
   *
   * Why the pin counts for that host or does not, as a sentence; only
   * certpin_explanation_dup_pins() tells.
   *
   * Since: 0.1
   */
  props[PROP_WHY] = g_param_spec_string ("why", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);
}

static void
certpin_pin_class_init (CertpinPinClass *klass)
{
  make_properties_1 ();
  make_properties_2 ();
  make_properties_3 ();
  make_properties_4 ();
  make_properties_5 ();
  make_properties_6 ();
  certpin_record_class_install (G_OBJECT_CLASS (klass), props, N_PROPS);
}

static void
certpin_pin_init (CertpinPin *self)
{
}

/**
 * certpin_pin_new:
 * @description: an `a{sv}`: the description of a pin, such as the `pin` of
 *   `org.certpin.Certpin1.Pins.GetPin`; consumed if floating
 *
 * Reads what the service says. What it does not say is %NULL, empty, 0 or %FALSE, and so is an
 * entry of another type than expected; words that this version of the library does not know are the
 * member `UNKNOWN` of their enumeration.
 *
 * Returns: (transfer full): a new #CertpinPin
 *
 * Since: 0.1
 */
CertpinPin *
certpin_pin_new (GVariant *description)
{
  g_return_val_if_fail (
      description != NULL && g_variant_is_of_type (description, G_VARIANT_TYPE_VARDICT), NULL);

  return g_object_new (CERTPIN_TYPE_PIN, "description", description, NULL);
}

/**
 * certpin_pin_get_host:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:host.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_pin_get_host (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_HOST));
}

/**
 * certpin_pin_get_scope:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:scope.
 *
 * Returns: the member of the enumeration
 *
 * Since: 0.1
 */
CertpinScope
certpin_pin_get_scope (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), CERTPIN_SCOPE_UNKNOWN);

  return (CertpinScope)g_value_get_enum (
      certpin_record_get_value (CERTPIN_RECORD (pin), PROP_SCOPE));
}

/**
 * certpin_pin_get_app:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:app.
 *
 * Returns: (transfer none) (nullable): the text
 *
 * Since: 0.1
 */
const char *
certpin_pin_get_app (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_APP));
}

/**
 * certpin_pin_get_state:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:state.
 *
 * Returns: the member of the enumeration
 *
 * Since: 0.1
 */
CertpinState
certpin_pin_get_state (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), CERTPIN_STATE_UNKNOWN);

  return (CertpinState)g_value_get_enum (
      certpin_record_get_value (CERTPIN_RECORD (pin), PROP_STATE));
}

/**
 * certpin_pin_get_keys:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:keys.
 *
 * Returns: (transfer none): the texts, up to %NULL; empty if there are none
 *
 * Since: 0.1
 */
const char *const *
certpin_pin_get_keys (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), NULL);

  return g_value_get_boxed (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_KEYS));
}

/**
 * certpin_pin_get_match:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:match.
 *
 * Returns: the member of the enumeration
 *
 * Since: 0.1
 */
CertpinMatch
certpin_pin_get_match (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), CERTPIN_MATCH_UNKNOWN);

  return (CertpinMatch)g_value_get_enum (
      certpin_record_get_value (CERTPIN_RECORD (pin), PROP_MATCH));
}

/**
 * certpin_pin_get_mode:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:mode.
 *
 * Returns: the member of the enumeration
 *
 * Since: 0.1
 */
CertpinMode
certpin_pin_get_mode (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), CERTPIN_MODE_UNKNOWN);

  return (CertpinMode)g_value_get_enum (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_MODE));
}

/**
 * certpin_pin_get_expires:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:expires.
 *
 * Returns: (transfer none) (nullable): the time, in UTC, or %NULL if there is none
 *
 * Since: 0.1
 */
GDateTime *
certpin_pin_get_expires (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), NULL);

  return g_value_get_boxed (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_EXPIRES));
}

/**
 * certpin_pin_get_reason:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:reason.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_pin_get_reason (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_REASON));
}

/**
 * certpin_pin_get_subject:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:subject.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_pin_get_subject (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_SUBJECT));
}

/**
 * certpin_pin_get_issuer:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:issuer.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_pin_get_issuer (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_ISSUER));
}

/**
 * certpin_pin_get_not_after:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:not-after.
 *
 * Returns: (transfer none) (nullable): the time, in UTC, or %NULL if there is none
 *
 * Since: 0.1
 */
GDateTime *
certpin_pin_get_not_after (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), NULL);

  return g_value_get_boxed (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_NOT_AFTER));
}

/**
 * certpin_pin_get_warnings:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:warnings.
 *
 * Returns: (transfer none): the texts, up to %NULL; empty if there are none
 *
 * Since: 0.1
 */
const char *const *
certpin_pin_get_warnings (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), NULL);

  return g_value_get_boxed (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_WARNINGS));
}

/**
 * certpin_pin_get_last_seen:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:last-seen.
 *
 * Returns: (transfer none) (nullable): the time, in UTC, or %NULL if there is none
 *
 * Since: 0.1
 */
GDateTime *
certpin_pin_get_last_seen (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), NULL);

  return g_value_get_boxed (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_LAST_SEEN));
}

/**
 * certpin_pin_get_served:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:served.
 *
 * Returns: (transfer none) (nullable): the value, or %NULL if there is none
 *
 * Since: 0.1
 */
CertpinCertificate *
certpin_pin_get_served (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), NULL);

  return g_value_get_object (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_SERVED));
}

/**
 * certpin_pin_get_paused_until:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:paused-until.
 *
 * Returns: (transfer none) (nullable): the time, in UTC, or %NULL if there is none
 *
 * Since: 0.1
 */
GDateTime *
certpin_pin_get_paused_until (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), NULL);

  return g_value_get_boxed (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_PAUSED_UNTIL));
}

/**
 * certpin_pin_get_pause_reason:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:pause-reason.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_pin_get_pause_reason (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_PAUSE_REASON));
}

/**
 * certpin_pin_get_paused_by:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:paused-by.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_pin_get_paused_by (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_PAUSED_BY));
}

/**
 * certpin_pin_get_trust_anchors:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:trust-anchors.
 *
 * Returns: the number; 0 if there is none
 *
 * Since: 0.1
 */
unsigned int
certpin_pin_get_trust_anchors (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), 0);

  return g_value_get_uint (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_TRUST_ANCHORS));
}

/**
 * certpin_pin_get_note:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:note.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_pin_get_note (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_NOTE));
}

/**
 * certpin_pin_get_created:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:created.
 *
 * Returns: (transfer none) (nullable): the time, in UTC, or %NULL if there is none
 *
 * Since: 0.1
 */
GDateTime *
certpin_pin_get_created (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), NULL);

  return g_value_get_boxed (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_CREATED));
}

/**
 * certpin_pin_get_created_by:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:created-by.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_pin_get_created_by (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_CREATED_BY));
}

/**
 * certpin_pin_get_source:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:source.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_pin_get_source (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_SOURCE));
}

/**
 * certpin_pin_get_stored:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:stored.
 *
 * Returns: whether it is so
 *
 * Since: 0.1
 */
gboolean
certpin_pin_get_stored (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), FALSE);

  return g_value_get_boolean (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_STORED));
}

/**
 * certpin_pin_get_generation:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:generation.
 *
 * Returns: the number; 0 if there is none
 *
 * Since: 0.1
 */
guint64
certpin_pin_get_generation (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), 0);

  return g_value_get_uint64 (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_GENERATION));
}

/**
 * certpin_pin_get_applies:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:applies.
 *
 * Returns: whether it is so
 *
 * Since: 0.1
 */
gboolean
certpin_pin_get_applies (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), FALSE);

  return g_value_get_boolean (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_APPLIES));
}

/**
 * certpin_pin_get_why:
 * @pin: a #CertpinPin
 *
 * Gets #CertpinPin:why.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_pin_get_why (CertpinPin *pin)
{
  g_return_val_if_fail (CERTPIN_IS_PIN (pin), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (pin), PROP_WHY));
}

/**
 * certpin_pin_lookup_seen:
 * @pin: a #CertpinPin
 * @key: one of its keys, spelled as in #CertpinPin:keys
 * @first: (out) (optional) (nullable) (transfer full): when a server first proved the key, in UTC
 * @last: (out) (optional) (nullable) (transfer full): when a server last proved it, in UTC
 *
 * Finds out when servers of the pin proved a key. This is for people: no request is judged by it.
 *
 * Returns: whether a server has proved the key, as far as is known
 *
 * Since: 0.1
 */
gboolean
certpin_pin_lookup_seen (CertpinPin *pin, const char *key, GDateTime **first, GDateTime **last)
{
  g_autoptr (GVariant) seen = NULL;
  gint64 first_s = 0, last_s = 0;
  gboolean found;

  g_return_val_if_fail (CERTPIN_IS_PIN (pin), FALSE);
  g_return_val_if_fail (key != NULL, FALSE);

  seen = g_variant_lookup_value (certpin_record_get_description (CERTPIN_RECORD (pin)), "seen",
                                 G_VARIANT_TYPE ("a{s(xx)}"));
  found = seen != NULL && g_variant_lookup (seen, key, "(xx)", &first_s, &last_s);
  if (first != NULL)
    *first = found ? g_date_time_new_from_unix_utc (first_s) : NULL;
  if (last != NULL)
    *last = found ? g_date_time_new_from_unix_utc (last_s) : NULL;
  return found;
}
