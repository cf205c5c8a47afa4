/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

GVariant *
cpd_response_headers_read (SoupMessageHeaders *headers, unsigned int status, GError **error);

G_END_DECLS
