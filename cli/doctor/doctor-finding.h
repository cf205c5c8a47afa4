/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cli/certpinctl-run.h"

G_BEGIN_DECLS

/* What a check came to. */
typedef enum
{
  CTL_STATE_OK,
  CTL_STATE_FAILED,
  CTL_STATE_SKIPPED,
} CtlState;

/* What a check has found. */
typedef struct
{
  const char *check; /* its name (static) */
  char *host;        /* (nullable): of a check of one host */
  CtlState state;
  char *text;    /* one sentence */
  char *meaning; /* (nullable): sentences */
  char *command; /* (nullable): what helps */
  char *problem; /* (nullable): the NAME of an error */
} CtlFinding;

CtlFinding *ctl_finding_new (const char *check, const char *host);
void ctl_finding_free (CtlFinding *finding);

void ctl_finding_pass (CtlFinding *finding, const char *format, ...) G_GNUC_PRINTF (2, 3);
void ctl_finding_fail (CtlFinding *finding, const char *format, ...) G_GNUC_PRINTF (2, 3);
void ctl_finding_skip (CtlFinding *finding, const char *format, ...) G_GNUC_PRINTF (2, 3);
void ctl_finding_help (CtlFinding *finding, const char *meaning, const char *command);

void ctl_finding_print (Ctl *ctl, const CtlFinding *finding);
GVariant *ctl_finding_to_variant (const CtlFinding *finding);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlFinding, ctl_finding_free)

G_END_DECLS
