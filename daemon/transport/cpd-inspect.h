/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/verdict/cpd-inspection.h"
#include "daemon/transport/cpd-connector.h"

G_BEGIN_DECLS

/* What is wanted, and by what it is done. */
typedef struct
{
  CpdInspectOrder *order;
  CpdProxy *proxy;   /* NULL: none */
  gint64 started_us; /* monotonic: when it was authorised */
  CpdStore *store;
  CpdWorkers *workers;
  CpdGate *gate;
  CpdAddressRules *rules;
} CpdInspectSettings;

void cpd_inspect_async (const CpdInspectSettings *settings, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data);
CpdInspection *cpd_inspect_finish (GAsyncResult *result, GError **error);

G_END_DECLS
