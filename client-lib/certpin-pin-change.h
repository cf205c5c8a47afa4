/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-enums.h>
#include <certpin-pin.h>
#include <certpin-record.h>

G_BEGIN_DECLS

#define CERTPIN_TYPE_PIN_CHANGE (certpin_pin_change_get_type ())

/**
 * CertpinPinChange:
 *
 * What the import of a text did to one pin, or would do. certpin_client_import_pins() returns such
 * changes.
 *
 * Since: 0.1
 */
CERTPIN_API
G_DECLARE_FINAL_TYPE (CertpinPinChange, certpin_pin_change, CERTPIN, PIN_CHANGE, CertpinRecord)

CERTPIN_API CertpinPinChange *certpin_pin_change_new (GVariant *description);

CERTPIN_API const char *certpin_pin_change_get_host (CertpinPinChange *change);
CERTPIN_API CertpinChange certpin_pin_change_get_change (CertpinPinChange *change);
CERTPIN_API CertpinPin *certpin_pin_change_get_pin (CertpinPinChange *change);
CERTPIN_API CertpinPin *certpin_pin_change_get_old (CertpinPinChange *change);

G_END_DECLS
