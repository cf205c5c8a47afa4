/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-parts.h"
#include "daemon/bus/cpd-link.h"

G_BEGIN_DECLS

#define CPD_TYPE_BUS (cpd_bus_get_type ())

/* The service on the bus. Emits
 *   acquired (): the name is owned;
 *   lost (const char *reason): the name or the bus is gone, as in CpdBusName. */
G_DECLARE_FINAL_TYPE (CpdBus, cpd_bus, CPD, BUS, GObject)

typedef struct
{
  CpdLink *link; /* outlives the service */
  /* Another connection, to which nobody else can send calls. When the queue for the link is full,
   * the bus drops its own messages to the link; this queue never is. */
  GDBusConnection *quiet;
  CpdStore *store;
  CpdFetcher *fetcher;
  const CpdConfig *config;
  gboolean asks_polkit; /* FALSE: the uid decides. polkit's library uses `quiet` as well */
  gboolean replace;     /* take the name over from another instance */
} CpdBusSettings;

CpdBus *cpd_bus_new (const CpdBusSettings *settings);
void cpd_bus_own_name (CpdBus *bus);
void cpd_bus_start_serving (CpdBus *bus);
gboolean cpd_bus_release_name (CpdBus *bus);
unsigned int cpd_bus_count_unanswered (CpdBus *bus);

G_END_DECLS
