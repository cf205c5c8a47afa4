/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What goes through descriptors: the bodies of one request, or the data of one tunnel. A thread may
 * move them, and the numbers of bytes are all that it changes here. A transfer has a place among
 * those of its uid from the beginning to the end. */

#include "config.h"

#include "daemon/core/verdict/cpd-transfer.h"

#include "daemon/core/base/cpd-refuse.h"

#include <glib/gstdio.h>

struct _CpdTransfer
{
  GObject parent;

  const char *kind; /* of which its uid may have too many */
  CpdPlace *place;  /* NULL: it was left */
  gboolean entered;
  CpdTransferState state;
  gboolean receives;   /* what is received counts, and not what is sent */
  guint64 expected;    /* of what counts */
  GError *error;       /* with CPD_TRANSFER_FAILED */
  CpdVerdict *refusal; /* that ended it; NULL: none */
  int descriptor;      /* the caller's end; -1: the caller has it, or there is none */

  GMutex lock; /* over what follows */
  guint64 sent, received;
};

G_DEFINE_FINAL_TYPE (CpdTransfer, cpd_transfer, G_TYPE_OBJECT)

enum
{
  ENDED,
  STOP,
  N_SIGNALS
};

static unsigned int signals[N_SIGNALS];

static void
cpd_transfer_finalize (GObject *object)
{
  CpdTransfer *transfer = CPD_TRANSFER (object);

  g_clear_pointer (&transfer->place, cpd_place_leave);
  g_clear_error (&transfer->error);
  cpd_verdict_unref (transfer->refusal);
  if (transfer->descriptor >= 0)
    g_close (transfer->descriptor, NULL);
  g_mutex_clear (&transfer->lock);
  G_OBJECT_CLASS (cpd_transfer_parent_class)->finalize (object);
}

static void
cpd_transfer_class_init (CpdTransferClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cpd_transfer_finalize;
  signals[ENDED] = g_signal_new ("ended", CPD_TYPE_TRANSFER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                 G_TYPE_NONE, 0);
  signals[STOP] = g_signal_new ("stop", CPD_TYPE_TRANSFER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                G_TYPE_NONE, 1, G_TYPE_POINTER);
}

static void
cpd_transfer_init (CpdTransfer *transfer)
{
  transfer->descriptor = -1;
  transfer->expected = CPD_TRANSFER_UNKNOWN;
  g_mutex_init (&transfer->lock);
}

static void
on_turn (gpointer user_data)
{
  CpdTransfer *transfer = user_data;

  transfer->entered = TRUE;
}

/* `queue`: of all transfers of the kind, where none waits. It outlives the transfer. `kind`: a
 * static word for them, in the plural
 * Returns: (transfer full): one that has not begun */
CpdTransfer *
cpd_transfer_new (CpdQueue *queue, CpdOwner owner, const char *kind)
{
  CpdTransfer *transfer = g_object_new (CPD_TYPE_TRANSFER, NULL);

  transfer->kind = kind;
  transfer->place = cpd_place_new (queue, owner, on_turn, transfer);
  return transfer;
}

/* It counts from now on; the second time, nothing happens.
 * Errors: CERTPIN_ERROR_LIMIT_EXCEEDED: the app, the uid, or all, have too many. */
gboolean
cpd_transfer_enter (CpdTransfer *transfer, GError **error)
{
  if (transfer->entered || cpd_place_enter (transfer->place, NULL))
    return TRUE;
  return cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED,
                     "you have %" G_GUINT64_FORMAT " %s already, or there are too many in all; "
                     "let some finish first",
                     cpd_place_count_running (transfer->place), transfer->kind);
}

static void
begin (CpdTransfer *transfer, CpdTransferState state, guint64 expected)
{
  transfer->state = state;
  transfer->receives = state != CPD_TRANSFER_SENDING;
  transfer->expected = expected;
}

static void
note (CpdTransfer *transfer, guint64 *direction, guint64 bytes)
{
  g_mutex_lock (&transfer->lock);
  *direction += bytes;
  g_mutex_unlock (&transfer->lock);
}

