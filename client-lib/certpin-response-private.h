/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: a response whose body is a stream. */

#pragma once

#include "certpin-response.h"

G_BEGIN_DECLS

CertpinResponse *certpin_response_new_for_stream (unsigned int status, GVariant *headers,
                                                  GInputStream *stream, CertpinEvidence *evidence);

G_END_DECLS
