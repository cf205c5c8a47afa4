/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: a request whose body is not in memory. */

#pragma once

#include "certpin-request.h"

G_BEGIN_DECLS

CertpinRequest *
certpin_request_new_for_content (const char *method, const char *url, GVariant *headers,
                                 GObject *content, GError **error);

GObject *certpin_request_get_content (CertpinRequest *request);

G_END_DECLS
