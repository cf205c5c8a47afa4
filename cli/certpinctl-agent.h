/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

void ctl_agent_open (Ctl *ctl);
void ctl_agent_close (Ctl *ctl, GError **error);

G_END_DECLS
