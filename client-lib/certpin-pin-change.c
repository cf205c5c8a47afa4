/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What happened to a pin. */

#include "config.h"

#include "certpin-pin-change.h"

#include "certpin-record-private.h"

struct _CertpinPinChange
{
  CertpinRecord parent;
};

enum
{
  PROP_CHANGE = CERTPIN_RECORD_FIRST,
  PROP_SCOPE,
  PROP_STATE,
  PROP_GENERATION,
  PROP_CREATED_BY,
  PROP_PAUSED_BY,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (CertpinPinChange, certpin_pin_change, CERTPIN_TYPE_RECORD)

static void
make_properties_1 (void)
{
  /**
   * CertpinPinChange:change:
   *
   * What happened.
   *
   * Since: 0.1
   */
  props[PROP_CHANGE] = g_param_spec_enum ("change", NULL, NULL, CERTPIN_TYPE_CHANGE,
                                          CERTPIN_CHANGE_UNKNOWN, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPinChange:scope:
   *
   * Whose pin it is; unknown if signals were missed.
   *
   * Since: 0.1
   */
  props[PROP_SCOPE] = g_param_spec_enum ("scope", NULL, NULL, CERTPIN_TYPE_SCOPE,
                                         CERTPIN_SCOPE_UNKNOWN, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPinChange:state:
   *
   * Whether the pin is in force now; unknown if there is no pin any more, if all pin files were
   * read again, or if signals were missed.
   *
   * Since: 0.1
   */
  props[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, CERTPIN_TYPE_STATE,
                                         CERTPIN_STATE_UNKNOWN, CERTPIN_RECORD_FLAGS);
}

static void
make_properties_2 (void)
{
  /**
   * CertpinPinChange:generation:
   *
   * The #CertpinPin:generation of the pins of that scope now; 0 if signals were missed.
   *
   * Since: 0.1
   */
  props[PROP_GENERATION]
      = g_param_spec_uint64 ("generation", NULL, NULL, 0, G_MAXUINT64, 0, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPinChange:created-by:
   *
   * The program that set the pin, its keys or the block that is there now, and its uid; %NULL:
   * there is none, or it is not known.
   *
   * Since: 0.1
   */
  props[PROP_CREATED_BY]
      = g_param_spec_string ("created-by", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPinChange:paused-by:
   *
   * The program that paused the pin, and its uid; %NULL: it is not paused, or that is not known.
   *
   * Since: 0.1
   */
  props[PROP_PAUSED_BY] = g_param_spec_string ("paused-by", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);
}

static void
certpin_pin_change_class_init (CertpinPinChangeClass *klass)
{
  make_properties_1 ();
  make_properties_2 ();
  certpin_record_class_install (G_OBJECT_CLASS (klass), props, N_PROPS);
}

static void
certpin_pin_change_init (CertpinPinChange *self)
{
}

/**
 * certpin_pin_change_new:
 * @details: an `a{sv}`: the `details` of the D-Bus signal
 *   `org.certpin.Certpin1.Pins.PinChanged`; consumed if floating
 *
 * Reads what the service says. What it does not say is %NULL or 0, and so is an entry of another
 * type than expected; words that this version of the library does not know are the member
 * `UNKNOWN` of their enumeration.
 *
 * Returns: (transfer full): a new #CertpinPinChange
 *
 * Since: 0.1
 */
CertpinPinChange *
certpin_pin_change_new (GVariant *details)
{
  g_return_val_if_fail (details != NULL && g_variant_is_of_type (details, G_VARIANT_TYPE_VARDICT),
                        NULL);

  return g_object_new (CERTPIN_TYPE_PIN_CHANGE, "description", details, NULL);
}

/**
 * certpin_pin_change_get_change:
 * @change: a #CertpinPinChange
 *
 * Gets #CertpinPinChange:change.
 *
 * Returns: the member of the enumeration
 *
 * Since: 0.1
 */
CertpinChange
certpin_pin_change_get_change (CertpinPinChange *change)
{
  g_return_val_if_fail (CERTPIN_IS_PIN_CHANGE (change), CERTPIN_CHANGE_UNKNOWN);

  return (CertpinChange)g_value_get_enum (
      certpin_record_get_value (CERTPIN_RECORD (change), PROP_CHANGE));
}

/**
 * certpin_pin_change_get_scope:
 * @change: a #CertpinPinChange
 *
 * Gets #CertpinPinChange:scope.
 *
 * Returns: the member of the enumeration
 *
 * Since: 0.1
 */
CertpinScope
certpin_pin_change_get_scope (CertpinPinChange *change)
{
  g_return_val_if_fail (CERTPIN_IS_PIN_CHANGE (change), CERTPIN_SCOPE_UNKNOWN);

  return (CertpinScope)g_value_get_enum (
      certpin_record_get_value (CERTPIN_RECORD (change), PROP_SCOPE));
}

/**
 * certpin_pin_change_get_state:
 * @change: a #CertpinPinChange
 *
 * Gets #CertpinPinChange:state.
 *
 * Returns: the member of the enumeration
 *
 * Since: 0.1
 */
CertpinState
certpin_pin_change_get_state (CertpinPinChange *change)
{
  g_return_val_if_fail (CERTPIN_IS_PIN_CHANGE (change), CERTPIN_STATE_UNKNOWN);

  return (CertpinState)g_value_get_enum (
      certpin_record_get_value (CERTPIN_RECORD (change), PROP_STATE));
}

/**
 * certpin_pin_change_get_generation:
 * @change: a #CertpinPinChange
 *
 * Gets #CertpinPinChange:generation.
 *
 * Returns: the number; 0 if there is none
 *
 * Since: 0.1
 */
guint64
certpin_pin_change_get_generation (CertpinPinChange *change)
{
  g_return_val_if_fail (CERTPIN_IS_PIN_CHANGE (change), 0);

  return g_value_get_uint64 (certpin_record_get_value (CERTPIN_RECORD (change), PROP_GENERATION));
}

/**
 * certpin_pin_change_get_created_by:
 * @change: a #CertpinPinChange
 *
 * Gets #CertpinPinChange:created-by.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_pin_change_get_created_by (CertpinPinChange *change)
{
  g_return_val_if_fail (CERTPIN_IS_PIN_CHANGE (change), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (change), PROP_CREATED_BY));
}

/**
 * certpin_pin_change_get_paused_by:
 * @change: a #CertpinPinChange
 *
 * Gets #CertpinPinChange:paused-by.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_pin_change_get_paused_by (CertpinPinChange *change)
{
  g_return_val_if_fail (CERTPIN_IS_PIN_CHANGE (change), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (change), PROP_PAUSED_BY));
}
