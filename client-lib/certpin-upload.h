/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: a request whose body is read from a file or a stream. */

#pragma once

#include "certpin-client.h"
#include "certpin-content.h"
#include "certpin-progress.h"

G_BEGIN_DECLS

/* An upload. */
typedef struct
{
  CertpinClient *client;
  CertpinRequest *request;
  CertpinContent *content;
  GVariant *options; /* a{sv} */
  GCancellable *cancellable;
  CertpinProgress progress;

  GInputStream *body; /* NULL: it is not open yet */
  goffset length;
} CertpinUpload;

void certpin_upload_start (GTask *task, const CertpinUpload *upload);
CertpinResponse *certpin_upload_run (CertpinUpload *upload, GError **error);

G_END_DECLS
