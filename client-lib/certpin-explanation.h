/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <certpin-record.h>

G_BEGIN_DECLS

#define CERTPIN_TYPE_EXPLANATION (certpin_explanation_get_type ())

/**
 * CertpinExplanation:
 *
 * Which pins apply to a host, and what they mean for a request.
 *
 * Since: 0.1
 */
CERTPIN_API
G_DECLARE_FINAL_TYPE (CertpinExplanation, certpin_explanation, CERTPIN, EXPLANATION, CertpinRecord)

CERTPIN_API CertpinExplanation *certpin_explanation_new (GVariant *description);

CERTPIN_API const char *certpin_explanation_get_host (CertpinExplanation *explanation);
CERTPIN_API const char *certpin_explanation_get_policy (CertpinExplanation *explanation);
CERTPIN_API GDateTime *certpin_explanation_get_paused_until (CertpinExplanation *explanation);
CERTPIN_API const char *certpin_explanation_get_proxy (CertpinExplanation *explanation);
CERTPIN_API GPtrArray *certpin_explanation_dup_pins (CertpinExplanation *explanation);

G_END_DECLS
