/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-file.h"
#include "certpinctl-run.h"

G_BEGIN_DECLS

/* What to do with a response. */
typedef struct
{
  CtlFile *file;    /* (nullable): where to write it instead of standard output */
  gboolean written; /* it is in the file already */
  gboolean include;
  gboolean fail;
  gboolean silent; /* shows no progress */
} CtlAnswer;

CtlExit
ctl_print_answer (Ctl *ctl, CertpinResponse *response, const CtlAnswer *answer, GError **error);

G_END_DECLS
