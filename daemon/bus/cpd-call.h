/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-authority.h"
#include "daemon/bus/cpd-failures.h"
#include "daemon/bus/cpd-fairness.h"
#include "daemon/bus/cpd-request-objects.h"
#include "daemon/core/cpd-fetcher.h"
#include "daemon/core/cpd-store.h"

G_BEGIN_DECLS

/* What the methods work with. It outlives every call. */
typedef struct
{
  GDBusConnection *connection;
  CpdCallers *callers;
  CpdAuthority *authority;
  CpdStore *store;
  CpdFetcher *fetcher;
  CpdFairness *fairness;   /* of requests */
  CpdFairness *judgements; /* of chains judged without a connection */
  CpdFailures *failures;
  CpdRequestObjects *request_objects;
  const CpdConfig *config;
} CpdBusParts;

/* One method call on its way: parsed by its handler, then identified, checked, authorised and acted
 * upon. */
typedef struct _CpdCall CpdCall;

/* FALSE with `error` set: the call is refused before anybody is asked for rights. */
typedef gboolean (*CpdCallCheck) (CpdCall *call, GError **error);

/* Ends, now or later, in cpd_call_return () or cpd_call_fail (). */
typedef void (*CpdCallAct) (CpdCall *call);

struct _CpdCall
{
  const CpdBusParts *parts;
  GDBusMethodInvocation *invocation;
  CpdCaller *caller;  /* set when it is identified */
  guint64 bytes;      /* of its message */
  const char *action; /* what must be authorised; NULL: nothing */
  char *host, *keys;  /* for the dialog; NULL: none */
  CpdCallCheck check; /* NULL: none */
  CpdCallAct act;
  gpointer data; /* what was parsed */
  GDestroyNotify free_data;
};

gint64 cpd_call_now_s (void);
gboolean cpd_call_refuse (GDBusMethodInvocation *invocation, GError *error);

CpdCall *cpd_call_new (const CpdBusParts *parts, GDBusMethodInvocation *invocation, CpdCallAct act);
void cpd_call_run (CpdCall *call);
void cpd_call_return (CpdCall *call, GVariant *reply);
void cpd_call_fail (CpdCall *call, GError *error);

void
cpd_bus_parts_emit (const CpdBusParts *parts, guint32 uid, const char *signal, GVariant *arguments);

G_END_DECLS
