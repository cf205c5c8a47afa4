/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cli/doctor/doctor-finding.h"

G_BEGIN_DECLS

/* A method of somebody on the bus. */
typedef struct
{
  const char *owner;
  const char *path;
  const char *interface;
  const char *name;
  const char *type; /* of the reply */
  int seconds;      /* that it may take */
} CtlMethod;

/* The examined bus, and what is known of the service. */
typedef struct
{
  Ctl *ctl;
  GDBusConnection *connection; /* (nullable) */
  char *version;               /* (nullable): of the service */
  GVariant *status;            /* (nullable): of GetStatus */
  GStrv hosts;                 /* (nullable): those of the pins that can be tried */
} CtlPatient;

void ctl_patient_clear (CtlPatient *patient);
GVariant *ctl_patient_call (CtlPatient *patient, const CtlMethod *method, GVariant *arguments,
                            GError **error);
gboolean ctl_patient_has_name (CtlPatient *patient, const char *name, gboolean *owned);

void ctl_check_bus (CtlPatient *patient, CtlFinding *finding);
void ctl_check_service (CtlPatient *patient, CtlFinding *finding);
void ctl_check_policy (CtlPatient *patient, CtlFinding *finding);
void ctl_check_version (CtlPatient *patient, CtlFinding *finding);

G_END_DECLS
