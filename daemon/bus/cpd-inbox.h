/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-arrival.h"
#include "daemon/bus/cpd-caller.h"

G_BEGIN_DECLS

/* The method calls that have arrived and wait for their turn. Each counts towards its sender's
 * limits until it is freed. */

void cpd_arrival_free (CpdArrival *arrival);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdArrival, cpd_arrival_free)

/* The callbacks to the inbox's owner, on the main context. */
typedef struct
{
  void (*met) (const char *sender, gpointer user_data); /* somebody who has not called before */
  void (*turn) (CpdCaller *caller, CpdArrival *arrival,
                gpointer user_data); /* both (transfer full) */
} CpdInboxFuncs;

CpdInbox *cpd_inbox_new (const CpdInboxFuncs *funcs, gpointer user_data);
void cpd_inbox_free (CpdInbox *inbox);
CpdInbox *cpd_inbox_ref (CpdInbox *inbox);
void cpd_inbox_unref (CpdInbox *inbox);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdInbox, cpd_inbox_unref)

gboolean cpd_inbox_has_room (CpdInbox *inbox, const char *sender, guint64 bytes);
void cpd_inbox_receive (CpdInbox *inbox, const char *sender, CpdArrival *arrival, gint64 took_us);

void cpd_inbox_start (CpdInbox *inbox);
void cpd_inbox_admit (CpdInbox *inbox, CpdCaller *caller);
void cpd_inbox_forget (CpdInbox *inbox, const char *sender);
void cpd_inbox_charge (CpdInbox *inbox, CpdOwner owner, gint64 took_us);
void cpd_inbox_pause (CpdInbox *inbox, const char *sender, gboolean paused);

unsigned int cpd_inbox_count_calls (CpdInbox *inbox);

G_END_DECLS
