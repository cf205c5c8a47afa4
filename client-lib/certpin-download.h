/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: a response that goes to a file. */

#pragma once

#include "certpin-client.h"
#include "certpin-progress.h"

G_BEGIN_DECLS

/* A download. */
typedef struct
{
  CertpinClient *client;
  CertpinRequest *request;
  GFile *file;
  GVariant *options; /* a{sv} */
  GCancellable *cancellable;
  CertpinProgress progress;
  CertpinResponse *failed; /* (nullable): owned: whose body could not be downloaded */
} CertpinDownload;

CertpinResponse *certpin_download_run (CertpinDownload *download, GError **error);

G_END_DECLS
