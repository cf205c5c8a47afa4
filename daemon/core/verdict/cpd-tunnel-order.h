/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-apart.h"
#include "daemon/core/pins/cpd-host.h"
#include "daemon/core/verdict/cpd-transfer.h"

G_BEGIN_DECLS

/* In which way TLS is asked for on a connection that begins in plaintext. */
typedef enum
{
  CPD_STARTTLS_NONE, /* TLS begins at once */
  CPD_STARTTLS_IMAP,
  CPD_STARTTLS_SMTP,
  CPD_STARTTLS_POP3,
  CPD_STARTTLS_POSTGRES,
  CPD_STARTTLS_LDAP,
} CpdStarttls;

/* One tunnel that a caller wants: where to, for whom, and within which limits. Its maker fills it
 * in; then it never changes. Reference-counted. */
typedef struct
{
  CpdHost *target; /* the host and port */
  CpdOwner owner;
  GStrv protocols;         /* that the server is offered (RFC 7301); NULL: none */
  int starttls;            /* a socket that is connected to the server already; -1: none */
  CpdApart apart;          /* for its thread */
  CpdStarttls protocol;    /* that is spoken before TLS, without such a socket */
  GPtrArray *require_keys; /* of CertpinKey: keys that must also pass; NULL: none */
  guint32 timeout_ms;      /* of opening it */
  CpdTransfer *transfer;   /* from when it is open to its end */
} CpdTunnelOrder;

CpdTunnelOrder *cpd_tunnel_order_new (void);
CpdTunnelOrder *cpd_tunnel_order_ref (CpdTunnelOrder *order);
void cpd_tunnel_order_unref (CpdTunnelOrder *order);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdTunnelOrder, cpd_tunnel_order_unref)

G_END_DECLS
