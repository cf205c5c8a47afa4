/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-call.h"

G_BEGIN_DECLS

/* A method of one of the interfaces. Tables of them end in one without a name. */
typedef struct
{
  const char *name;
  CpdCallParse parse;
} CpdMethod;

extern const CpdMethod cpd_pin_changes[], cpd_pin_imports[], cpd_pin_pauses[], cpd_pin_queries[],
    cpd_pin_judgements[], cpd_subscriptions[], cpd_service_queries[];
extern const CpdMethod cpd_requests[], cpd_connect[], cpd_fetch_chain[], cpd_request_control[];
extern const CpdMethod cpd_introspectable[], cpd_properties[], cpd_peer[];

G_END_DECLS
