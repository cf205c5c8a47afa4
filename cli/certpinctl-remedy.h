/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

char *ctl_remedy_find (Ctl *ctl, const GError *error);
char *ctl_remedy_reword (const char *message);

G_END_DECLS
