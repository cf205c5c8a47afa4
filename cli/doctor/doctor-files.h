/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cli/doctor/doctor-bus.h"

G_BEGIN_DECLS

void ctl_check_files (CtlPatient *patient, CtlFinding *finding);
void ctl_check_trust (CtlPatient *patient, CtlFinding *finding);
void ctl_check_state (CtlPatient *patient, CtlFinding *finding);

G_END_DECLS
