/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-request-options.h"
#include "certpinctl-run.h"

G_BEGIN_DECLS

/* What to tell of a response. */
typedef struct
{
  const CtlRequestOptions *chosen;
  GByteArray *body;   /* (nullable): for JSON */
  gboolean to_file;   /* a file was to get it */
  const char *url;    /* (nullable): to tell it from the others */
  goffset body_bytes; /* how many came */
  gint64 total_us;    /* until the end of the body */
} CtlAnswer;

char *ctl_answer_head (CertpinResponse *response);
gboolean ctl_answer_exceeds_redirects (CertpinResponse *response, const CtlRequestOptions *chosen);
CtlExit
ctl_answer_print (Ctl *ctl, CertpinResponse *response, const CtlAnswer *answer, char **message);

G_END_DECLS
