/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

void ctl_pager_open (Ctl *ctl);
void ctl_pager_close (Ctl *ctl);

G_END_DECLS
