/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

void ctl_init_globals (Ctl *ctl);
gboolean ctl_parse_globals (Ctl *ctl, GError **error);
gboolean ctl_parse (Ctl *ctl, const GOptionEntry *options, GError **error);
gboolean ctl_parse_with (Ctl *ctl, const GOptionEntry *options, gpointer data, GError **error);

G_END_DECLS
