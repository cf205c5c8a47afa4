/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-audit.h"
#include "daemon/bus/cpd-authority.h"
#include "daemon/bus/cpd-callers.h"
#include "daemon/bus/cpd-delivery.h"
#include "daemon/bus/cpd-failures.h"
#include "daemon/bus/cpd-inbox.h"
#include "daemon/bus/cpd-request-objects.h"
#include "daemon/bus/cpd-status.h"
#include "daemon/bus/cpd-subscribers.h"
#include "daemon/core/base/cpd-queue.h"
#include "daemon/core/pins/cpd-store.h"
#include "daemon/core/verdict/cpd-fetcher.h"

G_BEGIN_DECLS

/* What the methods work with. It outlives every call. */
typedef struct
{
  CpdInbox *inbox;
  CpdDelivery *delivery;
  CpdCallers *callers;
  CpdAuthority *authority;
  CpdStore *store;
  CpdFetcher *fetcher;
  CpdQueue *requests;
  CpdQueue *streams;
  CpdQueue *tunnels;
  CpdQueue
      *judgements; /* of chains judged without a connection, texts of pins, and all pins counted */
  CpdFailures *failures;
  CpdAudit *audit;
  CpdStatus *status;
  CpdSubscribers *subscribers;
  CpdRequestObjects *request_objects;
  const CpdConfig *config;
} CpdBusParts;

G_END_DECLS
