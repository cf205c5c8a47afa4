/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-enums.h>
#include <certpin-record.h>

G_BEGIN_DECLS

#define CERTPIN_TYPE_SERVICE_STATUS (certpin_service_status_get_type ())

/**
 * CertpinServiceStatus:
 *
 * How the service is, as far as it concerns the user. It says what was so when
 * certpin_client_get_status() was called.
 *
 * Since: 0.1
 */
CERTPIN_API
G_DECLARE_FINAL_TYPE (CertpinServiceStatus, certpin_service_status, CERTPIN, SERVICE_STATUS,
                      CertpinRecord)

CERTPIN_API CertpinServiceStatus *certpin_service_status_new (GVariant *description);

CERTPIN_API const char *certpin_service_status_get_version (CertpinServiceStatus *status);
CERTPIN_API GDateTime *certpin_service_status_get_started (CertpinServiceStatus *status);
CERTPIN_API const char *const *certpin_service_status_get_problems (CertpinServiceStatus *status);
CERTPIN_API GDateTime *certpin_service_status_get_last_reload (CertpinServiceStatus *status);
CERTPIN_API const char *certpin_service_status_get_reload_error (CertpinServiceStatus *status);
CERTPIN_API guint64 certpin_service_status_get_requests_today (CertpinServiceStatus *status);
CERTPIN_API guint64 certpin_service_status_get_refusals_today (CertpinServiceStatus *status);
CERTPIN_API const char *const *certpin_service_status_get_warnings (CertpinServiceStatus *status);
CERTPIN_API const char *const *certpin_service_status_get_advice (CertpinServiceStatus *status);
CERTPIN_API unsigned int certpin_service_status_get_trust_anchors (CertpinServiceStatus *status);
CERTPIN_API const char *certpin_service_status_get_trust_file (CertpinServiceStatus *status);
CERTPIN_API const char *certpin_service_status_get_state_folder (CertpinServiceStatus *status);
CERTPIN_API const char *certpin_service_status_get_state_problem (CertpinServiceStatus *status);
CERTPIN_API unsigned int certpin_service_status_get_unstored (CertpinServiceStatus *status);
CERTPIN_API unsigned int certpin_service_status_count_pins (CertpinServiceStatus *status,
                                                            CertpinScope scope, CertpinState state);
CERTPIN_API GPtrArray *certpin_service_status_dup_blocked (CertpinServiceStatus *status);

G_END_DECLS
