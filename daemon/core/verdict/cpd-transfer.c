/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The bodies of one request that go through descriptors. They are moved by a thread, and the
 * numbers of bytes are all that the thread changes here. A transfer has a place among those of its
 * uid from the beginning to the end. */

#include "config.h"

#include "daemon/core/verdict/cpd-transfer.h"

#include "daemon/core/base/cpd-refuse.h"

#include <glib/gstdio.h>

struct _CpdTransfer
{
  GObject parent;

  CpdPlace *place; /* NULL: it was left */
  gboolean entered;
  CpdTransferState state;
  GError *error;  /* with CPD_TRANSFER_FAILED */
  int descriptor; /* the caller's end; -1: the caller has it, or there is none */

  GMutex lock; /* over what follows */
  CpdProgress progress;
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
  transfer->progress.expected = CPD_TRANSFER_UNKNOWN;
  g_mutex_init (&transfer->lock);
}

static void
on_turn (gpointer user_data)
{
  CpdTransfer *transfer = user_data;

  transfer->entered = TRUE;
}

/* `queue`: of all transfers, where none waits. It outlives the transfer.
 * Returns: (transfer full): one that has not begun */
CpdTransfer *
cpd_transfer_new (CpdQueue *queue, guint32 uid)
{
  CpdTransfer *transfer = g_object_new (CPD_TYPE_TRANSFER, NULL);

  transfer->place = cpd_place_new (queue, uid, on_turn, transfer);
  return transfer;
}

/* It counts from now on; the second time, nothing happens.
 * Errors: CERTPIN_ERROR_LIMIT_EXCEEDED: the uid, or all, have too many. */
gboolean
cpd_transfer_enter (CpdTransfer *transfer, GError **error)
{
  if (transfer->entered || cpd_place_enter (transfer->place, NULL))
    return TRUE;
  return cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED,
                     "you have %" G_GUINT64_FORMAT " streams already, or there are too many in "
                     "all; let some finish first",
                     cpd_place_count_running (transfer->place));
}

static void
begin (CpdTransfer *transfer, CpdTransferState state, guint64 expected)
{
  transfer->state = state;
  g_mutex_lock (&transfer->lock);
  transfer->progress.done = 0;
  transfer->progress.expected = expected;
  g_mutex_unlock (&transfer->lock);
}

static void
note (CpdTransfer *transfer, guint64 *direction, guint64 bytes)
{
  g_mutex_lock (&transfer->lock);
  transfer->progress.done += bytes;
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
  note (transfer, &transfer->progress.sent, bytes);
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
  note (transfer, &transfer->progress.received, bytes);
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
  CpdProgress progress;

  g_mutex_lock (&transfer->lock);
  progress = transfer->progress;
  g_mutex_unlock (&transfer->lock);
  return progress;
}

/* Returns: (transfer none) (nullable): why it failed */
const GError *
cpd_transfer_get_error (CpdTransfer *transfer)
{
  return transfer->error;
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
  const GError error = { CERTPIN_ERROR, CERTPIN_ERROR_FAILED, (char *)"the service is ending" };

  cpd_transfer_stop (transfer, g_error_copy (&error));
  cpd_transfer_end (transfer, &error);
}
