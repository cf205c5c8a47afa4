/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/trust/cpd-certificate.h"

G_BEGIN_DECLS

/* Where a certificate stands on a path. */
typedef enum
{
  CPD_ROLE_LEAF,
  CPD_ROLE_INTERMEDIATE,
  CPD_ROLE_ANCHOR,
} CpdRole;

gboolean cpd_profile_demands_ocsp (CpdCertificate *certificate);
gboolean cpd_profile_is_too_long (CpdCertificate *certificate);
gboolean cpd_profile_allows_servers (CpdCertificate *certificate);
const char *cpd_profile_find_fault (CpdCertificate *certificate, CpdRole role);
const char *cpd_profile_find_anchor_fault (CpdCertificate *certificate);

G_END_DECLS
