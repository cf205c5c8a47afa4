/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-board.h"
#include "certpinctl-progress.h"
#include "certpinctl-request-options.h"
#include "certpinctl-sink.h"

G_BEGIN_DECLS

/* One request, from the first attempt to the end of the response's body. */
typedef struct
{
  Ctl *ctl;
  const CtlRequestOptions *chosen;
  CertpinRequest *request;
  GVariant *to_service; /* options, set by the owner */
  char *url;            /* (nullable): for messages, where there are several; set by the owner */
  const char *upload;   /* (nullable): a file's name, set by the owner */
  char *output;         /* (nullable): a file's name */
  gboolean raw;         /* standard output was named: nothing is done for a terminal */

  CtlBoard *board; /* (nullable) */
  unsigned int number;
  CtlProgress progress;

  CtlFile *file; /* (nullable) */
  CtlSink sink;
  char *buffer;
  goffset total;    /* of the body; -1: not known */
  goffset uploaded; /* bytes */
  goffset begun_at; /* of -C: bytes that the file had before; -1: not known yet */
  goffset got;      /* of -C: bytes that came */

  unsigned int attempt; /* 1: the first one */
  gint64 begun_us, ended_us;
  gint64 attempted_us; /* of the last attempt */
  gint64 started_s;    /* of the last attempt */
  gboolean finished;
  gboolean printed; /* something of the response cannot be taken back */

  CertpinResponse *response; /* (nullable) */
  GError *error;             /* (nullable) */
} CtlTransfer;

CtlTransfer *ctl_transfer_new (Ctl *ctl, const CtlRequestOptions *chosen, CertpinRequest *request,
                               const char *output);
void ctl_transfer_free (CtlTransfer *transfer);
void ctl_transfer_start (CtlTransfer *transfer);
goffset ctl_transfer_get_done (const CtlTransfer *transfer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlTransfer, ctl_transfer_free)

G_END_DECLS
