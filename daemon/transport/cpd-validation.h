/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/verdict/cpd-peer.h"
#include "daemon/transport/cpd-workers.h"

G_BEGIN_DECLS

/* Which peer is to be validated by which anchors, and who waits for it. */
typedef struct
{
  CpdOwner owner;
  CpdPeer *peer;
  CpdAnchors *anchors;
  void (*done) (gpointer user_data);
  gpointer user_data;
} CpdValidationOrder;

CpdJob *cpd_validation_start (CpdWorkers *workers, const CpdValidationOrder *order);

G_END_DECLS
