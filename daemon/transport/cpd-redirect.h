/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client-lib/certpin-request.h"
#include "daemon/core/pins/cpd-host.h"
#include "daemon/core/verdict/cpd-upload.h"
#include "daemon/transport/cpd-http-head.h"

G_BEGIN_DECLS

/* One request of an order, the first or one after a redirect, and its host. */
typedef struct
{
  CertpinRequest *request;
  CpdHost *target;
  CpdUpload *upload; /* its body, which is read from a descriptor; NULL: none is */
} CpdHop;

void cpd_hop_clear (CpdHop *hop);

gboolean cpd_redirect_is_one (const CpdHttpHead *head);
gboolean
cpd_redirect_follow (const CpdHop *hop, const CpdHttpHead *head, CpdHop *next, GError **error);

G_END_DECLS
