/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client-lib/certpin-request.h"
#include "daemon/core/pins/cpd-host.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

SoupMessage *cpd_message_new (CertpinRequest *request, CpdHost *target, gboolean fresh);
gboolean cpd_message_may_go_twice (SoupMessage *message);

G_END_DECLS
