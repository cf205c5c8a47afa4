/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/transport/cpd-judge.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define CPD_TYPE_TLS_DATABASE (cpd_tls_database_get_type ())

/* What TLS asks whether to go on with a handshake: one for each channel. */
G_DECLARE_FINAL_TYPE (CpdTlsDatabase, cpd_tls_database, CPD, TLS_DATABASE, GTlsDatabase)

CpdTlsDatabase *cpd_tls_database_new (CpdStore *store, guint32 uid, CpdHost *target);

CpdTlsDatabase *cpd_tls_database_new_refusing (void);

CpdPeer *cpd_tls_database_get_peer (CpdTlsDatabase *database, GTlsCertificate *certificate);
GPtrArray *cpd_tls_database_list_peers (CpdTlsDatabase *database);

G_END_DECLS
