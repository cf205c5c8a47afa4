/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client-lib/certpin-request.h"
#include "daemon/core/pins/cpd-host.h"

G_BEGIN_DECLS

GString *cpd_http_request_write_head (CertpinRequest *request, CpdHost *target, guint64 body_bytes,
                                      gboolean expects_continue);
gboolean cpd_http_request_may_go_twice (CertpinRequest *request);

void cpd_http_append_encoded (GString *string, const char *text);

G_END_DECLS
