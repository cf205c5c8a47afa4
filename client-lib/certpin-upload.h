/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: a request whose body is read from a stream. */

#pragma once

#include "certpin-client.h"
#include "certpin-progress.h"

G_BEGIN_DECLS

/* An upload. */
typedef struct
{
  CertpinClient *client;
  CertpinRequest *request;
  GInputStream *body;
  goffset length;    /* -1: what is left of the body, which is a file */
  GVariant *options; /* a{sv} */
  GCancellable *cancellable;
  CertpinProgress progress;
} CertpinUpload;

CertpinResponse *certpin_upload_run (CertpinUpload *upload, GError **error);

G_END_DECLS
