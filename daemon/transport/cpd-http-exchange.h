/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client-lib/certpin-request.h"
#include "daemon/core/base/cpd-budget.h"
#include "daemon/transport/cpd-connection.h"
#include "daemon/transport/cpd-http-reader.h"
#include "daemon/transport/cpd-reading.h"

G_BEGIN_DECLS

/* What is to be exchanged. */
typedef struct
{
  CertpinRequest *request;
  gboolean plain; /* even a large body is sent without asking first */
  CpdReading *reading;
  guint32 uid;
  guint64 max_body_bytes;
  CpdBudget *bodies;
} CpdHttpExchangeSettings;

/* How it ended. */
typedef struct
{
  GError *error;     /* NULL: the answer is whole */
  gboolean begun;    /* at least a byte of an answer came */
  gboolean reusable; /* the connection may carry another request */
  gboolean declined; /* the server does not take the question, and got nothing of the body */
  CpdHttpHead *head;
  GBytes *body;
  guint64 first_byte_us; /* from the first byte sent */
} CpdHttpOutcome;

typedef void (*CpdHttpDoneFunc) (const CpdHttpOutcome *outcome, gpointer user_data);

#define CPD_TYPE_HTTP_EXCHANGE (cpd_http_exchange_get_type ())

/* One request and its answer on one connection. */
G_DECLARE_FINAL_TYPE (CpdHttpExchange, cpd_http_exchange, CPD, HTTP_EXCHANGE, GObject)

CpdHttpExchange *
cpd_http_exchange_start (CpdConnection *connection, const CpdHttpExchangeSettings *settings,
                         CpdHttpDoneFunc done, gpointer user_data);
void cpd_http_exchange_stop (CpdHttpExchange *exchange);

G_END_DECLS
