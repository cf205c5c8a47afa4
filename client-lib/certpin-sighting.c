/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* That a server proved a key of a pin for the first time. */

#include "config.h"

#include "certpin-sighting.h"

#include "certpin-record-private.h"

struct _CertpinSighting
{
  CertpinRecord parent;
};

enum
{
  PROP_KEY = CERTPIN_RECORD_FIRST,
  PROP_POSITION,
  PROP_KEYS,
  PROP_SCOPE,
  PROP_MATCH,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (CertpinSighting, certpin_sighting, CERTPIN_TYPE_RECORD)

static void
make_properties (void)
{
  /**
   * CertpinSighting:key:
   *
   * The key that the server proved, as certpin_key_to_text() writes it.
   *
   * Since: 0.1
   */
  props[PROP_KEY] = g_param_spec_string ("key", NULL, NULL, NULL, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinSighting:position:
   *
   * The place of the key among those of the pin; 0 is the first, and all others are backup keys.
   *
   * Since: 0.1
   */
  props[PROP_POSITION]
      = g_param_spec_uint ("position", NULL, NULL, 0, G_MAXUINT, 0, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinSighting:keys:
   *
   * How many keys the pin has.
   *
   * Since: 0.1
   */
  props[PROP_KEYS] = g_param_spec_uint ("keys", NULL, NULL, 0, G_MAXUINT, 0, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinSighting:scope:
   *
   * Whose pin it is.
   *
   * Since: 0.1
   */
  props[PROP_SCOPE] = g_param_spec_enum ("scope", NULL, NULL, CERTPIN_TYPE_SCOPE,
                                         CERTPIN_SCOPE_UNKNOWN, CERTPIN_RECORD_FLAGS);

  /**
   * CertpinSighting:match:
   *
   * Which key of the server the pin is compared with.
   *
   * Since: 0.1
   */
  props[PROP_MATCH] = g_param_spec_enum ("match", NULL, NULL, CERTPIN_TYPE_MATCH,
                                         CERTPIN_MATCH_UNKNOWN, CERTPIN_RECORD_FLAGS);
}

static void
certpin_sighting_class_init (CertpinSightingClass *klass)
{
  make_properties ();
  certpin_record_class_install (G_OBJECT_CLASS (klass), props, N_PROPS);
}

static void
certpin_sighting_init (CertpinSighting *self)
{
}

/**
 * certpin_sighting_new:
 * @details: an `a{sv}`: the `details` of the D-Bus signal `org.certpin.Certpin1.Pins.KeySeen`;
 *   consumed if floating
 *
 * Reads what the service says. What it does not say is %NULL or 0, and so is an entry of another
 * type than expected; words that this version of the library does not know are the member
 * `UNKNOWN` of their enumeration.
 *
 * Returns: (transfer full): a new #CertpinSighting
 *
 * Since: 0.1
 */
CertpinSighting *
certpin_sighting_new (GVariant *details)
{
  g_return_val_if_fail (details != NULL && g_variant_is_of_type (details, G_VARIANT_TYPE_VARDICT),
                        NULL);

  return g_object_new (CERTPIN_TYPE_SIGHTING, "description", details, NULL);
}

/**
 * certpin_sighting_get_key:
 * @sighting: a #CertpinSighting
 *
 * Gets #CertpinSighting:key.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL if there is none
 *
 * Since: 0.1
 */
const char *
certpin_sighting_get_key (CertpinSighting *sighting)
{
  g_return_val_if_fail (CERTPIN_IS_SIGHTING (sighting), NULL);

  return g_value_get_string (certpin_record_get_value (CERTPIN_RECORD (sighting), PROP_KEY));
}

/**
 * certpin_sighting_get_position:
 * @sighting: a #CertpinSighting
 *
 * Gets #CertpinSighting:position.
 *
 * Returns: the number; 0 if there is none
 *
 * Since: 0.1
 */
unsigned int
certpin_sighting_get_position (CertpinSighting *sighting)
{
  g_return_val_if_fail (CERTPIN_IS_SIGHTING (sighting), 0);

  return g_value_get_uint (certpin_record_get_value (CERTPIN_RECORD (sighting), PROP_POSITION));
}

/**
 * certpin_sighting_get_keys:
 * @sighting: a #CertpinSighting
 *
 * Gets #CertpinSighting:keys.
 *
 * Returns: the number; 0 if there is none
 *
 * Since: 0.1
 */
unsigned int
certpin_sighting_get_keys (CertpinSighting *sighting)
{
  g_return_val_if_fail (CERTPIN_IS_SIGHTING (sighting), 0);

  return g_value_get_uint (certpin_record_get_value (CERTPIN_RECORD (sighting), PROP_KEYS));
}

/**
 * certpin_sighting_get_scope:
 * @sighting: a #CertpinSighting
 *
 * Gets #CertpinSighting:scope.
 *
 * Returns: the member of the enumeration
 *
 * Since: 0.1
 */
CertpinScope
certpin_sighting_get_scope (CertpinSighting *sighting)
{
  g_return_val_if_fail (CERTPIN_IS_SIGHTING (sighting), CERTPIN_SCOPE_UNKNOWN);

  return (CertpinScope)g_value_get_enum (
      certpin_record_get_value (CERTPIN_RECORD (sighting), PROP_SCOPE));
}

/**
 * certpin_sighting_get_match:
 * @sighting: a #CertpinSighting
 *
 * Gets #CertpinSighting:match.
 *
 * Returns: the member of the enumeration
 *
 * Since: 0.1
 */
CertpinMatch
certpin_sighting_get_match (CertpinSighting *sighting)
{
  g_return_val_if_fail (CERTPIN_IS_SIGHTING (sighting), CERTPIN_MATCH_UNKNOWN);

  return (CertpinMatch)g_value_get_enum (
      certpin_record_get_value (CERTPIN_RECORD (sighting), PROP_MATCH));
}
