/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/verdict/cpd-transfer.h"
#include "daemon/transport/cpd-connection.h"
#include "daemon/transport/cpd-edges.h"
#include "daemon/transport/cpd-reading.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define CPD_TYPE_RELAY (cpd_relay_get_type ())

/* Moves bytes between a connection and the caller's descriptor, both ways. */
G_DECLARE_FINAL_TYPE (CpdRelay, cpd_relay, CPD, RELAY, GObject)

typedef struct
{
  /* Whether bytes may move now. If not, the relay waits for cpd_relay_go_on (), or was stopped. */
  gboolean (*may_move) (gpointer user_data);
  /* Called once, from the main loop, unless the relay is stopped before. `error`: (transfer none)
   * (nullable): NULL: it ended in order */
  void (*ended) (const GError *error, gpointer user_data);
} CpdRelayFuncs;

typedef struct
{
  CpdConnection *connection; /* must outlive it */
  CpdEdges *edges;
  CpdReading *reading;
  CpdTransfer *transfer; /* is told what moves, but not of the end */
  guint32 uid;
} CpdRelaySettings;

CpdRelay *cpd_relay_new (const CpdRelaySettings *settings, const CpdRelayFuncs *funcs,
                         gpointer user_data, GError **error);
int cpd_relay_steal_descriptor (CpdRelay *relay);
void cpd_relay_go_on (CpdRelay *relay);
void cpd_relay_stop (CpdRelay *relay);

G_END_DECLS
