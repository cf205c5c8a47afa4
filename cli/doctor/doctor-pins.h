/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cli/doctor/doctor-finding.h"

G_BEGIN_DECLS

GStrv ctl_check_pins (Ctl *ctl, CtlFinding *finding);

G_END_DECLS
