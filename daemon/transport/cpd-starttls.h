/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

int cpd_starttls_take (int given, GError **error);

G_END_DECLS
