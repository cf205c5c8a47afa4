/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

void ctl_trace_exchange (CtlStream *err, CertpinRequest *request, gint64 body_bytes,
                         CertpinResponse *response);
void ctl_trace_certificate (Ctl *ctl, CertpinResponse *response);

G_END_DECLS
