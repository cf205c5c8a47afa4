/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

gboolean ctl_name_look_up (Ctl *ctl, const char *name, GError **error);

G_END_DECLS
