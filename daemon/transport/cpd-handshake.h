/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/transport/cpd-tls.h"
#include "daemon/transport/cpd-workers.h"

G_BEGIN_DECLS

/* One handshake under way. */
typedef struct _CpdHandshake CpdHandshake;

/* `tls`: (transfer full): `failure` says whether it can be used. `failure`: (transfer full)
 * (nullable): NULL: the handshake is complete; what the server presented is not judged. */
typedef void (*CpdHandshakeFunc) (CpdTls *tls, GError *failure, gpointer user_data);

/* For whom, and who waits for it. */
typedef struct
{
  CpdWorkers *workers;
  CpdOwner owner;
  CpdHandshakeFunc done;
  gpointer user_data;
  GDestroyNotify destroy; /* of the user data, once no thread has the connection any more */
} CpdHandshakeSettings;

CpdHandshake *cpd_handshake_start (CpdTls *tls, const CpdHandshakeSettings *settings);
void cpd_handshake_stop (CpdHandshake *handshake);

G_END_DECLS
