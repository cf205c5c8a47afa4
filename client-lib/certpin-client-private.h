/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: what its methods need of a client. */

#pragma once

#include "certpin-client.h"
#include "certpin-link.h"

G_BEGIN_DECLS

CertpinLink *certpin_client_get_link (CertpinClient *client);
CertpinClient *certpin_client_new_beside (CertpinClient *client);

G_END_DECLS
