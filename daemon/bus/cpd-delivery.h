/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-caller.h"
#include "daemon/bus/cpd-link.h"

G_BEGIN_DECLS

/* Everything that is sent to callers goes through it, as fast as they read. */
typedef struct _CpdDelivery CpdDelivery;

/* A reply to a call. */
typedef struct
{
  GDBusMessage *call;
  CpdPacket *packet;   /* the reply or error: (transfer full) */
  guint64 bytes;       /* of the packet; an upper estimate */
  gboolean budgeted;   /* another limit counts it, so more calls may be taken meanwhile */
  gint64 deadline_us;  /* monotonic: if it is not sent by then, an error is; 0: none */
  GDestroyNotify sent; /* called with `data` when it has left, or never will */
  gpointer data;
} CpdReply;

/* A signal. Its texts are the sender's. */
typedef struct
{
  const char *path, *interface, *name;
  GVariant *arguments; /* sunk if floating */
} CpdSignal;

/* There is room for a signal again, after one was dropped. */
typedef void (*CpdDeliveryRoomFunc) (CpdCaller *caller, gpointer user_data);

CpdDelivery *cpd_delivery_new (CpdLink *link, GDBusConnection *quiet, CpdInbox *inbox,
                               CpdDeliveryRoomFunc room, gpointer user_data);
void cpd_delivery_free (CpdDelivery *delivery);

void cpd_delivery_reply (CpdDelivery *delivery, CpdCaller *caller, const CpdReply *reply);
gboolean cpd_delivery_signal (CpdDelivery *delivery, CpdCaller *caller, const CpdSignal *signal);
void cpd_delivery_forget (CpdDelivery *delivery, CpdCaller *caller);

guint64 cpd_delivery_estimate (GVariant *body);

G_END_DECLS
