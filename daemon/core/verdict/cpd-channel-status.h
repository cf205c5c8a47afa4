/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client-lib/certpin-key.h"
#include "daemon/core/pins/cpd-host.h"

G_BEGIN_DECLS

/* What there is to see of one warm channel at one time. Its maker fills it in; then it is only
 * read. */
typedef struct
{
  guint64 number;  /* from 1 on; no other channel of this owner has it, ever */
  CpdHost *target; /* host and port */
  char *proxy;     /* its URL, or “direct” */
  gint64 since;    /* Unix seconds: when it was opened */
  unsigned int connections;
  guint64 requests;                   /* begun */
  guint64 bytes_sent, bytes_received; /* of those that are over */
  CertpinKey *matched_key;            /* of the last of these; NULL: none */
} CpdChannelStatus;

CpdChannelStatus *cpd_channel_status_new (guint64 number, CpdHost *target, const char *proxy);
void cpd_channel_status_free (CpdChannelStatus *status);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdChannelStatus, cpd_channel_status_free)

G_END_DECLS
