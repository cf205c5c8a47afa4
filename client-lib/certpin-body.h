/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: the body of a response that comes by a descriptor. */

#pragma once

#include "certpin-link.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define CERTPIN_TYPE_BODY (certpin_body_get_type ())

G_DECLARE_FINAL_TYPE (CertpinBody, certpin_body, CERTPIN, BODY, GInputStream)

GInputStream *
certpin_body_new (int descriptor, GDBusConnection *connection, const char *path, CertpinLink *link);

G_END_DECLS
