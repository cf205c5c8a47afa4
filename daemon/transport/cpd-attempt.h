/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/verdict/cpd-fetcher.h"
#include "daemon/transport/cpd-connector.h"
#include "daemon/transport/cpd-http-exchange.h"
#include "daemon/transport/cpd-judge.h"
#include "daemon/transport/cpd-validation.h"

G_BEGIN_DECLS

/* How an attempt ended. */
typedef enum
{
  CPD_ENDING_NONE, /* it has not */
  CPD_ENDING_ANSWERED,
  CPD_ENDING_REFUSED,  /* by the verdict; nothing was sent */
  CPD_ENDING_DECLINED, /* by a server that does not take `Expect`; a plain request may do */
  CPD_ENDING_STALE,    /* a kept connection was refused or found dead; a new one may do */
  CPD_ENDING_MOVED,    /* its channel was closed before anything was sent */
  CPD_ENDING_FAILED,   /* by the error */
} CpdEnding;

typedef enum
{
  CPD_ATTEMPT_FRESH = 1 << 0, /* on a new connection */
  CPD_ATTEMPT_PLAIN = 1 << 1, /* without `Expect` */
} CpdAttemptFlags;

/* What is attempted. */
typedef struct
{
  CpdStore *store;
  CpdWorkers *workers;
  CpdReading *reading;
  CpdHost *target;
  CpdProxy *proxy; /* NULL: none */
  CertpinRequest *request;
  CpdUpload *upload; /* its body; NULL: it has it, if there is one */
  CpdOrder *order;
  CpdBudget *bodies;
  CpdAddressRules *rules;
  unsigned int stream_idle_s;
  CpdAttemptFlags flags;
} CpdAttemptSettings;

/* What a server answered, and over which connection. */
typedef struct
{
  CpdHttpHead *head;
  GBytes *body;
  const char *tls_version;
  const char *tls_cipher;
  gboolean reused;
  guint64 resolve_us, connect_us, tls_us, first_byte_us;
} CpdAnswer;

#define CPD_TYPE_ATTEMPT (cpd_attempt_get_type ())

/* One attempt to have one request answered over one connection. Emits
 *   uploads (gboolean): the body of the request is read from a descriptor from now on, or no more;
 *   streams (): at most once, before “ended”: its answer is there, but for the body, which comes by
 *     the descriptor of the order's transfer;
 *   ended (): once; from then on its outcome is there. */
G_DECLARE_FINAL_TYPE (CpdAttempt, cpd_attempt, CPD, ATTEMPT, GObject)

CpdAttempt *cpd_attempt_new (const CpdAttemptSettings *settings);
gboolean cpd_attempt_takes (CpdAttempt *attempt, const CpdConnection *connection);
void cpd_attempt_connect (CpdAttempt *attempt, CpdGate *gate);
void cpd_attempt_use (CpdAttempt *attempt, CpdConnection *connection);
gboolean cpd_attempt_reconsider (CpdAttempt *attempt);
void cpd_attempt_close (CpdAttempt *attempt);
void cpd_attempt_check_network (CpdAttempt *attempt);
void cpd_attempt_fail (CpdAttempt *attempt, GError *error);

CpdConnection *cpd_attempt_steal_connection (CpdAttempt *attempt);
CpdTraffic cpd_attempt_take_traffic (CpdAttempt *attempt);

char *cpd_attempt_describe_received (CpdAttempt *attempt);
CpdEnding cpd_attempt_get_ending (CpdAttempt *attempt);
CpdVerdict *cpd_attempt_get_verdict (CpdAttempt *attempt);
const GError *cpd_attempt_get_error (CpdAttempt *attempt);
const CpdAnswer *cpd_attempt_get_answer (CpdAttempt *attempt);

G_END_DECLS
