/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: a request as a call, and its reply as a response. */

#pragma once

#include "certpin-call.h"
#include "certpin-request.h"
#include "certpin-response.h"

G_BEGIN_DECLS

/* The name of tasks that return a response, not a reply. */
#define CERTPIN_EXCHANGE_GATHERED "gathered"

gboolean certpin_exchange_needs_descriptor (CertpinRequest *request);
CertpinCall *certpin_exchange_new_call (CertpinRequest *request, GVariant *options);
CertpinResponse *certpin_exchange_take_response (GTask *task, gboolean streams, GError **error);

G_END_DECLS
