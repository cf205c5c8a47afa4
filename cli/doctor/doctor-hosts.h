/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cli/doctor/doctor-survey.h"

G_BEGIN_DECLS

/* Called with each finding, in the order of the hosts. `finding`: (transfer full) */
typedef void (*CtlOnFinding) (CtlFinding *finding, gpointer user_data);

/* The hosts to try, and what is to be known of all of them. */
typedef struct
{
  const char *const *hosts;
  GVariant *options; /* a{sv} of FetchChain */
  CtlSurvey *survey;
} CtlHostsTask;

gboolean
ctl_hosts_try (Ctl *ctl, const CtlHostsTask *task, CtlOnFinding on_finding, gpointer user_data);

G_END_DECLS
