/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cli/doctor/doctor-finding.h"

G_BEGIN_DECLS

/* What came of the trial of one host. */
typedef struct
{
  const char *host;
  GVariant *explanation; /* (nullable): of ExplainHost */
  GVariant *info;        /* (nullable): of FetchChain */
  GError *error;         /* (nullable): of either */
} CtlExam;

void ctl_exam_clear (CtlExam *exam);
const char *ctl_diagnosis_of_pins (GVariant *explanation);
CtlFinding *ctl_diagnosis_new (Ctl *ctl, const CtlExam *exam);

G_END_DECLS
