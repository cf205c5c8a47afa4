/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-enums.h>
#include <certpin-record.h>

G_BEGIN_DECLS

#define CERTPIN_TYPE_SIGHTING (certpin_sighting_get_type ())

/**
 * CertpinSighting:
 *
 * That a server proved a key of a pin for the first time, as #CertpinClient::key-seen tells it. It
 * does not change.
 *
 * Since: 0.1
 */
CERTPIN_API
G_DECLARE_FINAL_TYPE (CertpinSighting, certpin_sighting, CERTPIN, SIGHTING, CertpinRecord)

CERTPIN_API CertpinSighting *certpin_sighting_new (GVariant *details);

CERTPIN_API const char *certpin_sighting_get_key (CertpinSighting *sighting);
CERTPIN_API unsigned int certpin_sighting_get_position (CertpinSighting *sighting);
CERTPIN_API unsigned int certpin_sighting_get_keys (CertpinSighting *sighting);
CERTPIN_API CertpinScope certpin_sighting_get_scope (CertpinSighting *sighting);
CERTPIN_API CertpinMatch certpin_sighting_get_match (CertpinSighting *sighting);

G_END_DECLS
