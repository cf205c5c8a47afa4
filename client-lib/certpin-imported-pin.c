/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an import did to one pin. */

#include "config.h"

#include "certpin-imported-pin.h"

#include "certpin-record-private.h"

struct _CertpinImportedPin
{
  CertpinRecord parent;
};

enum
{
  PROP_HOST = CERTPIN_RECORD_FIRST,
  PROP_CHANGE,
  PROP_PIN,
  PROP_OLD,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (CertpinImportedPin, certpin_imported_pin, CERTPIN_TYPE_RECORD)

static void
make_properties (void)
{
  /**
   * CertpinImportedPin:host:
   *
   * The host that the pin is for, canonical.
   *
   * Since: 0.1
   */
  props[PROP_HOST] = g_param_spec_string ("host", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinImportedPin:change:
   *
   * What was done, or would be.
   *
   * Since: 0.1
   */
  props[PROP_CHANGE] = g_param_spec_enum ("change", NULL, NULL, CERTPIN_TYPE_IMPORT_CHANGE,
                                          CERTPIN_IMPORT_CHANGE_UNKNOWN, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinImportedPin:pin:
   *
   * The pin that is in force now, or would be.
   *
   * Since: 0.1
   */
  props[PROP_PIN] = g_param_spec_object ("pin", NULL, NULL, CERTPIN_TYPE_PIN, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinImportedPin:old:
   *
   * The pin that was there before; %NULL unless it was replaced.
   *
   * Since: 0.1
   */
  props[PROP_OLD] = g_param_spec_object ("old", NULL, NULL, CERTPIN_TYPE_PIN, CERTPIN_RECORD_FLAGS);
}

static void
certpin_imported_pin_class_init (CertpinImportedPinClass *klass)
{
  make_properties ();
  certpin_record_class_install (G_OBJECT_CLASS (klass), props, N_PROPS);
}

static void
certpin_imported_pin_init (CertpinImportedPin *self)
{
}

/**
 * certpin_imported_pin_new:
 * @description: an `a{sv}`: one of the changes of
 *   `org.certpin.Certpin1.Pins.ImportPins`; consumed if floating
 *
 * Reads what the service says. What it does not say is %NULL, and so is an entry of another type
 * than expected; words that this version of the library does not know are the member `UNKNOWN` of
 * their enumeration.
 *
 * Returns: (transfer full): a new #CertpinImportedPin
 *
 * Since: 0.1
 */
CertpinImportedPin *
certpin_imported_pin_new (GVariant *description)
{
  g_return_val_if_fail (
      description != NULL && g_variant_is_of_type (description, G_VARIANT_TYPE_VARDICT), NULL);

  return g_object_new (CERTPIN_TYPE_IMPORTED_PIN, "description", description, NULL);
}

/**
 * certpin_imported_pin_get_host:
 * @change: a #CertpinImportedPin
 *
 * Gets #CertpinImportedPin:host.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_imported_pin_get_host (CertpinImportedPin *change)
{
  g_return_val_if_fail (CERTPIN_IS_IMPORTED_PIN (change), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (change), PROP_HOST));
}

/**
 * certpin_imported_pin_get_change:
 * @change: a #CertpinImportedPin
 *
 * Gets #CertpinImportedPin:change.
 *
 * Returns: the member of the enumeration
 *
 * Since: 0.1
 */
CertpinImportChange
certpin_imported_pin_get_change (CertpinImportedPin *change)
{
  g_return_val_if_fail (CERTPIN_IS_IMPORTED_PIN (change), CERTPIN_IMPORT_CHANGE_UNKNOWN);

  return (CertpinImportChange)g_value_get_enum (
      certpin_record_get_value (CERTPIN_RECORD (change), PROP_CHANGE));
}

/**
 * certpin_imported_pin_get_pin:
 * @change: a #CertpinImportedPin
 *
 * Gets #CertpinImportedPin:pin.
 *
 * Returns: (transfer none) (nullable): the pin, or %NULL if there is none
 *
 * Since: 0.1
 */
CertpinPin *
certpin_imported_pin_get_pin (CertpinImportedPin *change)
{
  g_return_val_if_fail (CERTPIN_IS_IMPORTED_PIN (change), NULL);

  return g_value_get_object (certpin_record_get_value (CERTPIN_RECORD (change), PROP_PIN));
}

/**
 * certpin_imported_pin_get_old:
 * @change: a #CertpinImportedPin
 *
 * Gets #CertpinImportedPin:old.
 *
 * Returns: (transfer none) (nullable): the pin, or %NULL if there is none
 *
 * Since: 0.1
 */
CertpinPin *
certpin_imported_pin_get_old (CertpinImportedPin *change)
{
  g_return_val_if_fail (CERTPIN_IS_IMPORTED_PIN (change), NULL);

  return g_value_get_object (certpin_record_get_value (CERTPIN_RECORD (change), PROP_OLD));
}
