/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-enums.h>
#include <certpin-record.h>

G_BEGIN_DECLS

#define CERTPIN_TYPE_PIN_FILE (certpin_pin_file_get_type ())

/**
 * CertpinPinFile:
 *
 * A pin as the text of a pin file, which can be kept, moved to another machine and imported there.
 * certpin_client_export_pins() returns such files.
 *
 * Since: 0.1
 */
CERTPIN_API
G_DECLARE_FINAL_TYPE (CertpinPinFile, certpin_pin_file, CERTPIN, PIN_FILE, CertpinRecord)

CERTPIN_API CertpinPinFile *certpin_pin_file_new (GVariant *description);

CERTPIN_API const char *certpin_pin_file_get_host (CertpinPinFile *file);
CERTPIN_API CertpinScope certpin_pin_file_get_scope (CertpinPinFile *file);
CERTPIN_API const char *certpin_pin_file_get_name (CertpinPinFile *file);
CERTPIN_API const char *certpin_pin_file_get_text (CertpinPinFile *file);

G_END_DECLS
