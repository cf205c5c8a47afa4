/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *ctl_json_from_variant (GVariant *value);

G_END_DECLS
