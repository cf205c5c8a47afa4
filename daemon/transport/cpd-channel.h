/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/verdict/cpd-channel-status.h"
#include "daemon/transport/cpd-attempt.h"
#include "daemon/transport/cpd-redirect.h"

G_BEGIN_DECLS

#define CPD_TYPE_CHANNEL (cpd_channel_get_type ())

/* The keep-alive connections of one owner to one host and port, through one proxy or none. Emits
 *   closed (): it accepts no more exchanges, and has none in progress;
 *   idle (): no exchange is in progress. */
G_DECLARE_FINAL_TYPE (CpdChannel, cpd_channel, CPD, CHANNEL, GObject)

typedef struct
{
  CpdStore *store;
  CpdWorkers *workers;
  CpdGate *gate; /* of the uid */
  CpdReading *reading;
  CpdAddressRules *rules;
  CpdHost *target;
  CpdProxy *proxy; /* NULL: none */
  CpdOwner owner;
  guint64 number; /* among the channels of the owner */
  unsigned int max_connections;
  unsigned int stream_idle_s; /* how long nothing of a stream may move */
  unsigned int idle_s;        /* how long a connection is kept that nobody uses */
} CpdChannelSettings;

CpdChannel *cpd_channel_new (const CpdChannelSettings *settings);

CpdOwner cpd_channel_get_owner (CpdChannel *channel);
CpdHost *cpd_channel_get_target (CpdChannel *channel);
gboolean cpd_channel_is_busy (CpdChannel *channel);
CpdChannelStatus *cpd_channel_get_status (CpdChannel *channel);

CpdAttempt *cpd_channel_send (CpdChannel *channel, CpdOrder *order, CpdBudget *bodies,
                              const CpdHop *hop, CpdAttemptFlags flags);
void cpd_channel_reconsider (CpdChannel *channel);
void cpd_channel_close (CpdChannel *channel);
void cpd_channel_leave_idle (CpdChannel *channel, GQueue *left);
void cpd_channel_check_network (CpdChannel *channel);
void cpd_channel_check_time (CpdChannel *channel);

G_END_DECLS
