/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

/* What -w can tell of a transfer. */
typedef struct
{
  const char *method;
  const char *url;
  const char *file;          /* (nullable) */
  const char *error;         /* (nullable): its message */
  CertpinResponse *response; /* (nullable) */
  CtlExit status;            /* the exit status */
  goffset downloaded, uploaded;
  unsigned int retries;
  double total_s;
} CtlWriteOutFacts;

char *ctl_write_out_read (const char *given, GError **error);
void ctl_write_out (Ctl *ctl, const char *format, const CtlWriteOutFacts *facts);

G_END_DECLS
