/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-enums.h>
#include <certpin-error.h>
#include <certpin-record.h>

G_BEGIN_DECLS

#define CERTPIN_TYPE_FAILURE (certpin_failure_get_type ())

/**
 * CertpinFailure:
 *
 * Why a request was refused, or why a pin that only reports did not match. It does not change.
 *
 * Since: 0.1
 */
CERTPIN_API
G_DECLARE_FINAL_TYPE (CertpinFailure, certpin_failure, CERTPIN, FAILURE, CertpinRecord)

CERTPIN_API CertpinFailure *certpin_failure_new (GVariant *description);

CERTPIN_API const char *certpin_failure_get_error (CertpinFailure *failure);
CERTPIN_API const char *certpin_failure_get_message (CertpinFailure *failure);
CERTPIN_API const char *certpin_failure_get_reason (CertpinFailure *failure);
CERTPIN_API const char *const *certpin_failure_get_offered_keys (CertpinFailure *failure);
CERTPIN_API const char *const *certpin_failure_get_pinned_keys (CertpinFailure *failure);
CERTPIN_API const char *certpin_failure_get_subject (CertpinFailure *failure);
CERTPIN_API const char *certpin_failure_get_issuer (CertpinFailure *failure);
CERTPIN_API const char *certpin_failure_get_ocsp (CertpinFailure *failure);
CERTPIN_API const char *certpin_failure_get_likely_cause (CertpinFailure *failure);
CERTPIN_API const char *certpin_failure_get_advice (CertpinFailure *failure);
CERTPIN_API const char *certpin_failure_get_host (CertpinFailure *failure);
CERTPIN_API CertpinScope certpin_failure_get_scope (CertpinFailure *failure);
CERTPIN_API CertpinMode certpin_failure_get_mode (CertpinFailure *failure);
CERTPIN_API GDateTime *certpin_failure_get_time (CertpinFailure *failure);
CERTPIN_API const char *certpin_failure_get_requested_by (CertpinFailure *failure);
CERTPIN_API CertpinError certpin_failure_get_code (CertpinFailure *failure);

G_END_DECLS
