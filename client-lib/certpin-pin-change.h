/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-enums.h>
#include <certpin-record.h>

G_BEGIN_DECLS

#define CERTPIN_TYPE_PIN_CHANGE (certpin_pin_change_get_type ())

/**
 * CertpinPinChange:
 *
 * What happened to a pin, and what became of it, as #CertpinClient::pin-changed tells it. It does
 * not change.
 *
 * Since: 0.1
 */
CERTPIN_API
G_DECLARE_FINAL_TYPE (CertpinPinChange, certpin_pin_change, CERTPIN, PIN_CHANGE, CertpinRecord)

CERTPIN_API CertpinPinChange *certpin_pin_change_new (GVariant *details);

CERTPIN_API CertpinChange certpin_pin_change_get_change (CertpinPinChange *change);
CERTPIN_API CertpinScope certpin_pin_change_get_scope (CertpinPinChange *change);
CERTPIN_API CertpinState certpin_pin_change_get_state (CertpinPinChange *change);
CERTPIN_API guint64 certpin_pin_change_get_generation (CertpinPinChange *change);
CERTPIN_API const char *certpin_pin_change_get_created_by (CertpinPinChange *change);
CERTPIN_API const char *certpin_pin_change_get_paused_by (CertpinPinChange *change);

G_END_DECLS
