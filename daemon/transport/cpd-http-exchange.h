/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/verdict/cpd-order.h"
#include "daemon/transport/cpd-http-flow.h"
#include "daemon/transport/cpd-reading.h"

G_BEGIN_DECLS

/* What is to be exchanged. */
typedef struct
{
  CertpinRequest *request;
  CpdUpload *upload;     /* its body; NULL: it has it, if there is one */
  const CpdOrder *order; /* which the request belongs to; it must outlive the exchange */
  gboolean plain;        /* even a large body is sent without asking first */
  CpdReading *reading;
  CpdBudget *bodies;
  unsigned int stream_idle_s;
} CpdHttpExchangeSettings;

/* How it ended. */
typedef struct
{
  const GError *error; /* NULL: the answer is whole */
  gboolean begun;      /* at least a byte of an answer came */
  gboolean reusable;   /* the connection may carry another request */
  gboolean unfinished; /* the request was not sent to its end, though its body was begun */
  gboolean declined;   /* the server does not take the question, and got nothing of the body */
  CpdHttpHead *head;
  GBytes *body;
  guint64 first_byte_us; /* from the first byte sent */
} CpdHttpOutcome;

typedef struct
{
  /* The body of the request is read from a descriptor from now on, or no more. */
  void (*uploads) (gboolean begun, gpointer user_data);
  /* The body of the answer comes by the descriptor of the order's transfer from now on; nothing but
   * its head is known. Called at most once, before `done`; it must not stop the exchange. */
  void (*streams) (const CpdHttpOutcome *outcome, gpointer user_data);
  /* Called once, from the main loop, unless the exchange is stopped before. */
  void (*done) (const CpdHttpOutcome *outcome, gpointer user_data);
} CpdHttpExchangeFuncs;

#define CPD_TYPE_HTTP_EXCHANGE (cpd_http_exchange_get_type ())

/* One request and its answer on one connection. */
G_DECLARE_FINAL_TYPE (CpdHttpExchange, cpd_http_exchange, CPD, HTTP_EXCHANGE, GObject)

CpdHttpExchange *
cpd_http_exchange_start (CpdConnection *connection, const CpdHttpExchangeSettings *settings,
                         const CpdHttpExchangeFuncs *funcs, gpointer user_data);
void cpd_http_exchange_stop (CpdHttpExchange *exchange);
char *cpd_http_exchange_describe_received (CpdHttpExchange *exchange);
void cpd_http_exchange_hold (CpdHttpExchange *exchange, gboolean held);
void cpd_http_exchange_check_network (CpdHttpExchange *exchange);

G_END_DECLS
