/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client-lib/certpin-error.h"

G_BEGIN_DECLS

/* The stage in which a request failed. */
typedef enum
{
  CPD_STAGE_OFFLINE, /* nowhere: this machine has no network */
  CPD_STAGE_CONNECTING,
  CPD_STAGE_HANDSHAKING,
  CPD_STAGE_SENT,
  CPD_STAGE_OPEN, /* a tunnel */
} CpdStage;

char *cpd_fetch_error_make_detail (const GError *reason);
GError *cpd_fetch_error_map (const GError *reason, CpdStage stage, const char *host);

G_END_DECLS
