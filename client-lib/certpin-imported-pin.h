/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-enums.h>
#include <certpin-pin.h>
#include <certpin-record.h>

G_BEGIN_DECLS

#define CERTPIN_TYPE_IMPORTED_PIN (certpin_imported_pin_get_type ())

/**
 * CertpinImportedPin:
 *
 * What the import of a text did to one pin, or would do. certpin_client_import_pins() returns such
 * changes.
 *
 * Since: 0.1
 */
CERTPIN_API
G_DECLARE_FINAL_TYPE (CertpinImportedPin, certpin_imported_pin, CERTPIN, IMPORTED_PIN,
                      CertpinRecord)

CERTPIN_API CertpinImportedPin *certpin_imported_pin_new (GVariant *description);

CERTPIN_API const char *certpin_imported_pin_get_host (CertpinImportedPin *change);
CERTPIN_API CertpinImportChange certpin_imported_pin_get_change (CertpinImportedPin *change);
CERTPIN_API CertpinPin *certpin_imported_pin_get_pin (CertpinImportedPin *change);
CERTPIN_API CertpinPin *certpin_imported_pin_get_old (CertpinImportedPin *change);

G_END_DECLS
