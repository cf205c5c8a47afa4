/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client-lib/certpin-request.h"
#include "daemon/core/pins/cpd-host.h"
#include "daemon/transport/cpd-http-head.h"

G_BEGIN_DECLS

/* One of the requests that an order turns into by redirects, and where it goes. */
typedef struct
{
  CertpinRequest *request;
  CpdHost *target;
} CpdHop;

void cpd_hop_clear (CpdHop *hop);

gboolean cpd_redirect_is_one (const CpdHttpHead *head);
gboolean
cpd_redirect_follow (const CpdHop *hop, const CpdHttpHead *head, CpdHop *next, GError **error);

G_END_DECLS
