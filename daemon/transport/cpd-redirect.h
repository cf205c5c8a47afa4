/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client-lib/certpin-request.h"

G_BEGIN_DECLS

gboolean cpd_redirect_is_one (unsigned int status, GVariant *headers);
CertpinRequest *cpd_redirect_follow (CertpinRequest *request, unsigned int status,
                                     GVariant *headers, GError **error);

G_END_DECLS
