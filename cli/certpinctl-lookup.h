/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

GVariant *ctl_lookup_pin (Ctl *ctl, const char *host, gboolean system, GError **error);
gboolean
ctl_lookup_exact_pin (Ctl *ctl, const char *host, gboolean system, GVariant **pin, GError **error);
char *ctl_lookup_name (Ctl *ctl, const char *host, GError **error);

G_END_DECLS
