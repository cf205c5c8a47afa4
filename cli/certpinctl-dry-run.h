/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-plan.h"

G_BEGIN_DECLS

CtlExit ctl_dry_run (Ctl *ctl, CtlPlan *plan, GError **error);
CtlExit ctl_dry_run_print (Ctl *ctl, GVariant *wanted, GVariant *old);

G_END_DECLS
