/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client-lib/certpin-request.h"
#include "daemon/core/pins/cpd-host.h"
#include "daemon/core/verdict/cpd-upload.h"

G_BEGIN_DECLS

/* The bytes of one request, piece by piece. Knows no connection. It has one owner at a time. */
typedef struct _CpdHttpSender CpdHttpSender;

/* What is to be sent. */
typedef struct
{
  CertpinRequest *request;
  CpdHost *host;
  CpdUpload *upload; /* the body; NULL: the request has it, if there is one */
  gboolean plain;    /* even a large body is sent without asking first */
} CpdHttpSenderSettings;

CpdHttpSender *cpd_http_sender_new (const CpdHttpSenderSettings *settings);
void cpd_http_sender_free (CpdHttpSender *sender);

gboolean cpd_http_sender_take (CpdHttpSender *sender, GError **error);
const char *cpd_http_sender_peek (const CpdHttpSender *sender, gsize *length);
gboolean cpd_http_sender_skip (CpdHttpSender *sender, gsize count);

gboolean cpd_http_sender_withholds (const CpdHttpSender *sender);
void cpd_http_sender_release (CpdHttpSender *sender);
int cpd_http_sender_get_fd (const CpdHttpSender *sender);
gboolean cpd_http_sender_uploads (const CpdHttpSender *sender);
gboolean cpd_http_sender_is_complete (const CpdHttpSender *sender);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdHttpSender, cpd_http_sender_free)

G_END_DECLS
