/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: the token and the timeout of a call that makes a connection. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Of a request that does not say so itself; the service has the same. */
#define CERTPIN_HANDLE_TIMEOUT_MS 30000

GVariant *certpin_handle_add (GVariant *options, char **token);
int certpin_handle_get_timeout_ms (GVariant *options);

G_END_DECLS
