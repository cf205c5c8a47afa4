/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-asker.h"
#include "daemon/bus/cpd-parts.h"

G_BEGIN_DECLS

/* One method call in its turn: its method parses it, then it is checked, authorised and carried
 * out. */
typedef struct _CpdCall CpdCall;

/* FALSE with `error` set: the call is refused before authorisation. */
typedef gboolean (*CpdCallCheck) (CpdCall *call, GError **error);

/* Ends, now or later, in cpd_call_return () or cpd_call_fail (). */
typedef void (*CpdCallAct) (CpdCall *call);

/* Fills in what the call wants. `arguments`: a tuple, of the type that the interface says. */
typedef gboolean (*CpdCallParse) (CpdCall *call, GVariant *arguments, GError **error);

struct _CpdCall
{
  const CpdBusParts *parts;
  CpdArrival *arrival;
  CpdCaller *caller;
  CpdAsker asker;       /* the caller, to what parses the arguments */
  CpdApps *held_in;     /* where the asker's owner is held, if it is an app; NULL: it is none */
  const char *action;   /* what must be authorised; NULL: nothing */
  char *host, *keys;    /* for the dialog; NULL: none */
  guint32 pause_s;      /* likewise: how long a pin is to be paused; 0: it is not */
  gboolean imports;     /* likewise: pins of a text are to be set */
  gboolean tells_cause; /* its error is to have its cause in a second line */
  CpdCallCheck check;   /* NULL: none */
  CpdCallAct act;
  CpdPlace *place; /* of work that takes turns; NULL: none */
  gpointer data;   /* what was parsed */
  GDestroyNotify free_data;
};

gint64 cpd_call_now_s (void);
CpdApart cpd_call_get_apart (const CpdCall *call);

void cpd_call_take_turn (CpdCall *call, CpdPlaceFunc start);
void cpd_call_end_turn (CpdCall *call);

CpdCall *cpd_call_new (const CpdBusParts *parts, CpdCaller *caller, CpdArrival *arrival);
void cpd_call_take_data (CpdCall *call, gpointer data, GDestroyNotify free_data);
const char *cpd_call_get_path (const CpdCall *call);
void cpd_call_run (CpdCall *call, CpdCallParse parse, GVariant *arguments);

void cpd_call_authorise (CpdCall *call);

void cpd_call_return (CpdCall *call, GVariant *reply);
void
cpd_call_return_packet (CpdCall *call, CpdPacket *reply, guint64 body_bytes, gint64 deadline_us);
void cpd_call_fail (CpdCall *call, GError *error);
void cpd_call_fail_as (CpdCall *call, const char *error_name, const char *message);

G_END_DECLS
