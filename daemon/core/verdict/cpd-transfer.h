/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-queue.h"
#include "daemon/core/verdict/cpd-verdict.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* How far a transfer has come. */
typedef enum
{
  CPD_TRANSFER_WAITING, /* nothing has moved */
  CPD_TRANSFER_SENDING,
  CPD_TRANSFER_RECEIVING,
  CPD_TRANSFER_OPEN, /* a tunnel: both at once */
  CPD_TRANSFER_COMPLETE,
  CPD_TRANSFER_FAILED,
} CpdTransferState;

/* A number of bytes that nobody knows. */
#define CPD_TRANSFER_UNKNOWN G_MAXUINT64

/* How many bytes have moved: to the server and to the caller; and how many of those that count now,
 * of how many. What counts is the body that moves now; of a tunnel, what is received. */
typedef struct
{
  guint64 sent, received;
  guint64 done, expected;
} CpdProgress;

#define CPD_TYPE_TRANSFER (cpd_transfer_get_type ())

/* What goes through descriptors: the bodies of one request, or the data of one tunnel. bus/, which
 * knows the caller, and transport/, which moves them, tell each other here. Emits
 *   ended (): once, when it is complete or has failed;
 *   stop (GError *): it is to fail with this error now. */
G_DECLARE_FINAL_TYPE (CpdTransfer, cpd_transfer, CPD, TRANSFER, GObject)

CpdTransfer *cpd_transfer_new (CpdQueue *queue, CpdOwner owner, const char *kind);

/* For transport/. */
gboolean cpd_transfer_enter (CpdTransfer *transfer, GError **error);
void cpd_transfer_begin_sending (CpdTransfer *transfer, guint64 expected);
void cpd_transfer_note_sent (CpdTransfer *transfer, guint64 bytes);
void cpd_transfer_begin_receiving (CpdTransfer *transfer, int descriptor, guint64 expected);
void cpd_transfer_note_received (CpdTransfer *transfer, guint64 bytes);
void cpd_transfer_begin_both (CpdTransfer *transfer, int descriptor);
void cpd_transfer_set_refusal (CpdTransfer *transfer, CpdVerdict *verdict);
void cpd_transfer_end (CpdTransfer *transfer, const GError *error);

/* For bus/. */
CpdTransferState cpd_transfer_get_state (CpdTransfer *transfer);
gboolean cpd_transfer_has_ended (CpdTransfer *transfer);
CpdProgress cpd_transfer_get_progress (CpdTransfer *transfer);
const GError *cpd_transfer_get_error (CpdTransfer *transfer);
CpdVerdict *cpd_transfer_get_refusal (CpdTransfer *transfer);
int cpd_transfer_steal_descriptor (CpdTransfer *transfer);
void cpd_transfer_stop (CpdTransfer *transfer, GError *error);
void cpd_transfer_abandon (CpdTransfer *transfer);

G_END_DECLS
