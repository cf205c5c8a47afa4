/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-wire.h"

G_BEGIN_DECLS

/* The limit on the values of a call. One with 1000 headers, the most that are allowed, has some
 * 3000. */
#define CPD_ARRIVAL_VALUES_MAX 4096

typedef struct _CpdInbox CpdInbox;

/* A call that has arrived. */
typedef struct
{
  GDBusMessage *message; /* once it was read */
  const char *refusal;   /* why its body is gone, and only an error is left to be sent; NULL */
  GBytes *bytes;         /* the message as it came, until it is read */
  guint64 size;
  int descriptor;   /* that came with it; -1: none, or it was taken */
  gboolean costly;  /* to decode it would block the main loop for too long */
  gboolean of_pins; /* it is a call of the Pins interface */

  /* The inbox's own. */
  CpdInbox *inbox;
  struct _CpdSender *sender;
} CpdArrival;

/* What a descriptor counts, in bytes: so few of them may wait for their turn. */
#define CPD_ARRIVAL_DESCRIPTOR_BYTES (1024 * 1024)

CpdArrival *cpd_arrival_new (const CpdWireHeader *header, GBytes *message, const char *refusal);
void cpd_arrival_take_descriptors (CpdArrival *arrival, GArray *descriptors);
int cpd_arrival_steal_descriptor (CpdArrival *arrival);
void cpd_arrival_destroy (CpdArrival *arrival);

void cpd_arrival_read (CpdArrival *arrival);
void
cpd_arrival_read_in_thread (CpdArrival *arrival, GAsyncReadyCallback callback, gpointer user_data);
CpdArrival *cpd_arrival_of_result (GAsyncResult *result);

G_END_DECLS
