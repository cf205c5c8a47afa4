/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cli/doctor/doctor-diagnosis.h"

G_BEGIN_DECLS

/* What the trials of all hosts say together. All zero at first. */
typedef struct
{
  GHashTable *found;   /* (nullable): set of char *: names that resolve */
  GHashTable *unclear; /* (nullable): likewise: those that may be why there was no connection */
  unsigned int offline;
  char *proxy;                          /* (nullable): its URL */
  unsigned int through, failed, silent; /* hosts behind it, by what came of them */
  GError *refusal;                      /* (nullable): the first one of the proxy's */
} CtlSurvey;

void ctl_survey_clear (CtlSurvey *survey);
void ctl_survey_note (CtlSurvey *survey, const CtlExam *exam);

void ctl_survey_check_names (CtlSurvey *survey, Ctl *ctl, CtlFinding *finding);
void ctl_survey_check_proxy (CtlSurvey *survey, CtlFinding *finding);

G_END_DECLS
