/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-caller.h"

G_BEGIN_DECLS

/* The method calls that have arrived and wait for their turn. */
typedef struct _CpdInbox CpdInbox;

/* One of them. It counts against its sender's limits until it is freed. */
typedef struct
{
  GDBusMessage *message; /* a method call, without file descriptors */
  gboolean refused;      /* it came past a limit: its body is gone, and only an error is left to be
                            sent */
  CpdInbox *inbox;
  struct _CpdSender *sender;
  guint64 bytes;
} CpdArrival;

void cpd_arrival_free (CpdArrival *arrival);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdArrival, cpd_arrival_free)

/* What the inbox tells its owner, on the main context. */
typedef struct
{
  void (*met) (const char *sender, gpointer user_data); /* somebody who has not called before */
  void (*turn) (CpdCaller *caller, CpdArrival *arrival,
                gpointer user_data); /* both (transfer full) */
} CpdInboxFuncs;

CpdInbox *
cpd_inbox_new (GDBusConnection *connection, const CpdInboxFuncs *funcs, gpointer user_data);
void cpd_inbox_free (CpdInbox *inbox);

void cpd_inbox_start (CpdInbox *inbox);
void cpd_inbox_admit (CpdInbox *inbox, CpdCaller *caller);
void cpd_inbox_forget (CpdInbox *inbox, const char *sender);
void cpd_inbox_pause (CpdInbox *inbox, const char *sender, gboolean paused);

unsigned int cpd_inbox_count_calls (CpdInbox *inbox);

G_END_DECLS