/* `expected`: how many bytes there are */
void
cpd_transfer_begin_sending (CpdTransfer *transfer, guint64 expected)
{
  begin (transfer, CPD_TRANSFER_SENDING, expected);
}

/* On any thread: so many bytes more were sent. */
void
cpd_transfer_note_sent (CpdTransfer *transfer, guint64 bytes)
{
  note (transfer, &transfer->sent, bytes);
}

/* `descriptor`: (transfer full): the end that is the caller's. `expected`: how many bytes there
 * will be, or CPD_TRANSFER_UNKNOWN */
void
cpd_transfer_begin_receiving (CpdTransfer *transfer, int descriptor, guint64 expected)
{
  transfer->descriptor = descriptor;
  begin (transfer, CPD_TRANSFER_RECEIVING, expected);
}

/* On any thread: so many bytes more were received. */
void
cpd_transfer_note_received (CpdTransfer *transfer, guint64 bytes)
{
  note (transfer, &transfer->received, bytes);
}

/* A tunnel is open. `descriptor`: as above */
void
cpd_transfer_begin_both (CpdTransfer *transfer, int descriptor)
{
  transfer->descriptor = descriptor;
  begin (transfer, CPD_TRANSFER_OPEN, CPD_TRANSFER_UNKNOWN);
}

/* It is about to end, because the server no longer passes. */
void
cpd_transfer_set_refusal (CpdTransfer *transfer, CpdVerdict *verdict)
{
  cpd_verdict_unref (transfer->refusal);
  transfer->refusal = cpd_verdict_ref (verdict);
}

gboolean
cpd_transfer_has_ended (CpdTransfer *transfer)
{
  return transfer->state >= CPD_TRANSFER_COMPLETE;
}

/* The first end counts. `error`: (nullable): NULL: it is complete */
void
cpd_transfer_end (CpdTransfer *transfer, const GError *error)
{
  if (cpd_transfer_has_ended (transfer))
    return;
  transfer->state = error == NULL ? CPD_TRANSFER_COMPLETE : CPD_TRANSFER_FAILED;
  transfer->error = error != NULL ? g_error_copy (error) : NULL;
  g_clear_pointer (&transfer->place, cpd_place_leave);
  g_signal_emit (transfer, signals[ENDED], 0);
}

CpdTransferState
cpd_transfer_get_state (CpdTransfer *transfer)
{
  return transfer->state;
}

CpdProgress
cpd_transfer_get_progress (CpdTransfer *transfer)
{
  CpdProgress progress = { .expected = transfer->expected };

  g_mutex_lock (&transfer->lock);
  progress.sent = transfer->sent;
  progress.received = transfer->received;
  g_mutex_unlock (&transfer->lock);
  progress.done = transfer->receives ? progress.received : progress.sent;
  return progress;
}

/* Returns: (transfer none) (nullable): why it failed */
const GError *
cpd_transfer_get_error (CpdTransfer *transfer)
{
  return transfer->error;
}

/* Returns: (transfer none) (nullable): the verdict that ended it */
CpdVerdict *
cpd_transfer_get_refusal (CpdTransfer *transfer)
{
  return transfer->refusal;
}

/* Returns: (transfer full): the caller's end; -1: there is none */
int
cpd_transfer_steal_descriptor (CpdTransfer *transfer)
{
  int descriptor = transfer->descriptor;

  transfer->descriptor = -1;
  return descriptor;
}

/* Has no effect on one that has ended. `error`: (transfer full): why */
void
cpd_transfer_stop (CpdTransfer *transfer, GError *error)
{
  g_signal_emit (transfer, signals[STOP], 0, error);
  g_error_free (error);
}

/* The service ends: its place is gone when this returns. */
void
cpd_transfer_abandon (CpdTransfer *transfer)
{
  g_autoptr (GError) error
      = g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_FAILED, "the service is ending");

  cpd_transfer_stop (transfer, g_error_copy (error));
  cpd_transfer_end (transfer, error);
}
