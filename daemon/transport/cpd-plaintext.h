/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/transport/cpd-preamble.h"
#include "daemon/transport/cpd-tls.h"

G_BEGIN_DECLS

/* A connection on which TLS is asked for. */
typedef struct _CpdPlaintext CpdPlaintext;

/* `tls`: (transfer full) (nullable): its handshake may begin; NULL with `error`: (transfer full) */
typedef void (*CpdPlaintextFunc) (CpdTls *tls, GError *error, GTask *task);

CpdPlaintext *
cpd_plaintext_start (CpdTls *tls, CpdStarttls protocol, CpdPlaintextFunc done, GTask *task);
void cpd_plaintext_stop (CpdPlaintext *plaintext);

G_END_DECLS
