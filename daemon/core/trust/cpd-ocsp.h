/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/trust/cpd-certificate.h"

G_BEGIN_DECLS

/* What a stapled response proves, whatever the time is. */
typedef enum
{
  CPD_OCSP_NONE,      /* there is none */
  CPD_OCSP_UNCHECKED, /* without a valid path it is not known who may sign it */
  CPD_OCSP_INVALID,   /* it is malformed, about other certificates, or not signed as it must be */
  CPD_OCSP_UNKNOWN,   /* the responder does not know the certificate */
  CPD_OCSP_GOOD,
  CPD_OCSP_REVOKED,
} CpdOcspStatus;

typedef struct
{
  CpdOcspStatus status;
  gint64 valid_from;  /* Unix seconds: “good” and “unknown” are current … */
  gint64 valid_until; /* … from and until then, both included */
} CpdOcsp;

CpdOcsp cpd_ocsp_judge (GBytes *response, CpdCertificate *certificate, CpdCertificate *issuer);
gboolean cpd_ocsp_is_good (const CpdOcsp *ocsp, gint64 now);
const char *cpd_ocsp_get_name (const CpdOcsp *ocsp, gint64 now);

G_END_DECLS
