/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pin as the text of a file. */

#include "config.h"

#include "certpin-pin-file.h"

#include "certpin-record-private.h"

struct _CertpinPinFile
{
  CertpinRecord parent;
};

enum
{
  PROP_HOST = CERTPIN_RECORD_FIRST,
  PROP_SCOPE,
  PROP_NAME,
  PROP_TEXT,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (CertpinPinFile, certpin_pin_file, CERTPIN_TYPE_RECORD)

static void
make_properties (void)
{
  /**
   * CertpinPinFile:host:
   *
   * The host that the pin is for, canonical.
   *
   * Since: 0.1
   */
  props[PROP_HOST] = g_param_spec_string ("host", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPinFile:scope:
   *
   * Whose pin it is.
   *
   * Since: 0.1
   */
  props[PROP_SCOPE] = g_param_spec_enum ("scope", NULL, NULL, CERTPIN_TYPE_SCOPE,
                                         CERTPIN_SCOPE_UNKNOWN, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPinFile:name:
   *
   * A name for a file with the text: that of the host, with what a file cannot have in its name as
   * %XX, and `.pin`.
   *
   * Since: 0.1
   */
  props[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinPinFile:text:
   *
   * A pin file with this one pin, which certpin_client_import_pins() and certpind read.
   *
   * Since: 0.1
   */
  props[PROP_TEXT] = g_param_spec_string ("text", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);
}

static void
certpin_pin_file_class_init (CertpinPinFileClass *klass)
{
  make_properties ();
  certpin_record_class_install (G_OBJECT_CLASS (klass), props, N_PROPS);
}

static void
certpin_pin_file_init (CertpinPinFile *self)
{
}

/**
 * certpin_pin_file_new:
 * @description: an `a{sv}`: one of the files of
 *   `org.certpin.Certpin1.Pins.ExportPins`; consumed if floating
 *
 * Reads what the service says. What it does not say is %NULL, and so is an entry of another type
 * than expected; words that this version of the library does not know are the member `UNKNOWN` of
 * their enumeration.
 *
 * Returns: (transfer full): a new #CertpinPinFile
 *
 * Since: 0.1
 */
CertpinPinFile *
certpin_pin_file_new (GVariant *description)
{
  g_return_val_if_fail (
      description != NULL && g_variant_is_of_type (description, G_VARIANT_TYPE_VARDICT), NULL);

  return g_object_new (CERTPIN_TYPE_PIN_FILE, "description", description, NULL);
}

/**
 * certpin_pin_file_get_host:
 * @file: a #CertpinPinFile
 *
 * Gets #CertpinPinFile:host.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_pin_file_get_host (CertpinPinFile *file)
{
  g_return_val_if_fail (CERTPIN_IS_PIN_FILE (file), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (file), PROP_HOST));
}

/**
 * certpin_pin_file_get_scope:
 * @file: a #CertpinPinFile
 *
 * Gets #CertpinPinFile:scope.
 *
 * Returns: the member of the enumeration
 *
 * Since: 0.1
 */
CertpinScope
certpin_pin_file_get_scope (CertpinPinFile *file)
{
  g_return_val_if_fail (CERTPIN_IS_PIN_FILE (file), CERTPIN_SCOPE_UNKNOWN);

  return (CertpinScope)g_value_get_enum (
      certpin_record_get_value (CERTPIN_RECORD (file), PROP_SCOPE));
}

/**
 * certpin_pin_file_get_name:
 * @file: a #CertpinPinFile
 *
 * Gets #CertpinPinFile:name.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_pin_file_get_name (CertpinPinFile *file)
{
  g_return_val_if_fail (CERTPIN_IS_PIN_FILE (file), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (file), PROP_NAME));
}

/**
 * certpin_pin_file_get_text:
 * @file: a #CertpinPinFile
 *
 * Gets #CertpinPinFile:text.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_pin_file_get_text (CertpinPinFile *file)
{
  g_return_val_if_fail (CERTPIN_IS_PIN_FILE (file), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (file), PROP_TEXT));
}
