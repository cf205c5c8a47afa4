/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/transport/cpd-records.h"
#include "daemon/transport/cpd-tls-socket.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* The client's end of one TLS connection. Nothing here ever waits: what cannot be done at once
 * fails with G_IO_ERROR_WOULD_BLOCK. */
typedef struct _CpdTls CpdTls;

/* What went over it, in bytes before TLS encrypts them. */
typedef struct
{
  guint64 sent, received;
} CpdTraffic;

typedef void (*CpdTlsReadyFunc) (gpointer user_data);

CpdTls *cpd_tls_new (int socket, const char *name, const char *const *protocols);
CpdTls *cpd_tls_new_lent (CpdLentSocket *lent, const char *name, const char *const *protocols);
CpdTls *cpd_tls_new_over (CpdTls *below, const char *name, const char *const *protocols);
void cpd_tls_free (CpdTls *tls);

void cpd_tls_add_plaintext (CpdTls *tls, GBytes *data);
gssize cpd_tls_receive_plaintext (CpdTls *tls, void *buffer, gsize size, GError **error);

gboolean cpd_tls_handshake (CpdTls *tls, GIOCondition *waits_for, GError **error);
GPtrArray *cpd_tls_get_presented (CpdTls *tls);
GBytes *cpd_tls_dup_stapled (CpdTls *tls);
const char *cpd_tls_get_version (CpdTls *tls);
const char *cpd_tls_get_cipher (CpdTls *tls);
char *cpd_tls_dup_protocol (CpdTls *tls);

void cpd_tls_hold (CpdTls *tls, gboolean held);
void cpd_tls_watch (CpdTls *tls, GIOCondition condition, CpdTlsReadyFunc ready, gpointer user_data);
gssize cpd_tls_receive (CpdTls *tls, void *buffer, gsize size, GError **error);
gssize cpd_tls_receive_record (CpdTls *tls, CpdRecords *records, GError **error);
gssize cpd_tls_send (CpdTls *tls, const void *data, gsize size, GError **error);
gboolean cpd_tls_has_unread (CpdTls *tls);
gboolean cpd_tls_has_unsent (CpdTls *tls);
gsize cpd_tls_count_queued (CpdTls *tls);

int cpd_tls_get_fd (CpdTls *tls);
gboolean cpd_tls_was_alerted (CpdTls *tls);
gboolean cpd_tls_has_pending (CpdTls *tls);
void cpd_tls_expect_much (CpdTls *tls);
gboolean cpd_tls_send_much (CpdTls *tls, const guint8 *data, gsize size, GError **error);
CpdTraffic cpd_tls_take_traffic (CpdTls *tls);

void cpd_tls_end_sending (CpdTls *tls);

void cpd_tls_limit_silence (CpdTls *tls, unsigned int limit_ms);
void cpd_tls_probe_silence (CpdTls *tls);
void cpd_tls_check_network (CpdTls *tls);

void cpd_tls_refuse (CpdTls *tls);
void cpd_tls_close (CpdTls *tls);
void cpd_tls_cut (CpdTls *tls);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdTls, cpd_tls_free)

G_END_DECLS
