/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

gboolean ctl_can_ask (Ctl *ctl);
gboolean ctl_ask (Ctl *ctl, const char *question, GError **error);

G_END_DECLS
