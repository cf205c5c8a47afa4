/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-certificate.h>
#include <certpin-enums.h>
#include <certpin-record.h>

G_BEGIN_DECLS

#define CERTPIN_TYPE_PIN (certpin_pin_get_type ())

/**
 * CertpinPin:
 *
 * A pin, or a block, of one host pattern and one scope, as the service described it. It does not
 * change: if the pin changes, there is a new description. #CertpinPinList always has the newest.
 *
 * Since: 0.1
 */
CERTPIN_API
G_DECLARE_FINAL_TYPE (CertpinPin, certpin_pin, CERTPIN, PIN, CertpinRecord)

CERTPIN_API CertpinPin *certpin_pin_new (GVariant *description);

CERTPIN_API const char *certpin_pin_get_host (CertpinPin *pin);
CERTPIN_API CertpinScope certpin_pin_get_scope (CertpinPin *pin);
CERTPIN_API const char *certpin_pin_get_app (CertpinPin *pin);
CERTPIN_API CertpinState certpin_pin_get_state (CertpinPin *pin);
CERTPIN_API const char *const *certpin_pin_get_keys (CertpinPin *pin);
CERTPIN_API CertpinMatch certpin_pin_get_match (CertpinPin *pin);
CERTPIN_API CertpinMode certpin_pin_get_mode (CertpinPin *pin);
CERTPIN_API GDateTime *certpin_pin_get_expires (CertpinPin *pin);
CERTPIN_API const char *certpin_pin_get_reason (CertpinPin *pin);
CERTPIN_API const char *certpin_pin_get_subject (CertpinPin *pin);
CERTPIN_API const char *certpin_pin_get_issuer (CertpinPin *pin);
CERTPIN_API GDateTime *certpin_pin_get_not_after (CertpinPin *pin);
CERTPIN_API const char *const *certpin_pin_get_warnings (CertpinPin *pin);
CERTPIN_API GDateTime *certpin_pin_get_last_seen (CertpinPin *pin);
CERTPIN_API CertpinCertificate *certpin_pin_get_served (CertpinPin *pin);
CERTPIN_API GDateTime *certpin_pin_get_paused_until (CertpinPin *pin);
CERTPIN_API const char *certpin_pin_get_pause_reason (CertpinPin *pin);
CERTPIN_API const char *certpin_pin_get_paused_by (CertpinPin *pin);
CERTPIN_API unsigned int certpin_pin_get_trust_anchors (CertpinPin *pin);
CERTPIN_API const char *certpin_pin_get_note (CertpinPin *pin);
CERTPIN_API GDateTime *certpin_pin_get_created (CertpinPin *pin);
CERTPIN_API const char *certpin_pin_get_created_by (CertpinPin *pin);
CERTPIN_API const char *certpin_pin_get_source (CertpinPin *pin);
CERTPIN_API gboolean certpin_pin_get_stored (CertpinPin *pin);
CERTPIN_API guint64 certpin_pin_get_generation (CertpinPin *pin);
CERTPIN_API gboolean certpin_pin_get_applies (CertpinPin *pin);
CERTPIN_API const char *certpin_pin_get_why (CertpinPin *pin);
CERTPIN_API gboolean certpin_pin_lookup_seen (CertpinPin *pin, const char *key, GDateTime **first,
                                              GDateTime **last);

G_END_DECLS
