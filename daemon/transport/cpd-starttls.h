/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

gboolean cpd_starttls_find_address (int given, GInetAddress **address, GError **error);
int cpd_starttls_take (int given, GError **error);

G_END_DECLS
