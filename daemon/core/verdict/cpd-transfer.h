/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-queue.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* How far a transfer has come. */
typedef enum
{
  CPD_TRANSFER_WAITING, /* no byte of a body has moved */
  CPD_TRANSFER_SENDING,
  CPD_TRANSFER_RECEIVING,
  CPD_TRANSFER_COMPLETE,
  CPD_TRANSFER_FAILED,
} CpdTransferState;

/* A number of bytes that nobody knows. */
#define CPD_TRANSFER_UNKNOWN G_MAXUINT64

/* How many bytes have moved, and how many are to move in all, of the body that moves now; and how
 * many in all, one way and the other. */
typedef struct
{
  guint64 done, expected;
  guint64 sent, received;
} CpdProgress;

#define CPD_TYPE_TRANSFER (cpd_transfer_get_type ())

/* The bodies of one request that go through descriptors: what bus/, which knows the caller, and
 * transport/, which moves them, tell each other. Emits
 *   ended (): once, when it is complete or has failed;
 *   stop (GError *): it is to fail with this error now. */
G_DECLARE_FINAL_TYPE (CpdTransfer, cpd_transfer, CPD, TRANSFER, GObject)

CpdTransfer *cpd_transfer_new (CpdQueue *queue, guint32 uid);

/* For transport/. */
gboolean cpd_transfer_enter (CpdTransfer *transfer, GError **error);
void cpd_transfer_begin_sending (CpdTransfer *transfer, guint64 expected);
void cpd_transfer_note_sent (CpdTransfer *transfer, guint64 bytes);
void cpd_transfer_begin_receiving (CpdTransfer *transfer, int descriptor, guint64 expected);
void cpd_transfer_note_received (CpdTransfer *transfer, guint64 bytes);
void cpd_transfer_end (CpdTransfer *transfer, const GError *error);

/* For bus/. */
CpdTransferState cpd_transfer_get_state (CpdTransfer *transfer);
gboolean cpd_transfer_has_ended (CpdTransfer *transfer);
CpdProgress cpd_transfer_get_progress (CpdTransfer *transfer);
const GError *cpd_transfer_get_error (CpdTransfer *transfer);
int cpd_transfer_steal_descriptor (CpdTransfer *transfer);
void cpd_transfer_stop (CpdTransfer *transfer, GError *error);
void cpd_transfer_abandon (CpdTransfer *transfer);

G_END_DECLS
