/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/transport/cpd-ahead.h"
#include "daemon/transport/cpd-lent-socket.h"

#include <gnutls/gnutls.h>

G_BEGIN_DECLS

/* How much of one connection is read in one iteration of the main loop. */
#define CPD_TLS_SHARE_BYTES (32 * 1024)

/* What carries one TLS session. */
typedef struct _CpdTlsSocket CpdTlsSocket;

struct _CpdTlsSocket
{
  int fd;                   /* -1: closed */
  CpdLentSocket *lent;      /* that `fd` stands for; NULL: none */
  gnutls_session_t session; /* that is carried */
  CpdTlsSocket *below;      /* of the session that carries this one; NULL: none */
  GByteArray *unsent;       /* what GnuTLS wrote and the socket has not taken */
  int failure;              /* what the kernel said of the network; 0: nothing */

  gboolean much;   /* data is moved in large pieces */
  gboolean more;   /* another record follows at once */
  gboolean corked; /* nothing is written before that */
  CpdAhead ahead;  /* what GnuTLS has not read yet */

  gint64 iteration_us; /* the main loop's time when something was last read */
  gsize taken;         /* in that iteration, or in one step of the handshake */
  gboolean shaking;    /* in a step of the handshake, on whatever thread */
  gboolean ended;      /* the socket: nothing more comes */
};

void cpd_tls_socket_init (CpdTlsSocket *socket, int fd, CpdTlsSocket *below);
void cpd_tls_socket_clear (CpdTlsSocket *socket);
void cpd_tls_socket_carry (CpdTlsSocket *socket, gnutls_session_t session);

ssize_t cpd_tls_socket_receive (CpdTlsSocket *socket, void *buffer, gsize size);
gboolean cpd_tls_socket_flush (CpdTlsSocket *socket);
gboolean cpd_tls_socket_has_unsent (CpdTlsSocket *socket);
gboolean cpd_tls_socket_has_pending (CpdTlsSocket *socket);
gboolean cpd_tls_socket_has_unread (CpdTlsSocket *socket);
void cpd_tls_socket_set_shaking (CpdTlsSocket *socket, gboolean shaking);
void cpd_tls_socket_note_ready (CpdTlsSocket *socket);
void cpd_tls_socket_expect_much (CpdTlsSocket *socket);

gsize cpd_tls_socket_count_queued (CpdTlsSocket *socket);
gboolean cpd_tls_socket_is_lost (CpdTlsSocket *socket);
void cpd_tls_socket_cut (CpdTlsSocket *socket);
void cpd_tls_socket_close (CpdTlsSocket *socket);

G_END_DECLS
