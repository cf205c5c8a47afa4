/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/verdict/cpd-fetcher.h"
#include "daemon/transport/cpd-answer.h"
#include "daemon/transport/cpd-judge.h"
#include "daemon/transport/cpd-reading.h"
#include "daemon/transport/cpd-sockets.h"
#include "daemon/transport/cpd-tls-database.h"

G_BEGIN_DECLS

/* How an exchange ended. */
typedef enum
{
  CPD_ENDING_NONE, /* it has not */
  CPD_ENDING_ANSWERED,
  CPD_ENDING_REFUSED, /* by the verdict; nothing was sent */
  CPD_ENDING_STALE,   /* a kept-alive connection was refused, or found cut; a fresh one may pass */
  CPD_ENDING_MOVED,   /* its channel was closed before anything was sent */
  CPD_ENDING_FAILED,  /* by the error */
} CpdEnding;

/* What is to be exchanged, and where. */
typedef struct
{
  SoupSession *session;
  CpdTlsDatabase *database;
  CpdStore *store;
  CpdSockets *sockets;
  CpdReading *reading;
  CpdHost *target;
  CertpinRequest *request;
  GPtrArray *require_keys; /* NULL: none */
  guint32 uid;
  guint64 max_body_bytes;
  CpdBudget *bodies;
  gboolean fresh; /* on a new connection */
} CpdExchangeSettings;

#define CPD_TYPE_EXCHANGE (cpd_exchange_get_type ())

/* One attempt to have one request answered over one connection. Emits
 *   settled (): once it was started: it has its connection, or will have none;
 *   ended (): once; from then on its outcome is there, whatever libsoup still does. */
G_DECLARE_FINAL_TYPE (CpdExchange, cpd_exchange, CPD, EXCHANGE, GObject)

CpdExchange *cpd_exchange_new (const CpdExchangeSettings *settings);
void cpd_exchange_start (CpdExchange *exchange);
void cpd_exchange_close (CpdExchange *exchange);
void cpd_exchange_fail (CpdExchange *exchange, GError *error);

CpdEnding cpd_exchange_get_ending (CpdExchange *exchange);
CpdVerdict *cpd_exchange_get_verdict (CpdExchange *exchange);
const GError *cpd_exchange_get_error (CpdExchange *exchange);
const CpdAnswer *cpd_exchange_get_answer (CpdExchange *exchange);

G_END_DECLS
